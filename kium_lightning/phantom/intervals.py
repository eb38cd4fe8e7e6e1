"""Intervals on rays: merged where they overlap, added up where they lie apart. The inner loops of the projection."""

import numpy as np
from numba import njit

_LONGEST_STRETCH = 16  # points that one straight piece may stand for
_CONTRAST = 0.004  # what a straight piece may be off in contrast
SLOTS = 6  # intervals apart from each other that one ray can hold before the first are added up


@njit(cache=True, fastmath=False)
def insert(counts, slots, total, row, column, low, high, contrast):  # type: ignore[no-untyped-def]
    """Merges one interval into those of a ray; the contrast that came first keeps the shared part.

    Args:
        counts: (height, width), how many intervals each ray holds.
        slots: (height, width, SLOTS, 3), the start, end and amount of each, in mm and mm times contrast.
        total: (height, width), the amount of intervals that had to make room, changed in place like the others.
        row: of the ray.
        column: of the ray.
        low: distance from the source to where the interval starts, mm.
        high: to where it ends.
        contrast: from 0 to 1.
    """
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
def pixel_box(x, y, z, radius, distance, pixel, width, height):  # type: ignore[no-untyped-def]
    """The pixels that a sphere can touch: first column, last column, first row, last row.

    Args:
        x: of its centre in the frame of the source, mm; to the right.
        y: down.
        z: towards the detector.
        radius: mm.
        distance: from the source to the detector, mm.
        pixel: pitch on the detector, mm.
        width: of the picture.
        height: of the picture.
    """
    near = max(z - radius, 1.0)
    scale = distance / (near * pixel)
    reach = radius * scale * 1.05  # a ball beside the axis is seen a little longer
    column = x * distance / (z * pixel) + (width - 1) / 2.0
    row = y * distance / (z * pixel) + (height - 1) / 2.0
    return column - reach, column + reach, row - reach, row + reach


@njit(cache=True)
def needed_points(points, radii, contrast, tolerance):  # type: ignore[no-untyped-def]
    """Tells which points of a tube must stay, so that straight pieces between them follow it closely enough.

    Args:
        points: (n, 3), mm.
        radii: (n,), mm.
        contrast: (n,).
        tolerance: how far a point and a radius may be off, mm.

    Returns:
        (n,) true for points that stay, always the first and the last.
    """
    count = len(points)
    kept = np.zeros(count, dtype=np.bool_)
    kept[0] = kept[count - 1] = True
    start = 0
    while start < count - 1:
        end = start + 1
        while end + 1 < count and end - start < _LONGEST_STRETCH:
            if not _is_straight(points, radii, contrast, start, end + 1, tolerance):
                break
            end += 1
        kept[end] = True
        start = end
    return kept


@njit(cache=True)
def _is_straight(points, radii, contrast, start, end, tolerance):  # type: ignore[no-untyped-def]
    dx, dy, dz = points[end, 0] - points[start, 0], points[end, 1] - points[start, 1], points[end, 2] - points[start, 2]
    length2 = max(dx * dx + dy * dy + dz * dz, 1e-12)
    for i in range(start + 1, end):
        ox, oy, oz = points[i, 0] - points[start, 0], points[i, 1] - points[start, 1], points[i, 2] - points[start, 2]
        share = (ox * dx + oy * dy + oz * dz) / length2
        if share < 0.0 or share > 1.0:
            return False
        ox, oy, oz = ox - share * dx, oy - share * dy, oz - share * dz
        if ox * ox + oy * oy + oz * oz > tolerance * tolerance:
            return False
        if abs(radii[start] + share * (radii[end] - radii[start]) - radii[i]) > tolerance:
            return False
        if abs(contrast[start] + share * (contrast[end] - contrast[start]) - contrast[i]) > _CONTRAST:
            return False
    return True
