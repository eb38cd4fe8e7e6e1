"""Checkpoints that describe themselves, and rebuilding a task from the file alone."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import torch

from kium_lightning import __version__
from kium_lightning.data.transforms import Preparation
from kium_lightning.errors import RunError
from kium_lightning.settings import build
from kium_lightning.tasks.classification import Classification

_KEY = "kium_lightning"


class Describe(L.Callback):
    """Writes into every checkpoint what is needed to rebuild the task without its run.

    Args:
        model: the composed model config as plain dicts, lists, numbers and strings.
        preparation: the settings that turn a raw view into the net's input.
        weights: which pretrained weights the net truly started from.
    """

    def __init__(self, model: dict[str, Any], preparation: dict[str, Any], weights: dict[str, str]) -> None:
        self._description = {
            "version": __version__,
            "model": model,
            "preparation": preparation,
            "weights": weights,
        }

    def on_save_checkpoint(self, trainer: L.Trainer, pl_module: L.LightningModule, checkpoint: dict[str, Any]) -> None:
        """Adds the description to a checkpoint."""
        checkpoint[_KEY] = self._description


@dataclass(frozen=True)
class LoadedTask:
    """A trained task and what its net must be fed.

    Attributes:
        task: with its trained parameters, in evaluation mode, on the CPU.
        preparation: the steps from a raw view to the net's input.
        weights: which pretrained weights the net started from.
    """

    task: Classification
    preparation: Preparation
    weights: dict[str, str]


def load_task(path: Path) -> LoadedTask:
    """Rebuilds a task from a checkpoint alone: no run folder, no network, any device.

    Raises:
        RunError: the file is missing, damaged, or no checkpoint of this project.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        description = checkpoint[_KEY]
        model = description["model"]
        # The trained parameters follow; pretrained ones would only be fetched to be overwritten.
        model = {**model, "net": {**model["net"], "pretrained": False}}
        task: Classification = build(model)
        task.load_state_dict(checkpoint["state_dict"])
        preparation = Preparation.from_values(**description["preparation"])
    except FileNotFoundError as error:
        raise RunError(f"There is no checkpoint {path}. Name another file, or train again.") from error
    except (KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise RunError(
            f"{path} is no checkpoint that kium_lightning wrote, or it is damaged ({error}). Name another file."
        ) from error
    except RuntimeError as error:
        raise RunError(
            f"{path} cannot be loaded: {str(error).splitlines()[0]} Train again, or use the version that wrote it."
        ) from error
    return LoadedTask(task.eval(), preparation, dict(description["weights"]))
