"""The vessel tree as a graph: places of branching, joining and ending, and the vessels between them."""

from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Side
from kium_lightning.phantom.curves import Points, path_lengths
from kium_lightning.phantom.tree import Branch, Key, Segment, Tree

_SAME_MM = 0.45  # places of one vessel closer than this are one node
_STORED_MM = 2.0  # spacing of the points that are kept in JSON

_Spot = tuple[int, int]  # a branch and one of its points


def tree_graph(tree: Tree) -> nx.MultiGraph:
    """Turns a vessel tree into a graph.

    Loops are those of the anatomy: the circle of Willis, the two vertebral arteries, fenestrations. A vessel that
    ends in no other is a node with one edge.

    Returns:
        A graph whose nodes are whole numbers with ``position_mm`` (3,), and whose edges have ``segment``, ``side``
        (L, R or None), ``name`` of the branch, ``length_mm``, ``mean_radius_mm``, ``points_mm`` (n, 3) and
        ``radii_mm`` (n,). An edge's points begin at the node ``start``, upstream, and end at the node ``end``.
    """
    numbers = {branch.key: number for number, branch in enumerate(tree.branches)}
    spots = _spots(tree, numbers)
    along = [path_lengths(branch.points) for branch in tree.branches]
    roots = _merged(spots, along)
    graph = nx.MultiGraph()
    for number, branch in enumerate(tree.branches):
        breaks = sorted({index for of_branch, index in spots if of_branch == number})
        for first, last in pairwise(breaks):
            start, end = (roots[number, index] for index in (first, last))
            if start == end and along[number][last] - along[number][first] < _SAME_MM:
                continue
            for node, index in ((start, first), (end, last)):
                if node not in graph:
                    graph.add_node(node, position_mm=branch.points[index])
            inside = slice(first, last + 1)
            graph.add_edge(
                start,
                end,
                segment=branch.segment.value,
                side=None if branch.side is None else branch.side.value,
                name=branch.name,
                start=start,
                end=end,
                length_mm=float(along[number][last] - along[number][first]),
                mean_radius_mm=float(branch.radii[inside].mean()),
                points_mm=branch.points[inside],
                radii_mm=branch.radii[inside],
            )
    ordered = {node: number for number, node in enumerate(graph.nodes)}
    for _, _, edge in graph.edges(data=True):
        edge["start"], edge["end"] = ordered[edge["start"]], ordered[edge["end"]]
    return nx.relabel_nodes(graph, ordered)


def _spots(tree: Tree, numbers: dict[Key, int]) -> dict[_Spot, set[_Spot]]:
    """All places where a vessel begins, ends or meets another, and which of them are one."""
    spots: dict[_Spot, set[_Spot]] = {}

    def link(one: _Spot, other: _Spot) -> None:
        spots.setdefault(one, set()).add(other)
        spots.setdefault(other, set()).add(one)

    for number, branch in enumerate(tree.branches):
        last = len(branch.points) - 1
        for index, other in ((0, branch.parent), (last, branch.joins)):
            spot = (number, index)
            spots.setdefault(spot, set())
            if other is not None and other in numbers:
                host = tree.branches[numbers[other]]
                link(spot, (numbers[other], _nearest(host, branch.points[index])))
        spots.setdefault((number, last), set())
    return spots


def _merged(spots: dict[_Spot, set[_Spot]], along: list[NDArray[np.float64]]) -> dict[_Spot, _Spot]:
    """Gives each place the first of those that are the same place."""
    links = nx.Graph()
    links.add_nodes_from(spots)
    links.add_edges_from((one, other) for one, others in spots.items() for other in others)
    by_branch: dict[int, list[int]] = {}
    for number, index in spots:
        by_branch.setdefault(number, []).append(index)
    for number, indices in by_branch.items():
        indices.sort()
        for one, other in pairwise(indices):
            if along[number][other] - along[number][one] < _SAME_MM:
                links.add_edge((number, one), (number, other))
    return {spot: min(group) for group in nx.connected_components(links) for spot in group}


def _nearest(branch: Branch, point: NDArray[np.float64]) -> int:
    return int(np.argmin(((branch.points - point) ** 2).sum(axis=1)))


def graph_json(graph: nx.MultiGraph) -> dict[str, Any]:
    """Turns a graph into networkx' node-link form with plain numbers, its points two millimetres apart."""
    plain = nx.MultiGraph()
    for node, attributes in graph.nodes(data=True):
        plain.add_node(node, position_mm=_rounded(attributes["position_mm"]))
    for one, other, attributes in graph.edges(data=True):
        kept = _thinned(attributes["points_mm"])
        stored = {
            **attributes,
            "length_mm": round(attributes["length_mm"], 3),
            "mean_radius_mm": round(attributes["mean_radius_mm"], 4),
            "points_mm": _rounded(attributes["points_mm"][kept]),
            "radii_mm": _rounded(attributes["radii_mm"][kept]),
        }
        plain.add_edge(one, other, **stored)
    data: dict[str, Any] = nx.node_link_data(plain, edges="edges")
    return data


def graph_from_json(data: dict[str, Any]) -> nx.MultiGraph:
    """Reads what ``graph_json`` gave; points and positions become arrays again."""
    graph = nx.node_link_graph(data, edges="edges")
    for _, attributes in graph.nodes(data=True):
        attributes["position_mm"] = np.asarray(attributes["position_mm"], dtype=np.float64)
    for _, _, attributes in graph.edges(data=True):
        for key in ("points_mm", "radii_mm"):
            attributes[key] = np.asarray(attributes[key], dtype=np.float64)
    return graph


def part(graph: nx.MultiGraph, segments: set[Segment], side: Side | None) -> nx.MultiGraph:
    """The subgraph of the vessels of some segments of one side."""
    wanted = [
        (one, other, key)
        for one, other, key, edge in graph.edges(keys=True, data=True)
        if edge["segment"] in segments and edge["side"] == (None if side is None else side.value)
    ]
    return graph.edge_subgraph(wanted)


def _thinned(points: Points) -> NDArray[np.intp]:
    along = path_lengths(points)
    count = max(2, int(np.ceil(along[-1] / _STORED_MM)) + 1)
    return np.unique(np.searchsorted(along, np.linspace(0.0, along[-1], count)).clip(0, len(points) - 1))


def _rounded(values: NDArray[np.float64]) -> Any:
    return np.round(values, 2).tolist()
