"""One set of drawn cohorts from which every number of an evaluation takes its interval."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kium_lightning.metrics.corrections import widened
from kium_lightning.metrics.drawn import bootstrap_counts, bootstrap_values, left_out_values
from kium_lightning.metrics.intervals import UNKNOWN_INTERVAL, bca_interval, percentile_interval
from kium_lightning.report.estimates import Estimate


class Drawn(NamedTuple):
    """A number in many cohorts; NaN where it is not known.

    Attributes:
        values: (draws,) in the drawn cohorts.
        left_out: (n,) in the cohorts that lack one patient each.
    """

    values: NDArray[np.float64]
    left_out: NDArray[np.float64]


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
        self._patients = patients

    def of(self, metric: Callable[..., float], *arrays: NDArray[np.generic]) -> Drawn:
        """Computes a number in each cohort.

        Args:
            metric: a function of the arrays' rows that does not depend on their order.
            arrays: one row per patient each.
        """
        return Drawn(bootstrap_values(metric, *arrays, counts=self.counts), left_out_values(metric, *arrays))

    def estimate(self, metric: Callable[..., float], *arrays: NDArray[np.generic]) -> Estimate:
        """A number with its BCa interval; arguments as of ``of``."""
        if self._patients < 2:  # nobody can be left out
            return Estimate(metric(*arrays), math.nan, math.nan)
        return self.around(metric(*arrays), self.of(metric, *arrays))

    def around(self, value: float, drawn: Drawn) -> Estimate:
        """A number with its BCa interval, as ``metrics.intervals.shared_interval`` has it; unknown where it is."""
        if math.isnan(value) or self._patients < 2:
            return Estimate(value, *UNKNOWN_INTERVAL)
        return Estimate(value, *bca_interval(value, drawn.values, drawn.left_out, widened(self.level, self._patients)))

    def difference(self, value: float, values: NDArray[np.float64]) -> Estimate:
        """A difference with its percentile interval.

        Args:
            value: the difference.
            values: (draws,) of it in the drawn cohorts.
        """
        if math.isnan(value) or self._patients < 2:
            return Estimate(value, *UNKNOWN_INTERVAL)
        return Estimate(value, *percentile_interval(values, widened(self.level, self._patients)))

    def band(self, curves: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The pointwise band of curves.

        Args:
            curves: (draws, points), NaN in cohorts that have no curve.

        Returns:
            Low and high, (points,) each; NaN where more than half of the cohorts have none.
        """
        level = widened(self.level, max(self._patients, 2))
        ends = np.array([percentile_interval(point, level) for point in curves.T])
        return ends[:, 0], ends[:, 1]
