"""How well 0-or-1 calls agree with the truth; what cannot be known is NaN."""

import numpy as np
from numpy.typing import NDArray


def sensitivity(labels: NDArray[np.generic], calls: NDArray[np.generic]) -> float:
    """Computes the share of the positives that are called.

    Args:
        labels: (n,) in {0, 1}.
        calls: (n,) in {0, 1}.

    Returns:
        A value in [0, 1]; NaN without positives.

    Raises:
        ValueError: the arrays differ in shape or hold other values.
    """
    truth, called = _checked(labels, calls)
    return float(called[truth].mean()) if truth.any() else float("nan")


def specificity(labels: NDArray[np.generic], calls: NDArray[np.generic]) -> float:
    """Computes the share of the negatives that are not called.

    Args:
        labels: (n,) in {0, 1}.
        calls: (n,) in {0, 1}.

    Returns:
        A value in [0, 1]; NaN without negatives.

    Raises:
        ValueError: the arrays differ in shape or hold other values.
    """
    truth, called = _checked(labels, calls)
    return float((~called[~truth]).mean()) if not truth.all() else float("nan")


def f1(labels: NDArray[np.generic], calls: NDArray[np.generic]) -> float:
    """Computes the harmonic mean of precision and sensitivity.

    Args:
        labels: (n,) in {0, 1}.
        calls: (n,) in {0, 1}.

    Returns:
        A value in [0, 1]; NaN without positives.

    Raises:
        ValueError: the arrays differ in shape or hold other values.
    """
    truth, called = _checked(labels, calls)
    return float(2 * (truth & called).sum() / (truth.sum() + called.sum())) if truth.any() else float("nan")


def weighted_f1(labels: NDArray[np.generic], calls: NDArray[np.generic]) -> float:
    """Averages the F1 of the labels, each weighted by its number of positives.

    The same as scikit-learn's ``f1_score(average="weighted")`` of several labels, and for one label its F1 (where
    scikit-learn would average over the negatives, too).

    Args:
        labels: (n, K) in {0, 1}.
        calls: (n, K) in {0, 1}.

    Returns:
        A value in [0, 1]; NaN without any positive. Labels without positives have no weight.

    Raises:
        ValueError: the arrays are not matrices of one shape, or hold other values.
    """
    truth, called = _checked(labels, calls)
    if truth.ndim != 2:
        raise ValueError(f"Labels must be a matrix (n, K), not of shape {labels.shape}.")
    support = truth.sum(axis=0)
    if not support.any():
        return float("nan")
    doubled = 2 * (truth & called).sum(axis=0)
    each = doubled / np.maximum(support + called.sum(axis=0), 1)
    return float((each * support).sum() / support.sum())


def _checked(labels: NDArray[np.generic], calls: NDArray[np.generic]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    if labels.shape != calls.shape:
        raise ValueError(f"Labels {labels.shape} and calls {calls.shape} must have one shape.")
    truth, called = np.asarray(labels == 1), np.asarray(calls == 1)
    if not (np.all(truth | (labels == 0)) and np.all(called | (calls == 0))):
        raise ValueError("Labels and calls must be 0 or 1.")
    return truth, called
