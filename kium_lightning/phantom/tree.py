"""What a vessel tree is made of: branches with a centre line, radii and a place in the circulation."""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom.curves import Points, path_lengths


class Segment(StrEnum):
    """The part of the circulation that fills as one."""

    ICA = "ICA"
    OPHTHALMIC = "ophthalmic"
    PCOM = "PCOM"
    ANTCHOR = "AntChor"
    A1 = "A1"
    A2 = "A2"
    ACOM = "ACOM"
    MCA = "MCA"
    VA = "VA"
    PICA = "PICA"
    BA = "BA"
    AICA = "AICA"
    SCA = "SCA"
    P1 = "P1"
    P2 = "P2"


Place = tuple[Segment, Side | None]
Key = tuple[Segment, Side | None, str]


@dataclass(frozen=True)
class Branch:
    """One unbranched vessel.

    Attributes:
        name: what it is called, unique within a segment and side, such as ``trunk`` or ``superior 2``.
        segment: the part of the circulation it belongs to, with all its distal branches.
        side: the side of the patient; None on the midline.
        points: centre line (n, 3) in mm: towards the patient's left, anterior, superior.
        radii: lumen radius at each point, (n,), in mm.
        start_mm: length of the way from the segment's root to the first point, in mm.
        parent: the branch it leaves, by segment, side and name; None for the great arteries of the neck.
        joins: the branch that its last point opens into; None for a branch that ends freely or goes on in others.
    """

    name: str
    segment: Segment
    side: Side | None
    points: Points
    radii: NDArray[np.float64]
    start_mm: float = 0.0
    parent: Key | None = None
    joins: Key | None = None

    @property
    def key(self) -> Key:
        """Segment, side and name."""
        return self.segment, self.side, self.name

    @property
    def place(self) -> Place:
        """The segment and the side."""
        return self.segment, self.side

    @cached_property
    def path_mm(self) -> NDArray[np.float64]:
        """The way from the segment's root to each point, (n,)."""
        return self.start_mm + path_lengths(self.points)

    def index_at(self, fraction: float) -> int:
        """The index of the point at a fraction of the branch's length."""
        along = path_lengths(self.points)
        return int(np.argmin(np.abs(along - fraction * along[-1])))


@dataclass(frozen=True)
class Tree:
    """All vessels of one patient."""

    branches: tuple[Branch, ...]

    def branch(self, segment: Segment, side: Side | None, name: str = "trunk") -> Branch:
        """Finds a branch by segment, side and name.

        Raises:
            KeyError: the tree has no such branch.
        """
        for branch in self.branches:
            if branch.place == (segment, side) and branch.name == name:
                return branch
        raise KeyError(f"the tree has no branch {name!r} of {segment} on side {side}")


def mirrored(branch: Branch, side: Side) -> Branch:
    """Puts a branch that was drawn with positive lateral coordinates on its side of the patient."""
    sign = np.array([1.0 if side is Side.LEFT else -1.0, 1.0, 1.0])
    return replace(branch, side=side, points=branch.points * sign)
