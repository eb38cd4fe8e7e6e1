"""Timing by turns: what is compared runs in one process after the other, A B A B, so that a slow minute hits both."""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.table import Table

from kium_lightning.console import show
from kium_lightning.files import write_json
from kium_lightning.tracking.provenance import hardware, versions

REPEATS = 5


@dataclass(frozen=True)
class Timing:
    """How long something took, once for each turn.

    Attributes:
        name: what was timed.
        seconds: of each turn, the warm-up left out.
        amount: how much was done in a turn, such as images; 1 where a turn is the thing itself.
    """

    name: str
    seconds: tuple[float, ...]
    amount: int = 1

    @property
    def median(self) -> float:
        """Seconds of the median turn."""
        return statistics.median(self.seconds)

    @property
    def rate(self) -> float:
        """Amount per second in the median turn."""
        return self.amount / self.median

    def times_faster_than(self, other: "Timing") -> "Ratio":
        """How many times faster this is, from the turns that stood beside each other."""
        ratios = [
            (self.amount / mine) / (other.amount / theirs)
            for mine, theirs in zip(self.seconds, other.seconds, strict=True)
        ]
        return Ratio(statistics.median(ratios), min(ratios), max(ratios))

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        return {"name": self.name, "seconds": list(self.seconds), "amount": self.amount, "rate": self.rate}


@dataclass(frozen=True)
class Ratio:
    """A ratio of rates over turns.

    Attributes:
        median: of all turns.
        least: the lowest.
        most: the highest.
    """

    median: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"

    def plain(self) -> dict[str, float]:
        """As JSON values."""
        return {"median": self.median, "least": self.least, "most": self.most}


def by_turns(
    runs: Mapping[str, Callable[[], Any]], amounts: Mapping[str, int] | None = None, repeats: int = REPEATS
) -> dict[str, Timing]:
    """Times each of several runs ``repeats`` times, by turns, after a turn of all that does not count.

    Args:
        runs: what to do, by name.
        amounts: how much each of them does, such as images; 1 where it is missing.
        repeats: turns that count.
    """
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            if turn > 0:
                seconds[name].append(time.perf_counter() - started)
    return {name: Timing(name, tuple(taken), (amounts or {}).get(name, 1)) for name, taken in seconds.items()}


def timing_table(title: str, timings: Mapping[str, Timing], opponent: str, unit: str) -> Table:
    """A table of rates and of ratios to the opponent.

    Args:
        title: of the table.
        timings: as ``by_turns`` returns.
        opponent: the name of the one that the others are compared with.
        unit: of the amount, such as ``images``.
    """
    table = Table(
        "", f"{unit} per second", "seconds", f"times {opponent} (lowest to highest of the turns)", title=title
    )
    for name, timing in timings.items():
        ratio = "1" if name == opponent else str(timing.times_faster_than(timings[opponent]))
        table.add_row(name, f"{timing.rate:.4g}", f"{timing.median:.3g}", ratio)
    return table


def arguments(description: str | None, repeats: int = REPEATS) -> argparse.ArgumentParser:
    """A parser with what every timing takes: ``--repeats`` and ``--json``."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=repeats, help="turns that count, after one that does not")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    return parser


def report(path: Path | None, tables: list[Table], numbers: Mapping[str, Any]) -> None:
    """Shows tables, and writes the numbers with what they were measured on to a JSON file if one is named."""
    for table in tables:
        show(table)
    if path is not None:
        write_json(path, {**numbers, "machine": machine()})


def machine() -> dict[str, Any]:
    """What the numbers were measured on, without the machine's name."""
    return {
        "hardware": hardware(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": json.loads(json.dumps(versions())),
    }
