"""Cohorts drawn anew from the same patients, and what a metric is in each of them.

Patients are drawn with replacement, without regard to their labels, since a new cohort would not keep the prevalence
either. A drawn cohort is a row of counts, how often it holds each patient; all metrics of one evaluation can share the
same draws, so that no number depends on which others are asked for, and the difference of two metrics is paired.
"""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from kium_lightning.metrics.at_once import at_once
from kium_lightning.metrics.left_out import left_out

Metric = Callable[..., float]

_CELLS = 250_000  # of counts that are worked on at once: some arrays of 2 MB, whatever the number of patients


def bootstrap_counts(patients: int, draws: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """Draws cohorts of as many patients, with replacement.

    Args:
        patients: n.
        draws: how many cohorts to draw, at least 1.
        rng: where the draws come from.

    Returns:
        (draws, n) how often each cohort holds each patient; a row sums up to n.

    Raises:
        ValueError: draws is out of range.
    """
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws}.")
    if patients == 0:
        return np.zeros((draws, 0), dtype=np.int16)
    counts = np.empty((draws, patients), dtype=np.int16)
    for block in _blocks(draws, patients):  # the generator gives the same numbers in parts as in one go
        some = len(range(draws)[block])
        rows = rng.integers(patients, size=(some, patients)) + patients * np.arange(some)[:, None]
        counts[block] = np.bincount(rows.ravel(), minlength=some * patients).reshape(some, patients)
    return counts


def bootstrap_values(metric: Metric, *arrays: NDArray[np.generic], counts: NDArray[np.int16]) -> NDArray[np.float64]:
    """Computes a metric of each drawn cohort, all at once where ``metrics.at_once`` knows how.

    Args:
        metric: a function of the arrays' rows that does not depend on their order.
        arrays: one row per patient each, (n,) or (n, ...).
        counts: (draws, n) as ``bootstrap_counts`` draws them.

    Returns:
        (draws,); NaN where the metric is.

    Raises:
        ValueError: the arrays or counts differ in length, or the metric does not accept the arrays.
    """
    patients = patients_of(arrays)
    if counts.shape[1] != patients:
        raise ValueError(f"The counts are of {counts.shape[1]} patients and the arrays of {patients}.")
    if patients == 0 or len(counts) == 0:
        return np.full(len(counts), np.nan)
    metric(*arrays)  # refuses what it does not accept
    together = at_once(metric)
    if together is not None:
        return np.concatenate([together(counts[block], *arrays) for block in _blocks(*counts.shape)])
    places = np.arange(patients)
    cohorts = (np.repeat(places, row) for row in counts)
    return np.array([metric(*(array[rows] for array in arrays)) for rows in cohorts], dtype=np.float64)


def left_out_values(metric: Metric, *arrays: NDArray[np.generic]) -> NDArray[np.float64]:
    """Computes a metric of the cohorts that lack one patient each, in one pass where ``metrics.left_out`` knows how.

    Args:
        metric: a function of the arrays' rows that does not depend on their order.
        arrays: one row per patient each, (n,) or (n, ...).

    Returns:
        (n,); NaN where the metric is.

    Raises:
        ValueError: the arrays differ in length, or the metric does not accept them.
    """
    patients = patients_of(arrays)
    if patients == 0:
        return np.empty(0)
    in_one_pass = left_out(metric)
    if in_one_pass is not None:
        metric(*arrays)  # refuses what it does not accept
        return in_one_pass(*arrays)
    places = np.arange(patients)
    blocks = (leave_one_out(patients, places[block]) for block in _blocks(patients, patients))
    return np.concatenate([bootstrap_values(metric, *arrays, counts=counts) for counts in blocks])


def leave_one_out(patients: int, left_out: NDArray[np.int64] | None = None) -> NDArray[np.int16]:
    """The counts of cohorts that lack one patient each.

    Args:
        patients: n.
        left_out: (k,) whom; None for everybody in turn.

    Returns:
        (k, n).
    """
    places = np.arange(patients) if left_out is None else left_out
    return np.asarray(places[:, None] != np.arange(patients), dtype=np.int16)


def patients_of(arrays: tuple[NDArray[np.generic], ...]) -> int:
    """Counts the rows that all arrays have.

    Raises:
        ValueError: they have different numbers of rows.
    """
    lengths = {len(array) for array in arrays}
    if len(lengths) != 1:
        raise ValueError(f"The arrays must have one row per patient each, but their lengths are {sorted(lengths)}.")
    return lengths.pop()


def _blocks(draws: int, patients: int) -> Iterator[slice]:
    """Cuts the rows of (draws, patients) counts into blocks that are worked on at once."""
    rows = max(1, _CELLS // max(1, patients))
    return (slice(start, start + rows) for start in range(0, draws, rows))
