"""The interval of a share of patients; what cannot be known is NaN."""

from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray


def wilson_ends(
    counts: NDArray[np.generic], totals: NDArray[np.generic], level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Computes Wilson's intervals of shares, which hold for few patients and for extreme shares, too.

    Source: Wilson, J Am Stat Assoc 1927; 22:209.

    Args:
        counts: (...) how many, each of at most its total.
        totals: (...) out of how many.
        level: share of repetitions that an interval should cover, in (0, 1).

    Returns:
        The lower and the upper ends, (...) each, in [0, 1]; NaN where a total is 0.

    Raises:
        ValueError: level is out of range.

    Example:
        >>> low, high = wilson_ends(np.array(10), np.array(10))
        >>> round(float(low), 3), float(high)
        (0.722, 1.0)
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), not {level}.")
    z = NormalDist().inv_cdf((1 + level) / 2)
    count, total = counts.astype(np.float64), totals.astype(np.float64)
    total = np.where(total > 0, total, np.nan)
    share = count / total
    middle = share + z**2 / (2 * total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    scale = 1 + z**2 / total
    low = np.where(count == 0, 0.0 * total, (middle - half) / scale)  # exact ends: rounding would leave 1e-17
    high = np.where(count == total, 1.0 + 0.0 * total, (middle + half) / scale)
    return low, high
