"""How long a command takes to answer: python benchmarks/startup.py [--verbs train predict] [--json PATH].

Times, each in a process of its own and by turns: the list of verbs, every verb's ``--help`` and ``--cfg job``, and a
training of one step with the cohort and the cached views already there. The floors beside them are what the same Python
needs for nothing, for ``import hydra``, and for ``import torch, lightning, timm``, which no training can do without.

What was left as it is: hiding W&B from timm, which imports it where it is installed, would save 0.3 s of 4.6 s of
processor time, and is a trick that a user would stumble over; the 0.3 s by which ``--help`` is slower than
``--cfg job`` are Hydra's own, which copies all its settings once for every folder of ``conf/`` that it lists.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.table import Table
from timing import Timing, arguments, by_turns, report

from kium_lightning.__main__ import VERBS

_TARGETS = {"kium_lightning --help": 0.3, "train --cfg job": 3.0}  # seconds
_SMOKE = (
    "trainer=smoke",
    "cohort=phantom_tiny",
    "model=resnet18_posterior",
    "logger=csv",
    "pretrained=false",
    "data.image_size=64",
    "data.workers=0",
    "trainer.limit_train_batches=1",
)


def run(command: Sequence[str], folder: Path) -> None:
    """Runs Python with what follows it, in a folder, and swallows what it prints.

    Raises:
        SystemExit: it failed.
    """
    environment = os.environ | {"KIUM_OUTPUTS": str(folder / "outputs")}
    checkout = str(Path(__file__).resolve().parents[1])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [checkout, os.environ.get("PYTHONPATH")]))
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"python {' '.join(command)} failed:\n{done.stderr}")


def processor_seconds(command: Sequence[str], folder: Path) -> float:
    """Runs a command once and returns the processor time that it and its children took, seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(command, folder)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def commands_of(verbs: Sequence[str], with_training: str) -> dict[str, list[str]]:
    """What is timed, by name: the floors first."""
    commands = {
        "floor: python": ["-c", "pass"],
        "floor: import hydra": ["-c", "import hydra"],
        "kium_lightning --help": ["-m", "kium_lightning", "--help"],
    }
    for verb in verbs:
        for flags in (["--help"], ["--cfg", "job"]):
            commands[" ".join([verb, *flags])] = ["-m", f"kium_lightning.{verb}", *flags]
    if with_training == "yes":
        commands["floor: import torch, lightning, timm"] = ["-c", "import torch, lightning, timm"]
        commands["train one step"] = ["-m", "kium_lightning.train", *_SMOKE]
    return commands


def table_of(timings: dict[str, Timing], processor: dict[str, float]) -> Table:
    """Seconds of each command, lowest to highest, with its target where it has one."""
    table = Table("", "seconds", "lowest to highest", "processor seconds", "target", title="Until a command has ended")
    for name, timing in timings.items():
        target = _TARGETS.get(name)
        said = "" if target is None else f"{target:g} s: {'met' if timing.median < target else 'missed'}"
        spread = f"{min(timing.seconds):.3f} to {max(timing.seconds):.3f}"
        table.add_row(name, f"{timing.median:.3f}", spread, f"{processor[name]:.3f}", said)
    return table


def main() -> None:
    """Times the commands and prints a table."""
    parser = arguments(__doc__)
    parser.add_argument("--verbs", nargs="*", default=list(VERBS), choices=list(VERBS))
    parser.add_argument("--training", choices=["yes", "no"], default="yes", help="also a training of one step")
    chosen = parser.parse_args()
    commands = commands_of(chosen.verbs, chosen.training)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = {what: partial(run, command, folder) for what, command in commands.items()}
        timings = by_turns(runs, repeats=chosen.repeats)
        processor = {what: processor_seconds(command, folder) for what, command in commands.items()}
    numbers = {"timings": [each.plain() for each in timings.values()], "processor_seconds": processor}
    report(chosen.json, [table_of(timings, processor)], numbers)


if __name__ == "__main__":
    main()
