"""Intervals on rays: merged where they overlap, added up where they lie apart. The inner loops of the projection."""

from numba import njit

SLOTS = 4  # intervals apart from each other that one ray can hold before the first are added up


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
    reach = radius * scale * 1.05 + 1.0
    column = x * distance / (z * pixel) + (width - 1) / 2.0
    row = y * distance / (z * pixel) + (height - 1) / 2.0
    return column - reach, column + reach, row - reach, row + reach
