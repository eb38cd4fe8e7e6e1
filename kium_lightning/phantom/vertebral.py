"""Draws one vertebral artery and the cerebellar arteries of its side."""

import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom import landmarks, territories
from kium_lightning.phantom.canopy import Planting
from kium_lightning.phantom.curves import Points, evenly, path_lengths, unit
from kium_lightning.phantom.dimensions import Normal
from kium_lightning.phantom.growth import Territory
from kium_lightning.phantom.topology import draw_terminals
from kium_lightning.phantom.tree import Branch, Segment
from kium_lightning.phantom.trunks import EVERYWHERE, Trunks
from kium_lightning.phantom.variants import PicaOrigin, SideVariants

_FLARE_MM = 4.0  # over which it widens into the basilar artery
_MOST_ASIDE_MM = 12.0  # how far an intracranial vertebral artery may swing
_V4_BENT = 1.05  # length over chord of one whose dural entry is where it fits
_ENTRY_MOVES_MM = (-13.0, 9.0)  # how far the dural entry may move: towards the junction, and away from it
_LOOP_MM = 35.0  # of the artery below the dura that moves with it, and as much again that follows
_SECOND = 0.7  # calibre of a second PICA or SCA against the first
_AICA_ON_BASILAR = (0.3, 0.5)  # share of the basilar artery's length from below
_COMMON_MM = 13.0  # of a trunk that AICA and PICA share
_TRUNK_MM = {Segment.SCA: 62.0, Segment.PICA: 78.0, Segment.AICA: 52.0}
_TERRITORIES = {Segment.SCA: territories.SCA, Segment.PICA: territories.PICA, Segment.AICA: territories.AICA}


def draw_vertebral(build: Trunks, variants: SideVariants, basilar: Branch) -> None:
    """Draws the vertebral artery, PICA, AICA and SCA of a side; the side's coordinates are positive.

    Args:
        build: collects the branches.
        variants: of this side.
        basilar: the basilar artery as this side sees it.
    """
    anatomy = build.anatomy
    diameters, lengths, rng = anatomy.diameters_mm, anatomy.lengths_mm, build.rng
    va = _vertebral(build, variants, basilar)
    from_end = va.path_mm[-1] - va.path_mm
    below = rng.uniform(*lengths.pica_below_junction)
    root = int(np.argmin(np.abs(from_end - below)))
    if variants.va_ends_in_pica:
        va = build.branches[-1] = Branch(va.name, va.segment, va.side, va.points[: root + 1], va.radii[: root + 1])
    aica_root = basilar.index_at(float(rng.uniform(*_AICA_ON_BASILAR)))
    aica = _cerebellar(build, Segment.AICA, landmarks.AICA, basilar, aica_root, diameters.aica)
    pica = variants.pica
    if pica in (PicaOrigin.USUAL, PicaOrigin.DUPLICATE):
        _cerebellar(build, Segment.PICA, landmarks.PICA, va, root, diameters.pica)
        if pica is PicaOrigin.DUPLICATE:
            lower = int(np.argmin(np.abs(from_end - below - 6.0)))
            _cerebellar(build, Segment.PICA, landmarks.PICA, va, min(lower, root), diameters.pica, "second")
    elif pica is not PicaOrigin.ABSENT:
        rest = landmarks.PICA[landmarks.PICA_REST :]
        if pica is PicaOrigin.BASILAR:
            course, parent, root = landmarks.PICA_FROM_BASILAR, basilar, basilar.index_at(0.09)
        else:
            course, parent = landmarks.PICA_WITH_AICA, aica
            root = int(np.argmin(np.abs(path_lengths(aica.points) - _COMMON_MM)))
        _cerebellar(build, Segment.PICA, np.vstack([course, rest]), parent, root, diameters.pica)
    tip_mm = basilar.path_mm[-1] - basilar.path_mm
    below = rng.uniform(*lengths.sca_below_tip)
    root = int(np.argmin(np.abs(tip_mm - below)))
    _cerebellar(build, Segment.SCA, landmarks.SCA, basilar, root, diameters.sca)
    if variants.has_two_sca:
        root = int(np.argmin(np.abs(tip_mm - below - 2.0)))
        _cerebellar(build, Segment.SCA, landmarks.SCA - [0, 0, 1.5], basilar, root, diameters.sca, "second")


def _vertebral(build: Trunks, variants: SideVariants, basilar: Branch) -> Branch:
    diameters, thin_mm = build.anatomy.diameters_mm, build.anatomy.variant_sizes.va_hypoplastic_mm
    wanted = build.length(build.anatomy.lengths_mm.v4, 24.0)
    waypoints = _with_entry(wanted, basilar.points[0] / build.shape)
    points, _ = build.course(waypoints, end=basilar.points[0], spreads=landmarks.VA_SPREADS)
    points = _with_v4(points, wanted)
    along = path_lengths(points)
    entry, end = build.radius(diameters.va_entry, 2.1), build.radius(diameters.va_end, 1.08 * thin_mm)
    if variants.va_scale < 1.0:
        entry, end = variants.va_scale * entry, min(variants.va_scale * end, 0.48 * thin_mm)
    begins = float(along[landmarks.dural_entry(points)])
    radii = np.interp(along, [begins, begins + 0.8 * (along[-1] - begins)], [entry, end])
    ripple = 1.0 + 0.02 * np.sin(along / build.rng.uniform(4.0, 9.0) + build.rng.uniform(0.0, 6.0))
    rest = np.clip((along[-1] - along) / _FLARE_MM, 0.0, 1.0)  # no step where it joins the basilar artery
    radii = rest * radii * ripple + (1.0 - rest) * np.maximum(radii, 0.8 * basilar.radii[0])
    joins = None if variants.va_ends_in_pica else basilar.key
    return build.add(Segment.VA, points, radii, joins=joins)


def _with_entry(length_mm: float, junction: NDArray[np.float64]) -> Points:
    """The mean course of a vertebral artery, its loop round the atlas moved so that the way from the dura on fits.

    Args:
        length_mm: of the intracranial stretch.
        junction: where it becomes the basilar artery, (3,), mm.
    """
    entry = landmarks.VA[landmarks.VA_ENTRY]
    chord = float(np.linalg.norm(entry - junction))
    moved = float(np.clip(length_mm / _V4_BENT - chord, *_ENTRY_MOVES_MM)) * unit(entry - junction)
    along = path_lengths(landmarks.VA)
    away = along - along[landmarks.VA_ENTRY]
    share = np.where(away > 0.0, 1.0 - away / away[-1], np.exp(-((np.minimum(away + _LOOP_MM, 0.0) / _LOOP_MM) ** 2)))
    waypoints: Points = landmarks.VA + share[:, None] * moved
    return waypoints


def _with_v4(points: Points, length_mm: float) -> Points:
    """Bends the intracranial stretch of a vertebral artery aside until it has a length."""
    first = landmarks.dural_entry(points)
    inside = points[first:]
    u = np.linspace(0.0, np.pi, len(inside))[:, None]
    aside = np.sin(u) ** 2 * unit(np.array([1.0, 0.0, -0.2]))
    low, high = 0.0, _MOST_ASIDE_MM
    for _ in range(20):
        middle = 0.5 * (low + high)
        if path_lengths(inside + middle * aside)[-1] < length_mm:
            low = middle
        else:
            high = middle
    return evenly(np.vstack([points[:first], inside + low * aside]), 0.7)


def _cerebellar(
    build: Trunks,
    segment: Segment,
    waypoints: Points,
    parent: Branch,
    root: int,
    diameter_mm: Normal,
    name: str = "trunk",
) -> Branch:
    territory: Territory = _TERRITORIES[segment]
    shape = build.anatomy.cerebellar
    course, _ = build.course(waypoints, start=parent.points[root], drift=0.4 * EVERYWHERE)
    scale = 1.0 if name == "trunk" else _SECOND
    radius = scale * build.radius(diameter_mm, 0.6)
    terminals = max(2, round(draw_terminals(build.rng, shape, 2) * (0.7 if segment is Segment.AICA else 1.0)))
    start_mm = float(parent.path_mm[root]) if parent.segment is segment or parent.segment is Segment.AICA else 0.0
    planting = Planting(segment, build.side, territory)
    length = scale * _TRUNK_MM[segment]
    return build.arborise(
        planting, shape, course, terminals, radius, length, name, build.goals(territory), start_mm, parent.key
    )
