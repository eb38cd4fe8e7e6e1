"""Measures finished vessel trees: lengths, calibres and branching, from points and radii alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom.curves import Points, path_lengths
from kium_lightning.phantom.graph import part, tree_graph
from kium_lightning.phantom.tree import Segment, Tree

_ANGLE_MM = 3.0  # the angle between two daughters is taken over this way
TREES: dict[str, set[Segment]] = {
    "ACA": {Segment.A1, Segment.A2},
    "MCA": {Segment.MCA},
    "PCA": {Segment.P1, Segment.P2},
}


@dataclass(frozen=True)
class Piece:
    """A vessel between two divisions, or between a division and an end.

    Attributes:
        points: centre line (n, 3) from its root, mm.
        radii: (n,) in mm.
        order: number of divisions between it and the tree's root.
        daughters: none, or the pieces that it divides into.
    """

    points: Points
    radii: NDArray[np.float64]
    order: int
    daughters: list["Piece"] = field(default_factory=list)

    @property
    def length_mm(self) -> float:
        """Length along the vessel."""
        return float(path_lengths(self.points)[-1])

    @property
    def tortuosity(self) -> float:
        """Length over chord."""
        return self.length_mm / max(float(np.linalg.norm(self.points[-1] - self.points[0])), 0.5)

    @property
    def radius_mm(self) -> float:
        """Median radius, which the thinning of the last millimetres does not change."""
        return float(np.median(self.radii))

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vector of its first three millimetres."""
        index = int(np.searchsorted(path_lengths(self.points), _ANGLE_MM))
        chord = self.points[min(max(index, 1), len(self.points) - 1)] - self.points[0]
        return np.asarray(chord / np.linalg.norm(chord), dtype=np.float64)

    def all(self) -> Iterator["Piece"]:
        """Itself and all pieces beyond it."""
        yield self
        for daughter in self.daughters:
            yield from daughter.all()


def pieces_of(tree: Tree, artery: str, side: Side, graph: nx.MultiGraph | None = None) -> Piece:
    """Takes the ACA, MCA or PCA of a side apart at its divisions; where another artery joins is no division.

    Args:
        tree: the patient's vessels.
        artery: one of ACA, MCA, PCA.
        side: of the patient.
        graph: of the tree, where it has been made already.
    """
    own = part(graph if graph is not None else tree_graph(tree), TREES[artery], side)
    edges = {number: edge for number, (_, _, edge) in enumerate(own.edges(data=True))}
    leaving: dict[int, list[int]] = {}
    for number, edge in edges.items():
        leaving.setdefault(edge["start"], []).append(number)
    ends = {edge["end"] for edge in edges.values()}
    (root,) = [node for node in leaving if node not in ends]

    def grown(number: int, order: int) -> Piece:
        points, radii = [edges[number]["points_mm"]], [edges[number]["radii_mm"]]
        node = edges[number]["end"]
        while len(leaving.get(node, [])) == 1:
            edge = edges[leaving[node][0]]
            points.append(edge["points_mm"][1:])
            radii.append(edge["radii_mm"][1:])
            node = edge["end"]
        daughters = [grown(each, order + 1) for each in leaving.get(node, [])]
        return Piece(np.concatenate(points), np.concatenate(radii), order, daughters)

    return grown(leaving[root][0], 0)


def angles(piece: Piece) -> list[float]:
    """The angle between two daughters at every division of a tree, degrees; three daughters give none."""
    found = []
    for each in piece.all():
        if len(each.daughters) == 2:
            one, other = (daughter.direction for daughter in each.daughters)
            found.append(float(np.degrees(np.arccos(np.clip(one @ other, -1.0, 1.0)))))
    return found


def ratios(piece: Piece) -> list[tuple[float, float]]:
    """Radius of the thicker and of the thinner daughter over the parent's at every division of a tree."""
    found = []
    for each in piece.all():
        if len(each.daughters) == 2:
            low, high = sorted(daughter.radius_mm / each.radius_mm for daughter in each.daughters)
            found.append((high, low))
    return found
