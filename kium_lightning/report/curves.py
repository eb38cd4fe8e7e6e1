"""What the presence score does at every threshold: ROC, precision and recall, and what the gate costs, with bands."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.report.draws import Draws
from kium_lightning.report.reading import Judged

GRID = np.linspace(0, 1, 101)  # where bands are known
WANTED_SENSITIVITIES = (0.9, 0.95, 0.99)
_COHORTS_AT_ONCE = 64
_SLACK = 1e-9  # of shares that are equal but for rounding

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve through the patients, and its band on ``GRID``.

    Attributes:
        across: (m,) what lies on the horizontal axis, increasing.
        up: (m,) on the vertical axis.
        low: (101,) lower end of the pointwise band at the points of ``GRID``; NaN where it is not known.
        high: (101,) upper end.
    """

    across: Floats
    up: Floats
    low: Floats
    high: Floats

    def as_json(self) -> dict[str, Any]:
        """The curve and its band as lists."""
        return {
            "x": self.across.round(6).tolist(),
            "y": self.up.round(6).tolist(),
            "band_x": GRID.round(6).tolist(),
            "band_low": self.low.round(6).tolist(),
            "band_high": self.high.round(6).tolist(),
        }


@dataclass(frozen=True)
class OperatingPoint:
    """What a gate at one score would do.

    Attributes:
        wanted: the sensitivity that was to be reached.
        score: the least presence score that passes.
        sensitivity: share of the patients with an aneurysm who pass.
        specificity: share of those without one who are stopped.
        passed: share of all patients who pass.
    """

    wanted: float
    score: float
    sensitivity: float
    specificity: float
    passed: float


@dataclass(frozen=True, eq=False)
class Curves:
    """The curves of the presence score.

    Attributes:
        roc: sensitivity against 1 - specificity.
        precision: precision against sensitivity.
        gate: sensitivity against the share of all patients who pass.
        points: for each of ``WANTED_SENSITIVITIES`` the highest score that reaches it among these very patients.
    """

    roc: Curve
    precision: Curve
    gate: Curve
    points: tuple[OperatingPoint, ...]


def presence_curves(judged: Judged, draws: Draws) -> Curves | None:
    """Computes the curves with their bands.

    Args:
        judged: an answer and the truth.
        draws: of the same patients.

    Returns:
        The curves; None where all patients have, or none has, an aneurysm.
    """
    sick = judged.has_aneurysm == 1
    if sick.all() or not sick.any():
        return None
    order = np.argsort(-judged.presence, kind="stable")
    ranked = judged.presence[order]
    starts = np.flatnonzero(np.append(True, np.diff(ranked) != 0))
    own = np.ones((1, len(order)))
    found, alarms = _cumulated(own, sick, order, starts)
    passed = found + alarms
    roc, precision, gate = _drawn_curves(draws, sick, order, starts)

    def curve(across: Floats, up: Floats, band: Floats) -> Curve:
        return Curve(np.append(0.0, _shares(across)[0]), np.append(0.0, _shares(up)[0]), *draws.band(band))

    recall: Floats = _shares(found)[0]
    precise: Floats = (found / passed)[0]
    steps = np.flatnonzero(np.diff(found[0], prepend=0.0) > 0)
    return Curves(
        roc=curve(alarms, found, roc),
        precision=Curve(
            np.append(0.0, recall[steps]),
            np.append(precise[steps[0]], precise[steps]),
            *draws.band(precision),
        ),
        gate=curve(passed, found, gate),
        points=tuple(
            _point(wanted, ranked[starts], recall, _shares(alarms)[0], _shares(passed)[0])
            for wanted in WANTED_SENSITIVITIES
        ),
    )


def _drawn_curves(
    draws: Draws, sick: NDArray[np.bool_], order: NDArray[np.intp], starts: NDArray[np.intp]
) -> tuple[Floats, Floats, Floats]:
    """ROC, precision and gate of each drawn cohort at the points of ``GRID``: (cohorts, 101) each.

    The curves through all patients are held of some cohorts at a time alone.
    """
    parts = []
    for start in range(0, len(draws.counts), _COHORTS_AT_ONCE):
        found, alarms = _cumulated(draws.counts[start : start + _COHORTS_AT_ONCE], sick, order, starts)
        passed, recall = found + alarms, _shares(found)
        parts.append(
            (_between(_shares(alarms), recall), _precision_bands(found, passed), _between(_shares(passed), recall))
        )
    roc, precision, gate = (np.concatenate(each) for each in zip(*parts, strict=True))
    return roc, precision, gate


def _cumulated(
    counts: NDArray[np.generic], sick: NDArray[np.bool_], order: NDArray[np.intp], starts: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Patients with and without an aneurysm at or above each different score, highest first: (cohorts, scores) each."""
    sorted_counts = counts[:, order].astype(np.float64)
    with_one = np.add.reduceat(sorted_counts * sick[order], starts, axis=1)
    without = np.add.reduceat(sorted_counts * ~sick[order], starts, axis=1)
    return np.cumsum(with_one, axis=1), np.cumsum(without, axis=1)


def _shares(cumulated: Floats) -> Floats:
    """Of the last count in each row; NaN in rows where it is 0."""
    last = cumulated[:, -1:]
    return np.asarray(np.divide(cumulated, last, out=np.full(cumulated.shape, np.nan), where=last > 0))


def _between(across: Floats, up: Floats) -> Floats:
    """Curves at the points of ``GRID``, straight between scores: (cohorts, 101)."""
    curves = np.full((len(across), len(GRID)), np.nan)
    for row in np.flatnonzero(~np.isnan(across[:, -1] + up[:, -1])):
        curves[row] = np.interp(GRID, np.append(0.0, across[row]), np.append(0.0, up[row]))
    return curves


def _precision_bands(found: Floats, passed: Floats) -> Floats:
    """The precision at the highest score that finds each share of ``GRID``: (cohorts, 101)."""
    curves = np.full((len(found), len(GRID)), np.nan)
    recall = _shares(found)
    for row in np.flatnonzero(~np.isnan(recall[:, -1])):
        steps = np.flatnonzero(np.diff(found[row], prepend=0.0) > 0)
        places = np.searchsorted(recall[row, steps], GRID - _SLACK)
        curves[row] = (found[row] / np.maximum(passed[row], 1))[steps][places]
    return curves


def _point(wanted: float, scores: Floats, recall: Floats, alarms: Floats, passed: Floats) -> OperatingPoint:
    place = int(np.argmax(recall >= wanted - _SLACK))
    return OperatingPoint(
        wanted, float(scores[place]), float(recall[place]), float(1 - alarms[place]), float(passed[place])
    )
