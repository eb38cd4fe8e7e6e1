"""Which pictures are the same one, whatever was cut off, resized, compressed or mirrored in between.

Vessels of different patients look alike when small. A coarse fingerprint only proposes pairs; a registration and the
correlation of what overlaps decide (enhanced correlation coefficient: Evangelidis and Psarakis, IEEE TPAMI 2008).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.audit.neighbours import nearest
from kium_lightning.audit.survey import SIDE
from kium_lightning.on_disk import on_disk

Floats = NDArray[np.float32]

_FLATTEN = 10.0  # pixels, standard deviation: slower changes are background
_FINGERPRINT = 16  # pixels
_CUT = 5  # pixels of 128: the fingerprints are compared as if so much were cut off a side
_CUTS = (  # left, top, right, bottom
    (0, 0, 0, 0), (3, 3, 3, 3), (_CUT, _CUT, 0, 0), (_CUT, 0, 0, _CUT), (0, _CUT, _CUT, 0), (0, 0, _CUT, _CUT),
    (_CUT, 0, 0, 0), (0, _CUT, 0, 0), (0, 0, _CUT, 0), (0, 0, 0, _CUT),
)  # fmt: skip
_PROPOSED_FROM = 0.92  # likeness of fingerprints; of 300 altered copies the least was 0.948
_PROPOSED = 3  # nearest pictures of each
_OVERLAP = 0.7  # least share of a picture that must be covered by the other
_STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
_BLUR = 5  # pixels, of the registration's gradient
_LEAST_CONTRAST = 0.5  # grey levels, standard deviation: an emptier picture is like any other


class Candidate(NamedTuple):
    """Two pictures whose fingerprints are alike.

    Attributes:
        first: position of the one.
        second: position of the other, from which ``cut`` is thought to be cut off.
        cut: left, top, right, bottom in pixels.
        is_mirrored: whether the first is flipped for the comparison.
    """

    first: int
    second: int
    cut: tuple[int, int, int, int]
    is_mirrored: bool


class Candidates(Sequence[Candidate]):
    """Many candidates in some bytes each.

    Args:
        firsts: (m,) positions of the first pictures.
        seconds: (m,) positions of the second.
        cuts: (m,) places in the table of cuts.
        mirrored: (m,) whether the first is flipped.
    """

    def __init__(
        self,
        firsts: NDArray[np.int64],
        seconds: NDArray[np.int64],
        cuts: NDArray[np.int8],
        mirrored: NDArray[np.bool_],
    ) -> None:
        self._columns = firsts, seconds, cuts, mirrored

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, place: int) -> Candidate: ...
    @overload
    def __getitem__(self, place: slice) -> "Candidates": ...
    def __getitem__(self, place: int | slice) -> "Candidate | Candidates":
        firsts, seconds, cuts, mirrored = self._columns
        if isinstance(place, slice):
            return Candidates(firsts[place], seconds[place], cuts[place], mirrored[place])
        return Candidate(int(firsts[place]), int(seconds[place]), _CUTS[cuts[place]], bool(mirrored[place]))


@dataclass(frozen=True)
class Likeness:
    """How alike two pictures are.

    Attributes:
        first: position of the one.
        second: position of the other.
        correlation: of what overlaps once they are registered, -1 to 1.
        is_mirrored: whether one is the mirror image of the other.
    """

    first: int
    second: int
    correlation: float
    is_mirrored: bool


def flattened(picture: NDArray[np.uint8]) -> Floats:
    """Takes the background out of a picture (H, W); what is darker than around it becomes positive."""
    grey = picture.astype(np.float32)
    return np.asarray(cv2.GaussianBlur(grey, (0, 0), _FLATTEN) - grey, np.float32)


def mirrored(picture: Floats) -> Floats:
    """Flips a picture left to right."""
    return np.ascontiguousarray(picture[:, ::-1])


def _fingerprint(flat: Floats, cut: tuple[int, int, int, int]) -> Floats:
    left, top, right, bottom = cut
    height, width = flat.shape
    kept = cv2.GaussianBlur(flat[top : height - bottom, left : width - right], (0, 0), SIDE / (2 * _FINGERPRINT))
    shrunk = np.asarray(cv2.resize(kept, (_FINGERPRINT, _FINGERPRINT), interpolation=cv2.INTER_AREA), np.float32)
    shrunk = shrunk - shrunk.mean()
    return np.asarray(shrunk / np.sqrt((shrunk**2).sum() + 1e-6), np.float32).ravel()


def candidates(pictures: Sequence[NDArray[np.uint8]], folder: Path | None = None) -> Candidates:
    """Proposes for each picture the ones that it may be a copy of.

    Args:
        pictures: small clean pictures (SIDE, SIDE).
        folder: for the fingerprints of many pictures, 11 KB each, while they are compared; None for the system's.

    Returns:
        At most three per picture and direction, no pair twice.
    """
    size = len(pictures)
    if size == 0:
        nobody = np.empty(0, np.int64)
        return Candidates(nobody, nobody, nobody.astype(np.int8), nobody.astype(np.bool_))
    of_cuts, flipped = _fingerprints(pictures, folder)
    columns: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int8], NDArray[np.bool_]]] = []
    for is_mirrored, queries in ((False, of_cuts[0]), (True, flipped)):
        found = nearest(queries, of_cuts, _PROPOSED_FROM, _PROPOSED)
        firsts, ranks = np.nonzero(found.others >= 0)
        seconds = found.others[firsts, ranks]
        pairs = np.minimum(firsts, seconds) * size + np.maximum(firsts, seconds)
        once = np.sort(np.unique(pairs, return_index=True)[1])
        cuts = found.variants[firsts, ranks]
        columns.append((firsts[once], seconds[once], cuts[once], np.full(len(once), is_mirrored)))
    plain, flips = columns
    return Candidates(
        np.concatenate([plain[0], flips[0]]),
        np.concatenate([plain[1], flips[1]]),
        np.concatenate([plain[2], flips[2]]),
        np.concatenate([plain[3], flips[3]]),
    )


def _fingerprints(pictures: Sequence[NDArray[np.uint8]], folder: Path | None) -> tuple[Floats, Floats]:
    """The fingerprints (cuts, n, d) and those of the mirrored pictures (n, d); 0 for pictures that show nothing."""
    length = _FINGERPRINT**2
    of_cuts = on_disk((len(_CUTS), len(pictures), length), np.float32, folder)
    flipped = on_disk((len(pictures), length), np.float32, folder)
    for place, picture in enumerate(pictures):
        flat = flattened(picture)
        if flat.std() < _LEAST_CONTRAST:
            continue
        flipped[place] = _fingerprint(mirrored(flat), _CUTS[0])
        for number, cut in enumerate(_CUTS):
            of_cuts[number, place] = _fingerprint(flat, cut)
    return of_cuts, flipped


def compare(one: NDArray[np.uint8], other: NDArray[np.uint8], candidate: Candidate) -> Likeness:
    """Registers two small pictures by an affine map and correlates what overlaps.

    Args:
        one: the candidate's first picture (SIDE, SIDE).
        other: its second.
        candidate: says where the registration starts.

    Returns:
        The likeness, with a correlation of 0 where no registration is found.
    """
    first, second = flattened(one), flattened(other)
    first = mirrored(first) if candidate.is_mirrored else first
    left, top, right, bottom = candidate.cut
    side = first.shape[0]
    cut = np.array([[(side - left - right) / side, 0, left], [0, (side - top - bottom) / side, top]], np.float32)
    correlation = _correlation(first, second, cut) or _correlation(first, second, np.eye(2, 3, dtype=np.float32))
    return Likeness(candidate.first, candidate.second, correlation, candidate.is_mirrored)


def _correlation(first: Floats, second: Floats, start: Floats) -> float:
    try:
        everywhere = np.full(second.shape, 255, np.uint8)
        _, found = cv2.findTransformECC(first, second, start.copy(), cv2.MOTION_AFFINE, _STEPS, everywhere, _BLUR)
    except cv2.error:  # it does not converge where pictures have nothing in common
        return 0.0
    shape, flags = first.shape[::-1], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    covered = np.asarray(cv2.warpAffine(np.ones_like(second), found, shape, flags=flags)) > 0.99
    if covered.mean() < _OVERLAP:
        return 0.0
    moved = np.asarray(cv2.warpAffine(second, found, shape, flags=flags))
    one, other = first[covered], moved[covered]
    if one.std() < _LEAST_CONTRAST or other.std() < _LEAST_CONTRAST:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])
