"""Measures where landmarks are and where the main trunks run, on finished vessels."""

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom import references
from kium_lightning.phantom.calibres import find
from kium_lightning.phantom.curves import Points, path_lengths
from kium_lightning.phantom.measures import pieces_of
from kium_lightning.phantom.tree import Segment, Tree

Places = dict[str, list[NDArray[np.float64]]]

_PCA_ROOT_MM = 5.5  # the tracings' PCA begins so far from the midline, where the basilar artery's tip ends
_LEVELS = {name: spot.mean[2] for name, spot in references.LANDMARKS.items() if name.startswith("basilar, ")}


def outwards(side: Side) -> NDArray[np.float64]:
    """What turns the patient's coordinates into a side's own, (3,)."""
    return np.array([1.0 if side is Side.LEFT else -1.0, 1.0, 1.0])


def measure_places(tree: Tree, usual: dict[Side, frozenset[str]]) -> Places:
    """Measures landmarks and trunks.

    Args:
        tree: the patient's vessels.
        usual: of each side, which of ACA, MCA and PCA have their usual stem.

    Returns:
        Places (3,) in mm by the name of the row, lateral ones away from the midline except on the basilar artery.
    """
    found: Places = {}
    ba = tree.branch(Segment.BA, None)
    found["basilar tip"] = [ba.points[-1]]
    for name, level in _LEVELS.items():
        if ba.points[0, 2] < level:
            found[name] = [ba.points[int(np.argmin(np.abs(ba.points[:, 2] - level)))]]
    for side in Side:
        for name, place in _of_side(tree, side, usual[side]).items():
            found.setdefault(name, []).append(place * outwards(side))
    return found


def _of_side(tree: Tree, side: Side, usual: frozenset[str]) -> dict[str, NDArray[np.float64]]:
    ica, m1 = tree.branch(Segment.ICA, side), tree.branch(Segment.MCA, side)
    found = {
        "ICA terminus": ica.points[-1],
        "ICA genu": ica.points[int(np.argmax(ica.points[:, 1]))],
        "MCA bifurcation": m1.points[-1],
    }
    trunks = {"MCA": [m1, tree.branch(Segment.MCA, side, "superior")]}
    a1, a2 = find(tree, Segment.A1, side), find(tree, Segment.A2, side)
    if a1 is not None and a2 is not None:
        found |= {"A1 end": a1.points[-1], "ACA split": a2.points[-1]}
        if "ACA" in usual:
            trunks["ACA"] = [a1, a2, tree.branch(Segment.A2, side, "callosomarginal")]
    p1 = find(tree, Segment.P1, side)
    if p1 is not None and "PCA" in usual:
        found["PCA split"] = pieces_of(tree, "PCA", side).points[-1]
        trunks["PCA"] = [p1, tree.branch(Segment.P2, side)]
    for artery, parts in trunks.items():
        points = np.concatenate([part.points for part in parts])
        if artery == "PCA":
            points = points[int(np.argmax(np.abs(points[:, 0]) > _PCA_ROOT_MM)) :]
        found |= _along_trunk(artery, points)
    return found


def _along_trunk(artery: str, points: Points) -> dict[str, NDArray[np.float64]]:
    along = path_lengths(points)
    return {
        f"{artery} at {path} mm": np.array([np.interp(path, along, points[:, axis]) for axis in range(3)])
        for path in references.TRUNKS[artery]
        if along[-1] >= path
    }
