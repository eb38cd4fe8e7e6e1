from dataclasses import replace

import numpy as np
import pytest

from kium_lightning.anatomy import Side
from kium_lightning.phantom.curves import path_lengths, smooth_curve
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.tree import Segment, Tree
from kium_lightning.phantom.variants import SideVariants, Variants
from kium_lightning.phantom.vessels import draw_tree

USUAL = SideVariants(a1_scale=1.0, fetal=0.0, pcom_mm=1.2, va_scale=1.0, va_ends_in_pica=False)


def tree_of(distributions: Distributions, seed: int, right_seed: int | None = None) -> Tree:
    seeds = {"midline": 10_000 + seed, "L": seed, "R": seed + 5_000 if right_seed is None else right_seed}
    streams = {name: np.random.default_rng(value) for name, value in seeds.items()}
    return draw_tree(distributions.anatomy, Variants(USUAL, USUAL), streams)


def test_sides_drawn_alike_are_mirror_images(distributions: Distributions) -> None:
    straight = replace(
        distributions, anatomy=replace(distributions.anatomy, landmark_spread=0.0, root_sd_mm=0.0, distal_sd_mm=0.0)
    )
    tree = tree_of(straight, seed=1, right_seed=1)
    ba = tree.branch(Segment.BA, None)
    for left in (branch for branch in tree.branches if branch.side is Side.LEFT):
        right = tree.branch(left.segment, Side.RIGHT, left.name)
        if left.segment in (Segment.VA, Segment.P1, Segment.PCOM, Segment.P2, Segment.SCA, Segment.AICA, Segment.PICA):
            continue  # these join the basilar artery, which may lie off the midline
        np.testing.assert_allclose(left.points * [-1, 1, 1], right.points, atol=1e-9)
        np.testing.assert_allclose(left.radii, right.radii)
    assert abs(ba.points[:, 0]).max() < 15


def test_left_is_positive_and_right_negative(distributions: Distributions) -> None:
    tree = tree_of(distributions, seed=2)
    for segment in (Segment.ICA, Segment.MCA, Segment.VA):
        assert tree.branch(segment, Side.LEFT).points[0, 0] > 5 > -5 > tree.branch(segment, Side.RIGHT).points[0, 0]


def test_a_side_does_not_depend_on_the_other(distributions: Distributions) -> None:
    first, second = tree_of(distributions, 3, right_seed=7), tree_of(distributions, 3, right_seed=8)
    for branch in (branch for branch in first.branches if branch.side is Side.LEFT):
        assert np.array_equal(branch.points, second.branch(branch.segment, Side.LEFT, branch.name).points)


@pytest.mark.parametrize("seed", range(5))
def test_every_branch_starts_inside_another_vessel(distributions: Distributions, seed: int) -> None:
    tree = tree_of(distributions, seed)
    for branch in tree.branches:
        if branch.name == "trunk" and branch.segment in (Segment.ICA, Segment.VA, Segment.BA):
            continue
        others = [other for other in tree.branches if other is not branch]
        gaps = [np.linalg.norm(other.points - branch.points[0], axis=1) - other.radii for other in others]
        assert min(float(gap.min()) for gap in gaps) <= 0.0, (branch.segment, branch.name)


def test_vessels_bend_without_kinks(distributions: Distributions) -> None:
    sharpest = []
    for branch in (branch for seed in range(4) for branch in tree_of(distributions, seed).branches):
        steps = np.diff(branch.points, axis=0)
        assert np.linalg.norm(steps, axis=1).max() <= 1.5
        steps /= np.linalg.norm(steps, axis=1, keepdims=True)
        turns = np.degrees(np.arccos(np.clip((steps[1:] * steps[:-1]).sum(axis=1), -1.0, 1.0)))
        sharpest.append(float(turns.max()))
        assert path_lengths(branch.points)[-1] > 2.0
    assert np.quantile(sharpest, 0.99) < 45.0  # between points a millimetre apart
    assert np.median(sharpest) < 25.0  # a bend of 2.3 mm radius


def test_branch_names_are_unique(distributions: Distributions) -> None:
    names = [(*branch.place, branch.name) for branch in tree_of(distributions, 4).branches]
    assert len(set(names)) == len(names)


def test_calibres_and_places_follow_the_reference(distributions: Distributions) -> None:
    trees = [tree_of(distributions, seed) for seed in range(30)]

    def ends(segment: Segment) -> np.ndarray:
        branches = [tree.branch(segment, side) for tree in trees for side in Side]
        return np.array([np.abs(branch.points[-1]) * [1, 0, 0] + branch.points[-1] * [0, 1, 1] for branch in branches])

    def diameter(segment: Segment, index: int) -> float:
        return float(np.mean([2 * tree.branch(segment, side).radii[index] for tree in trees for side in Side]))

    np.testing.assert_allclose(ends(Segment.ICA).mean(axis=0), [12.4, 0, 0], atol=1.0)
    np.testing.assert_allclose(ends(Segment.MCA).mean(axis=0), [26.1, 4.6, 2.1], atol=1.5)
    np.testing.assert_allclose(ends(Segment.A1).mean(axis=0), [2.4, 5.8, 3.7], atol=1.5)
    assert diameter(Segment.ICA, 0) == pytest.approx(4.67, rel=0.08)
    assert diameter(Segment.ICA, -1) == pytest.approx(3.6, rel=0.08)
    assert diameter(Segment.MCA, 0) == pytest.approx(3.1, rel=0.08)
    assert diameter(Segment.A1, 0) == pytest.approx(2.09, rel=0.08)
    assert diameter(Segment.P1, 0) == pytest.approx(2.2, rel=0.08)
    lengths = [path_lengths(tree.branch(Segment.MCA, side).points)[-1] for tree in trees for side in Side]
    assert 14.0 < np.mean(lengths) < 19.0


def test_a_curve_passes_its_ends_at_even_steps() -> None:
    waypoints = np.array([[0.0, 0, 0], [10, 3, 0], [12, 15, 2], [30, 18, 9]])
    points = smooth_curve(waypoints, 0.5)
    np.testing.assert_allclose(points[[0, -1]], waypoints[[0, -1]])
    steps = np.diff(path_lengths(points))
    assert steps.max() <= 0.5
    assert steps.min() > 0.45
    for waypoint in waypoints:
        assert np.linalg.norm(points - waypoint, axis=1).min() < 0.3
