"""A number with its interval: an estimate, or a share of a count."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.metrics.wilson import wilson_ends


@dataclass(frozen=True)
class Estimate:
    """A value with the ends of its interval; NaN where it is not known."""

    value: float
    low: float
    high: float


UNKNOWN_ESTIMATE = Estimate(math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Share:
    """So many of so many.

    Attributes:
        count: how many.
        total: out of how many; 0 where there is nothing to count.
        low: lower end of its interval; NaN where that is not known.
        high: upper end.
        bootstrap_low: lower end of the bootstrap interval over patients; NaN where that is not known.
        bootstrap_high: upper end.
    """

    count: int
    total: int
    low: float
    high: float
    bootstrap_low: float = math.nan
    bootstrap_high: float = math.nan

    @property
    def value(self) -> float:
        """The share in [0, 1]; NaN where the total is 0."""
        return self.count / self.total if self.total else math.nan

    @classmethod
    def of(cls, chosen: NDArray[np.bool_], level: float) -> "Share":
        """Counts the True among values, with the Wilson interval, which holds for few and for extreme counts, too.

        Source: Wilson, J Am Stat Assoc 1927; 22:209.
        """
        count, total = int(np.count_nonzero(chosen)), chosen.size
        low, high = wilson_ends(np.array(count), np.array(total), level)
        return cls(count, total, float(low), float(high))

    def as_json(self) -> dict[str, Any]:
        """Count, total, share and intervals."""
        return {"value": self.value, **asdict(self)}
