from dataclasses import replace

import numpy as np
import pytest

from kium_lightning.anatomy import Artery, Location, Side
from kium_lightning.phantom.aneurysms import Aneurysms, Sac, draw_sac
from kium_lightning.phantom.forms import draw_form
from kium_lightning.phantom.sites import USUAL_PLACES, find_site, parent_of
from kium_lightning.phantom.tree import Segment, Tree

ROOM_MM = 1e6  # for any neck
SIZES = Aneurysms(
    median_mm=4.0,
    sigma=0.5,
    smallest_mm=1.5,
    largest_mm=20.0,
    aspect_median=1.3,
    aspect_sigma=0.35,
    slimness=(0.75, 1.0),
    direction_sd_degrees=15.0,
    irregular=0.43,
    lobes=(2, 4),
    lobe_height=(0.08, 0.22),
    lobe_radius=(0.45, 0.7),
    daughter_sac=0.3,
    daughter_radius=(0.18, 0.34),
    places=USUAL_PLACES,
)
SMOOTH = replace(SIZES, irregular=0.0, daughter_sac=0.0)


def sacs(location: Location, tree: Tree, count: int, sizes: Aneurysms = SIZES) -> list[Sac]:
    return [draw_sac(location, tree, Side.LEFT, sizes, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("location", list(Location))
def test_a_sac_opens_into_its_parent_and_rises_out_of_it(location: Location, usual_tree: Tree) -> None:
    points = np.concatenate([branch.points for branch in usual_tree.branches])
    radii = np.concatenate([branch.radii for branch in usual_tree.branches])
    for sac in sacs(location, usual_tree, 6):
        parent = usual_tree.branches[sac.branch]
        assert (np.linalg.norm(points - sac.neck.point, axis=1) - radii).min() < 0.1  # the mouth lies in blood
        tip = sac.centre + sac.half_axes[0] * sac.axes[0]
        assert (np.linalg.norm(parent.points - tip, axis=1) - parent.radii).min() > 0.2 * sac.half_axes[0]
        np.testing.assert_allclose(sac.axes @ sac.axes.T, np.eye(3), atol=1e-9)
        assert (sac.branch, sac.point) in sac.feeders


@pytest.mark.parametrize("location", [location for location in Location if location.side is not None])
def test_a_sac_lies_on_the_side_of_its_label(location: Location, usual_tree: Tree) -> None:
    parent = usual_tree.branches[sacs(location, usual_tree, 1)[0].branch]
    assert parent.side in (location.side, None)


@pytest.mark.parametrize("side", list(Side))
def test_sites_are_those_of_the_table(side: Side, usual_tree: Tree) -> None:
    """Where on the artery, from the reference on anatomy."""

    def root(artery: Artery, place: float = 0.5) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        site = find_site(artery.at(side), usual_tree, side, place)
        point: np.ndarray[tuple[int], np.dtype[np.float64]] = usual_tree.branches[site.branch].points[site.point]
        return point

    def end(segment: Segment) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        point: np.ndarray[tuple[int], np.dtype[np.float64]] = usual_tree.branch(segment, side).points[-1]
        return point

    np.testing.assert_array_equal(root(Artery.MCA), end(Segment.MCA))  # the main bifurcation
    np.testing.assert_array_equal(root(Artery.ACA), end(Segment.A2))  # the pericallosal split
    np.testing.assert_array_equal(root(Artery.ICA, 0.1), end(Segment.ICA))  # the terminus
    np.testing.assert_array_equal(root(Artery.PCA), end(Segment.P1))  # P1/P2
    np.testing.assert_array_equal(root(Artery.BA), usual_tree.branch(Segment.BA, None).points[-1])  # the tip
    assert np.linalg.norm(root(Artery.ACOM) - end(Segment.A1)) < 1.5  # the corner with the dominant A1
    for artery, segment in (
        (Artery.PCOM, Segment.PCOM),
        (Artery.ANTCHOR, Segment.ANTCHOR),
        (Artery.PICA, Segment.PICA),
        (Artery.SCA, Segment.SCA),
    ):
        assert np.linalg.norm(root(artery) - usual_tree.branch(segment, side).points[0]) < 1.0  # at the origin
    pica = usual_tree.branch(Segment.PICA, side).points[0]
    assert 0.5 < np.linalg.norm(root(Artery.VA) - pica) < 8.0  # near the PICA
    ica = usual_tree.branch(Segment.ICA, side)
    genu = ica.points[np.argmax(ica.points[:, 1])]
    assert 1.5 < np.linalg.norm(root(Artery.ICA, 0.7) - genu) < 8.0  # paraclinoid
    assert root(Artery.ICA, 0.7)[2] > genu[2]


@pytest.mark.parametrize("artery", [Artery.PCOM, Artery.ANTCHOR])
def test_communicating_and_choroidal_sacs_point_backwards(artery: Artery, usual_tree: Tree) -> None:
    backwards = [sac.axes[0, 1] < 0.0 for side in Side for sac in sacs(artery.at(side), usual_tree, 20)]
    assert np.mean(backwards) > 0.85


def test_a_missing_artery_is_named(usual_tree: Tree) -> None:
    less = Tree(tuple(branch for branch in usual_tree.branches if branch.segment is not Segment.PICA))
    with pytest.raises(KeyError, match=r"no branch 'trunk' of PICA on side L"):
        find_site(Location.LEFT_PICA, less, Side.LEFT)
    assert find_site(Location.LEFT_VA, less, Side.LEFT)  # needs no PICA


def test_every_side_branch_finds_the_vessel_it_leaves(usual_tree: Tree) -> None:
    for segment, parent in ((Segment.PCOM, Segment.ICA), (Segment.SCA, Segment.BA), (Segment.PICA, Segment.VA)):
        found, point = parent_of(usual_tree.branch(segment, Side.RIGHT), usual_tree)
        assert found.segment is parent
        assert np.linalg.norm(found.points[point] - usual_tree.branch(segment, Side.RIGHT).points[0]) < 1.0


def test_sizes_are_log_normal_and_clipped() -> None:
    sizes = np.array([draw_form(SIZES, ROOM_MM, np.random.default_rng(seed)).diameter for seed in range(400)])
    assert np.median(sizes) == pytest.approx(4.0, rel=0.1)
    assert np.log(sizes).std() == pytest.approx(0.5, rel=0.1)
    narrow = replace(SIZES, smallest_mm=3.9, largest_mm=4.1)
    clipped = np.array([draw_form(narrow, ROOM_MM, np.random.default_rng(seed)).diameter for seed in range(50)])
    assert clipped.min() == pytest.approx(3.9)
    assert clipped.max() == pytest.approx(4.1)


def test_aspect_ratios_are_log_normal() -> None:
    forms = [draw_form(SIZES, ROOM_MM, np.random.default_rng(seed)) for seed in range(400)]
    ratios = np.log([form.height / form.neck for form in forms])
    assert np.exp(np.median(ratios)) == pytest.approx(1.3, rel=0.08)
    assert ratios.std() == pytest.approx(0.35, rel=0.1)


def test_the_neck_is_as_wide_as_the_dome_where_it_is_cut() -> None:
    """The area of the cut, by counting points inside the ellipsoid, is that of a circle of the neck's width."""
    grid = np.linspace(-20.0, 20.0, 801)
    y, z = np.meshgrid(grid, grid)
    for seed in range(10):
        form = draw_form(SMOOTH, ROOM_MM, np.random.default_rng(seed))
        centre, half_axes = form.parts[0]
        inside = (centre[0] / half_axes[0]) ** 2 + (y / half_axes[1]) ** 2 + (z / half_axes[2]) ** 2 < 1.0
        width = 2.0 * np.sqrt(inside.sum() * 0.05**2 / np.pi)
        assert form.neck == pytest.approx(width, rel=0.03)
        assert form.height == pytest.approx(centre[0] + half_axes[0])


def test_no_neck_is_wider_than_its_parent_has_room_for() -> None:
    forms = [draw_form(replace(SMOOTH, median_mm=12.0), 5.0, np.random.default_rng(seed)) for seed in range(60)]
    assert max(form.neck for form in forms) < 5.3


def test_walls_are_as_often_irregular_as_stated() -> None:
    forms = [draw_form(SIZES, ROOM_MM, np.random.default_rng(seed)) for seed in range(500)]
    for share, stated in (
        (np.mean([form.is_irregular for form in forms]), 0.43),
        (np.mean([form.has_daughter for form in forms]), 0.30),
    ):
        assert share == pytest.approx(stated, abs=1.96 * np.sqrt(stated * (1 - stated) / 500))
    for form in forms:
        lobes = len(form.parts) - 1 - form.has_daughter
        assert 2 <= lobes <= 4 if form.is_irregular else lobes == 0


def test_lobes_and_daughter_sacs_hang_together_with_the_dome() -> None:
    for seed in range(100):
        form = draw_form(replace(SIZES, irregular=1.0, daughter_sac=1.0), ROOM_MM, np.random.default_rng(seed))
        centre, half_axes = form.parts[0]
        for lobe, radii in form.parts[1:]:
            inwards = lobe + (centre - lobe) / np.linalg.norm(centre - lobe) * radii.min()
            assert (((inwards - centre) / half_axes) ** 2).sum() < 1.0  # the lobe reaches into the dome


def test_a_second_sac_keeps_clear_of_the_first(usual_tree: Tree) -> None:
    large = replace(SMOOTH, median_mm=12.0, sigma=0.01)
    first = draw_sac(Location.LEFT_PCOM, usual_tree, Side.LEFT, large, np.random.default_rng(0))
    gaps = []
    for others in ((), (first,)):
        drawn = [
            draw_sac(Location.LEFT_ANTCHOR, usual_tree, Side.LEFT, large, np.random.default_rng(seed), others)
            for seed in range(12)
        ]
        gaps.append(np.mean([np.linalg.norm(sac.centre - first.centre) for sac in drawn]))
    assert gaps[1] > gaps[0]
