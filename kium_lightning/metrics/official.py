"""The two numbers of the challenge's script, and the one that any location accuracy must be compared with."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from kium_lightning.anatomy import LOCATION_COLUMNS


def official_auroc(truth: NDArray[np.generic], output: NDArray[np.generic]) -> float:
    """Computes the challenge's AUROC, with the organisers' function.

    Args:
        truth: (n,) in {0, 1}, the column Aneurysm.
        output: (n,) in [0, 1], the answer's column Aneurysm.

    Returns:
        A value in [0, 1]; NaN where all patients have, or none has, an aneurysm.
    """
    if len(np.unique(truth)) < 2:
        return float("nan")
    return float(roc_auc_score(truth, output))


def location_accuracy(truth: NDArray[np.generic], output: NDArray[np.generic]) -> float:
    """Computes the challenge's location accuracy: 1 - mean |truth - output| over all patients and locations.

    Args:
        truth: (n, 21) in {0, 1}, columns as ``anatomy.LOCATION_COLUMNS``.
        output: (n, 21) in {0, 1}.

    Returns:
        A value in [0, 1]; NaN without patients.

    Raises:
        ValueError: the arrays are not (n, 21) both.
    """
    if truth.shape != output.shape or truth.ndim != 2 or truth.shape[1] != len(LOCATION_COLUMNS):
        raise ValueError(f"Truth {truth.shape} and output {output.shape} must both be (n, {len(LOCATION_COLUMNS)}).")
    if len(truth) == 0:
        return float("nan")
    return float(1 - np.mean(np.abs(truth.astype(np.float64) - output.astype(np.float64))))


def all_zero_accuracy(truth: NDArray[np.generic]) -> float:
    """Computes the location accuracy of an answer that calls no location in anybody.

    Args:
        truth: (n, 21) in {0, 1}, columns as ``anatomy.LOCATION_COLUMNS``.

    Returns:
        A value in [0, 1], 0.97123 on the challenge's training set; NaN without patients.

    Raises:
        ValueError: the array is not (n, 21).
    """
    return location_accuracy(truth, np.zeros_like(truth))


def accuracy_gain(truth: NDArray[np.generic], output: NDArray[np.generic]) -> float:
    """Computes how far the location accuracy lies above that of calling no location in anybody.

    Args:
        truth: (n, 21) in {0, 1}, columns as ``anatomy.LOCATION_COLUMNS``.
        output: (n, 21) in {0, 1}.

    Returns:
        A value in [-1, 1], 0 for an answer that calls nothing; NaN without patients.

    Raises:
        ValueError: the arrays are not (n, 21) both.
    """
    return location_accuracy(truth, output) - all_zero_accuracy(truth)
