"""A rectangle of pixels."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

GreyImage = NDArray[np.uint8]


class Box(NamedTuple):
    """A rectangle in pixels of an image; ``right`` and ``bottom`` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def whole(cls, image: NDArray[Any]) -> "Box":
        """The box of all pixels of an image of shape (H, W)."""
        height, width = image.shape
        return cls(0, 0, width, height)

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def is_empty(self) -> bool:
        """Whether the box holds no pixel."""
        return self.width <= 0 or self.height <= 0

    @property
    def slices(self) -> tuple[slice, slice]:
        """The index that takes the box out of an array of shape (H, W)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def moved(self, right: int, down: int) -> "Box":
        """The box moved by a number of columns and rows."""
        return Box(self.left + right, self.top + down, self.right + right, self.bottom + down)

    def grown(self, columns: int, rows: int) -> "Box":
        """The box with some columns more on the left and the right and some rows more above and below."""
        return Box(self.left - columns, self.top - rows, self.right + columns, self.bottom + rows)

    def within(self, other: "Box") -> "Box":
        """The part that lies in another box; empty where they do not meet."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def joined(self, other: "Box") -> "Box":
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def meets(self, other: "Box") -> bool:
        """Whether the boxes share a pixel."""
        return not self.within(other).is_empty

    def turned_back(self, quarters: int, height: int, width: int) -> "Box":
        """Undoes counter-clockwise quarter turns, as `numpy.rot90` makes them, of an image of a height and width."""
        if quarters == 0:
            return self
        if quarters == 1:
            return Box(width - self.bottom, self.left, width - self.top, self.right)
        if quarters == 2:
            return Box(width - self.right, height - self.bottom, width - self.left, height - self.top)
        return Box(self.top, height - self.right, self.bottom, height - self.left)
