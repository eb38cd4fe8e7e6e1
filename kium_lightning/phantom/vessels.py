"""Draws the vessel tree of one patient: named trunks through their landmarks, and the distal trees grown from them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom import landmarks
from kium_lightning.phantom.curves import smooth_curve
from kium_lightning.phantom.growth import anywhere, convexity, falx
from kium_lightning.phantom.population import Anatomy
from kium_lightning.phantom.tree import Branch, Segment, Tree, mirrored
from kium_lightning.phantom.trunks import Trunks
from kium_lightning.phantom.variants import SideVariants, Variants

_FLARE_MM = 9.0


def _carotid(build: Trunks, variants: SideVariants, shape: NDArray[np.float64]) -> None:
    cervical, terminus = build.diameter(4.67, 0.47) / 2, build.diameter(3.6, 0.4) / 2
    ica = build.trunk(Segment.ICA, landmarks.ICA * shape, (cervical, terminus), root_is_last=True)
    top, ica_mm = ica.points[-1], 0.0
    m1_radius = build.diameter(3.1, 0.4) / 2
    m1 = build.trunk(Segment.MCA, landmarks.M1 * shape, (min(m1_radius, 0.95 * terminus), 0.92 * m1_radius), start=top)
    fork, m1_mm = m1.points[-1], ica_mm + float(m1.path_mm[-1])
    m2 = build.diameter(2.4, 0.4) / 2
    upper = build.trunk(
        Segment.MCA, landmarks.M2_SUPERIOR * shape, (m2, 0.5 * m2), "superior", fork, start_mm=m1_mm, closes=True
    )
    lower = build.trunk(
        Segment.MCA, landmarks.M2_INFERIOR * shape, (m2, 0.5 * m2), "inferior", fork, start_mm=m1_mm, closes=True
    )
    build.cortical([upper], landmarks.MCA_SUPERIOR_ENDS * shape, convexity, 0.75, True, "convexity")
    build.cortical([lower], landmarks.MCA_INFERIOR_ENDS * shape, convexity, 0.75, True, "temporal")
    a1_radius = variants.a1_scale * build.diameter(2.09, 0.27) / 2
    a1 = build.trunk(Segment.A1, landmarks.A1 * shape, (a1_radius, a1_radius), start=top)
    a2_radius = build.diameter(2.2, 0.3) / 2
    a2 = build.trunk(
        Segment.A2, landmarks.A2 * shape, (a2_radius, 0.85 * a2_radius), start=a1.points[-1], start_mm=16.0
    )
    split, a2_mm, medial = a2.points[-1], float(a2.path_mm[-1]), 0.68 * a2_radius
    courses = {"pericallosal": landmarks.PERICALLOSAL, "callosomarginal": landmarks.CALLOSOMARGINAL}
    arcs = [
        build.trunk(Segment.A2, course * shape, (medial, 0.5), name, split, start_mm=a2_mm, closes=True)
        for name, course in courses.items()
    ]
    build.cortical([a2, *arcs], landmarks.ACA_ENDS * shape, falx, 0.6, False, "medial", 0.7, 1)
    root = ica.points[_nearest(ica, landmarks.OPHTHALMIC[0] * shape)]
    eye = build.diameter(1.3, 0.3) / 2
    build.trunk(Segment.OPHTHALMIC, landmarks.OPHTHALMIC * shape, (eye, 0.35), start=root, closes=True)
    root = ica.points[_nearest(ica, landmarks.ANTCHOR[0] * shape)]
    choroid = build.diameter(0.85, 0.15) / 2
    build.trunk(Segment.ANTCHOR, landmarks.ANTCHOR * shape, (choroid, 0.3), start=root, closes=True)


def _vertebral(build: Trunks, variants: SideVariants, shape: NDArray[np.float64], ba: Branch) -> None:
    low, high = (variants.va_scale * build.diameter(*calibre) / 2 for calibre in ((3.9, 0.5), (2.8, 0.5)))
    va = build.trunk(Segment.VA, landmarks.VA * shape, (low, high), end=ba.points[0], root_is_last=True)
    rest = np.clip((va.path_mm[-1] - va.path_mm) / _FLARE_MM, 0.0, 1.0)  # no step where it joins the basilar artery
    va = replace(va, radii=rest * va.radii + (1.0 - rest) * np.maximum(va.radii, 0.8 * ba.radii[0]))
    build.branches[-1] = va
    if variants.va_ends_in_pica:
        stop = _nearest(va, landmarks.PICA[0] * shape) + 1
        build.branches[-1] = va = replace(va, points=va.points[:stop], radii=va.radii[:stop])
    root = va.points[min(_nearest(va, landmarks.PICA[0] * shape), len(va.points) - 1)]
    pica = build.diameter(1.5, 0.25) / 2
    trunk = build.trunk(Segment.PICA, landmarks.PICA * shape, (pica, 0.6 * pica), start=root, closes=True)
    build.cortical([trunk], landmarks.PICA_ENDS * shape, anywhere, 0.45, False, "hemispheric", 0.6, 1)
    for segment, course, ends, calibre in (
        (Segment.SCA, landmarks.SCA, landmarks.SCA_ENDS, (1.48, 0.25)),
        (Segment.AICA, landmarks.AICA, landmarks.AICA_ENDS, (1.0, 0.2)),
    ):
        radius = build.diameter(*calibre) / 2
        root = ba.points[_nearest(ba, course[0] * shape)]
        trunk = build.trunk(segment, course * shape, (radius, 0.6 * radius), start=root, closes=True)
        build.cortical([trunk], ends * shape, anywhere, 0.45, False, "hemispheric", 0.6, 1)


def _posterior_cerebral(
    build: Trunks, variants: SideVariants, shape: NDArray[np.float64], ba: Branch, ica: Branch
) -> None:
    p1_radius = variants.p1_scale * build.diameter(2.2, 0.3) / 2
    p1 = build.trunk(Segment.P1, landmarks.P1 * shape, (p1_radius, p1_radius), start=ba.points[-1])
    p2_radius = build.diameter(2.1, 0.3) / 2
    p2 = build.trunk(
        Segment.P2, landmarks.P2 * shape, (p2_radius, 0.55 * p2_radius), start=p1.points[-1], start_mm=10.0, closes=True
    )
    build.cortical([p2], landmarks.PCA_ENDS * shape, anywhere, 0.6, False, "cortical", 0.8, 1)
    root = ica.points[_nearest(ica, landmarks.PCOM_FROM_ICA[0] * shape)]
    course = np.vstack([landmarks.PCOM_FROM_ICA * shape, p1.points[-1]])
    radius = variants.pcom_mm / 2
    build.trunk(Segment.PCOM, course, (radius, radius), start=root, end=p1.points[-1])


def _nearest(branch: Branch, point: NDArray[np.float64]) -> int:
    return int(np.argmin(np.linalg.norm(branch.points - point, axis=1)))


def draw_tree(anatomy: Anatomy, variants: Variants, streams: dict[str, np.random.Generator]) -> Tree:
    """Draws all vessels of a patient.

    Args:
        anatomy: how patients differ.
        variants: this patient's variants.
        streams: one generator each for ``midline``, ``L`` and ``R``, so that a side does not depend on the other.
    """
    rng = streams["midline"]
    shape = np.exp(rng.normal(0.0, anatomy.size_sd, 3))
    midline = Trunks(anatomy, rng)
    low, high = midline.diameter(3.6, 0.4) / 2, midline.diameter(3.1, 0.4) / 2
    ba = midline.trunk(Segment.BA, landmarks.BA * shape, (low, high))
    branches = [ba]
    ends: dict[Side, Branch] = {}
    for side in Side:
        of_side = variants.of(side)
        sign = np.array([1.0 if side is Side.LEFT else -1.0, 1.0, 1.0])
        seen = Branch(ba.name, ba.segment, None, ba.points * sign, ba.radii)  # the basilar artery as this side sees it
        build = Trunks(anatomy, streams[side.value])
        _carotid(build, of_side, shape)
        _vertebral(build, of_side, shape, seen)
        _posterior_cerebral(build, of_side, shape, seen, build.branches[0])
        of_this_side = [mirrored(branch, side) for branch in build.branches]
        ends[side] = next(branch for branch in of_this_side if branch.segment is Segment.A1)
        branches += of_this_side
    branches.append(_communicating(ends, midline))
    return Tree(tuple(branches))


def _communicating(ends: dict[Side, Branch], midline: Trunks) -> Branch:
    """The anterior communicating artery, between the ends of the two A1."""
    left, right = ends[Side.LEFT].points[-1], ends[Side.RIGHT].points[-1]
    middle = 0.5 * (left + right) + np.array([0.0, 0.8, 0.3])
    points = smooth_curve(np.vstack([left, middle, right]), 0.4)
    radius = midline.diameter(1.5, 0.22) / 2
    return Branch("trunk", Segment.ACOM, None, points, np.full(len(points), radius), 16.0)
