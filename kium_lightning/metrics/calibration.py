"""How far scores are probabilities; what cannot be known is NaN."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kium_lightning.metrics.wilson import wilson_ends

Binning = Literal["count", "width"]


@dataclass(frozen=True)
class Reliability:
    """Scores held against what was observed, in bins of increasing score; empty bins are left out.

    Attributes:
        scores: (b,) mean score of each bin.
        shares: (b,) share of positives among its patients.
        counts: (b,) its patients.
        low: (b,) lower end of the share's Wilson interval.
        high: (b,) upper end.
    """

    scores: NDArray[np.float64]
    shares: NDArray[np.float64]
    counts: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def reliability(
    labels: NDArray[np.generic],
    scores: NDArray[np.generic],
    bins: int = 10,
    binning: Binning = "count",
    level: float = 0.95,
) -> Reliability:
    """Computes the points of a reliability diagram.

    Patients with equal scores share a bin, so that with many ties there are fewer bins than asked for.

    Args:
        labels: (n,) in {0, 1}.
        scores: (n,) in [0, 1].
        bins: how many to make, at least 1.
        binning: ``count`` cuts at quantiles of the scores, for bins of about equally many patients; ``width`` cuts
            [0, 1] into equal parts.
        level: of the shares' intervals, in (0, 1).

    Returns:
        The bins that hold patients; none where there are no patients or a score is NaN.

    Raises:
        ValueError: the arrays are not two vectors of one length, a label is neither 0 nor 1, a score lies outside
            [0, 1], or bins, binning or level are out of range.
    """
    truth, values = _checked(labels, scores)
    if bins < 1 or binning not in ("count", "width"):
        raise ValueError(f"bins must be at least 1 and binning count or width, not {bins} and {binning}.")
    if len(values) == 0 or np.isnan(values).any():
        truth, values = truth[:0], values[:0]
    cuts = np.linspace(0, 1, bins + 1)[1:-1]
    edges = np.quantile(values, cuts) if binning == "count" and len(values) else cuts
    places = np.searchsorted(edges, values, side="left")
    counts = np.bincount(places, minlength=bins)
    found = np.bincount(places, weights=truth, minlength=bins)
    total = np.bincount(places, weights=values, minlength=bins)
    filled = counts > 0
    counts, found, total = counts[filled], found[filled], total[filled]
    return Reliability(total / counts, found / counts, counts, *wilson_ends(found, counts, level))


def expected_calibration_error(
    labels: NDArray[np.generic], scores: NDArray[np.generic], bins: int = 10, binning: Binning = "count"
) -> float:
    """Computes the mean distance of the bins' scores from their observed shares, weighted by their patients.

    With few patients it is biased upward: chance alone takes each bin's share away from its score, by about
    sqrt(2 p (1 - p) / (pi n)) in a bin of n patients with share p, so that even perfect probabilities show about 0.08
    at 25 patients a bin and p = 0.5. Compare it only between scores of the same patients with the same bins.

    Source: Naeini et al., AAAI 2015, there with bins of equal width; equal counts after Nixon et al., CVPRW 2019.

    Args:
        labels: (n,) in {0, 1}.
        scores: (n,) in [0, 1].
        bins: how many, as of ``reliability``.
        binning: ``count`` or ``width``, as of ``reliability``.

    Returns:
        A value in [0, 1]; NaN without patients or where a score is NaN.

    Raises:
        ValueError: as of ``reliability``.
    """
    found = reliability(labels, scores, bins, binning)
    if len(found.counts) == 0:
        return float("nan")
    return float(np.abs(found.scores - found.shares) @ found.counts / found.counts.sum())


def brier_score(labels: NDArray[np.generic], scores: NDArray[np.generic]) -> float:
    """Computes the mean squared distance of the scores from the labels.

    Source: Brier, Mon Weather Rev 1950; 78:1.

    Args:
        labels: (n,) in {0, 1}.
        scores: (n,) in [0, 1].

    Returns:
        A value in [0, 1], 0 for scores that are the labels; NaN without patients or where a score is NaN.

    Raises:
        ValueError: the arrays are not two vectors of one length, a label is neither 0 nor 1, or a score lies outside
            [0, 1].
    """
    truth, values = _checked(labels, scores)
    return float(np.mean((values - truth) ** 2)) if len(values) else float("nan")


def _checked(
    labels: NDArray[np.generic], scores: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if labels.ndim != 1 or labels.shape != scores.shape:
        raise ValueError(f"Labels {labels.shape} and scores {scores.shape} must be vectors of one length.")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("Labels must be 0 or 1.")
    values = scores.astype(np.float64)
    if ((values < 0) | (values > 1)).any():
        raise ValueError("Scores must lie in [0, 1] to be read as probabilities.")
    return labels.astype(np.float64), values
