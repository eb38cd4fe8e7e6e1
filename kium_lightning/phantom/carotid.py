"""Draws the branches of one internal carotid artery."""

import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom import landmarks, territories
from kium_lightning.phantom.canopy import Planting, closing
from kium_lightning.phantom.curves import Points, bowed, cut, path_lengths
from kium_lightning.phantom.topology import draw_terminals
from kium_lightning.phantom.tree import Branch, Segment
from kium_lightning.phantom.trunks import BESIDE_FALX, EVERYWHERE, Trunks
from kium_lightning.phantom.variants import SideVariants

A2_MM = (9.0, 40.0)  # least and largest length of an A2; further on it has passed the callosum's genu
_A1_BENT = (1.02, 0.025)  # least length over chord of an A1, and how much more it has
_M1_STRAIGHT = (0.945, 0.07)  # chord over length of an M1
_EYE_BEYOND_GENU_MM = 3.0  # where the ophthalmic artery leaves
_WINDING = 0.4  # by which share M2 to M4 and the callosomarginal artery are longer than a smooth course
_FALX_MM = 0.6  # twice the least distance of a course from the midline
_FALX_SHARE = 0.35  # of how far a drawn course strays to the side, how much an artery beside the falx does
_BEYOND_SPLIT = 0.705  # calibre of the pericallosal and the callosomarginal artery against the A2
_M2_ROOT = 1.17  # calibre of an M2 at its beginning against that at the middle of its first segment
_M2_MIDDLE = 0.91  # calibre of an M2 at the middle of its first segment against that at its beginning
_SUPERIOR_SHARE = (0.42, 0.58)  # of the MCA's ends
_PERICALLOSAL_SHARE = (0.35, 0.55)  # of the ACA's ends


def draw_carotid(
    build: Trunks, variants: SideVariants, meeting: NDArray[np.float64], split: NDArray[np.float64] | None
) -> None:
    """Draws the carotid artery of a side and all that it gives; the side's coordinates are positive.

    Args:
        build: collects the branches.
        variants: of this side.
        meeting: where the A1 ends, (3,), mm.
        split: where an azygos A2 ends, (3,), mm; None to draw this side's own.
    """
    ica = _internal(build)
    _middle_cerebral(build, ica)
    _anterior_cerebral(build, ica, variants, meeting, split)
    genu = int(np.argmax(ica.points[:, 1]))
    root = int(np.argmin(np.abs(ica.path_mm - ica.path_mm[genu] - _EYE_BEYOND_GENU_MM)))
    points, _ = build.course(landmarks.OPHTHALMIC, start=ica.points[root], drift=0.5 * EVERYWHERE)
    eye = build.radius(build.anatomy.diameters_mm.ophthalmic, 0.6)
    radii = closing(np.linspace(eye, 0.8 * eye, len(points)), path_lengths(points))
    build.add(Segment.OPHTHALMIC, points, radii, parent=ica.key)


def _internal(build: Trunks) -> Branch:
    """The carotid itself: wide in the cavernous sinus, narrow at its end."""
    points, waypoints = build.course(landmarks.ICA, spreads=landmarks.ICA_SPREADS)
    along = path_lengths(points)

    def at(number: int) -> float:
        return float(along[int(np.argmin(((points - waypoints[number]) ** 2).sum(axis=1)))])

    diameters = build.anatomy.diameters_mm
    cervical, petrous, cavernous, terminus = (
        build.radius(each, 2.0)
        for each in (diameters.ica_cervical, diameters.ica_petrous, diameters.ica_cavernous, diameters.ica_terminus)
    )
    first, last = landmarks.ICA_CAVERNOUS
    places = [0.0, at(landmarks.ICA_CERVICAL), at(landmarks.ICA_PETROUS), at(first), at(last), along[-1] - 4.0]
    radii = np.interp(along, places, [cervical, cervical, petrous, cavernous, cavernous, terminus])
    ripple = 1.0 + 0.02 * np.sin(along / build.rng.uniform(4.0, 9.0) + build.rng.uniform(0.0, 6.0))
    return build.add(Segment.ICA, points, radii * ripple)


def _middle_cerebral(build: Trunks, ica: Branch) -> None:
    anatomy, rng = build.anatomy, build.rng
    course, _ = build.course(landmarks.M1, start=ica.points[-1], spreads=landmarks.M1_SPREADS)
    m1_mm = build.length(anatomy.lengths_mm.m1)
    radius = build.radius(anatomy.diameters_mm.m1, 1.6)
    straight = float(np.clip(_M1_STRAIGHT[0] + _M1_STRAIGHT[1] * rng.standard_normal(), 0.75, 0.985))
    course = course[0] + (course - course[0]) * (straight * m1_mm / float(np.linalg.norm(course[-1] - course[0])))
    m1 = build.add(Segment.MCA, bowed(course, m1_mm), (1.02 * radius, 0.98 * radius), parent=ica.key)
    m1_mm = float(m1.path_mm[-1])
    terminals = draw_terminals(rng, anatomy.mca, 8)
    share = rng.uniform(*_SUPERIOR_SHARE)
    upper = round(share * terminals)
    goals = build.goals(territories.MCA)
    base, slope = territories.SYLVIAN
    order = np.argsort(-(goals[:, 2] - base - slope * goals[:, 1]), kind="stable")
    kept = round(share * len(goals))
    planting = Planting(Segment.MCA, build.side, territories.MCA, is_insular=True)
    radius = build.radius(anatomy.diameters_mm.m2, 1.2)
    for name, waypoints, ends, own, length in (
        ("superior", landmarks.MCA_SUPERIOR, upper, goals[order[:kept]], 100.0),
        ("inferior", landmarks.MCA_INFERIOR, terminals - upper, goals[order[kept:]], 95.0),
    ):
        course, _ = build.course(waypoints, start=m1.points[-1], drift=EVERYWHERE, surface=1.0, winding=_WINDING)
        build.arborise(
            planting, anatomy.mca, course, ends, _M2_MIDDLE * radius, length, name, own, m1_mm, m1.key, root=_M2_ROOT
        )


def _anterior_cerebral(
    build: Trunks,
    ica: Branch,
    variants: SideVariants,
    meeting: NDArray[np.float64],
    split: NDArray[np.float64] | None,
) -> None:
    anatomy, rng = build.anatomy, build.rng
    diameters, lengths = anatomy.diameters_mm, anatomy.lengths_mm
    course, _ = build.course(landmarks.A1, start=ica.points[-1], end=meeting)
    radius = build.radius(diameters.a1, 0.9)
    bent = _A1_BENT[0] + _A1_BENT[1] * abs(float(rng.standard_normal()))
    course = bowed(course, bent * float(np.linalg.norm(course[-1] - course[0])))
    a1_mm = float(path_lengths(course)[-1])
    parent = (Segment.A2, None, "trunk") if split is not None else (Segment.A2, build.side, "trunk")
    if variants.a1_scale > 0.0:
        thin = variants.a1_scale * radius
        build.add(Segment.A1, course, (thin, thin), parent=ica.key, joins=parent)
    planting = Planting(Segment.A2, build.side, territories.ACA)
    terminals, share = draw_terminals(rng, anatomy.aca, 6), rng.uniform(*_PERICALLOSAL_SHARE)
    goals = build.goals(territories.ACA)
    course, _ = build.course(landmarks.ACA, start=meeting, drift=BESIDE_FALX, winding=_WINDING)
    course = _along_the_falx(course)
    a2_mm = float(np.clip(build.length(lengths.a2_to_split), *A2_MM))
    whole_mm = build.length(lengths.a2_with_pericallosal)
    radius = build.radius(diameters.a2, 1.2)
    trunk = cut(course, a2_mm)
    if split is None:
        origin = (Segment.A1, build.side, "trunk") if variants.a1_scale > 0.0 else (Segment.ACOM, None, "trunk")
        build.add(Segment.A2, trunk, (1.02 * radius, 0.98 * radius), start_mm=a1_mm, parent=origin)
        split = trunk[-1]
        beyond = course[len(trunk) :]
    else:
        beyond = course[len(trunk) :] + np.exp(-np.arange(len(course) - len(trunk)) / 20.0)[:, None] * (
            split - trunk[-1]
        )
    inner = max(2, round(share * terminals))
    marginal = np.vstack([split, beyond])
    beside = landmarks.PERICALLOSAL[:, 1] < split[1] / build.shape[1] - 4.0  # the split may lie beyond the first ones
    beside &= landmarks.PERICALLOSAL[:, 2] > split[2] / build.shape[2] + 2.0
    later = int(np.argmax(beside))
    callosal, _ = build.course(
        np.vstack([split / build.shape, landmarks.PERICALLOSAL[later:]]),
        start=split,
        drift=0.5 * BESIDE_FALX,
        winding=0.3 * _WINDING,
    )
    callosal = _along_the_falx(callosal)
    height = ((goals[:, 1] + 8.0) / 42.0) ** 2 + ((goals[:, 2] - 18.0) / 22.0) ** 2  # how far above the callosum
    back = np.argsort(height + 0.05 * goals[:, 1], kind="stable")
    kept = round(share * len(goals))
    for name, own_course, ends, own, length in (
        ("pericallosal", callosal, inner, goals[back[:kept]], whole_mm - a2_mm),
        ("callosomarginal", marginal, terminals - inner, goals[back[kept:]], whole_mm - a2_mm - 8.0),
    ):
        build.arborise(
            planting, anatomy.aca, own_course, ends, _BEYOND_SPLIT * radius, length, name, own, a1_mm + a2_mm, parent
        )


def _along_the_falx(course: Points) -> Points:
    """Holds a course (n, 3) back that strays from the falx, or to its other side."""
    lateral = course[0, 0] + _FALX_SHARE * (course[:, 0] - course[0, 0])
    beside = 0.5 * (lateral + np.sqrt(lateral**2 + _FALX_MM**2))
    faded = np.clip(path_lengths(course) / 10.0, 0.0, 1.0)  # its start stays in place
    return np.column_stack([lateral + faded * (beside - lateral), course[:, 1:]])
