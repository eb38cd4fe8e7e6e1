"""Cone-beam projection: how many millimetres of contrast each ray passes.

Every vessel piece is the convex hull of two spheres and every sac an ellipsoid, so that a ray crosses each in one
interval. Intervals that overlap on a ray share the same blood and are merged; intervals apart from each other add up.
That gives the union within a vessel, at joints and between a sac and its parent, and the sum where vessels cross.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from kium_lightning.phantom.geometry import Geometry

SLOTS = 4  # intervals apart from each other that one ray can hold before the first are added up


class Rays:
    """The intervals that the rays of one picture have met so far.

    Args:
        geometry: source and detector.
    """

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry
        shape = (geometry.height, geometry.width)
        self._counts = np.zeros(shape, dtype=np.uint8)
        self._slots = np.empty((*shape, SLOTS, 3), dtype=np.float32)
        self._total = np.zeros(shape, dtype=np.float32)

    def add_tube(self, points: NDArray[np.float64], radii: NDArray[np.float64], contrast: NDArray[np.float64]) -> None:
        """Adds a tapered tube: centre line (n, 3) and radii (n,) in mm, and contrast (n,) from 0 to 1."""
        g = self.geometry
        _add_tube(
            g.local(points), radii, contrast, g.source_image_mm, g.pixel_mm, self._counts, self._slots, self._total
        )

    def add_ellipsoid(
        self,
        centre: NDArray[np.float64],
        axes: NDArray[np.float64],
        half_axes: NDArray[np.float64],
        contrast: float,
        outline: NDArray[np.uint8],
    ) -> None:
        """Adds an ellipsoid and marks the pixels that it covers with 255 in the outline (height, width).

        Args:
            centre: (3,) in mm.
            axes: unit vectors as rows (3, 3).
            half_axes: (3,) in mm.
            contrast: from 0 to 1; with 0 only the outline is drawn.
            outline: changed in place.
        """
        g = self.geometry
        rotation = axes @ g.axes.T
        _add_ellipsoid(
            g.local(centre[None])[0], rotation, half_axes, contrast, g.source_image_mm, g.pixel_mm,
            self._counts, self._slots, self._total, outline,
        )  # fmt: skip

    def thickness(self) -> NDArray[np.float32]:
        """Millimetres of contrast-filled lumen along each ray, weighted by contrast, (height, width)."""
        collected: NDArray[np.float32] = _collect(self._counts, self._slots, self._total)
        return collected


@njit(cache=True, fastmath=False)
def _insert(counts, slots, total, row, column, low, high, contrast):  # type: ignore[no-untyped-def]
    """Merges one interval into those of a ray; the contrast that came first keeps the shared part."""
    count = counts[row, column]
    slot = slots[row, column]
    added = high - low
    target = -1
    index = 0
    new_low, new_high, amount = low, high, 0.0
    while index < count:
        other_low, other_high = slot[index, 0], slot[index, 1]
        if other_low <= high and low <= other_high:
            added -= min(high, other_high) - max(low, other_low)
            amount += slot[index, 2]
            new_low = min(new_low, other_low)
            new_high = max(new_high, other_high)
            if target < 0:
                target = index
                index += 1
            else:
                count -= 1
                for k in range(3):
                    slot[index, k] = slot[count, k]
        else:
            index += 1
    if target < 0:
        if count == slots.shape[2]:
            total[row, column] += slot[0, 2]
            count -= 1
            for i in range(count):
                for k in range(3):
                    slot[i, k] = slot[i + 1, k]
        target = count
        count += 1
    slot[target, 0] = new_low
    slot[target, 1] = new_high
    slot[target, 2] = amount + max(added, 0.0) * contrast
    counts[row, column] = count


@njit(cache=True)
def _box(x, y, z, radius, distance, pixel, width, height):  # type: ignore[no-untyped-def]
    """The pixels that a sphere can touch: first column, last column, first row, last row."""
    near = max(z - radius, 1.0)
    scale = distance / (near * pixel)
    reach = radius * scale * 1.05 + 1.0
    column = x * distance / (z * pixel) + (width - 1) / 2.0
    row = y * distance / (z * pixel) + (height - 1) / 2.0
    return column - reach, column + reach, row - reach, row + reach


@njit(cache=True)
def _add_tube(points, radii, contrast, distance, pixel, counts, slots, total):  # type: ignore[no-untyped-def]
    height, width = counts.shape
    for i in range(len(points) - 1):
        weight = 0.5 * (contrast[i] + contrast[i + 1])
        if weight <= 0.0:
            continue
        ax, ay, az = points[i]
        bx, by, bz = points[i + 1]
        ra, rb = radii[i], radii[i + 1]
        a_left, a_right, a_top, a_bottom = _box(ax, ay, az, ra, distance, pixel, width, height)
        b_left, b_right, b_top, b_bottom = _box(bx, by, bz, rb, distance, pixel, width, height)
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
                px = (column - (width - 1) / 2.0) * pixel
                norm = math.sqrt(px * px + py * py + distance * distance)
                vx, vy, vz = px / norm, py / norm, distance / norm
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
                    _insert(counts, slots, total, row, column, near + low, near + high, weight)


@njit(cache=True)
def _add_ellipsoid(  # type: ignore[no-untyped-def]
    centre, rotation, half_axes, contrast, distance, pixel, counts, slots, total, outline
):
    height, width = counts.shape
    radius = half_axes.max()
    box = _box(centre[0], centre[1], centre[2], radius, distance, pixel, width, height)
    left, right = max(0, math.floor(box[0])), min(width - 1, math.ceil(box[1]))
    top, bottom = max(0, math.floor(box[2])), min(height - 1, math.ceil(box[3]))
    for row in range(top, bottom + 1):
        py = (row - (height - 1) / 2.0) * pixel
        for column in range(left, right + 1):
            px = (column - (width - 1) / 2.0) * pixel
            norm = math.sqrt(px * px + py * py + distance * distance)
            vx, vy, vz = px / norm, py / norm, distance / norm
            near = centre[0] * vx + centre[1] * vy + centre[2] * vz
            ox, oy, oz = near * vx - centre[0], near * vy - centre[1], near * vz - centre[2]
            qa, qb, qc = 0.0, 0.0, -1.0
            for i in range(3):
                v = (rotation[i, 0] * vx + rotation[i, 1] * vy + rotation[i, 2] * vz) / half_axes[i]
                o = (rotation[i, 0] * ox + rotation[i, 1] * oy + rotation[i, 2] * oz) / half_axes[i]
                qa, qb, qc = qa + v * v, qb + v * o, qc + o * o
            discriminant = qb * qb - qa * qc
            if discriminant > 0.0:
                outline[row, column] = 255
                if contrast > 0.0:
                    root = math.sqrt(discriminant)
                    low, high = near + (-qb - root) / qa, near + (-qb + root) / qa
                    _insert(counts, slots, total, row, column, low, high, contrast)


@njit(cache=True)
def _collect(counts, slots, total):  # type: ignore[no-untyped-def]
    result = total.copy()
    for row in range(counts.shape[0]):
        for column in range(counts.shape[1]):
            for index in range(counts[row, column]):
                result[row, column] += slots[row, column, index, 2]
    return result
