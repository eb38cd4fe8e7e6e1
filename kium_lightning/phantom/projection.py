"""Cone-beam projection: how many millimetres of contrast each ray passes, and through which artery most of them.

Every vessel piece is the convex hull of two spheres and every sac a union of ellipsoids, so that a ray crosses each
part in one interval. Intervals that overlap on a ray share the same blood and are merged; intervals apart from each
other add up. That gives the union within a vessel, at joints and between a sac and its parent, and the sum where
vessels cross.
"""

import math
from collections.abc import Sequence

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kium_lightning.phantom.bodies import add_bodies
from kium_lightning.phantom.geometry import Ellipsoid, Geometry, Plane
from kium_lightning.phantom.intervals import SLOTS, insert, needed_points, pixel_box

__all__ = ["SLOTS", "Rays"]

_TOLERANCE_MM = 0.02  # a tenth of a pixel: points of a tube that lie closer to their neighbours' line are left out


class Rays:
    """The intervals that the rays of one picture have met so far.

    Args:
        geometry: source and detector.
        names_arteries: whether to keep which artery each ray meets most of.
    """

    def __init__(self, geometry: Geometry, names_arteries: bool = False) -> None:
        self.geometry = geometry
        shape = (geometry.height, geometry.width)
        self._counts = np.zeros(shape, dtype=np.uint8)
        self._slots = np.empty((*shape, SLOTS, 3), dtype=np.float32)
        self._total = np.zeros(shape, dtype=np.float32)
        named = shape if names_arteries else (0, 0)
        self._longest = np.zeros(named, dtype=np.float32)
        self._arteries = np.zeros(named, dtype=np.uint8)

    def add_tube(
        self,
        points: NDArray[np.float64],
        radii: NDArray[np.float64],
        contrast: NDArray[np.float64],
        artery: int = 0,
    ) -> None:
        """Adds a tapered tube.

        Args:
            points: centre line (n, 3) in mm.
            radii: (n,) in mm.
            contrast: (n,) from 0 to 1.
            artery: its number from 1 to 255; 0 leaves the rays unnamed.
        """
        g = self.geometry
        kept = needed_points(points, radii, contrast, _TOLERANCE_MM)
        _add_tube(
            g.local(points[kept]), radii[kept], contrast[kept], g.source_image_mm, g.pixel_mm, self._counts,
            self._slots, self._total, self._longest, self._arteries, artery if self._arteries.size else 0,
        )  # fmt: skip

    def add_bodies(
        self, bodies: Sequence[Ellipsoid], contrast: float, base: Plane | None = None, neck: Plane | None = None
    ) -> NDArray[np.float32]:
        """Adds a union of ellipsoids.

        Args:
            bodies: the ellipsoids.
            contrast: from 0 to 1; with 0 nothing is added and only the chords are told.
            base: cuts off what lies behind it; None cuts nothing off.
            neck: what lies behind it does not count for the chords; None counts everything.

        Returns:
            The length of each ray inside the union in front of the neck, whatever the contrast, (height, width), mm.
        """
        g = self.geometry
        centres = g.local(np.array([body.centre for body in bodies]))
        to_sphere = np.array([(body.axes / body.half_axes[:, None]) @ g.axes.T for body in bodies])
        reach = np.array([float(body.half_axes.max()) for body in bodies])
        chords = np.zeros((g.height, g.width), dtype=np.float32)
        add_bodies(
            centres, to_sphere, reach, contrast, self._cut(base), self._cut(neck), g.source_image_mm, g.pixel_mm,
            self._counts, self._slots, self._total, chords,
        )  # fmt: skip
        return chords

    def _cut(self, plane: Plane | None) -> NDArray[np.float64]:
        """A plane in the frame of the source: normal and offset, (4,); zeros and -1 keep everything."""
        if plane is None:
            return np.array([0.0, 0.0, 0.0, -1.0])
        offset = float(plane.normal @ (plane.point - self.geometry.source))
        return np.array([*(self.geometry.axes @ plane.normal), offset])

    def thickness(self) -> NDArray[np.float32]:
        """Millimetres of contrast-filled lumen along each ray, weighted by contrast, (height, width)."""
        collected: NDArray[np.float32] = _collect(self._counts, self._slots, self._total)
        return collected

    def arteries(self) -> NDArray[np.uint8]:
        """The number of the artery whose single piece weighs most on each ray, (height, width); 0 where there is none.

        The weight is the chord times the contrast, so that of two vessels that cross the larger or fuller one is named.
        """
        return self._arteries


@njit(cache=True)
def _add_tube(  # type: ignore[no-untyped-def]
    points, radii, contrast, distance, pixel, counts, slots, total, longest, arteries, artery
):
    height, width = counts.shape
    for i in range(len(points) - 1):
        weight = 0.5 * (contrast[i] + contrast[i + 1])
        if weight <= 0.0:
            continue
        ax, ay, az = points[i]
        bx, by, bz = points[i + 1]
        ra, rb = radii[i], radii[i + 1]
        a_left, a_right, a_top, a_bottom = pixel_box(ax, ay, az, ra, distance, pixel, width, height)
        b_left, b_right, b_top, b_bottom = pixel_box(bx, by, bz, rb, distance, pixel, width, height)
        # on the picture the piece lies within this reach of the line between its projected ends
        reach2 = 0.25 * max(a_right - a_left, b_right - b_left) ** 2
        from_column, from_row = 0.5 * (a_left + a_right), 0.5 * (a_top + a_bottom)
        columns, rows = 0.5 * (b_left + b_right) - from_column, 0.5 * (b_top + b_bottom) - from_row
        line2 = max(columns * columns + rows * rows, 1e-9)
        left = max(0, math.floor(min(a_left, b_left)))
        right = min(width - 1, math.ceil(max(a_right, b_right)))
        top = max(0, math.floor(min(a_top, b_top)))
        bottom = min(height - 1, math.ceil(max(a_bottom, b_bottom)))
        dx, dy, dz = bx - ax, by - ay, bz - az
        length = math.sqrt(dx * dx + dy * dy + dz * dz)
        has_side = length > abs(ra - rb) + 1e-9
        if has_side:
            dx, dy, dz = dx / length, dy / length, dz / length
            sine = (ra - rb) / length
            cosine = math.sqrt(1.0 - sine * sine)
            k, m = ra / cosine, sine / cosine
            first, last = ra * sine, length + rb * sine
            grow = 1.0 + m * m
        for row in range(top, bottom + 1):
            py = (row - (height - 1) / 2.0) * pixel
            for column in range(left, right + 1):
                share = ((column - from_column) * columns + (row - from_row) * rows) / line2
                share = min(max(share, 0.0), 1.0)
                off_column, off_row = column - from_column - share * columns, row - from_row - share * rows
                if off_column * off_column + off_row * off_row > reach2:
                    continue
                px = (column - (width - 1) / 2.0) * pixel
                inverse = 1.0 / math.sqrt(px * px + py * py + distance * distance)
                vx, vy, vz = px * inverse, py * inverse, distance * inverse
                # the origin moves to the ray's point nearest to the first sphere, for precision
                near = ax * vx + ay * vy + az * vz
                ox, oy, oz = near * vx - ax, near * vy - ay, near * vz - az
                gap = ox * ox + oy * oy + oz * oz
                low, high = 1e30, -1e30
                rest = ra * ra - gap
                if rest > 0.0:
                    half = math.sqrt(rest)
                    low, high = -half, half
                ex, ey, ez = ox - (bx - ax), oy - (by - ay), oz - (bz - az)
                along = -(ex * vx + ey * vy + ez * vz)
                rest = rb * rb - (ex * ex + ey * ey + ez * ez - along * along)
                if rest > 0.0:
                    half = math.sqrt(rest)
                    low, high = min(low, along - half), max(high, along + half)
                if has_side:
                    s0 = ox * dx + oy * dy + oz * dz
                    sv = vx * dx + vy * dy + vz * dz
                    qa = 1.0 - sv * sv * grow
                    qb = -s0 * sv * grow + k * m * sv
                    qc = gap - s0 * s0 * grow + 2.0 * k * m * s0 - k * k
                    discriminant = qb * qb - qa * qc
                    if discriminant > 0.0 and abs(qa) > 1e-12:
                        root = math.sqrt(discriminant)
                        for sign in (-1.0, 1.0):
                            t = (-qb + sign * root) / qa
                            s = s0 + t * sv
                            if first <= s <= last:
                                low, high = min(low, t), max(high, t)
                if high > low:
                    insert(counts, slots, total, row, column, near + low, near + high, weight)
                    if artery > 0 and (high - low) * weight > longest[row, column]:
                        longest[row, column] = (high - low) * weight
                        arteries[row, column] = artery


@njit(cache=True)
def _collect(counts, slots, total):  # type: ignore[no-untyped-def]
    result = total.copy()
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            for index in range(counts[row, column]):
                result[row, column] += slots[row, column, index, 2]
    return result
