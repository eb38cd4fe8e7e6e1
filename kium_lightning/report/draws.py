"""One set of drawn cohorts from which every number of an evaluation takes its interval."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kium_lightning.metrics.intervals import bootstrap_counts, bootstrap_values, percentile_interval
from kium_lightning.report.estimates import Estimate


class Draws:
    """Cohorts drawn anew from the same patients, with replacement.

    All numbers of an evaluation meet the same cohorts: none depends on which others are asked for, and the interval of
    a difference is that of paired values.

    Args:
        patients: how many there are.
        level: share of repetitions that an interval should cover, in (0, 1).
        draws: how many cohorts.
        seed: of the draws.

    Attributes:
        counts: (draws, patients), how often each cohort holds each patient.
        level: as given.
    """

    def __init__(self, patients: int, level: float, draws: int, seed: int) -> None:
        self.counts = bootstrap_counts(patients, draws, np.random.default_rng(seed))
        self.level = level

    def estimate(self, metric: Callable[..., float], *arrays: NDArray[np.generic]) -> Estimate:
        """A number with its interval.

        Args:
            metric: a function of the arrays' rows.
            arrays: one row per patient each.
        """
        return self.around(metric(*arrays), self.values(metric, *arrays))

    def values(self, metric: Callable[..., float], *arrays: NDArray[np.generic]) -> NDArray[np.float64]:
        """A number in each cohort, (draws,); NaN where it is not known."""
        return bootstrap_values(metric, *arrays, counts=self.counts)

    def around(self, value: float, values: NDArray[np.float64]) -> Estimate:
        """A number with the interval of what it is in the cohorts; both unknown where it is."""
        if math.isnan(value):
            return Estimate(math.nan, math.nan, math.nan)
        return Estimate(value, *percentile_interval(values, self.level))

    def band(self, curves: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The pointwise band of curves.

        Args:
            curves: (draws, points), NaN in cohorts that have no curve.

        Returns:
            Low and high, (points,) each; NaN where more than half of the cohorts have none.
        """
        ends = np.array([percentile_interval(point, self.level) for point in curves.T])
        return ends[:, 0], ends[:, 1]
