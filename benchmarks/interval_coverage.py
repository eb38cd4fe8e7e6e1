"""How often 95 % intervals hold the truth: python benchmarks/interval_coverage.py [--studies 1000] [--json FILE].

Studies are drawn from a cohort without end whose truth is known: scores of patients with and without an aneurysm are
normal with unit variance and a distance d, so that the AUROC is Phi(d / sqrt(2)); who scores above a cut passes a gate
with a sensitivity of 0.9; locations of those who passed are called with known chances, so that the right and the wrong
calls of one patient hang together. Each cell counts in how many studies the interval holds the truth, with the Monte-
Carlo interval (Wilson) of that share. The exit status is 1 where an interval that the report quotes covers the truth in
fewer than 93 or more than 97 % of the studies of a standard setting (120 or 1,127 patients).

Patients' scores are independent of each other here, as those of one net on patients whom it never saw. Pooled
out-of-fold scores are not; see ``benchmarks/out_of_fold.py``.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.integrate import quad

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.console import show, track
from kium_lightning.files import write_json
from kium_lightning.metrics.calls import sensitivity
from kium_lightning.metrics.corrections import widened
from kium_lightning.metrics.delong import delong_difference, delong_interval
from kium_lightning.metrics.drawn import bootstrap_counts, bootstrap_values, leave_one_out
from kium_lightning.metrics.intervals import Interval, bca_interval, percentile_interval
from kium_lightning.metrics.official import accuracy_gain, location_accuracy
from kium_lightning.metrics.ranking import auroc, average_precision
from kium_lightning.metrics.wilson import wilson_ends
from kium_lightning.workers import in_workers

PREVALENCE = 523 / 1127  # of the challenge's training set, as are the locations per patient with an aneurysm
LOCATIONS_OF_PATIENTS = np.repeat([1, 2, 3, 4, 5], [402, 92, 23, 4, 2])
GATE_SENSITIVITY, CALLED_RIGHT, CALLED_WRONG = 0.9, 0.6, 0.01
SECOND_DISTANCE, CORRELATION = 0.8, 0.5  # of the score that is compared with the first
STANDARD = (120, 1127)
LOW, HIGH = 0.93, 0.97
BCA, PERCENTILE = "BCa, widened", "percentile, widened"  # as of metrics.intervals.shared_interval
QUOTED = {
    "AUROC": (BCA, "DeLong"),
    "average precision": (BCA,),
    "AUROC difference": (PERCENTILE, "DeLong"),
    "location accuracy": (BCA,),
    "accuracy gain": (PERCENTILE,),
    "location sensitivity": (BCA,),
    "gate sensitivity": ("Wilson",),
}
_NORMAL = NormalDist()


class Setting(NamedTuple):
    """What kind of study is drawn.

    Attributes:
        patients: how many.
        auroc: the truth of the first score, in (0.5, 1).
    """

    patients: int
    auroc: float

    @property
    def distance(self) -> float:
        """Of the two classes' mean scores, in standard deviations."""
        return 2**0.5 * _NORMAL.inv_cdf(self.auroc)

    @property
    def cut(self) -> float:
        """The score above which the gate lets a patient pass."""
        return self.distance - _NORMAL.inv_cdf(GATE_SENSITIVITY)


class Study(NamedTuple):
    """One simulated study: labels and both scores (n,), who passed (n,), locations and calls (n, 21)."""

    labels: NDArray[np.int64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    passed: NDArray[np.int64]
    locations: NDArray[np.int64]
    calls: NDArray[np.int64]


class Task(NamedTuple):
    """A number of studies of one setting."""

    setting: Setting
    studies: int
    draws: int
    seed: tuple[int, ...]


def draw_study(setting: Setting, rng: np.random.Generator) -> Study:
    """Draws patients and what two nets and a gate say about them."""
    patients, columns = setting.patients, len(LOCATION_COLUMNS)
    labels = (rng.random(patients) < PREVALENCE).astype(np.int64)
    shared, own = rng.normal(size=patients), rng.normal(size=patients)
    first = shared + setting.distance * labels
    second = CORRELATION * shared + (1 - CORRELATION**2) ** 0.5 * own + SECOND_DISTANCE * setting.distance * labels
    passed = (first > setting.cut).astype(np.int64)
    number = labels * rng.choice(LOCATIONS_OF_PATIENTS, patients)
    places = rng.permuted(np.tile(np.arange(columns), (patients, 1)), axis=1)
    locations = (places < number[:, None]).astype(np.int64)
    chance = np.where(locations == 1, CALLED_RIGHT, CALLED_WRONG)
    calls = passed[:, None] * (rng.random((patients, columns)) < chance)
    return Study(labels, first, second, passed, locations, calls)


def truths(setting: Setting) -> dict[str, float]:
    """What an endless study would find, by quantity."""
    d, columns, each = setting.distance, len(LOCATION_COLUMNS), float(LOCATIONS_OF_PATIENTS.mean())
    false_pass = _NORMAL.cdf(-setting.cut)
    right = PREVALENCE * each * GATE_SENSITIVITY * CALLED_RIGHT / columns
    empty_of_positives = PREVALENCE * (columns - each) * GATE_SENSITIVITY
    wrong = (empty_of_positives + (1 - PREVALENCE) * columns * false_pass) * CALLED_WRONG / columns
    gain = right - wrong

    def precision(found: float) -> float:
        false_alarms = (1 - PREVALENCE) * _NORMAL.cdf(_NORMAL.inv_cdf(found) - d)
        return PREVALENCE * found / (PREVALENCE * found + false_alarms)

    return {
        "AUROC": setting.auroc,
        "average precision": quad(precision, 1e-12, 1 - 1e-12)[0],
        "AUROC difference": setting.auroc - _NORMAL.cdf(SECOND_DISTANCE * d / 2**0.5),
        "location accuracy": 1 - PREVALENCE * each / columns + gain,
        "accuracy gain": gain,
        "location sensitivity": GATE_SENSITIVITY * CALLED_RIGHT,
        "gate sensitivity": GATE_SENSITIVITY,
    }


def intervals(study: Study, draws: int, rng: np.random.Generator) -> dict[tuple[str, str], Interval]:
    """Computes all 95 % intervals of one study, by quantity and method."""
    patients = len(study.labels)
    drawn, without = bootstrap_counts(patients, draws, rng), leave_one_out(patients)
    as_it_is = np.ones((1, patients), dtype=np.int16)
    asked = {
        "AUROC": (auroc, study.labels, study.first),
        "second": (auroc, study.labels, study.second),
        "average precision": (average_precision, study.labels, study.first),
        "location accuracy": (location_accuracy, study.locations, study.calls),
        "accuracy gain": (accuracy_gain, study.locations, study.calls),
        "location sensitivity": (sensitivity, study.locations, study.calls),
        "gate sensitivity": (sensitivity, study.labels, study.passed),
    }
    values = {
        name: [bootstrap_values(metric, *arrays, counts=counts) for counts in (as_it_is, drawn, without)]
        for name, (metric, *arrays) in asked.items()
    }
    second = values.pop("second")
    values["AUROC difference"] = [one - other for one, other in zip(values["AUROC"], second, strict=True)]
    found, wide = {}, widened(0.95, patients)
    for name, (value, of_draws, of_others) in values.items():
        found[name, "percentile"] = percentile_interval(of_draws)
        found[name, PERCENTILE] = percentile_interval(of_draws, wide)
        found[name, "BCa"] = bca_interval(float(value[0]), of_draws, of_others)
        found[name, BCA] = bca_interval(float(value[0]), of_draws, of_others, wide)
    found["AUROC", "DeLong"] = delong_interval(study.labels, study.first)
    _, low, high, _ = delong_difference(study.labels, study.first, study.second)
    found["AUROC difference", "DeLong"] = Interval(low, high)
    ends = wilson_ends(np.array(study.passed @ study.labels), np.array(study.labels.sum()))
    found["gate sensitivity", "Wilson"] = Interval(float(ends[0]), float(ends[1]))
    return found


def count_covered(task: Task) -> dict[tuple[str, str], int]:
    """Counts the studies whose interval holds the truth; an unknown interval does not."""
    truth, rng = truths(task.setting), np.random.default_rng(task.seed)
    covered: dict[tuple[str, str], int] = {}
    for _ in range(task.studies):
        for key, (low, high) in intervals(draw_study(task.setting, rng), task.draws, rng).items():
            covered[key] = covered.get(key, 0) + (low <= truth[key[0]] <= high)
    return covered


def main() -> int:
    """Runs the benchmark, prints a table, and tells by the exit status whether quoted intervals cover enough."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--studies", type=int, default=1000, help="of each setting")
    arguments.add_argument("--draws", type=int, default=1000, help="cohorts that the bootstrap draws")
    arguments.add_argument("--patients", type=int, nargs="+", default=[50, *STANDARD])
    arguments.add_argument("--aurocs", type=float, nargs="+", default=[0.6, 0.8, 0.95])
    arguments.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments.add_argument("--seed", type=int, default=5)
    arguments.add_argument("--json", type=Path, help="also write all counts here")
    chosen = arguments.parse_args()
    part = max(1, min(50, chosen.studies))
    settings = [Setting(*each) for each in product(chosen.patients, chosen.aurocs)]
    tasks = [
        Task(setting, min(part, chosen.studies - begin), chosen.draws, (chosen.seed, number, begin))
        for number, setting in enumerate(settings)
        for begin in range(0, chosen.studies, part)
    ]
    covered: dict[tuple[Setting, str, str], int] = {}
    results: Iterator[dict[tuple[str, str], int]] = in_workers(count_covered, tasks, chosen.workers)
    for task, counted in zip(tasks, track(results, "simulating", len(tasks)), strict=True):
        for (name, method), count in counted.items():
            key = (task.setting, name, method)
            covered[key] = covered.get(key, 0) + count
    for patients in chosen.patients:
        show(_table(covered, patients, chosen.aurocs, chosen.studies))
    outside = [
        (setting, name, method)
        for (setting, name, method), count in covered.items()
        if setting.patients in STANDARD and method in QUOTED.get(name, ()) and not LOW <= count / chosen.studies <= HIGH
    ]
    for setting, name, method in outside:
        share = covered[setting, name, method] / chosen.studies
        print(f"outside 93 to 97 %: {name} ({method}), {setting.patients} patients, AUROC {setting.auroc}: {share:.1%}")
    if chosen.json:
        rows = [
            {**setting._asdict(), "quantity": name, "method": method, "studies": chosen.studies, "covered": count}
            for (setting, name, method), count in covered.items()
        ]
        write_json(chosen.json.absolute(), rows)
    return 1 if outside else 0


def _table(covered: dict[tuple[Setting, str, str], int], patients: int, aurocs: list[float], studies: int) -> Table:
    table = Table(
        title=f"{patients} patients: intervals that hold the truth, % of {studies} studies (Monte-Carlo, 95 %)"
    )
    for heading in ("quantity", "interval", "", *(f"AUROC {each:g}" for each in aurocs)):
        table.add_column(heading, justify="left", no_wrap=True)
    rows = sorted({(name, method) for setting, name, method in covered if setting.patients == patients})
    for name, method in rows:
        cells = [_cell(covered[Setting(patients, each), name, method], studies) for each in aurocs]
        table.add_row(name, method, "quoted" if method in QUOTED.get(name, ()) else "", *cells)
    return table


def _cell(count: int, studies: int) -> str:
    low, high = wilson_ends(np.array(count), np.array(studies))
    return f"{100 * count / studies:.1f} ({100 * low:.1f}-{100 * high:.1f})"


if __name__ == "__main__":
    sys.exit(main())
