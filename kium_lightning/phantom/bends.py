"""What look-alikes do to one vessel: pure functions of a branch, each giving the branch and its changed stretch."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom.curves import Points, path_lengths, smooth_curve
from kium_lightning.phantom.tree import Branch

Changed = tuple[Branch, Points, NDArray[np.float64]]

_FINE_MM = 0.35  # spacing of points where a vessel turns or changes its calibre quickly
LOOP_MM = (-5.0, 15.0)  # the stretch of a vessel that a loop takes: before and after the turn


def widened_root(branch: Branch, base_mm: float, height_mm: float, parent_mm: float) -> Changed:
    """Gives a vessel an infundibulum: a cone on the parent's wall with the vessel at its apex.

    Args:
        branch: starts on the parent's centre line.
        base_mm: the cone's radius at the parent's wall.
        height_mm: from the wall to the apex.
        parent_mm: the parent's radius, which hides the first part of the branch.
    """
    fine = _resampled(branch)
    way = path_lengths(fine.points)
    rest = np.clip((parent_mm + height_mm - way) / height_mm, 0.0, 1.0)
    radii = fine.radii + rest * np.maximum(base_mm - fine.radii, 0.0)
    taken = (way > 0.6 * parent_mm) & (way < parent_mm + height_mm)
    return replace(fine, radii=radii), fine.points[taken], radii[taken]


def narrowed(branch: Branch, point: int, depth: float, length_mm: float) -> Changed:
    """Gives a vessel a stenosis of a Gaussian profile.

    Args:
        branch: the vessel.
        point: index of the tightest point.
        depth: share of the calibre that is lost there.
        length_mm: standard deviation of the profile along the vessel.
    """
    away = path_lengths(branch.points) - path_lengths(branch.points)[point]
    fine = _resampled(branch)
    fine_away = path_lengths(fine.points) + away[0]
    radii = fine.radii * (1.0 - depth * np.exp(-0.5 * (fine_away / length_mm) ** 2))
    taken = np.abs(fine_away) < 2.0 * length_mm
    return replace(fine, radii=radii), fine.points[taken], radii[taken]


def bent(branch: Branch, point: int, sideways: NDArray[np.float64], height_mm: float, length_mm: float) -> Changed:
    """Gives a vessel a kink: a short swing to one side and back.

    Args:
        branch: the vessel.
        point: index of the kink's tip.
        sideways: unit vector (3,) across the vessel.
        height_mm: how far the tip swings out.
        length_mm: standard deviation of the swing along the vessel; at least 0.8 radii, or the wall would fold.
    """
    length_mm = max(length_mm, 0.8 * float(branch.radii[point]))
    start = path_lengths(branch.points)[point]
    fine = _resampled(branch)
    away = path_lengths(fine.points) - start
    points = fine.points + height_mm * np.exp(-0.5 * (away / length_mm) ** 2)[:, None] * sideways
    taken = np.abs(away) < 2.0 * length_mm
    return replace(fine, points=points), points[taken], fine.radii[taken]


def looped(branch: Branch, point: int, beam: NDArray[np.float64], height_mm: float) -> Changed:
    """Lets a vessel run along a direction for a few millimetres, so that it is seen end-on from there as a dark dot.

    It comes back to its course little by little: seen from the side it is a hook.

    Args:
        branch: the vessel; it needs ``LOOP_MM`` of its course before and after the point.
        point: index of where it turns.
        beam: unit vector (3,).
        height_mm: how far it runs along the beam.
    """
    radius = float(branch.radii[point])
    away = path_lengths(branch.points) - path_lengths(branch.points)[point]
    first = int(np.searchsorted(away, LOOP_MM[0]))
    last = int(np.searchsorted(away, LOOP_MM[1]))

    # the way along the vessel and the share of the height there; the limb along the beam lies between -r and r
    steps = [(-0.9, 0.06), (-0.25, 0.32), (0.25, 0.68), (0.9, 0.94)]
    course = [(step * radius, rise) for step, rise in steps]
    course += [(share * LOOP_MM[1], rise) for share, rise in ((0.3, 0.93), (0.5, 0.63), (0.7, 0.27), (0.85, 0.07))]
    turning = [_at(branch, away, way) + rise * height_mm * beam for way, rise in course]
    before = [_at(branch, away, way) for way in (0.7 * LOOP_MM[0], -0.9 * radius - 1.0)]
    curve = smooth_curve(np.vstack([branch.points[first], *before, *turning, branch.points[last]]), _FINE_MM)
    share = path_lengths(curve) / path_lengths(curve)[-1]
    radii = branch.radii[first] + share * (branch.radii[last] - branch.radii[first])
    points = np.vstack([branch.points[:first], curve, branch.points[last + 1 :]])
    all_radii = np.concatenate([branch.radii[:first], radii, branch.radii[last + 1 :]])
    offset = curve - branch.points[point]
    limb = np.linalg.norm(offset - (offset @ beam)[:, None] * beam, axis=1) < 1.5 * radius
    return replace(branch, points=points, radii=all_radii), curve[limb], radii[limb]


def _at(branch: Branch, away: NDArray[np.float64], way: float) -> NDArray[np.float64]:
    """The point of a vessel at a way along it."""
    return np.array([np.interp(way, away, branch.points[:, axis]) for axis in range(3)])


def _resampled(branch: Branch) -> Branch:
    """The same vessel with points close together."""
    way = path_lengths(branch.points)
    wanted = np.linspace(0.0, way[-1], max(len(way), int(np.ceil(way[-1] / _FINE_MM)) + 1))
    points = np.column_stack([np.interp(wanted, way, branch.points[:, axis]) for axis in range(3)])
    return replace(branch, points=points, radii=np.interp(wanted, way, branch.radii))
