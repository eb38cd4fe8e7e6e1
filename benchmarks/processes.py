"""What a verb takes as a user runs it: processor time and memory of its process and all below it."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_INTERVAL = 0.05  # seconds between two looks at the processes


@dataclass(frozen=True)
class Cost:
    """What one run of a verb took.

    Attributes:
        verb: its name.
        patients: of the cohort.
        wall: seconds.
        processor: seconds of all its processes together.
        largest: bytes, the peak of its largest process without mapped files.
        together: bytes, the peak of the sum over its processes, likewise.
        mapped: bytes of mapped files that its largest process had in memory at most.
    """

    verb: str
    patients: int
    wall: float
    processor: float
    largest: int
    together: int
    mapped: int


def measured(verb: str, patients: int, arguments: Sequence[str], outputs: Path) -> Cost:
    """Runs a verb and watches its processes.

    Raises:
        SystemExit: it failed.
    """
    log = outputs / f"{verb}.log"
    outputs.mkdir(parents=True, exist_ok=True)
    started, before = time.monotonic(), os.times()
    largest: dict[int, int] = {}
    mapped: dict[int, int] = {}
    together = 0
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", f"kium_lightning.{verb}", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=os.environ | {"KIUM_OUTPUTS": str(outputs), "WANDB_MODE": "disabled"},
        )
        while process.poll() is None:
            now = {each: found for each in _tree(process.pid) if (found := _memory(each)) is not None}
            for each, (own, files) in now.items():
                largest[each], mapped[each] = max(largest.get(each, 0), own), max(mapped.get(each, 0), files)
            together = max(together, sum(own for own, _ in now.values()))
            time.sleep(_INTERVAL)
    after = os.times()
    if process.returncode not in (0, 3):  # 3: the audit found something
        raise SystemExit(f"{verb} of {patients} patients failed:\n{log.read_text()[-2000:]}")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    wall = time.monotonic() - started
    peak = max(largest, key=lambda each: largest[each])
    return Cost(verb, patients, wall, processor, largest[peak], together, mapped[peak])


def _tree(root: int) -> list[int]:
    """A process and all below it."""
    found, waiting = [], [root]
    while waiting:
        found.append(waiting.pop())
        for task in Path(f"/proc/{found[-1]}/task").glob("*/children"):
            try:
                waiting += map(int, task.read_text().split())
            except OSError:
                continue  # it has ended
    return found


def _memory(process: int) -> tuple[int, int] | None:
    """Bytes of a process in memory, without mapped files and of those; None where it has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    fields = {name: int(value.split()[0]) * 1024 for name, _, value in (line.partition(":") for line in lines)
              if name.startswith("Rss")}  # fmt: skip
    return (fields["RssAnon"] + fields["RssShmem"], fields["RssFile"]) if fields else None
