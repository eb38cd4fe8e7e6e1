"""A point source and a flat detector: where points of the head fall on the picture; and the bodies it may hold."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Geometry:
    """A point source and a flat detector.

    Attributes:
        source: (3,) in mm.
        axes: unit vectors as rows (3, 3): the picture's right, the picture's down, source towards detector.
        source_image_mm: distance from the source to the detector.
        pixel_mm: pixel pitch on the detector.
        width: pixels per row.
        height: rows.
    """

    source: NDArray[np.float64]
    axes: NDArray[np.float64]
    source_image_mm: float
    pixel_mm: float
    width: int
    height: int

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Column and row (n, 2) of points (n, 3), in pixels; (0, 0) is the centre of the first pixel."""
        local = (points - self.source) @ self.axes.T
        scale = self.source_image_mm / (local[:, 2] * self.pixel_mm)
        middle = np.array([(self.width - 1) / 2.0, (self.height - 1) / 2.0])
        projected: NDArray[np.float64] = local[:, :2] * scale[:, None] + middle
        return projected

    def local(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 3) in the frame of the source: right, down, depth, in mm."""
        moved: NDArray[np.float64] = (points - self.source) @ self.axes.T
        return moved


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid.

    Attributes:
        centre: (3,) in mm.
        axes: unit vectors as rows (3, 3).
        half_axes: (3,) in mm.
    """

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    half_axes: NDArray[np.float64]


@dataclass(frozen=True)
class Plane:
    """A plane; what lies on the side that its normal points to is kept.

    Attributes:
        point: (3,) on the plane, in mm.
        normal: unit vector (3,).
    """

    point: NDArray[np.float64]
    normal: NDArray[np.float64]
