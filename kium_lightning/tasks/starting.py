"""Starting a net from parts of another one that was trained before."""

import hashlib
from pathlib import Path

import torch
from torch import nn

from kium_lightning.errors import ConfigError, RunError
from kium_lightning.tasks.checkpoint import read_state
from kium_lightning.tasks.training_runs import find_training


def start_net(net: nn.Module, source: str, outputs: Path) -> dict[str, str]:
    """Copies the parts that a net takes from another one, or changes nothing.

    The net's ``starts`` says which: a mapping of its own modules to those of the other net, such as
    ``{"encoder": "encoder"}``; an empty name stands for the whole other net.

    Args:
        net: the net to start.
        source: a checkpoint's path, a run's folder or a model's name, see ``find_training``.
        outputs: below it runs are looked for.

    Returns:
        The record of the weights: ``source``, ``name``, ``checkpoint`` and ``sha256``, strings only; and what the net
        recorded of its other parts, such as ``classifier.source``.

    Raises:
        ConfigError: the net takes nothing from another one.
        RunError: there is no such run, or its net does not have these parts.
    """
    starts: dict[str, str] = getattr(net, "starts", {})
    if not starts:
        raise ConfigError(
            f"{type(net).__name__} takes no part of another net. Set model.start_from=null, or choose another "
            "model/net."
        )
    run = find_training(source, outputs)
    state = read_state(run.checkpoint)
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
