"""How well each of the 21 locations was found, and all of them in the mean."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.metrics.calls import sensitivity, specificity
from kium_lightning.metrics.evaluable import Evaluable, evaluable
from kium_lightning.metrics.ranking import auroc, average_precision, macro
from kium_lightning.report.draws import Drawn, Draws
from kium_lightning.report.estimates import UNKNOWN_ESTIMATE, Estimate, Share
from kium_lightning.report.reading import Judged

BELOW_ALL_SCORES = -1.0


@dataclass(frozen=True)
class LocationResult:
    """How well one location was found.

    Attributes:
        column: the challenge's name of the location.
        evaluable: whether its patients are enough for the numbers below.
        stopped: how many of its positives the gate stopped; None where the gate is not known.
        auroc: of the gated score, its interval over patients; NaN where it is not evaluable.
        average_precision: likewise. Chance would give the prevalence.
        sensitivity: share of the positives that were called; its counts are true also where it is not evaluable.
        specificity: share of the negatives that were not called, likewise.
    """

    column: str
    evaluable: Evaluable
    stopped: int | None
    auroc: Estimate
    average_precision: Estimate
    sensitivity: Share
    specificity: Share

    @property
    def positives(self) -> int:
        """Patients who have an aneurysm there."""
        return self.evaluable.positives

    @property
    def is_evaluable(self) -> bool:
        """Whether its patients are enough."""
        return self.evaluable.holds

    @property
    def false_calls(self) -> int:
        """Patients without an aneurysm there in whom it was called."""
        return self.specificity.total - self.specificity.count

    def as_json(self) -> dict[str, Any]:
        """All values; unknown ones, and those of too few patients, as NaN."""
        found = self.sensitivity.as_json()
        if not self.is_evaluable:
            found |= {name: math.nan for name in found if name not in ("count", "total")}
        return {
            "evaluable": self.is_evaluable,
            "reason": self.evaluable.reason,
            "positives": self.positives,
            "positives_stopped_at_gate": self.stopped,
            "auroc": self.auroc.value,
            "auroc_interval": _ends(self.auroc),
            "average_precision": self.average_precision.value,
            "average_precision_interval": _ends(self.average_precision),
            "sensitivity": found,
            "specificity": self.specificity.as_json(),
        }


@dataclass(frozen=True)
class Locations:
    """All locations, and the means over those that are evaluable with intervals over patients.

    Attributes:
        results: all 21, in the challenge's column order.
        auroc: the mean.
        average_precision: the mean.
        sensitivity: the mean.
        specificity: the mean.
    """

    results: tuple[LocationResult, ...]
    auroc: Estimate
    average_precision: Estimate
    sensitivity: Estimate
    specificity: Estimate

    def means_as_json(self) -> dict[str, Any]:
        """The means, and their intervals."""
        means = {name: value for name, value in vars(self).items() if isinstance(value, Estimate)}
        return {name: mean.value for name, mean in means.items()} | {
            "intervals": {name: _ends(mean) for name, mean in means.items()}
        }


def judge_locations(judged: Judged, draws: Draws, least: int) -> Locations:
    """Computes the numbers of all locations.

    Args:
        judged: an answer and the truth.
        draws: of the same patients.
        least: how many positives, and negatives, a location needs to be evaluable.
    """
    truth, calls, passed = judged.locations, judged.calls, judged.passed
    scores = np.full(truth.shape, np.nan)
    if judged.location_scores is not None and passed is not None:
        scores = gated_scores(judged.location_scores, passed)
    metrics: dict[str, tuple[Callable[..., float], NDArray[np.generic]]] = {
        "auroc": (auroc, scores),
        "average_precision": (average_precision, scores),
        "sensitivity": (sensitivity, calls),
        "specificity": (specificity, calls),
    }
    results: list[LocationResult] = []
    drawn: dict[str, list[Drawn]] = {name: [] for name in metrics}
    for place, column in enumerate(LOCATION_COLUMNS):
        labels, enough = truth[:, place], evaluable(truth[:, place], least)
        estimates = dict.fromkeys(metrics, UNKNOWN_ESTIMATE)
        for name, (metric, given) in metrics.items():
            if enough.holds or name == "specificity":
                cohorts = draws.of(metric, labels, given[:, place])
                estimates[name] = draws.around(metric(labels, given[:, place]), cohorts)
                if enough.holds:
                    drawn[name].append(cohorts)
        positive, called = labels == 1, calls[:, place] == 1
        results.append(
            LocationResult(
                column=column,
                evaluable=enough,
                stopped=None if passed is None else int((positive & ~passed).sum()),
                auroc=estimates["auroc"],
                average_precision=estimates["average_precision"],
                sensitivity=_both(Share.of(called[positive], draws.level), estimates["sensitivity"]),
                specificity=_both(Share.of(~called[~positive], draws.level), estimates["specificity"]),
            )
        )

    def mean(name: str) -> Estimate:
        values = [getattr(result, name).value for result in results if result.is_evaluable]
        return draws.around(macro(np.array(values)), _mean_in_cohorts(drawn[name]))

    return Locations(tuple(results), *(mean(name) for name in metrics))


def gated_scores(location_scores: NDArray[np.float64], passed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Ranks the patients whom the gate stopped below all others, tied, as the answer treats them.

    Args:
        location_scores: (n, 21) in [0, 1]; whatever stands in the rows of stopped patients is not looked at.
        passed: (n,) whether the gate let the patient through.

    Returns:
        (n, 21); -1 in all rows of patients who did not pass.
    """
    return np.where(passed[:, None], location_scores, BELOW_ALL_SCORES)


def _mean_in_cohorts(drawn: list[Drawn]) -> Drawn:
    """The mean over locations in each cohort, of those that are known there."""
    return Drawn(_mean_of_known([each.values for each in drawn]), _mean_of_known([each.left_out for each in drawn]))


def _mean_of_known(drawn: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    values = np.array(drawn)
    known = ~np.isnan(values)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.asarray(np.divide(total, known.sum(axis=0), out=np.full_like(total, np.nan), where=known.any(axis=0)))


def _both(wilson: Share, bootstrap: Estimate) -> Share:
    return replace(wilson, bootstrap_low=bootstrap.low, bootstrap_high=bootstrap.high)


def _ends(estimate: Estimate) -> dict[str, float]:
    return {name: value for name, value in asdict(estimate).items() if name != "value"}
