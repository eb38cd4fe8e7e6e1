"""Counts what makes a grown vessel look like a coil or a dot on a film: crossings with itself, and end-on runs."""

from numba import njit


@njit(cache=True)
def share_along(points, axis):  # type: ignore[no-untyped-def]
    """The share of a walk that runs along an axis within 25 degrees, and so is seen end-on."""
    along = 0
    for i in range(len(points) - 1):
        step = 0.0
        for k in range(3):
            step += (points[i + 1, k] - points[i, k]) ** 2
        if (points[i + 1, axis] - points[i, axis]) ** 2 > 0.82 * step:
            along += 1
    return along / (len(points) - 1)


@njit(cache=True)
def self_crossings(points, across, up):  # type: ignore[no-untyped-def]
    """How often a walk crosses itself as seen along the axis that is left out."""
    count = 0
    last = len(points) - 1
    for i in range(0, last - 3, 2):
        end = min(i + 2, last)
        ax, ay = points[i, across], points[i, up]
        dx, dy = points[end, across] - ax, points[end, up] - ay
        for j in range(i + 4, last, 2):
            stop = min(j + 2, last)
            bx, by = points[j, across] - ax, points[j, up] - ay
            cx, cy = points[stop, across] - ax, points[stop, up] - ay
            if (dx * by - dy * bx) * (dx * cy - dy * cx) < 0.0:
                ex, ey = cx - bx, cy - by
                if (ex * -by - ey * -bx) * (ex * (dy - by) - ey * (dx - bx)) < 0.0:
                    count += 1
    return count
