"""The numbers of an evaluation: the two official ones, what they must be compared with, the gate and each location."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.metrics.calls import sensitivity, specificity
from kium_lightning.metrics.intervals import bootstrap_interval
from kium_lightning.metrics.official import all_zero_accuracy, location_accuracy, official_auroc
from kium_lightning.metrics.ranking import auroc, average_precision, macro
from kium_lightning.report.estimates import Estimate, Share
from kium_lightning.report.reading import Judged

CHANCE_AUROC = 0.5
_BELOW_ALL_SCORES = -1.0


@dataclass(frozen=True)
class LocationResult:
    """How well one location was found.

    Attributes:
        column: the challenge's name of the location.
        positives: patients who have an aneurysm there.
        stopped: how many of them the gate stopped; None where the gate is not known.
        auroc: of the gated score; NaN where it is not evaluable.
        average_precision: of the gated score; NaN where it is not evaluable. Chance would give the prevalence.
        sensitivity: share of the positives that were called.
        specificity: share of the negatives that were not called.
    """

    column: str
    positives: int
    stopped: int | None
    auroc: float
    average_precision: float
    sensitivity: Share
    specificity: Share

    @property
    def is_evaluable(self) -> bool:
        """Whether there is any patient with an aneurysm there."""
        return self.positives > 0

    @property
    def false_calls(self) -> int:
        """Patients without an aneurysm there in whom it was called."""
        return self.specificity.total - self.specificity.count

    def as_json(self) -> dict[str, Any]:
        """All values; unknown ones as NaN."""
        return {
            "evaluable": self.is_evaluable,
            "positives": self.positives,
            "positives_stopped_at_gate": self.stopped,
            "auroc": self.auroc,
            "average_precision": self.average_precision,
            "sensitivity": self.sensitivity.as_json(),
            "specificity": self.specificity.as_json(),
        }


@dataclass(frozen=True)
class Evaluation:
    """How good an answer is.

    Attributes:
        patients: how many were judged.
        with_aneurysm: how many of them have one.
        level: of all intervals, such as 0.95.
        auroc: the first official number, with its bootstrap interval over patients.
        location_accuracy: the second, likewise.
        all_zero_accuracy: the second number of an answer that calls no location in anybody.
        accuracy_gain: location accuracy minus that, its interval from the same draws of patients for both.
        gate_sensitivity: share of the patients with an aneurysm who passed; None where the gate is not known.
        gate_specificity: share of the patients without one who were stopped; None where the gate is not known.
        located: share of all positive cells (patient, location) that were called; the interval is over patients.
        spared: share of all negative cells that were not called, likewise.
        confirmed: share of all calls that are right, likewise.
        locations: all 21, in the challenge's column order.
    """

    patients: int
    with_aneurysm: int
    level: float
    auroc: Estimate
    location_accuracy: Estimate
    all_zero_accuracy: float
    accuracy_gain: Estimate
    gate_sensitivity: Share | None
    gate_specificity: Share | None
    located: Share
    spared: Share
    confirmed: Share
    locations: tuple[LocationResult, ...]

    @property
    def mean_auroc(self) -> float:
        """The mean over the locations that are evaluable."""
        return macro(np.array([location.auroc for location in self.locations]))

    @property
    def mean_average_precision(self) -> float:
        """The mean over the locations that are evaluable."""
        return macro(np.array([location.average_precision for location in self.locations]))

    def as_json(self) -> dict[str, Any]:
        """All numbers as JSON values; unknown ones as NaN."""
        return {
            "patients": self.patients,
            "with_aneurysm": self.with_aneurysm,
            "interval_level": self.level,
            "official": {
                "auroc": asdict(self.auroc),
                "location_accuracy": asdict(self.location_accuracy),
            },
            "baselines": {
                "chance_auroc": CHANCE_AUROC,
                "all_zero_accuracy": self.all_zero_accuracy,
                "location_accuracy_minus_all_zero": asdict(self.accuracy_gain),
            },
            "gate": {
                "sensitivity": self.gate_sensitivity and self.gate_sensitivity.as_json(),
                "specificity": self.gate_specificity and self.gate_specificity.as_json(),
            },
            "cells": {
                "sensitivity": self.located.as_json(),
                "specificity": self.spared.as_json(),
                "precision": self.confirmed.as_json(),
            },
            "mean_over_evaluable_locations": {
                "auroc": self.mean_auroc,
                "average_precision": self.mean_average_precision,
            },
            "locations": {location.column: location.as_json() for location in self.locations},
        }


def evaluate_answer(judged: Judged, level: float, draws: int, seed: int) -> Evaluation:
    """Computes all numbers of an evaluation.

    Args:
        judged: an answer and the truth about the same patients.
        level: of the intervals, in (0, 1).
        draws: how many cohorts the bootstrap draws.
        seed: of these draws.
    """
    presence, has_aneurysm = judged.presence, judged.has_aneurysm
    truth, calls = judged.locations, judged.calls

    def interval(value: float, metric: Callable[..., float], *arrays: NDArray[np.generic]) -> Estimate:
        # Every number gets the same draws of patients, so none depends on which others are asked for.
        ends = bootstrap_interval(metric, *arrays, level=level, draws=draws, rng=np.random.default_rng(seed))
        return Estimate(value, ends.low, ends.high)

    def gain(labels: NDArray[np.int64], called: NDArray[np.int64]) -> float:
        return location_accuracy(labels, called) - all_zero_accuracy(labels)

    def cells(chosen: NDArray[np.bool_], metric: Callable[..., float], *arrays: NDArray[np.generic]) -> Share:
        # Cells of one patient hang together, which rules the Wilson interval out.
        estimate = interval(math.nan, metric, *arrays)
        return Share(int(chosen.sum()), chosen.size, estimate.low, estimate.high)

    passed = judged.passed
    return Evaluation(
        patients=len(judged.patients),
        with_aneurysm=int(has_aneurysm.sum()),
        level=level,
        auroc=interval(official_auroc(has_aneurysm, presence), auroc, has_aneurysm, presence),
        location_accuracy=interval(location_accuracy(truth, calls), location_accuracy, truth, calls),
        all_zero_accuracy=all_zero_accuracy(truth),
        accuracy_gain=interval(gain(truth, calls), gain, truth, calls),
        gate_sensitivity=None if passed is None else Share.of(passed[has_aneurysm == 1], level),
        gate_specificity=None if passed is None else Share.of(~passed[has_aneurysm == 0], level),
        located=cells(calls[truth == 1] == 1, sensitivity, truth, calls),
        spared=cells(calls[truth == 0] == 0, specificity, truth, calls),
        confirmed=cells(truth[calls == 1] == 1, sensitivity, calls, truth),
        locations=_location_results(judged, level),
    )


def gated_scores(location_scores: NDArray[np.float64], passed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Ranks the patients whom the gate stopped below all others, tied, as the answer treats them.

    Args:
        location_scores: (n, 21) in [0, 1]; whatever stands in the rows of stopped patients is not looked at.
        passed: (n,) whether the gate let the patient through.

    Returns:
        (n, 21); -1 in all rows of patients who did not pass.
    """
    return np.where(passed[:, None], location_scores, _BELOW_ALL_SCORES)


def _location_results(judged: Judged, level: float) -> tuple[LocationResult, ...]:
    truth, calls, passed = judged.locations, judged.calls, judged.passed
    scores = np.full(truth.shape, np.nan)
    if judged.location_scores is not None and passed is not None:
        scores = gated_scores(judged.location_scores, passed)
    results = []
    for position, column in enumerate(LOCATION_COLUMNS):
        positive = truth[:, position] == 1
        called = calls[:, position] == 1
        results.append(
            LocationResult(
                column=column,
                positives=int(positive.sum()),
                stopped=None if passed is None else int((positive & ~passed).sum()),
                auroc=auroc(truth[:, position], scores[:, position]),
                average_precision=average_precision(truth[:, position], scores[:, position]),
                sensitivity=Share.of(called[positive], level),
                specificity=Share.of(~called[~positive], level),
            )
        )
    return tuple(results)
