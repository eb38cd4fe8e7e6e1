"""Draws what joins the carotid to the basilar circulation on one side: PCOM, anterior choroidal artery, and the PCA."""

import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom import landmarks, territories
from kium_lightning.phantom.canopy import Planting
from kium_lightning.phantom.curves import Points, bowed, cut, path_lengths, smooth_curve
from kium_lightning.phantom.topology import draw_terminals
from kium_lightning.phantom.tree import Branch, Segment
from kium_lightning.phantom.trunks import BESIDE_FALX, EVERYWHERE, Trunks
from kium_lightning.phantom.variants import AntChorOrigin, SideVariants

_ANTCHOR_BEFORE_END_MM = (1.6, 2.6)  # way from the anterior choroidal artery's origin to the carotid's end
_WINDING = 0.15  # by which share a P2 is longer than a smooth course
_SPARE = 1.03  # how much longer than its chord a short artery is at least
_BEYOND_SPLIT = 0.89  # calibre of the PCA's daughters at its first division against that of later ones
_ANTCHOR_ON_PCOM = 0.25  # where the anterior choroidal artery leaves a PCOM that gives it


def draw_posterior(build: Trunks, variants: SideVariants, basilar: Branch) -> None:
    """Draws PCOM, anterior choroidal artery, P1 and P2 of a side; the side's coordinates are positive.

    Args:
        build: collects the branches; the carotid is there.
        variants: of this side.
        basilar: the basilar artery as this side sees it.
    """
    anatomy = build.anatomy
    diameters, lengths = anatomy.diameters_mm, anatomy.lengths_mm
    ica = next(branch for branch in build.branches if branch.segment is Segment.ICA)
    rest = ica.path_mm[-1] - ica.path_mm
    before_end = build.rng.uniform(*_ANTCHOR_BEFORE_END_MM)
    between = build.length(lengths.antchor_beyond_pcom, 1.0)
    root = ica.points[int(np.argmin(np.abs(rest - before_end - between)))]
    p1_mm, pcom_mm = build.length(lengths.p1, 3.5), build.length(lengths.pcom, 9.0)
    tip = basilar.points[-1]
    meeting = _meeting(tip, p1_mm / _SPARE, root, pcom_mm / _SPARE, landmarks.P1[-1] * build.shape)
    radius = (1.0 - anatomy.variant_sizes.p1_lost * variants.fetal) * build.radius(diameters.p1, 1.1)
    pcom_radius = 0.5 * variants.pcom_mm
    is_fetal = variants.fetal > 0.0  # the thicker of the two tells where the blood comes from
    radius = min(radius, 0.95 * pcom_radius) if is_fetal else max(radius, 1.03 * pcom_radius)
    course, _ = build.course(landmarks.P1, start=tip, end=meeting)
    p1 = bowed(course, max(p1_mm, _SPARE * float(np.linalg.norm(meeting - tip))))
    p2_key = (Segment.P2, build.side, "trunk")
    if variants.fetal < 1.0:
        build.add(Segment.P1, p1, (radius, radius), parent=basilar.key, joins=p2_key)
    sag = landmarks.PCOM_SAG + 0.6 * build.rng.standard_normal(3)
    course = smooth_curve(np.vstack([root, 0.5 * (root + meeting) + sag, meeting]), 0.5)
    course = bowed(course, max(pcom_mm, _SPARE * float(np.linalg.norm(meeting - root))))
    pcom = build.add(Segment.PCOM, course, (pcom_radius, pcom_radius), parent=ica.key, joins=p2_key)
    _choroidal(build, ica, pcom, variants, before_end)
    terminals = draw_terminals(build.rng, anatomy.pca, 4)
    p1_mm = float(path_lengths(p1)[-1])
    first_mm = float(np.clip(build.length(lengths.pca_to_split), 14.0, 64.0)) - p1_mm
    course, _ = build.course(landmarks.P2, start=meeting, drift=BESIDE_FALX, winding=_WINDING)
    build.arborise(
        Planting(Segment.P2, build.side, territories.PCA),
        anatomy.pca,
        course,
        terminals,
        build.radius(diameters.p2, 1.0),
        build.length(lengths.p2),
        "trunk",
        build.goals(territories.PCA),
        p1_mm if variants.fetal < 1.0 else float(pcom.path_mm[-1]),
        (Segment.P1, build.side, "trunk") if variants.fetal < 1.0 else pcom.key,
        first_mm,
        first_step=_BEYOND_SPLIT,
    )


def _meeting(
    tip: NDArray[np.float64], p1_mm: float, root: NDArray[np.float64], pcom_mm: float, usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where P1 and PCOM meet: as far from the basilar tip and from the carotid as they are long, else in between."""
    axis = root - tip
    apart = float(np.sqrt(axis @ axis))
    axis = axis / apart
    along = float(np.clip((p1_mm**2 - pcom_mm**2 + apart**2) / (2.0 * apart), 0.2 * p1_mm, 0.9 * p1_mm))
    if p1_mm + pcom_mm < apart:
        along = apart * p1_mm / (p1_mm + pcom_mm)
    away = np.sqrt(max(p1_mm**2 - along**2, 0.25))
    aside = usual - tip
    aside = aside - (aside @ axis) * axis
    result: Points = tip + along * axis + away * aside / np.sqrt(aside @ aside)
    return result


def _choroidal(build: Trunks, ica: Branch, pcom: Branch, variants: SideVariants, before_end: float) -> None:
    diameters = build.anatomy.diameters_mm
    length = max(build.length(build.anatomy.lengths_mm.antchor), 12.0)
    low, high = build.radius(diameters.antchor_origin, 0.4), build.radius(diameters.antchor_end, 0.3)
    parent, index = ica, int(np.argmin(np.abs(ica.path_mm[-1] - ica.path_mm - before_end)))
    if variants.antchor is AntChorOrigin.BIFURCATION:
        index = len(ica.points) - 1
    elif variants.antchor is AntChorOrigin.PCOM:
        parent, index = pcom, pcom.index_at(_ANTCHOR_ON_PCOM)
    course, _ = build.course(landmarks.ANTCHOR, start=parent.points[index], drift=0.5 * EVERYWHERE)
    points = cut(course, length)
    along = path_lengths(points)
    radii = np.interp(along / along[-1], [0.0, 0.9, 1.0], [low, high, 0.5 * high])
    start_mm = float(parent.path_mm[index]) if parent is pcom else 0.0
    build.add(Segment.ANTCHOR, points, radii, start_mm=start_mm, parent=parent.key)
