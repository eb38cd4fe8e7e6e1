"""Which view a picture is, learnt from the cohort itself: a linear model per question, patients held out in turn.

Three questions are asked of each picture: does it show its circulation and not the other, its projection and not the
other, and does it lie the right way round and not mirrored? An answer near 1 is that of a usual picture of its name,
near -1 that of a picture of the other kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation, Projection, Side, View
from kium_lightning.audit.view_features import view_features

Numbers = NDArray[np.float64]
Features = NDArray[np.float32]

_PENALTY = 0.3  # of the ridge, over the mean square of a picture's features
_HELD_OUT = 5  # parts of the patients that are judged in turn
_TOLD_APART = 2.25  # median over spread of the answers from which a question says anything
_MAD = 1.4826  # turns a median absolute deviation into the standard deviation of a normal distribution


@dataclass(frozen=True)
class Answers:
    """The answers to one question about each picture, NaN where it cannot be answered.

    Attributes:
        values: (n,) 1 for a usual picture of its name, -1 for one of the other kind.
        spread: (n,) the standard deviation of the values of pictures of its name.
    """

    values: Numbers
    spread: Numbers

    @classmethod
    def unknown(cls, pictures: int) -> "Answers":
        """No answer yet."""
        return cls(np.full(pictures, np.nan), np.full(pictures, np.nan))

    def write(self, places: NDArray[np.int64], raw: Numbers) -> None:
        """Keeps the raw answers about pictures of one name."""
        middle, spread = _middle_and_spread(raw)
        self.values[places] = raw / middle
        self.spread[places] = spread / middle

    def is_below(self, level: float, deviations: float) -> NDArray[np.bool_]:
        """Tells of which pictures (n,) the answer lies below a level, and so many spreads below a usual one."""
        return self.values < np.minimum(level, 1.0 - deviations * self.spread)


@dataclass(frozen=True)
class Recognition:
    """The answers about each picture.

    Attributes:
        circulation: whether it looks like its own circulation.
        projection: whether it looks like its own projection.
        way_round: whether it lies as those of its name do and not mirrored.
        mirrored_sides: views, by circulation and projection, whose right pictures are mirror images of left ones. Only
            in these can left and right be told apart.
        silent: questions that this cohort does not answer, in words.
    """

    circulation: Answers
    projection: Answers
    way_round: Answers
    mirrored_sides: frozenset[tuple[Circulation, Projection]]
    silent: tuple[str, ...]


@dataclass(frozen=True)
class _Pictures:
    """Pictures in numbers: (n, d) each, plain and mirrored, with the view they are filed as and their patient."""

    plain: Features
    mirrored: Features
    views: NDArray[np.object_]
    patients: NDArray[np.int64]

    def places(self, circulation: Circulation, projection: Projection, side: Side | None = None) -> NDArray[np.int64]:
        """Where the pictures of a circulation and projection are."""
        fits = [
            view.circulation is circulation and view.projection is projection and side in (None, view.side)
            for view in self.views
        ]
        return np.flatnonzero(fits)


def recognise(pictures: Sequence[NDArray[np.uint8]], views: Sequence[View], patients: NDArray[np.int64]) -> Recognition:
    """Asks the three questions of every picture.

    Args:
        pictures: (128, 128) each, small and clean.
        views: what each is filed as.
        patients: (n,) a number per patient, from 0 up.

    Returns:
        The answers of models that did not see the patient.
    """
    described = _Pictures(
        np.stack([view_features(picture) for picture in pictures]),
        np.stack([view_features(np.ascontiguousarray(picture[:, ::-1])) for picture in pictures]),
        np.array(views, dtype=object),
        patients,
    )
    folded, mirrored_sides = _folded(described)
    circulation, projection, way_round = (Answers.unknown(len(pictures)) for _ in range(3))
    silent = []
    for one in Projection:
        # what stands in the other's place must have been mirrored like it
        is_alike = len({(each, one) in mirrored_sides for each in Circulation}) == 1
        places = [described.places(each, one) for each in Circulation]
        if not _ask(folded if is_alike else described.plain, places, patients, circulation):
            silent.append(f"circulation of {_WORDS[one]} views")
    for other in Circulation:
        for side in Side:  # frontal views are mirrored from side to side and lateral ones need not be
            places = [described.places(other, each, side) for each in Projection]
            if not _ask(described.plain, places, patients, projection):
                silent.append(f"projection of {side.name.lower()} {_WORDS[other]} views")
        silent += [
            f"which way round {_WORDS[other]} {_WORDS[one]} views lie"
            for one in Projection
            if not _ask_way_round(described, folded, described.places(other, one), way_round)
        ]
    return Recognition(circulation, projection, way_round, mirrored_sides, tuple(silent))


_WORDS: dict[Circulation | Projection, str] = {
    Circulation.ANTERIOR: "carotid",
    Circulation.POSTERIOR: "vertebral",
    Projection.FRONTAL: "frontal",
    Projection.LATERAL: "lateral",
}


def _folded(pictures: _Pictures) -> tuple[Features, frozenset[tuple[Circulation, Projection]]]:
    """The pictures with right ones mirrored where that makes them like left ones; and where it does."""
    folded = pictures.plain.copy()
    mirrored_sides = set()
    for circulation in Circulation:
        for projection in Projection:
            left = pictures.places(circulation, projection, Side.LEFT)
            right = pictures.places(circulation, projection, Side.RIGHT)
            if not len(left) or not len(right):
                continue
            usual = pictures.plain[left].mean(axis=0)
            if pictures.mirrored[right].mean(axis=0) @ usual > pictures.plain[right].mean(axis=0) @ usual:
                folded[right] = pictures.mirrored[right]
                mirrored_sides.add((circulation, projection))
    return folded, frozenset(mirrored_sides)


def _ask(features: Features, places: list[NDArray[np.int64]], patients: NDArray[np.int64], answers: Answers) -> bool:
    """Asks which of two groups pictures belong to and writes the answers; tells whether they are told apart."""
    if not all(map(len, places)):
        return False
    both = np.concatenate(places)
    targets = np.repeat([1.0, -1.0], [len(group) for group in places])
    agreement = _held_out(features[both].astype(np.float64), targets, patients[both]) * targets
    usual = [agreement[targets == target] for target in (1.0, -1.0)]
    if not all(map(_is_told_apart, usual)):
        return False
    for group, values in zip(places, usual, strict=True):
        answers.write(group, values)
    return True


def _ask_way_round(pictures: _Pictures, folded: Features, places: NDArray[np.int64], answers: Answers) -> bool:
    """Asks whether pictures of one kind are mirrored; see `_ask`."""
    if not len(places):
        return False
    # a folded picture's mirror image is whichever of the two it is not
    difference = 2.0 * folded[places] - pictures.plain[places] - pictures.mirrored[places]
    values = _held_out(difference.astype(np.float64), np.ones(len(places)), pictures.patients[places])
    if not _is_told_apart(values):
        return False
    answers.write(places, values)
    return True


def _is_told_apart(values: Numbers) -> bool:
    middle, spread = _middle_and_spread(values)
    return middle > _TOLD_APART * spread


def _middle_and_spread(values: Numbers) -> tuple[float, float]:
    """The median and a standard deviation that a few wrong pictures do not change."""
    middle = float(np.median(values))
    return middle, _MAD * float(np.median(np.abs(values - middle)))


def _held_out(features: Numbers, targets: Numbers, patients: NDArray[np.int64]) -> Numbers:
    """Ridge regression of targets (n,) of -1 and 1 on features (n, d); each patient is judged by a model of others.

    Where all targets are 1 the model has no intercept: the question is odd under a change of sign.
    """
    values = np.empty(len(features))
    is_odd = bool((targets == 1.0).all())
    for part in range(_HELD_OUT):
        judged = patients % _HELD_OUT == part
        if judged.all() or not judged.any():
            values[judged] = np.nan
            continue
        known, wanted = features[~judged], targets[~judged]
        middle = np.zeros(known.shape[1]) if is_odd else known.mean(axis=0)
        level = 0.0 if is_odd else float(wanted.mean())
        centred = known - middle
        # the smaller of the two forms of the same solution
        is_wide = known.shape[1] > len(known)
        gram = centred @ centred.T if is_wide else centred.T @ centred
        gram[np.diag_indices_from(gram)] += _PENALTY * np.trace(gram) / len(known)
        if is_wide:
            weights = centred.T @ np.linalg.solve(gram, wanted - level)
        else:
            weights = np.linalg.solve(gram, centred.T @ (wanted - level))
        values[judged] = (features[judged] - middle) @ weights + level
    return values
