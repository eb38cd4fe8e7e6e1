"""Rules that find thresholds from scores and, where they need them, labels."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.rounding import rounded
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import ConfigError, ThresholdError


class ThresholdRule(Protocol):
    """Something that finds thresholds; an option of the config group ``thresholds``."""

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> Thresholds:
        """Finds thresholds.

        Args:
            scores: of n patients, every locator run on each of them.
            labels: (n, 22), presence and the 21 locations in the order of ``LABEL_COLUMNS``, 0 or 1.
        """
        ...


def fit_quantiles(
    presence_scores: NDArray[np.float64],
    location_scores: NDArray[np.float64],
    presence_quantile: float = 0.5,
    location_quantile: float = 0.9,
) -> Thresholds:
    """Sets each threshold to a quantile of its predictions, whatever the labels.

    The published report's rule: presence at the median of the predictions, each location at the 90th percentile.
    Quantiles between two scores are interpolated linearly (type 7 of Hyndman and Fan, as NumPy and pandas do).

    Args:
        presence_scores: (n,) in [0, 1].
        location_scores: (n, 21) in the challenge's column order, in [0, 1].
        presence_quantile: in [0, 1].
        location_quantile: in [0, 1].

    Returns:
        The thresholds, rounded as scores are.

    Raises:
        ThresholdError: there is no patient, or a score is NaN.
    """
    if len(presence_scores) == 0:
        raise ThresholdError("Thresholds cannot be fitted on no patients. Calibrate on a set that has some.")
    unknown = int(np.isnan(presence_scores).sum() + np.isnan(location_scores).sum())
    if unknown:
        raise ThresholdError(
            f"{unknown} of the scores to fit thresholds on are NaN. Run all four members on every patient, without "
            "the gate, before fitting."
        )
    locations = rounded(np.quantile(np.asarray(location_scores, np.float64), location_quantile, axis=0))
    return Thresholds(
        presence=float(rounded(np.quantile(np.asarray(presence_scores, np.float64), presence_quantile))),
        locations={column: float(value) for column, value in zip(LOCATION_COLUMNS, locations, strict=True)},
        rule="quantile",
        fitted_on={
            "patients": len(presence_scores),
            "presence_quantile": presence_quantile,
            "location_quantile": location_quantile,
        },
    )


class QuantileRule:
    """The published report's rule.

    Args:
        presence_quantile: of the patients' presence scores, in [0, 1]; the report takes the median.
        location_quantile: of each location's scores, in [0, 1]; the report takes the 90th percentile.

    Raises:
        ConfigError: a quantile lies outside [0, 1].
    """

    def __init__(self, presence_quantile: float, location_quantile: float) -> None:
        for name, value in {"presence_quantile": presence_quantile, "location_quantile": location_quantile}.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"thresholds.{name}={value} is no quantile. Give a number from 0 to 1.")
        self._presence_quantile = presence_quantile
        self._location_quantile = location_quantile

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> Thresholds:
        """Finds the quantiles; the labels are not looked at.

        Raises:
            ThresholdError: there is no patient, a score is NaN, or the labels are not those of these patients.
        """
        check_labels(scores, labels)
        return fit_quantiles(scores.presence, scores.locations, self._presence_quantile, self._location_quantile)


class FixedRule:
    """A table that is given and not fitted, such as the published one.

    Args:
        name: what the table is called in reports.
        presence: the gate's threshold, in [0, 1].
        locations: one value in [0, 1] per location column.

    Raises:
        ThresholdError: the table is incomplete or out of range.
    """

    def __init__(self, name: str, presence: float, locations: Mapping[str, float]) -> None:
        self.thresholds = Thresholds(presence, dict(locations), name)

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> Thresholds:
        """Gives the table, whatever the scores and labels."""
        return self.thresholds


def check_labels(scores: PatientScores, labels: NDArray[np.int64]) -> None:
    """Checks that labels belong to the scores a rule is fitted on.

    Raises:
        ThresholdError: their shape is not (patients, 22).
    """
    expected = (len(scores.presence), len(LABEL_COLUMNS))
    if labels.shape != expected:
        raise ThresholdError(
            f"Labels of shape {labels.shape} do not fit scores of {expected[0]} patients. Give {expected}: one row "
            f"per patient with {LABEL_COLUMNS[0]} and the {len(LOCATION_COLUMNS)} locations."
        )
