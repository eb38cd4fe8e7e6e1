"""Starting a net from parts of another one that was trained before."""

import hashlib
from pathlib import Path

import torch
from torch import nn

from kium_lightning.data.splits import HeldOut
from kium_lightning.data.transforms import Preparation
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.records import finished_runs
from kium_lightning.tasks.checkpoint import TrainedParts, read_parts
from kium_lightning.tasks.training_runs import TrainingRun, find_training, is_name


def start_net(
    net: nn.Module, source: str, outputs: Path, held_out: HeldOut, preparation: Preparation
) -> dict[str, str]:
    """Copies the parts that a net takes from another one, or changes nothing.

    The net's ``starts`` says which: a mapping of its own modules to those of the other net, such as
    ``{"encoder": "encoder"}``; an empty name stands for the whole other net.

    Args:
        net: the net to start.
        source: a checkpoint's path, a run's folder, or a model's name for its newest finished run with the same
            patients held out.
        outputs: below it runs are looked for.
        held_out: the patients who will judge the net; the other net must not have seen them.
        preparation: of the net's input; but for its size the other net's must be the same.

    Returns:
        The record of the weights: ``source``, ``name``, ``checkpoint`` and ``sha256``, strings only; and what the net
        recorded of its other parts, such as ``classifier.source``.

    Raises:
        ConfigError: the net takes nothing from another one.
        RunError: there is no such run, it saw patients who are held out here or looked at images prepared in another
            way, or its net does not have these parts.
    """
    starts: dict[str, str] = getattr(net, "starts", {})
    if not starts:
        raise ConfigError(
            f"{type(net).__name__} takes no part of another net. Set model.start_from=null, or choose another "
            "model/net."
        )
    run = _find(source, outputs, held_out)
    given = read_parts(run.checkpoint)
    _check(run, given, held_out, preparation)
    state = given.state
    parts: dict[str, dict[str, torch.Tensor]] = {}
    for own, other in starts.items():
        prefix = f"net.{other}." if other else "net."
        parts[own] = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        expected = net.get_submodule(own).state_dict()
        faults = sorted(
            key
            for key in expected.keys() | parts[own].keys()
            if key not in expected or key not in parts[own] or expected[key].shape != parts[own][key].shape
        )
        if faults:
            raise RunError(
                f"{run.checkpoint} does not fit the {own} of this net: {len(faults)} parameters differ, {faults[0]} "
                "the first of them. Build it with the settings of that run, or name another as model.start_from."
            )
    for own, values in parts.items():
        net.get_submodule(own).load_state_dict(values)
    with run.checkpoint.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    recorded: dict[str, str] = getattr(net, "weights_record", {})
    others = {key: value for key, value in recorded.items() if "." in key and key.split(".")[0] not in starts}
    return {"source": "run", "name": run.name, "checkpoint": str(run.checkpoint), "sha256": digest, **others}


def _find(source: str, outputs: Path, held_out: HeldOut) -> TrainingRun:
    """The run that is named; by a model's name the newest one with the same patients held out."""
    run = find_training(source, outputs)
    if not is_name(source):
        return run
    for record in finished_runs(outputs, "train", source):
        cohort, split = record.facts["cohort"]["path"], record.facts["split"]
        validation = split.get("validation", "held_out")
        if held_out.is_safe_from(HeldOut(cohort, split["digest"], int(split["fold"]), validation)) and (
            cohort == held_out.cohort
        ):
            return TrainingRun.of(record)
    raise RunError(
        f"No finished run of {source} holds out fold {held_out.fold} of this cohort's split: each saw patients who "
        f"are held out here, or other cohorts. Run `python -m kium_lightning.train model={source} "
        f"data.fold={held_out.fold}` first, or name a run's folder as model.start_from."
    )


def _check(run: TrainingRun, given: TrainedParts, held_out: HeldOut, preparation: Preparation) -> None:
    """Refuses a run that saw patients who are held out here, or that looked at other images."""
    if not held_out.is_safe_from(given.held_out):
        raise RunError(
            f"{run.checkpoint} was trained on patients who are held out here, or on another split of the same cohort. "
            f"Train it with this split and data.fold={held_out.fold}, or name another as model.start_from."
        )
    for key, value in preparation.plain().items():
        if key != "image_size" and given.preparation[key] != value:
            raise RunError(
                f"{run.checkpoint} was trained on images prepared in another way: data.{key} was "
                f"{given.preparation[key]}, not {value}. Set it alike, or name another as model.start_from."
            )
