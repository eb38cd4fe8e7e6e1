"""The inner loop that projects a union of ellipsoids, cut off behind a plane."""

import math

import numpy as np
from numba import njit

from kium_lightning.phantom.intervals import insert, pixel_box


@njit(cache=True)
def _clipped(low, high, vx, vy, vz, cut):  # type: ignore[no-untyped-def]
    """The part of an interval on a ray from the source in front of a plane (4,); empty where low >= high."""
    slope = cut[0] * vx + cut[1] * vy + cut[2] * vz
    if slope > 0.0:
        return max(low, cut[3] / slope), high
    if slope < 0.0:
        return low, min(high, cut[3] / slope)
    return (low, high) if cut[3] <= 0.0 else (low, low)


@njit(cache=True)
def _union(lows, highs, count):  # type: ignore[no-untyped-def]
    """The length that the first ``count`` intervals cover together; sorts them in place."""
    for i in range(1, count):
        low, high, k = lows[i], highs[i], i
        while k > 0 and lows[k - 1] > low:
            lows[k], highs[k] = lows[k - 1], highs[k - 1]
            k -= 1
        lows[k], highs[k] = low, high
    length, reached = 0.0, -1e30
    for i in range(count):
        length += max(0.0, highs[i] - max(lows[i], reached))
        reached = max(reached, highs[i])
    return length


@njit(cache=True)
def add_bodies(  # type: ignore[no-untyped-def]
    centres, to_sphere, reach, contrast, base, neck, distance, pixel, counts, slots, total, chords
):
    """Adds ellipsoids to the rays and writes the length of each ray inside them in front of the neck.

    Args:
        centres: (n, 3) in the frame of the source, mm.
        to_sphere: (n, 3, 3), what turns each ellipsoid into the unit sphere.
        reach: (n,) the longest half-axis, mm.
        contrast: from 0 to 1; with 0 only the chords are written.
        base: (4,) normal and offset of the plane behind which nothing is.
        neck: (4,) of the plane behind which nothing counts for the chords.
        distance: from the source to the detector, mm.
        pixel: pitch on the detector, mm.
        counts: of the intervals; see ``intervals.insert``.
        slots: the intervals.
        total: of those that had to make room.
        chords: (height, width), changed in place, mm.
    """
    height, width = counts.shape
    left, right, top, bottom = 1e30, -1e30, 1e30, -1e30
    for i in range(len(centres)):
        box = pixel_box(centres[i, 0], centres[i, 1], centres[i, 2], reach[i], distance, pixel, width, height)
        left, right = min(left, box[0]), max(right, box[1])
        top, bottom = min(top, box[2]), max(bottom, box[3])
    lows, highs = np.empty(len(centres)), np.empty(len(centres))
    for row in range(max(0, math.floor(top)), min(height - 1, math.ceil(bottom)) + 1):
        py = (row - (height - 1) / 2.0) * pixel
        for column in range(max(0, math.floor(left)), min(width - 1, math.ceil(right)) + 1):
            px = (column - (width - 1) / 2.0) * pixel
            norm = math.sqrt(px * px + py * py + distance * distance)
            vx, vy, vz = px / norm, py / norm, distance / norm
            count = 0
            for n in range(len(centres)):
                # the origin moves to the ray's point nearest to the centre, for precision
                near = centres[n, 0] * vx + centres[n, 1] * vy + centres[n, 2] * vz
                ox, oy, oz = near * vx - centres[n, 0], near * vy - centres[n, 1], near * vz - centres[n, 2]
                qa, qb, qc = 0.0, 0.0, -1.0
                for i in range(3):
                    v = to_sphere[n, i, 0] * vx + to_sphere[n, i, 1] * vy + to_sphere[n, i, 2] * vz
                    o = to_sphere[n, i, 0] * ox + to_sphere[n, i, 1] * oy + to_sphere[n, i, 2] * oz
                    qa, qb, qc = qa + v * v, qb + v * o, qc + o * o
                discriminant = qb * qb - qa * qc
                if discriminant <= 0.0:
                    continue
                root = math.sqrt(discriminant)
                low, high = _clipped(near + (-qb - root) / qa, near + (-qb + root) / qa, vx, vy, vz, base)
                if high > low and contrast > 0.0:
                    insert(counts, slots, total, row, column, low, high, contrast)
                low, high = _clipped(low, high, vx, vy, vz, neck)
                if high > low:
                    lows[count], highs[count] = low, high
                    count += 1
            if count > 0:
                chords[row, column] = _union(lows, highs, count)
