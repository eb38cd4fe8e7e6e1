"""Draws the vessel tree of one patient: both carotid and vertebral circulations and what joins them."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom import landmarks
from kium_lightning.phantom.carotid import A2_MM, draw_carotid
from kium_lightning.phantom.curves import Points, cut, lengthened, path_lengths, smooth_curve
from kium_lightning.phantom.population import Anatomy
from kium_lightning.phantom.posterior import draw_posterior
from kium_lightning.phantom.tree import Branch, Segment, Tree, mirrored
from kium_lightning.phantom.trunks import Trunks
from kium_lightning.phantom.variants import BasilarCurve, Fenestration, Variants
from kium_lightning.phantom.vertebral import draw_vertebral

_ACOM_ASIDE_MM = 0.5  # standard deviation of its place to the side
_ACOM_LEAST_MM = 3.0  # how far in front of, above or below the line between the termini it is at least
_A1_BENT = 1.02  # length over chord of an A1
_A1_SHARED = 0.75  # of the spread of its length that both sides have in common, as it is the place of the ACOM


def draw_tree(anatomy: Anatomy, variants: Variants, streams: dict[str, np.random.Generator]) -> Tree:
    """Draws all vessels of a patient.

    Args:
        anatomy: how patients differ.
        variants: this patient's variants.
        streams: one generator each for ``midline``, ``L`` and ``R``, so that a side does not depend on the other.
    """
    rng = streams["midline"]
    shape = np.exp(rng.normal(0.0, anatomy.size_sd, 3))
    midline = Trunks(anatomy, shape, None, rng)
    basilar = _basilar(midline, variants.basilar_curve)
    middle, gap, azygos = _midline_of_aca(midline, variants)
    branches: list[Branch] = []
    for side in Side:
        of_side = variants.of(side)
        sign = np.array([1.0 if side is Side.LEFT else -1.0, 1.0, 1.0])
        build = Trunks(anatomy, shape, side, streams[side.value])
        meeting = middle * sign + np.array([0.5 * gap, 0.0, 0.0])
        split = None if azygos is None else azygos.points[-1] * sign
        draw_carotid(build, of_side, meeting, split)
        seen = replace(basilar, points=basilar.points * sign)  # the basilar artery as this side sees it
        draw_posterior(build, of_side, seen)
        draw_vertebral(build, of_side, seen)
        branches += [mirrored(branch, side) for branch in build.branches]
    if variants.fenestration is Fenestration.BASILAR:
        midline.branches[0] = _fenestrated(midline, basilar)
    if azygos is None:
        ends = {side: middle + np.array([sign * 0.5 * gap, 0.0, 0.0]) for side, sign in zip(Side, (1, -1), strict=True)}
        _communicating(midline, ends, variants)
    return Tree((*midline.branches, *branches))


def _basilar(build: Trunks, curve: BasilarCurve) -> Branch:
    anatomy, sizes = build.anatomy, build.anatomy.variant_sizes
    length = build.length(anatomy.lengths_mm.ba)
    points, _ = build.course(landmarks.BA, spreads=landmarks.BA_SPREADS)
    points = points[-1] + lengthened((points - points[-1])[::-1], length)[::-1]
    along = path_lengths(points) / length
    points[:, 0] = points[0, 0] + (points[-1, 0] - points[0, 0]) * along
    drawn = build.rng.uniform(size=2)
    bend = sizes.ba_wobble_mm * (2.0 * drawn[1] - 1.0)
    if curve is not BasilarCurve.STRAIGHT:
        away = sizes.ba_curve_mm[0] + (sizes.ba_curve_mm[1] - sizes.ba_curve_mm[0]) * drawn[0]
        bend = away if curve is BasilarCurve.LEFT else -away
    points[:, 0] += bend * np.sin(np.pi * along) ** 2
    diameters = anatomy.diameters_mm
    radii = build.radius(diameters.ba_origin, 2.0), build.radius(diameters.ba_tip, 1.8)
    factor = length / path_lengths(points)[-1]  # the bend has made it longer
    points = points[-1] + factor * (points - points[-1])
    return build.add(Segment.BA, points, radii)


def _midline_of_aca(build: Trunks, variants: Variants) -> tuple[NDArray[np.float64], float, Branch | None]:
    """Where the two A1 come to, how far apart their ends are, and an azygos A2."""
    anatomy = build.anatomy
    aside, up, longer = anatomy.landmark_spread * np.clip(build.rng.standard_normal(3), -2.0, 2.0)
    gap = build.length(anatomy.lengths_mm.acom, 1.2)
    lateral = (landmarks.ICA_TERMINUS * build.shape)[0] - 0.5 * gap
    mean, spread = anatomy.lengths_mm.a1
    reach = np.sqrt(max(((mean + _A1_SHARED * spread * longer) / _A1_BENT) ** 2 - lateral**2, _ACOM_LEAST_MM**2))
    angle = landmarks.ACOM_RISE + landmarks.ACOM_RISE_SD * up
    middle = np.array([_ACOM_ASIDE_MM * aside, reach * np.cos(angle), reach * np.sin(angle)])
    if not variants.is_azygos:
        return middle, gap, None
    course, _ = build.course(landmarks.ACA * np.array([0.3, 1.0, 1.0]), start=middle)
    length = float(np.clip(build.length(anatomy.lengths_mm.a2_to_split), *A2_MM))
    radius = 1.15 * build.radius(anatomy.diameters_mm.a2)
    points = cut(course, length)
    a1_mm = anatomy.lengths_mm.a1[0]
    parent = (Segment.A1, Side.RIGHT if variants.left.a1_scale < 1.0 else Side.LEFT, "trunk")
    return middle, 0.0, build.add(Segment.A2, points, (radius, radius), start_mm=a1_mm, parent=parent)


def _communicating(build: Trunks, ends: dict[Side, Points], variants: Variants) -> None:
    """The anterior communicating artery, between the ends of the two A1, and its second channel."""
    left, right = ends[Side.LEFT], ends[Side.RIGHT]
    middle = 0.5 * (left + right) + np.array([0.0, 0.15, 0.05])
    points = smooth_curve(np.vstack([left, middle, right]), 0.3)
    anatomy = build.anatomy
    radius = build.radius(anatomy.diameters_mm.acom, 0.8)
    start_mm = anatomy.lengths_mm.a1[0]
    is_fenestrated = variants.fenestration is Fenestration.ACOM
    keys = {side: (Segment.A2, side, "trunk") for side in Side}
    for number, name in enumerate(("trunk", "fenestration")[: 2 if is_fenestrated else 1]):
        thin = 0.8 if is_fenestrated else 1.0
        u = np.linspace(0.0, np.pi, len(points))[:, None]
        aside = (number - 0.3) * 1.6 * thin * radius * np.sin(u) * np.array([0.0, 0.3, 1.0]) * is_fenestrated
        build.add(
            Segment.ACOM,
            points + aside,
            (thin * radius, thin * radius),
            name,
            start_mm,
            keys[Side.LEFT],
            keys[Side.RIGHT],
        )


def _fenestrated(build: Trunks, basilar: Branch) -> Branch:
    """Opens the lower basilar artery into two limbs and returns the one that stays in its place."""
    along = path_lengths(basilar.points)
    sizes = build.anatomy.variant_sizes
    start = float(build.rng.uniform(*sizes.ba_limb_start_mm))
    first, last = (int(np.argmin(np.abs(along - way))) for way in (start, start + sizes.ba_limb_mm))
    inside = slice(first, last + 1)
    u = np.linspace(0.0, 1.0, last - first + 1)
    apart = 0.75 * float(basilar.radii[first]) * np.sin(np.pi * u) ** 1.5
    shift = apart[:, None] * np.array([1.0, 0.0, 0.0])
    narrow = 1.0 - 0.32 * np.sin(np.pi * u) ** 0.5
    points, radii = basilar.points.copy(), basilar.radii.copy()
    points[inside] += shift
    radii[inside] *= narrow
    limb = build.add(
        Segment.BA, basilar.points[inside] - shift, 0.92 * basilar.radii[inside] * narrow, "fenestration",
        float(along[first]), basilar.key, basilar.key,
    )  # fmt: skip
    build.branches.remove(limb)
    build.branches.append(limb)
    return replace(basilar, points=points, radii=radii)
