from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from kium_lightning.anatomy import Location, Side
from kium_lightning.phantom.bends import bent, looped, narrowed, widened_root
from kium_lightning.phantom.curves import path_lengths
from kium_lightning.phantom.lookalikes import Kind, Lookalike, Lookalikes, draw_lookalikes
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.sites import USUAL_PLACES, find_site
from kium_lightning.phantom.tree import Branch, Segment, Tree

POINTS = np.column_stack([np.zeros(80), np.linspace(0.0, 60.0, 80), np.zeros(80)])
STRAIGHT = Branch("trunk", Segment.MCA, Side.LEFT, POINTS, np.full(80, 0.8))


def drawn(
    tree: Tree, seed: int, lookalikes: Lookalikes, labels: frozenset[Location] = frozenset()
) -> tuple[Tree, tuple[Lookalike, ...]]:
    streams = [np.random.default_rng((seed, number)) for number in range(len(Kind))]
    return draw_lookalikes(tree, labels, lookalikes, USUAL_PLACES, streams)


@pytest.fixture(scope="module")
def settings(distributions: Distributions) -> Lookalikes:
    return distributions.lookalikes


@pytest.fixture(scope="module")
def frequent(settings: Lookalikes) -> Lookalikes:
    return replace(
        settings, infundibula_per_patient=1.5, loops_per_patient=2, kinks_per_patient=2, stenoses_per_patient=2
    )


def test_how_many_look_alikes_there_are_does_not_depend_on_labels(usual_tree: Tree, settings: Lookalikes) -> None:
    for seed in range(20):
        _, without = drawn(usual_tree, seed, settings)
        for labels in ({Location.LEFT_MCA, Location.BA}, {Location.LEFT_PCOM}, {Location.RIGHT_ANTCHOR}):
            _, found = drawn(usual_tree, seed, settings, frozenset(labels))
            assert Counter(one.kind for one in found) == Counter(one.kind for one in without)


def test_loops_kinks_and_stenoses_do_not_depend_on_labels_at_all(usual_tree: Tree, frequent: Lookalikes) -> None:
    changed, _ = drawn(usual_tree, 3, frequent)
    labelled, _ = drawn(usual_tree, 3, frequent, frozenset({Location.LEFT_MCA, Location.LEFT_ICA, Location.BA}))
    for one, other in zip(changed.branches, labelled.branches, strict=True):
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.radii, other.radii)


def test_an_aneurysm_keeps_its_site_from_an_infundibulum(usual_tree: Tree, frequent: Lookalikes) -> None:
    seen = set()
    for seed in range(30):
        _, found = drawn(usual_tree, seed, frequent, frozenset({Location.LEFT_PCOM}))
        for one in found:
            if one.kind is Kind.INFUNDIBULUM:
                seen.add(usual_tree.branches[one.branch].place)
    assert seen == {(Segment.PCOM, Side.RIGHT), (Segment.ANTCHOR, Side.LEFT), (Segment.ANTCHOR, Side.RIGHT)}


def test_look_alikes_are_as_frequent_as_stated(usual_tree: Tree, settings: Lookalikes) -> None:
    count = 400
    found = Counter(one.kind for seed in range(count) for one in drawn(usual_tree, seed, settings)[1])
    for kind, mean in (
        (Kind.INFUNDIBULUM, settings.infundibula_per_patient),
        (Kind.LOOP, settings.loops_per_patient),
        (Kind.KINK, settings.kinks_per_patient),
        (Kind.STENOSIS, settings.stenoses_per_patient),
    ):
        assert abs(found[kind] - count * mean) < 3.0 * np.sqrt(count * mean), kind


def test_look_alikes_change_only_their_own_stretch_of_their_own_vessel(usual_tree: Tree, frequent: Lookalikes) -> None:
    for seed in range(6):
        changed, found = drawn(usual_tree, seed, frequent)
        touched = {one.branch for one in found}
        assert len(touched) == len(found) > 0
        for index, (before, after) in enumerate(zip(usual_tree.branches, changed.branches, strict=True)):
            if index in touched:
                assert after.key == before.key
                np.testing.assert_allclose(after.points[[0, -1]], before.points[[0, -1]], atol=1e-2)
                assert np.linalg.norm(np.diff(after.points, axis=0), axis=1).max() < 1.6  # no gap
            else:
                assert after is before


def test_loops_kinks_and_stenoses_keep_away_from_every_possible_aneurysm(
    usual_tree: Tree, frequent: Lookalikes
) -> None:
    sites = [find_site(location, usual_tree, Side.LEFT) for location in Location]
    roots = np.array([usual_tree.branches[site.branch].points[site.point] for site in sites])
    for seed in range(10):
        for one in drawn(usual_tree, seed, frequent)[1]:
            if one.kind is not Kind.INFUNDIBULUM:
                assert np.linalg.norm(one.points[:, None] - roots, axis=2).min() > 2.0


def test_an_infundibulum_is_a_cone_of_at_most_3_mm_with_the_vessel_at_its_apex() -> None:
    thin = replace(STRAIGHT, radii=np.full(80, 0.5))
    wide, points, radii = widened_root(thin, base_mm=1.5, height_mm=2.5, parent_mm=2.0)
    way = path_lengths(wide.points)
    assert 2.0 * wide.radii.max() <= 3.0
    assert (np.diff(wide.radii) <= 1e-12).all()
    np.testing.assert_allclose(wide.radii[way > 4.5], 0.5)
    assert wide.radii[np.argmin(np.abs(way - 2.0))] == pytest.approx(1.5, abs=0.1)  # its base, on the parent's wall
    assert path_lengths(points)[-1] < 2.5 + 0.8 + 0.4
    assert radii.max() <= 1.5


def test_a_loop_runs_along_the_beam_and_comes_back() -> None:
    beam = np.array([1.0, 0.0, 0.0])
    changed, stretch, _ = looped(STRAIGHT, 35, beam, 5.0)
    assert changed.points[:, 0].max() == pytest.approx(5.0, abs=0.6)
    across = stretch[:, 1:].max(axis=0) - stretch[:, 1:].min(axis=0)
    along = stretch[:, 0].max() - stretch[:, 0].min()
    assert along > 2.0 * across.max() > 0.0  # seen along the beam the limb is a dot
    np.testing.assert_array_equal(changed.points[[0, -1]], STRAIGHT.points[[0, -1]])
    turns = np.diff(changed.points, axis=0)
    turns /= np.linalg.norm(turns, axis=1)[:, None]
    assert (turns[1:] * turns[:-1]).sum(axis=1).min() > np.cos(np.radians(40.0))  # smooth


def test_a_kink_swings_out_and_back() -> None:
    changed, _, _ = bent(STRAIGHT, 40, np.array([0.0, 0.0, 1.0]), 3.0, 1.5)
    assert changed.points[:, 2].max() == pytest.approx(3.0, abs=0.05)
    assert np.abs(changed.points[[0, -1], 2]).max() < 1e-3
    assert np.isclose(changed.points[:, 2], 0.0, atol=0.05).mean() > 0.7


def test_a_stenosis_loses_the_stated_share_of_the_calibre() -> None:
    changed, _, radii = narrowed(STRAIGHT, 40, 0.6, 1.0)
    assert changed.radii.min() == pytest.approx(0.4 * 0.8, rel=0.02)
    assert radii.min() == changed.radii.min()
    np.testing.assert_allclose(changed.radii[[0, -1]], 0.8)
