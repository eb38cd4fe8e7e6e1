"""The numbers of an evaluation: the two official ones, what they must be compared with, the gate and each location."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.metrics.calls import sensitivity, specificity
from kium_lightning.metrics.evaluable import LEAST_OF_EACH, Evaluable
from kium_lightning.metrics.official import accuracy_gain, all_zero_accuracy, location_accuracy
from kium_lightning.report.draws import Draws
from kium_lightning.report.estimates import Estimate, Share
from kium_lightning.report.locations import LocationResult, Locations, judge_locations
from kium_lightning.report.presence import Presence, judge_presence
from kium_lightning.report.reading import Judged

CHANCE_AUROC = 0.5


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good an answer is.

    Attributes:
        patients: how many were judged.
        with_aneurysm: how many of them have one.
        level: of all intervals, such as 0.95.
        least_positives: how many patients with, and without, an aneurysm a ranking needs to be evaluable, of presence
            as of each location.
        location_accuracy: the second official number, with its bootstrap interval over patients.
        all_zero_accuracy: the second number of an answer that calls no location in anybody.
        accuracy_gain: location accuracy minus that, its interval from the same draws of patients for both.
        presence: what else is to be said of the presence score.
        gate_sensitivity: share of the patients with an aneurysm who passed; None where the gate is not known.
        gate_specificity: share of the patients without one who were stopped; None where the gate is not known.
        gate_passed: share of all patients who passed; None where the gate is not known.
        located: share of all positive cells (patient, location) that were called; the interval is over patients.
        spared: share of all negative cells that were not called, likewise.
        confirmed: share of all calls that are right, likewise.
        by_location: all 21 locations and their means.
    """

    patients: int
    with_aneurysm: int
    level: float
    least_positives: int
    location_accuracy: Estimate
    all_zero_accuracy: float
    accuracy_gain: Estimate
    presence: Presence
    gate_sensitivity: Share | None
    gate_specificity: Share | None
    gate_passed: Share | None
    located: Share
    spared: Share
    confirmed: Share
    by_location: Locations

    @property
    def auroc(self) -> Estimate:
        """The first official number, with DeLong's interval; NaN where it is not evaluable."""
        return self.presence.auroc

    @property
    def evaluable(self) -> Evaluable:
        """Whether patients are enough to rank them by presence."""
        return Evaluable(self.with_aneurysm, self.without_aneurysm, self.least_positives)

    @property
    def without_aneurysm(self) -> int:
        """How many patients have none."""
        return self.patients - self.with_aneurysm

    @property
    def locations(self) -> tuple[LocationResult, ...]:
        """All 21, in the challenge's column order."""
        return self.by_location.results

    def as_json(self) -> dict[str, Any]:
        """All numbers as JSON values; unknown ones as NaN."""
        gate = {
            "sensitivity": self.gate_sensitivity,
            "specificity": self.gate_specificity,
            "passed": self.gate_passed,
        }
        return {
            "patients": self.patients,
            "with_aneurysm": self.with_aneurysm,
            "interval_level": self.level,
            "least_positives": self.least_positives,
            "official": {
                "auroc": asdict(self.auroc),
                "location_accuracy": asdict(self.location_accuracy),
            },
            "baselines": {
                "chance_auroc": CHANCE_AUROC,
                "all_zero_accuracy": self.all_zero_accuracy,
                "location_accuracy_minus_all_zero": asdict(self.accuracy_gain),
            },
            "presence": self.presence.as_json(),
            "gate": {name: share and share.as_json() for name, share in gate.items()},
            "cells": {
                "sensitivity": self.located.as_json(),
                "specificity": self.spared.as_json(),
                "precision": self.confirmed.as_json(),
            },
            "mean_over_evaluable_locations": self.by_location.means_as_json(),
            "locations": {location.column: location.as_json() for location in self.locations},
        }


def evaluate_answer(
    judged: Judged,
    level: float,
    draws: int,
    seed: int,
    least_positives: int = LEAST_OF_EACH,
    prevalence: float | None = None,
) -> Evaluation:
    """Computes all numbers of an evaluation; all intervals over patients come from the same drawn cohorts.

    Args:
        judged: an answer and the truth about the same patients.
        level: of the intervals, in (0, 1).
        draws: how many cohorts the bootstrap draws.
        seed: of these draws.
        least_positives: how many patients with, and without, an aneurysm a ranking needs to be evaluable.
        prevalence: the share of patients with an aneurysm where the nets were trained, which the Brier score is
            compared with; None for the share among these patients.
    """
    has_aneurysm, truth, calls, passed = judged.has_aneurysm, judged.locations, judged.calls, judged.passed
    drawn = Draws(len(judged.patients), level, draws, seed)

    def cells(chosen: NDArray[np.bool_], metric: Callable[..., float], *arrays: NDArray[np.generic]) -> Share:
        # Cells of one patient hang together, which rules the Wilson interval out.
        ends = drawn.estimate(metric, *arrays)
        return Share(int(chosen.sum()), chosen.size, ends.low, ends.high, ends.low, ends.high)

    def gate(of: NDArray[np.bool_], counted: NDArray[np.bool_] | None) -> Share | None:
        """The share of a group of patients that is counted."""
        if counted is None:
            return None
        wilson = Share.of(counted[of], level)
        ends = drawn.estimate(sensitivity, of.astype(np.int64), counted.astype(np.int64))
        return Share(wilson.count, wilson.total, wilson.low, wilson.high, ends.low, ends.high)

    gains = drawn.of(accuracy_gain, truth, calls)
    return Evaluation(
        patients=len(judged.patients),
        with_aneurysm=int(has_aneurysm.sum()),
        level=level,
        least_positives=least_positives,
        location_accuracy=drawn.estimate(location_accuracy, truth, calls),
        all_zero_accuracy=all_zero_accuracy(truth),
        accuracy_gain=drawn.difference(accuracy_gain(truth, calls), gains.values),
        presence=judge_presence(judged, drawn, prevalence, seed, least_positives),
        gate_sensitivity=gate(has_aneurysm == 1, passed),
        gate_specificity=gate(has_aneurysm == 0, None if passed is None else ~passed),
        gate_passed=gate(np.ones(len(has_aneurysm), dtype=np.bool_), passed),
        located=cells(calls[truth == 1] == 1, sensitivity, truth, calls),
        spared=cells(calls[truth == 0] == 0, specificity, truth, calls),
        confirmed=cells(truth[calls == 1] == 1, sensitivity, calls, truth),
        by_location=judge_locations(judged, drawn, least_positives),
    )
