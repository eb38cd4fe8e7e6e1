"""Draws the vessel tree of one patient: named trunks through their landmarks, and the distal trees grown from them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom import landmarks
from kium_lightning.phantom.curves import Points, path_lengths, smooth_curve, wander
from kium_lightning.phantom.growth import SPACING_MM, Bush, Surface, anywhere, bush, closing, convexity, falx, sprout
from kium_lightning.phantom.tree import Branch, Segment, Tree, mirrored
from kium_lightning.phantom.variants import SideVariants, Variants

_FLARE_MM = 9.0


@dataclass(frozen=True)
class Anatomy:
    """How patients differ in their vessels.

    Attributes:
        size_sd: standard deviation of the whole tree's size, as a fraction.
        calibre_sd: standard deviation of all calibres together, as a fraction.
        root_sd_mm: standard deviation of a waypoint's place near the root of an artery.
        distal_sd_mm: the same at the far end of a trunk and for the ends of cortical branches.
        tortuosity: sideways swing of distal branches over their length.
        twigs: mean number of side branches of a cortical branch.
        a1_hypoplasia: probability per patient that one A1 is hypoplastic.
        a1_hypoplasia_given_acom: the same where that patient has an aneurysm of the anterior communicating artery.
        fetal_pca_complete: probability per patient that one PCA comes from the carotid alone.
        fetal_pca_partial: probability per patient that one PCA comes mostly from the carotid.
        pcom_below_1mm: probability per side of a posterior communicating artery thinner than 1 mm.
        va_hypoplasia: probability per patient that one vertebral artery is hypoplastic.
        va_ends_in_pica: probability per patient that one vertebral artery ends in its PICA.
    """

    size_sd: float
    calibre_sd: float
    root_sd_mm: float
    distal_sd_mm: float
    tortuosity: float
    twigs: float
    a1_hypoplasia: float
    a1_hypoplasia_given_acom: float
    fetal_pca_complete: float
    fetal_pca_partial: float
    pcom_below_1mm: float
    va_hypoplasia: float
    va_ends_in_pica: float


class _Builder:
    """Grows one side, or the midline, with one stream of randomness."""

    def __init__(self, anatomy: Anatomy, rng: np.random.Generator) -> None:
        self._anatomy = anatomy
        self._rng = rng
        self._calibre = float(np.exp(rng.normal(0.0, anatomy.calibre_sd)))
        self.branches: list[Branch] = []

    def diameter(self, mean_mm: float, sd_mm: float) -> float:
        """Draws a lumen diameter in mm, within two standard deviations."""
        return self._calibre * (mean_mm + sd_mm * float(np.clip(self._rng.standard_normal(), -2.0, 2.0)) * 0.7)

    def trunk(
        self,
        segment: Segment,
        waypoints: Points,
        radii: tuple[float, float],
        name: str = "trunk",
        start: Points | None = None,
        end: Points | None = None,
        start_mm: float = 0.0,
        closes: bool = False,
    ) -> Branch:
        """Draws a trunk through jittered waypoints; given ends replace the jittered ones exactly.

        A trunk that closes thins out at its far end; the others go on in another branch.
        """
        anatomy = self._anatomy
        along = path_lengths(waypoints)
        spread = anatomy.root_sd_mm + (anatomy.distal_sd_mm - anatomy.root_sd_mm) * np.clip(along / 120.0, 0.0, 1.0)
        shift = wander(self._rng, spread)
        course = waypoints + shift
        fade = (along / along[-1])[:, None]
        if start is not None:  # bring the drawn course to its true ends without a kink
            course = course + (1.0 - fade) * (start - course[0])
        if end is not None:
            course = course + fade * (end - course[-1])
        points = smooth_curve(course, SPACING_MM * 0.7)
        position = path_lengths(points)
        radius = radii[0] + (radii[1] - radii[0]) * position / position[-1]
        ripple = 1.0 + 0.03 * np.sin(position / self._rng.uniform(4.0, 9.0) + self._rng.uniform(0.0, 6.0))
        radius = radius * ripple
        branch = Branch(name, segment, None, points, closing(radius, position) if closes else radius, start_mm)
        self.branches.append(branch)
        return branch

    def cortical(
        self,
        parents: list[Branch],
        ends: Points,
        surface: Surface,
        radius_mm: float,
        through_insula: bool,
        label: str,
        twigs: float = 1.0,
        generations: int = 2,
    ) -> None:
        """Grows named cortical branches, each from the parent and the fraction that suit its end."""
        anatomy = self._anatomy
        for number, mean_end in enumerate(ends):
            end = mean_end + self._rng.normal(0.0, anatomy.distal_sd_mm, 3)
            end = surface(end[None])[0]
            parent, fraction = _take_off(parents, end, self._rng)
            origin = parent.points[parent.index_at(fraction)]
            via = _over_the_insula(origin, end, self._rng) if through_insula else np.empty((0, 3))
            radius = min(0.92 * float(parent.radii[parent.index_at(fraction)]), self.diameter(2 * radius_mm, 0.2) / 2)
            name = f"{label} {number + 1}"
            branch = sprout(parent, fraction, end, via, surface, radius, anatomy.tortuosity, name, self._rng)
            self.branches.append(branch)
            settings = Bush(anatomy.tortuosity, anatomy.twigs * twigs, generations)
            self.branches += bush(branch, surface, settings, self._rng)


def _take_off(parents: list[Branch], end: NDArray[np.float64], rng: np.random.Generator) -> tuple[Branch, float]:
    """Chooses where a branch leaves: upstream of the parents' point nearest to its end."""
    distances = [np.linalg.norm(parent.points - end, axis=1) for parent in parents]
    parent = parents[int(np.argmin([distance.min() for distance in distances]))]
    distance = distances[parents.index(parent)]
    nearest = int(np.argmin(distance)) / (len(parent.points) - 1)
    return parent, float(np.clip(nearest - abs(rng.normal(0.0, 0.12)) - 0.04, 0.12, 0.85))


def _over_the_insula(origin: NDArray[np.float64], end: NDArray[np.float64], rng: np.random.Generator) -> Points:
    """The way of an MCA branch up the insula and round the operculum: two turns, the outer one below the inner."""
    towards = (end - origin)[1:] / np.linalg.norm((end - origin)[1:])
    across = np.array([-towards[1], towards[0]]) * rng.choice([-1.0, 1.0])
    top = origin[1:] + rng.uniform(8.0, 14.0) * towards
    width = rng.uniform(2.0, 4.5)  # a loop, not a hairpin: its legs lie side by side in the lateral view
    rise = np.concatenate([[origin[0] + 0.5], top - 2.0 * towards - 0.5 * width * across])
    inner = np.concatenate([[origin[0] + 1.5], top])
    outer = np.concatenate([[origin[0] + rng.uniform(4.0, 7.0)], top - 3.5 * towards + 0.8 * width * across])
    below = np.concatenate([[outer[0] + rng.uniform(2.0, 4.0)], top - 3.0 * towards + 1.8 * width * across])
    return np.vstack([rise, inner, outer, below])


def _carotid(build: _Builder, variants: SideVariants, shape: NDArray[np.float64]) -> None:
    cervical, terminus = build.diameter(4.67, 0.47) / 2, build.diameter(3.6, 0.4) / 2
    ica = build.trunk(Segment.ICA, landmarks.ICA * shape, (cervical, terminus))
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


def _vertebral(build: _Builder, variants: SideVariants, shape: NDArray[np.float64], ba: Branch) -> None:
    low, high = (variants.va_scale * build.diameter(*calibre) / 2 for calibre in ((3.9, 0.5), (2.8, 0.5)))
    va = build.trunk(Segment.VA, landmarks.VA * shape, (low, high), end=ba.points[0])
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
    build: _Builder, variants: SideVariants, shape: NDArray[np.float64], ba: Branch, ica: Branch
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
    midline = _Builder(anatomy, rng)
    low, high = midline.diameter(3.6, 0.4) / 2, midline.diameter(3.1, 0.4) / 2
    ba = midline.trunk(Segment.BA, landmarks.BA * shape, (low, high))
    branches = [ba]
    ends: dict[Side, Branch] = {}
    for side in Side:
        of_side = variants.of(side)
        sign = np.array([1.0 if side is Side.LEFT else -1.0, 1.0, 1.0])
        seen = Branch(ba.name, ba.segment, None, ba.points * sign, ba.radii)  # the basilar artery as this side sees it
        build = _Builder(anatomy, streams[side.value])
        _carotid(build, of_side, shape)
        _vertebral(build, of_side, shape, seen)
        _posterior_cerebral(build, of_side, shape, seen, build.branches[0])
        of_this_side = [mirrored(branch, side) for branch in build.branches]
        ends[side] = next(branch for branch in of_this_side if branch.segment is Segment.A1)
        branches += of_this_side
    branches.append(_communicating(ends, midline))
    return Tree(tuple(branches))


def _communicating(ends: dict[Side, Branch], midline: _Builder) -> Branch:
    """The anterior communicating artery, between the ends of the two A1."""
    left, right = ends[Side.LEFT].points[-1], ends[Side.RIGHT].points[-1]
    middle = 0.5 * (left + right) + np.array([0.0, 0.8, 0.3])
    points = smooth_curve(np.vstack([left, middle, right]), 0.4)
    radius = midline.diameter(1.5, 0.22) / 2
    return Branch("trunk", Segment.ACOM, None, points, np.full(len(points), radius), 16.0)
