"""Ridge regression whose rows may be too many for memory: each patient is judged by a model of the others."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Read = Callable[[NDArray[np.int64]], Numbers]
"""Gives the features (m, d) at places (m,)."""

_PENALTY = 0.3  # of the ridge, over the mean square of a picture's features
_PARTS = 5  # of the patients, judged in turn
_AT_ONCE = 512  # rows that are read at once


def held_out(read: Read, places: NDArray[np.int64], targets: Numbers, patients: NDArray[np.int64]) -> Numbers:
    """Regresses targets on features; each patient is judged by a model of others.

    With more rows than features sums over rows are all that is kept of them; the others' sums are those of all rows
    less the patient's part.

    Args:
        read: the features.
        places: (n,) where they are.
        targets: (n,) -1 or 1. Where all are 1 the model has no intercept: the question is odd under a change of sign.
        patients: (n,) a number per patient, from 0 up.

    Returns:
        (n,) the model's values; NaN where there is no other patient.
    """
    is_odd = bool((targets == 1.0).all())
    parts = [np.flatnonzero(patients % _PARTS == part) for part in range(_PARTS)]
    length = read(places[:1]).shape[1]
    if len(places) <= length:
        return _of_few(read(places), targets, parts, is_odd)
    return _of_many(read, places, targets, parts, is_odd, length)


def _of_few(features: Numbers, targets: Numbers, parts: list[NDArray[np.intp]], is_odd: bool) -> Numbers:
    """Solves for a weight per row, as there are more features than rows."""
    values = np.full(len(features), np.nan)
    for judged in parts:
        others = np.setdiff1d(np.arange(len(features)), judged)
        if not len(judged) or not len(others):
            continue
        known, wanted = features[others], targets[others]
        middle = np.zeros(known.shape[1]) if is_odd else known.mean(axis=0)
        level = 0.0 if is_odd else float(wanted.mean())
        centred = known - middle
        gram = centred @ centred.T
        gram[np.diag_indices_from(gram)] += _PENALTY * np.trace(gram) / len(known)
        weights = centred.T @ np.linalg.solve(gram, wanted - level)
        values[judged] = (features[judged] - middle) @ weights + level
    return values


class _Sums:
    """Sums over rows, from which a ridge regression follows.

    Attributes:
        rows: how many.
        features: (d,) their sum.
        targets: the sum of the targets.
        joint: (d,) the sum of target times features.
        gram: (d, d) the sum of outer products of features.
    """

    def __init__(self, length: int) -> None:
        self.rows, self.targets = 0, 0.0
        self.features, self.joint = np.zeros(length), np.zeros(length)
        self.gram = np.zeros((length, length))

    def add(self, features: Numbers, targets: Numbers) -> None:
        self.rows += len(features)
        self.targets += float(targets.sum())
        self.features += features.sum(axis=0)
        self.joint += features.T @ targets
        self.gram += features.T @ features

    def model(self, without: "_Sums", is_odd: bool) -> tuple[Numbers, Numbers, float]:
        """The weights (d,) of the rows that are not among others, and the middles of their features and targets.

        The others' ``gram`` is used up, as there is little room for more of this size.
        """
        rows = self.rows - without.rows
        middle = np.zeros_like(self.features) if is_odd else (self.features - without.features) / rows
        level = 0.0 if is_odd else (self.targets - without.targets) / rows
        gram = np.subtract(self.gram, without.gram, out=without.gram)
        for feature, value in enumerate(middle):
            gram[feature] -= rows * value * middle
        gram[np.diag_indices_from(gram)] += _PENALTY * np.trace(gram) / rows
        weights = np.asarray(np.linalg.solve(gram, self.joint - without.joint - rows * level * middle), np.float64)
        return weights, middle, level


def _of_many(
    read: Read,
    places: NDArray[np.int64],
    targets: Numbers,
    parts: list[NDArray[np.intp]],
    is_odd: bool,
    length: int,
) -> Numbers:
    """Solves for a weight per feature, from sums over rows."""
    everybody = _Sums(length)
    for block in _blocks(np.arange(len(places))):
        everybody.add(read(places[block]), targets[block])
    values = np.full(len(places), np.nan)
    for judged in parts:
        if not 0 < len(judged) < len(places):
            continue
        own = _Sums(length)
        for block in _blocks(judged):
            own.add(read(places[block]), targets[block])
        weights, middle, level = everybody.model(own, is_odd)
        for block in _blocks(judged):
            values[block] = (read(places[block]) - middle) @ weights + level
    return values


def _blocks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
