"""Measures calibres, lengths and variants of a finished vessel tree, from its points and radii alone."""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom import landmarks
from kium_lightning.phantom.curves import path_lengths
from kium_lightning.phantom.tree import Branch, Segment, Tree

Values = dict[str, list[float]]

_ROOT_MM = (2.5, 12.0)  # where the calibre of an artery is taken that is measured near its origin
_CAVERNOUS_MM = (15.0, 4.0)  # way before the genu of the carotid between which its cavernous calibre is taken
_A1_HYPOPLASTIC_MM = 1.3
_COMPLETE_MM = 1.0  # an artery of the circle of Willis thinner than this does not count
_STRAIGHT_MM = 2.0  # a basilar artery that bends less than this to the side


def find(tree: Tree, segment: Segment, side: Side | None, name: str = "trunk") -> Branch | None:
    """A branch of a tree, or None where the patient has no such artery."""
    try:
        return tree.branch(segment, side, name)
    except KeyError:
        return None


def diameter(branch: Branch, low_mm: float = 0.0, high_mm: float = np.inf) -> float:
    """Mean lumen diameter in mm between two places along a branch, in mm from its beginning."""
    along = path_lengths(branch.points)
    inside = (along >= low_mm) & (along <= max(high_mm, low_mm + 0.8))
    return 2.0 * float(branch.radii[inside].mean())


def length(branch: Branch) -> float:
    """Length of a branch in mm."""
    return float(path_lengths(branch.points)[-1])


def measure_calibres(tree: Tree) -> Values:
    """Diameters and lengths of the named arteries, in mm; arteries that a variant changes are left out.

    Returns:
        One value for each side that has the artery in its usual form, by the name of the row.
    """
    found: Values = defaultdict(list)
    for side in Side:
        _measure_side(tree, side, found)
    ba = tree.branch(Segment.BA, None)
    ba_mm = length(ba)
    found["BA, lower end"].append(diameter(ba, 0.0, 1.5))
    found["BA, tip"].append(diameter(ba, ba_mm - 3.0, ba_mm))
    found["BA length"].append(ba_mm)
    acom = find(tree, Segment.ACOM, None)
    if acom is not None and find(tree, Segment.ACOM, None, "fenestration") is None:
        found["ACOM"].append(diameter(acom))
        found["ACOM length"].append(length(acom))
    return dict(found)


def _measure_side(tree: Tree, side: Side, found: Values) -> None:
    ica = tree.branch(Segment.ICA, side)
    height, along = ica.points[:, 2], path_lengths(ica.points)
    genu = int(np.argmax(ica.points[:, 1]))
    petrous = int(np.argmin(np.abs(height[:genu] - landmarks.ICA[landmarks.ICA_PETROUS, 2])))
    found["ICA, distal cervical"].append(2.0 * float(ica.radii[(height < -50.0) & (height > -110.0)].mean()))
    found["ICA, first intracranial"].append(diameter(ica, along[petrous] - 1.0, along[petrous] + 1.0))
    found["ICA, cavernous"].append(diameter(ica, along[genu] - _CAVERNOUS_MM[0], along[genu] - _CAVERNOUS_MM[1]))
    found["ICA, terminus"].append(diameter(ica, along[-1] - 2.5, along[-1]))
    m1 = tree.branch(Segment.MCA, side)
    found["M1"].append(diameter(m1))
    found["M1 length"].append(length(m1))
    for name in ("superior", "inferior"):
        found["M2"].append(diameter(tree.branch(Segment.MCA, side, name), 0.0, 10.0))
    a1, a2 = find(tree, Segment.A1, side), find(tree, Segment.A2, side)
    if a1 is not None:
        if diameter(a1) >= _A1_HYPOPLASTIC_MM:
            found["A1"].append(diameter(a1))
        found["A1 length"].append(length(a1))
    if a2 is not None:
        found["A2"].append(diameter(a2))
        found["A2 length"].append(length(a2) + length(tree.branch(Segment.A2, side, "pericallosal")))
    _measure_posterior(tree, side, found)
    for name, segment in (("Ophthalmic", Segment.OPHTHALMIC), ("SCA", Segment.SCA), ("PICA", Segment.PICA)):
        branch = find(tree, segment, side)
        if branch is not None:
            found[name].append(diameter(branch, *_ROOT_MM))
    found["AICA"].append(diameter(tree.branch(Segment.AICA, side), *_ROOT_MM))
    va = tree.branch(Segment.VA, side)
    if va.joins is not None and not is_thin(va):
        way = path_lengths(va.points)
        entry = way[landmarks.dural_entry(va.points)]
        found["V4, dural entry"].append(diameter(va, entry - 1.0, entry + 2.0))
        found["V4, end"].append(diameter(va, way[-1] - 7.0, way[-1] - 4.0))
        found["V4 length"].append(float(way[-1] - entry))
        pica = find(tree, Segment.PICA, side)
        if pica is not None and pica.parent == va.key:
            found["PICA below the junction"].append(float(way[-1]) - along_at(va, pica.points[0]))
    ba = tree.branch(Segment.BA, None)
    found["SCA below the tip"].append(length(ba) - along_at(ba, tree.branch(Segment.SCA, side).points[0]))


def _measure_posterior(tree: Tree, side: Side, found: Values) -> None:
    p1, p2 = find(tree, Segment.P1, side), tree.branch(Segment.P2, side)
    pcom, antchor = tree.branch(Segment.PCOM, side), tree.branch(Segment.ANTCHOR, side)
    ica = tree.branch(Segment.ICA, side)
    found["PCOM length"].append(length(pcom))
    if p1 is not None:
        found["P1 length"].append(length(p1))
        if diameter(p1) >= diameter(pcom, *_ROOT_MM):
            found["P1"].append(diameter(p1))
            found["PCOM"].append(diameter(pcom, *_ROOT_MM))
    found["P2"].append(diameter(p2, 0.0, 12.0))
    found["P2 length"].append(length(p2))
    antchor_mm = length(antchor)
    found["AntChor, origin"].append(diameter(antchor, 3.0, 5.0))
    found["AntChor, end"].append(diameter(antchor, 0.8 * antchor_mm, 0.9 * antchor_mm))
    found["AntChor length"].append(antchor_mm)
    from_end = length(ica) - along_at(ica, antchor.points[0])
    if antchor.parent == ica.key and from_end > 0.5:
        found["AntChor beyond the PCOM"].append(along_at(ica, antchor.points[0]) - along_at(ica, pcom.points[0]))


def along_at(branch: Branch, point: NDArray[np.float64]) -> float:
    """The way along a branch to its point nearest to a place, mm."""
    nearest = int(np.argmin(((branch.points - point) ** 2).sum(axis=1)))
    return float(path_lengths(branch.points)[nearest])


def is_thin(va: Branch) -> bool:
    """Whether a vertebral artery is hypoplastic: under 2 mm before it joins the other or ends."""
    way = path_lengths(va.points)
    return diameter(va, way[-1] - 7.0, way[-1] - 4.0) < 2.0


def measure_variants(tree: Tree) -> dict[str, list[bool]]:
    """Which variants a tree has: one answer per patient, or one per side.

    A fetal PCA is one whose PCOM is thicker than its P1 (partial) or that has no P1 (complete).
    """
    found: dict[str, list[bool]] = defaultdict(list)
    thin_a1, no_a1, thin_va, short_va, complete, partial = ([] for _ in range(6))
    widths = [diameter(acom) for acom in (find(tree, Segment.ACOM, None),) if acom is not None]
    for side in Side:
        a1, p1, va = find(tree, Segment.A1, side), find(tree, Segment.P1, side), tree.branch(Segment.VA, side)
        pcom = tree.branch(Segment.PCOM, side)
        pcom_mm = diameter(pcom, *_ROOT_MM)
        no_a1.append(a1 is None)
        thin_a1.append(a1 is None or diameter(a1) < _A1_HYPOPLASTIC_MM)
        complete.append(p1 is None)
        partial.append(p1 is not None and diameter(p1) < pcom_mm)
        if p1 is not None and not partial[-1]:
            found["PCOM under 1 mm"].append(pcom_mm < 1.0)
        thin_va.append(is_thin(va))
        short_va.append(va.joins is None)
        widths += [0.0 if a1 is None else diameter(a1), 0.0 if p1 is None else diameter(p1), pcom_mm]
        pica, antchor = find(tree, Segment.PICA, side), tree.branch(Segment.ANTCHOR, side)
        parent = None if pica is None or pica.parent is None else pica.parent[0]
        found["PICA absent"].append(pica is None)
        found["PICA duplicate"].append(find(tree, Segment.PICA, side, "second") is not None)
        found["PICA from the BA"].append(parent is Segment.BA)
        found["PICA with the AICA"].append(parent is Segment.AICA)
        found["SCA duplicate"].append(find(tree, Segment.SCA, side, "second") is not None)
        ica = tree.branch(Segment.ICA, side)
        at_end = antchor.parent == ica.key and along_at(ica, antchor.points[0]) > length(ica) - 0.5
        found["AntChor at the bifurcation"].append(at_end)
        found["AntChor from the PCOM"].append(antchor.parent == pcom.key)
    found["A1 hypoplastic or absent"] = [any(thin_a1)]
    if sum(thin_a1) == 1:
        found["hypoplastic A1 on the right"] = [thin_a1[list(Side).index(Side.RIGHT)]]
    found["A1 absent"] = [any(no_a1)]
    found["fetal PCA, complete"] = [any(complete)]
    found["fetal PCA, partial"] = [any(partial)]
    found["VA hypoplastic"] = [any(thin_va)]
    found["VA ends in the PICA"] = [any(short_va)]
    found["circle of Willis complete"] = [len(widths) == 7 and min(widths) >= _COMPLETE_MM]
    bend = _bend(tree.branch(Segment.BA, None))
    found["BA straight"] = [abs(bend) < _STRAIGHT_MM]
    found["BA convex to the right"] = [bend <= -_STRAIGHT_MM]
    found["BA convex to the left"] = [bend >= _STRAIGHT_MM]
    found["azygos ACA"] = [find(tree, Segment.A2, None) is not None]
    found["fenestration"] = [any(branch.name == "fenestration" for branch in tree.branches)]
    return dict(found)


def _bend(ba: Branch) -> float:
    """How far the basilar artery bends to the left (positive) or right of the line between its ends, mm."""
    share = path_lengths(ba.points) / length(ba)
    away = ba.points[:, 0] - (ba.points[0, 0] + share * (ba.points[-1, 0] - ba.points[0, 0]))
    return float(away[int(np.argmax(np.abs(away)))])
