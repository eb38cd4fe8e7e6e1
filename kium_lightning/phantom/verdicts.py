"""Rows of the phantoms' statistics: what is known beside what came out, and the verdict."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from kium_lightning.phantom.references import Known, Spot

_ERRORS = 2.0  # standard errors by which a mean may miss
_SHARE = 0.05  # share of the reference by which it may miss besides
_CONFIDENCE = 0.95
_NEAR_MM = 2.0  # by which the mean place of a landmark may miss, or, where that is more,
_PATH_SHARE = 0.10  # this share of the way to it


@dataclass(frozen=True)
class MeanRow:
    """A mean, or a median, held against what is known.

    Attributes:
        name: of the row.
        known: the reference.
        mean: of the phantoms, or their median.
        sd: standard deviation over the phantoms.
        error: standard error of the mean, or of the median.
        count: number of values.
    """

    name: str
    known: Known
    mean: float
    sd: float
    error: float
    count: int

    @property
    def holds(self) -> bool:
        """Whether it is within two standard errors plus 5 %."""
        return abs(self.mean - self.known.mean) <= _ERRORS * self.error + _SHARE * abs(self.known.mean)


@dataclass(frozen=True)
class ShareRow:
    """A frequency held against what is known.

    Attributes:
        name: of the row.
        known: the reference share; of a range, its ends.
        count: how many phantoms or sides have it.
        total: of how many.
    """

    name: str
    known: tuple[float, float]
    count: int
    total: int

    @property
    def interval(self) -> tuple[float, float]:
        """The binomial 95 % interval of the share under the reference."""
        if not self.total:
            return 0.0, 1.0
        rest = 0.5 * (1.0 - _CONFIDENCE)
        low, high = binom.ppf(rest, self.total, self.known[0]), binom.ppf(1.0 - rest, self.total, self.known[1])
        return float(low) / self.total, float(high) / self.total

    @property
    def holds(self) -> bool:
        """Whether the share is inside the interval."""
        low, high = self.interval
        return not self.total or low <= self.count / self.total <= high


@dataclass(frozen=True)
class PlaceRow:
    """The mean place of a landmark, or of a trunk at a way from its root, held against what is known.

    Attributes:
        name: of the row.
        known: the reference.
        mean: of the phantoms, (3,), mm.
        sd: standard deviations over the phantoms, (3,), mm.
        count: number of places.
    """

    name: str
    known: Spot
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    count: int

    @property
    def distance(self) -> float:
        """How far the mean is from the known mean, mm."""
        return float(np.linalg.norm(self.mean - self.known.mean))

    @property
    def tolerance(self) -> float:
        """How far it may be: two standard errors plus 2 mm, or plus a tenth of the way to it where that is more."""
        error = float(np.linalg.norm(self.sd)) / math.sqrt(self.count)
        return _ERRORS * error + max(_NEAR_MM, _PATH_SHARE * self.known.path_mm)

    @property
    def holds(self) -> bool:
        """Whether the distance is within the tolerance."""
        return self.distance <= self.tolerance


@dataclass(frozen=True)
class Statistics:
    """All rows, by section.

    Attributes:
        patients: how many were drawn.
        means: rows of means by the title of their table.
        shares: rows of frequencies by the title of their table.
        places: rows of places by the title of their table.
        inside: of each tree, the share of its points inside its territory's box.
    """

    patients: int
    means: dict[str, list[MeanRow]]
    shares: dict[str, list[ShareRow]]
    places: dict[str, list[PlaceRow]]
    inside: dict[str, float]

    @property
    def rows(self) -> list[MeanRow | PlaceRow | ShareRow]:
        """All rows of all tables."""
        means = [row for table in self.means.values() for row in table]
        places = [row for table in self.places.values() for row in table]
        return [*means, *places, *(row for table in self.shares.values() for row in table)]

    @property
    def failed(self) -> list[str]:
        """The names of the rows that do not hold."""
        return [row.name for row in self.rows if not row.holds]
