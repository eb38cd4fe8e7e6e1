import json
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from kium_lightning.anatomy import Side
from kium_lightning.phantom.curves import path_lengths
from kium_lightning.phantom.graph import graph_from_json, graph_json, part, tree_graph
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.tree import Branch, Segment, Tree
from kium_lightning.phantom.variants import Fenestration, SideVariants, Variants
from kium_lightning.phantom.vessels import draw_tree

USUAL = SideVariants(a1_scale=1.0, fetal=0.0, pcom_mm=1.2, va_scale=1.0, va_ends_in_pica=False)


def tree_of(distributions: Distributions, variants: Variants, seed: int = 0) -> Tree:
    streams = {name: np.random.default_rng((seed, number)) for number, name in enumerate(("midline", "L", "R"))}
    return draw_tree(distributions.anatomy, variants, streams)


def line(name: str, points: list[list[float]], **of_branch: object) -> Branch:
    branch = Branch(name, Segment.MCA, Side.LEFT, np.array(points, dtype=float), np.ones(len(points)))
    return replace(branch, **of_branch)  # type: ignore[arg-type]


def loops(graph: nx.MultiGraph) -> int:
    pieces: int = nx.number_connected_components(graph)
    return int(graph.number_of_edges() - graph.number_of_nodes() + pieces)


def test_a_vessel_with_one_branch_has_four_nodes_and_three_edges() -> None:
    stem = line("trunk", [[float(x), 0, 0] for x in range(11)])
    twig = line("twig", [[4.0, float(y), 0] for y in range(6)], parent=stem.key)
    graph = tree_graph(Tree((stem, twig)))
    assert sorted(round(edge["length_mm"]) for _, _, edge in graph.edges(data=True)) == [4, 5, 6]
    assert sorted(degree for _, degree in graph.degree) == [1, 1, 1, 3]


def test_the_usual_vessels_are_connected_and_close_one_circle(usual_tree: Tree) -> None:
    graph = tree_graph(usual_tree)
    assert nx.is_connected(graph)
    assert loops(graph) == 1  # the circle of Willis


@pytest.mark.parametrize(
    ("variants", "pieces", "expected"),
    [
        (Variants(replace(USUAL, fetal=1.0, pcom_mm=2.1), USUAL), 1, 0),
        (Variants(replace(USUAL, a1_scale=0.0), USUAL), 1, 0),
        (Variants(USUAL, replace(USUAL, va_ends_in_pica=True)), 2, 1),
        (Variants(USUAL, USUAL, is_azygos=True), 1, 1),
        (Variants(USUAL, USUAL, fenestration=Fenestration.BASILAR), 1, 2),
        (Variants(USUAL, USUAL, fenestration=Fenestration.ACOM), 1, 2),
    ],
)
def test_variants_open_and_close_loops(
    variants: Variants, pieces: int, expected: int, distributions: Distributions
) -> None:
    graph = tree_graph(tree_of(distributions, variants))
    assert nx.number_connected_components(graph) == pieces
    assert loops(graph) == expected


def test_edges_hold_all_of_the_vessels(usual_tree: Tree) -> None:
    edges = tree_graph(usual_tree).edges(data=True)
    length = sum(edge["length_mm"] for _, _, edge in edges)
    assert length == pytest.approx(sum(path_lengths(branch.points)[-1] for branch in usual_tree.branches), rel=1e-3)


def test_an_edge_runs_from_its_start_to_its_end(usual_tree: Tree) -> None:
    graph = tree_graph(usual_tree)
    for one, other, edge in graph.edges(data=True):
        assert {edge["start"], edge["end"]} == {one, other}
        for node, point in ((edge["start"], edge["points_mm"][0]), (edge["end"], edge["points_mm"][-1])):
            assert np.linalg.norm(graph.nodes[node]["position_mm"] - point) < 1.2


def test_a_part_without_communicating_arteries_is_a_tree(usual_tree: Tree) -> None:
    graph = tree_graph(usual_tree)
    for segments in ({Segment.MCA}, {Segment.A1, Segment.A2}, {Segment.P1, Segment.P2}):
        assert nx.is_tree(nx.Graph(part(graph, set(segments), Side.RIGHT)))


def test_json_gives_the_graph_back(usual_tree: Tree) -> None:
    graph = tree_graph(usual_tree)
    read = graph_from_json(json.loads(json.dumps(graph_json(graph))))
    assert set(read.nodes) == set(graph.nodes)
    assert read.number_of_edges() == graph.number_of_edges()
    for one, other, key, edge in graph.edges(keys=True, data=True):
        same = read.edges[one, other, key]
        assert (same["segment"], same["side"], same["name"]) == (edge["segment"], edge["side"], edge["name"])
        assert same["length_mm"] == pytest.approx(edge["length_mm"], abs=1e-3)
        np.testing.assert_allclose(same["points_mm"][[0, -1]], edge["points_mm"][[0, -1]], atol=0.01)
