"""Checkpoints that describe themselves, and rebuilding a task from the file alone."""

import pickle
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch

from kium_lightning import __version__
from kium_lightning.data.splits import HeldOut
from kium_lightning.data.transforms import Preparation
from kium_lightning.errors import KiumError, RunError
from kium_lightning.settings import build
from kium_lightning.tasks.task import DESCRIPTION_KEY, Task

# The only code that a checkpoint may name; add the package of a net of your own before you load it.
TRUSTED = ["kium_lightning.", "torch.optim.", "torch.nn."]
_MOST_SHOWN = 160  # characters of a foreign error message


class Describe(L.Callback):
    """Writes into every checkpoint what is needed to rebuild the task without its run.

    Args:
        model: the composed model config as plain dicts, lists, numbers and strings.
        preparation: the settings that turn a raw view into the net's input.
        weights: which pretrained weights the net truly started from.
        held_out: the patients that the training does not see.
    """

    def __init__(
        self, model: dict[str, Any], preparation: dict[str, Any], weights: dict[str, str], held_out: HeldOut
    ) -> None:
        self._description = {
            "version": __version__,
            "model": model,
            "preparation": preparation,
            "weights": weights,
            "held_out": asdict(held_out),
        }

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Hands the description to the task, as checkpoints of weights only do not ask callbacks."""
        if isinstance(pl_module, Task):
            pl_module.description = self._description


@dataclass(frozen=True)
class LoadedTask:
    """A trained task and what its net must be fed.

    Attributes:
        task: with its trained parameters, in evaluation mode, on the CPU.
        preparation: the steps from a raw view to the net's input.
        weights: which pretrained weights the net started from.
        held_out: the patients that the training did not see.
    """

    task: Task
    preparation: Preparation
    weights: dict[str, str]
    held_out: HeldOut


def load_task(path: Path) -> LoadedTask:
    """Rebuilds a task from a checkpoint alone: no run folder, no network, any device.

    Raises:
        RunError: the file is missing, damaged, no checkpoint of this project, or of a version that does not fit.
    """
    checkpoint = _read(path)
    description = checkpoint[DESCRIPTION_KEY]
    try:
        task = _built(description["model"], path)
        task.load_state_dict(checkpoint["state_dict"])
        preparation = Preparation.from_values(**description["preparation"])
        weights = dict(description["weights"])
        held_out = HeldOut(**description["held_out"])
    except (KiumError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise RunError(
            f"{path} does not fit this version of kium_lightning ({_brief(error)}). Train again, or use the version "
            "that wrote it."
        ) from error
    return LoadedTask(task.eval(), preparation, weights, held_out)


def untrained_task(path: Path, seed: int) -> Task:
    """Rebuilds the task of a checkpoint with random weights in place of the trained ones.

    Args:
        path: of the checkpoint.
        seed: of the weights; a training with the same seed began from others.

    Raises:
        RunError: the file is missing, damaged or no checkpoint of this project.
    """
    own_seed = int(np.random.SeedSequence((seed, *b"untrained")).generate_state(1)[0])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(own_seed)
        return _built(_read(path)[DESCRIPTION_KEY]["model"], path).eval()


def _built(model: dict[str, Any], path: Path) -> Task:
    """The task that a checkpoint describes, its net starting at random."""
    _refuse_foreign_code(model, path)
    task: Task = build(_without_pretraining(model))
    return task


@dataclass(frozen=True)
class TrainedParts:
    """What another net may take from a checkpoint.

    Attributes:
        state: the parameters, by the names of the task's state dict.
        preparation: the settings that turned a raw view into the net's input.
        held_out: the patients that the training did not see.
    """

    state: dict[str, torch.Tensor]
    preparation: dict[str, Any]
    held_out: HeldOut


def read_parts(path: Path) -> TrainedParts:
    """Reads what another net may take from a checkpoint.

    Raises:
        RunError: the file is missing, damaged, no checkpoint of this project, or of a version that does not fit.
    """
    checkpoint = _read(path)
    try:
        description = checkpoint[DESCRIPTION_KEY]
        held_out = HeldOut(**description["held_out"])
        return TrainedParts(checkpoint["state_dict"], dict(description["preparation"]), held_out)
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path} does not fit this version of kium_lightning ({_brief(error)}). Train again.") from error


def _without_pretraining(value: Any) -> Any:
    """Settings whose nets, and nets in nets, start at random: the trained parameters follow."""
    if isinstance(value, dict):
        return {key: False if key == "pretrained" else _without_pretraining(item) for key, item in value.items()}
    return [_without_pretraining(item) for item in value] if isinstance(value, list) else value


def _read(path: Path) -> dict[str, Any]:
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise RunError(f"There is no checkpoint {path}. Name another file, or train again.") from error
    # torch has no exception of its own for a file that is not, or no longer, what it wrote.
    except (OSError, EOFError, LookupError, TypeError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
        raise RunError(f"{path} is damaged or no checkpoint ({_brief(error)}). Name another file.") from error
    if not isinstance(checkpoint, dict) or DESCRIPTION_KEY not in checkpoint:
        raise RunError(f"{path} is no checkpoint that kium_lightning wrote. Name another file.")
    return checkpoint


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _refuse_foreign_code(value: Any, path: Path) -> None:
    """Keeps a checkpoint from naming any other code to run than nets, losses and optimizers."""
    if isinstance(value, dict):
        target = str(value.get("_target_", TRUSTED[0]))
        if not target.startswith(tuple(TRUSTED)):
            raise RunError(
                f"{path} asks to run {target}, which is neither of kium_lightning nor of torch. If you trust who "
                "made the file, add that package to kium_lightning.tasks.checkpoint.TRUSTED."
            )
        for item in value.values():
            _refuse_foreign_code(item, path)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_foreign_code(item, path)
