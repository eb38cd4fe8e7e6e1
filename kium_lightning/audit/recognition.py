"""Which view a picture is, learnt from the cohort itself: a linear model per question, patients held out in turn.

Three questions are asked of each picture: does it show its circulation and not the other, its projection and not the
other, and does it lie the right way round and not mirrored? An answer near 1 is that of a usual picture of its name,
near -1 that of a picture of the other kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation, Projection, Side, View
from kium_lightning.audit.held_out import Read, held_out
from kium_lightning.audit.view_features import LENGTH, mirror_image, view_features
from kium_lightning.on_disk import on_disk

Numbers = NDArray[np.float64]
Features = NDArray[np.float32]

_AT_ONCE = 1024  # pictures whose features are read at once
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
    """Pictures in numbers, which lie on the disk.

    Attributes:
        plain: (n, d).
        views: (n,) what each is filed as.
        patients: (n,) a number per patient.
        is_folded: (n,) whether its mirror image stands for a picture where sides do not matter.
    """

    plain: Features
    views: NDArray[np.object_]
    patients: NDArray[np.int64]
    is_folded: NDArray[np.bool_]

    def places(self, circulation: Circulation, projection: Projection, side: Side | None = None) -> NDArray[np.int64]:
        """Where the pictures of a circulation and projection are."""
        fits = [
            view.circulation is circulation and view.projection is projection and side in (None, view.side)
            for view in self.views
        ]
        return np.flatnonzero(fits)

    def as_filed(self, places: NDArray[np.int64]) -> Numbers:
        """The features (m, d) of some pictures."""
        return self.plain[places].astype(np.float64)

    def folded(self, places: NDArray[np.int64]) -> Numbers:
        """Those of some pictures (m, d), or of their mirror images where these are to stand for them."""
        plain = self.plain[places]
        return np.where(self.is_folded[places, None], mirror_image(plain), plain).astype(np.float64)

    def from_mirrored(self, places: NDArray[np.int64]) -> Numbers:
        """What sets some folded pictures (m, d) apart from their mirror images."""
        plain = self.plain[places]
        apart = plain - mirror_image(plain)
        return np.where(self.is_folded[places, None], -apart, apart).astype(np.float64)


def recognise(
    pictures: Sequence[NDArray[np.uint8]],
    views: Sequence[View],
    patients: NDArray[np.int64],
    folder: Path | None = None,
) -> Recognition:
    """Asks the three questions of every picture.

    Args:
        pictures: (128, 128) each, small and clean.
        views: what each is filed as.
        patients: (n,) a number per patient, from 0 up.
        folder: for the features of many pictures, 6 KB each, while they are learnt from; None for the system's.

    Returns:
        The answers of models that did not see the patient.
    """
    described, mirrored_sides = _folded(_described(pictures, views, patients, folder))
    circulation, projection, way_round = (Answers.unknown(len(pictures)) for _ in range(3))
    silent = []
    for one in Projection:
        # what stands in the other's place must have been mirrored like it
        is_alike = len({(each, one) in mirrored_sides for each in Circulation}) == 1
        places = [described.places(each, one) for each in Circulation]
        if not _ask(described.folded if is_alike else described.as_filed, places, patients, circulation):
            silent.append(f"circulation of {_WORDS[one]} views")
    for other in Circulation:
        for side in Side:  # frontal views are mirrored from side to side and lateral ones need not be
            places = [described.places(other, each, side) for each in Projection]
            if not _ask(described.as_filed, places, patients, projection):
                silent.append(f"projection of {side.name.lower()} {_WORDS[other]} views")
        silent += [
            f"which way round {_WORDS[other]} {_WORDS[one]} views lie"
            for one in Projection
            if not _ask_way_round(described, described.places(other, one), way_round)
        ]
    return Recognition(circulation, projection, way_round, mirrored_sides, tuple(silent))


_WORDS: dict[Circulation | Projection, str] = {
    Circulation.ANTERIOR: "carotid",
    Circulation.POSTERIOR: "vertebral",
    Projection.FRONTAL: "frontal",
    Projection.LATERAL: "lateral",
}


def _described(
    pictures: Sequence[NDArray[np.uint8]], views: Sequence[View], patients: NDArray[np.int64], folder: Path | None
) -> _Pictures:
    plain = on_disk((len(pictures), LENGTH), np.float32, folder)
    for place, picture in enumerate(pictures):
        plain[place] = view_features(picture)
    return _Pictures(plain, np.array(views, dtype=object), patients, np.zeros(len(pictures), np.bool_))


def _folded(pictures: _Pictures) -> tuple[_Pictures, frozenset[tuple[Circulation, Projection]]]:
    """The pictures, right ones to be mirrored where that makes them like left ones; and where it does."""
    is_folded = np.zeros(len(pictures.plain), np.bool_)
    mirrored_sides = set()
    for circulation in Circulation:
        for projection in Projection:
            left = pictures.places(circulation, projection, Side.LEFT)
            right = pictures.places(circulation, projection, Side.RIGHT)
            if not len(left) or not len(right):
                continue
            usual, other = _mean(pictures.plain, left), _mean(pictures.plain, right)
            if mirror_image(other[None])[0] @ usual > other @ usual:
                is_folded[right] = True
                mirrored_sides.add((circulation, projection))
    return replace(pictures, is_folded=is_folded), frozenset(mirrored_sides)


def _mean(features: Features, places: NDArray[np.int64]) -> Numbers:
    total = np.zeros(features.shape[1])
    for block in np.array_split(places, -(-len(places) // _AT_ONCE)):
        total += features[block].sum(axis=0, dtype=np.float64)
    return total / len(places)


def _ask(read: Read, places: list[NDArray[np.int64]], patients: NDArray[np.int64], answers: Answers) -> bool:
    """Asks which of two groups pictures belong to and writes the answers; tells whether they are told apart."""
    if not all(map(len, places)):
        return False
    both = np.concatenate(places)
    targets = np.repeat([1.0, -1.0], [len(group) for group in places])
    agreement = held_out(read, both, targets, patients[both]) * targets
    usual = [agreement[targets == target] for target in (1.0, -1.0)]
    if not all(map(_is_told_apart, usual)):
        return False
    for group, values in zip(places, usual, strict=True):
        answers.write(group, values)
    return True


def _ask_way_round(pictures: _Pictures, places: NDArray[np.int64], answers: Answers) -> bool:
    """Asks whether pictures of one kind are mirrored; see `_ask`."""
    if not len(places):
        return False
    values = held_out(pictures.from_mirrored, places, np.ones(len(places)), pictures.patients[places])
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
