"""The precision in which scores and thresholds are compared and written."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

SCORE_DECIMALS = 6


def rounded(scores: ArrayLike) -> NDArray[np.float64]:
    """Rounds scores to the precision in which they are compared with thresholds and written to files.

    Devices and batch sizes disagree in about the seventh decimal of a float32 score. A threshold that was fitted as
    a quantile often *is* one of the scores, so that without rounding this noise alone would decide such a call.
    Rounding both sides settles these ties; it cannot settle a score that lies within the noise of a rounding edge.
    Since tables are written with the same decimals, every call can be recomputed from the files.

    Args:
        scores: any shape, in [0, 1]; NaN stays NaN.

    Returns:
        float64 of the same shape.
    """
    exact: NDArray[np.float64] = np.asarray(scores, dtype=np.float64)
    return exact.round(SCORE_DECIMALS)
