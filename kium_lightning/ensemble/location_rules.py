"""Rules that find the locations' thresholds; each is an option of the config group ``thresholds/locations``."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.ensemble.calibration import ScoreKind
from kium_lightning.ensemble.cuts import CRITERIA, cuts_of
from kium_lightning.ensemble.gate_rules import checked_criterion, checked_quantile
from kium_lightning.ensemble.rounding import SCORE_DECIMALS, rounded
from kium_lightning.ensemble.thresholds import NEVER
from kium_lightning.numbers import whole


class LocationsFit(NamedTuple):
    """The locations' thresholds (21,), in [0, 1] or ``NEVER``, which a score has to reach, and JSON facts."""

    values: NDArray[np.float64]
    facts: dict[str, Any]


class LocationRule(Protocol):
    """Something that finds the thresholds of the 21 locations."""

    @property
    def name(self) -> str:
        """The rule's name in tables."""
        ...

    @property
    def wants(self) -> ScoreKind:
        """What the scores have to be."""
        ...

    def fit(self, locations: NDArray[np.float64], labels: NDArray[np.int64], passed: NDArray[np.bool_]) -> LocationsFit:
        """Finds the thresholds.

        Args:
            locations: (n, 21) scores in the challenge's column order, in [0, 1].
            labels: (n, 21) 0 or 1.
            passed: (n,) True for patients whom the gate lets pass.
        """
        ...


class QuantileLocations:
    """Sets each threshold to a quantile of the location's scores in all patients, whatever the labels and the gate.

    The published report takes the 90th percentile. Between two scores it is interpolated linearly (type 7).

    Args:
        quantile: in [0, 1].

    Raises:
        ConfigError: it is not.
    """

    name = "quantile"
    wants: ScoreKind = "any"

    def __init__(self, quantile: float) -> None:
        self._quantile = checked_quantile("thresholds.locations.quantile", quantile)

    def fit(self, locations: NDArray[np.float64], labels: NDArray[np.int64], passed: NDArray[np.bool_]) -> LocationsFit:
        """Finds the quantiles; labels and gate are not looked at."""
        return LocationsFit(rounded(np.quantile(locations, self._quantile, axis=0)), {"quantile": self._quantile})


class OptimalLocations:
    """Sets each threshold where a criterion of the two stages together is greatest; of equally good ones the highest.

    Only patients whom the gate lets pass can be called, so that only their scores count; but positives whom it stops
    are counted as missed, and negatives whom it stops as not called.

    A location without positives is never called, nor is one where no threshold is better than calling nobody. Locations
    with few positives share one threshold, found on all their cells together: the best threshold for three positives is
    hardly better than chance for the next three.

    Args:
        criterion: ``max_f1`` or ``youden`` (sensitivity + specificity - 1).
        least_positives: a location with fewer shares a threshold with all other such locations; at 1 each has
            its own.

    Raises:
        ConfigError: there is no such criterion, or the number is no whole number of at least 1.
    """

    wants: ScoreKind = "any"

    def __init__(self, criterion: str, least_positives: int) -> None:
        self.name = checked_criterion("thresholds.locations.criterion", criterion)
        self._least_positives = whole("thresholds.locations.least_positives", least_positives, 1)

    def fit(self, locations: NDArray[np.float64], labels: NDArray[np.int64], passed: NDArray[np.bool_]) -> LocationsFit:
        """Finds the optima."""
        positives = labels.sum(axis=0)
        values = np.full(len(LOCATION_COLUMNS), NEVER)
        sharing = np.flatnonzero((positives > 0) & (positives < self._least_positives))
        groups = [[int(position)] for position in np.flatnonzero(positives >= self._least_positives)]
        groups += [sharing.tolist()] if sharing.size else []
        for group in groups:
            values[group] = self._best(locations[:, group], labels[:, group], passed)
        return LocationsFit(
            values,
            {
                "least_positives": self._least_positives,
                "shared": [LOCATION_COLUMNS[position] for position in sharing],
                "without_positives": [LOCATION_COLUMNS[position] for position in np.flatnonzero(positives == 0)],
            },
        )

    def _best(self, scores: NDArray[np.float64], labels: NDArray[np.int64], passed: NDArray[np.bool_]) -> float:
        """The best threshold of (n, k) scores."""
        if not passed.any():
            return NEVER
        cuts = cuts_of(scores[passed].ravel(), labels[passed].ravel())
        positives = int(labels.sum())
        value = CRITERIA[self.name](cuts.true, cuts.false, positives, labels.size - positives)
        best = len(value) - 1 - int(np.argmax(value[::-1]))
        return cuts.inclusive(best) if value[best] > 0 else NEVER


class AccuracyLocations:
    """Calls a location where it is positive more probably than not, which is what the challenge's accuracy rewards.

    Each such call can be expected to raise the accuracy, and no other can. Needs calibrated probabilities.
    """

    name = "accuracy"
    wants: ScoreKind = "probabilities"

    def fit(self, locations: NDArray[np.float64], labels: NDArray[np.int64], passed: NDArray[np.bool_]) -> LocationsFit:
        """Gives the lowest score above 0.5, whatever the scores; a location without positives is never called."""
        without = labels.sum(axis=0) == 0
        values = rounded(np.where(without, NEVER, 0.5 + 10**-SCORE_DECIMALS))
        return LocationsFit(
            values, {"without_positives": [LOCATION_COLUMNS[position] for position in np.flatnonzero(without)]}
        )
