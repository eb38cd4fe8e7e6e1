import numpy as np
import pytest

from kium_lightning.phantom import territories
from kium_lightning.phantom.canopy import tapered
from kium_lightning.phantom.curves import bowed, cut, path_lengths, wound
from kium_lightning.phantom.growth import draw_swing, grow
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.tangles import self_crossings, share_along
from kium_lightning.phantom.topology import Sprig, draw_rail, draw_sprig


def ends(sprig: Sprig) -> int:
    return 1 if sprig.daughters is None else sum(ends(daughter) for daughter in sprig.daughters)


@pytest.mark.parametrize("length", [6.3, 20.0, 77.7])
def test_a_vessel_is_as_long_as_asked_and_leaves_as_told(length: float) -> None:
    rng = np.random.default_rng(0)
    start, direction = np.array([55.0, -10.0, 40.0]), np.array([0.0, 0.6, 0.8])
    goal = territories.MCA.goals[:1]
    points = grow(start, direction, goal, length, 1.3, draw_swing(rng), territories.MCA)
    assert path_lengths(points)[-1] == pytest.approx(length)
    np.testing.assert_allclose(points[0], start)
    first = (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
    assert first @ direction > 0.99


def test_length_over_chord_follows_what_is_asked() -> None:
    reached = []
    for tortuosity in (1.1, 1.3, 1.5):
        rng = np.random.default_rng(1)
        drawn = []
        for _ in range(40):
            start = np.array([4.0, 10.0, 40.0])
            goal = start + np.array([[0.0, 40.0, 20.0]])
            direction = np.array([0.0, 0.9, 0.44])
            points = grow(start, direction, goal, 45.0, tortuosity, draw_swing(rng), territories.ACA)
            drawn.append(45.0 / np.linalg.norm(points[-1] - points[0]))
        reached.append(np.median(drawn))
    np.testing.assert_allclose(reached, (1.1, 1.3, 1.5), rtol=0.1)


def test_a_tree_has_as_many_ends_as_asked(distributions: Distributions) -> None:
    rng = np.random.default_rng(2)
    for terminals in (1, 2, 5, 13):
        sprig = draw_sprig(rng, distributions.anatomy.mca, terminals, 1.0)
        assert ends(sprig) == sprig.terminals == terminals


def test_a_named_artery_bears_all_ends_and_has_about_its_length(distributions: Distributions) -> None:
    rng = np.random.default_rng(3)
    lengths = []
    for terminals in (1, 4, 9) * 20:
        rail = draw_rail(rng, distributions.anatomy.pca, terminals, 1.0, 86.0)
        assert 1 + sum(ends(sprig) for sprig in rail.branches) == terminals
        assert len(rail.lengths_mm) == len(rail.radii_mm) == len(rail.branches) + 1
        if terminals > 1:
            lengths.append(rail.length_mm)
    assert np.mean(lengths) == pytest.approx(86.0, rel=0.05)


def test_a_segment_has_its_radius_at_its_middle_and_the_last_fades() -> None:
    along = np.linspace(0.0, 60.0, 601)
    radii = tapered(along, [20.0, 40.0], [1.2, 0.8])
    assert np.interp([10.0, 40.0], along, radii) == pytest.approx([1.2, 0.8])
    assert radii[-1] < 0.15
    assert np.all(np.diff(radii) <= 1e-12)


def test_a_course_is_cut_and_bowed_to_a_length() -> None:
    points = np.column_stack([np.linspace(0, 30, 61), 2.0 * np.sin(np.linspace(0, np.pi, 61)), np.zeros(61)])
    assert path_lengths(cut(points, 17.3))[-1] == pytest.approx(17.3)
    bent = bowed(points, 36.0)
    assert path_lengths(bent)[-1] == pytest.approx(36.0, rel=0.01)
    np.testing.assert_allclose(bent[[0, -1]], points[[0, -1]])


def test_a_figure_of_eight_crosses_itself_once_and_a_wave_never() -> None:
    turn = np.linspace(0.3, 0.3 + 1.96 * np.pi, 60)
    eight = np.column_stack([np.zeros(60), 10.0 * np.sin(2.0 * turn), 10.0 * np.sin(turn)])
    assert self_crossings(eight, 1, 2) == 1
    wave = np.column_stack([np.zeros(60), turn, np.sin(turn)])
    assert self_crossings(wave, 1, 2) == 0


def test_the_share_of_a_corner_that_runs_along_an_axis() -> None:
    corner = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0], [3, 1, 0]])
    assert [share_along(corner, axis) for axis in range(3)] == [0.75, 0.25, 0.0]


def test_a_winding_course_is_longer_by_a_share_and_starts_where_it_did() -> None:
    points = np.column_stack([np.linspace(0, 120, 241), np.zeros(241), np.zeros(241)])
    winding = wound(np.random.default_rng(4), points, 0.2)
    assert path_lengths(winding)[-1] == pytest.approx(1.2 * 120.0, rel=0.01)
    np.testing.assert_allclose(winding[0], points[0])
    np.testing.assert_allclose(winding[:, 0], points[:, 0])  # it swings across its way, never back along it


def test_waypoints_come_back_into_the_brain_or_to_their_depth() -> None:
    mean = np.array([[55.0, -20.0, 35.0], [20.0, -60.0, 20.0]])
    strayed = mean + np.array([[12.0, 0.0, 0.0], [0.0, 0.0, 25.0]])
    inside = territories.held(strayed, mean, np.zeros((2, 1)))
    surface = territories.held(strayed, mean, np.ones((2, 1)))
    centre, half = territories.MCA.centre, territories.MCA.half_axes
    depth = [np.linalg.norm((each - centre) / half, axis=1) for each in (mean, strayed, inside, surface)]
    assert depth[2].max() <= max(0.98, depth[0].max()) + 1e-9
    np.testing.assert_allclose(depth[3], depth[0])
    np.testing.assert_allclose(inside[1], strayed[1])  # what is inside stays
