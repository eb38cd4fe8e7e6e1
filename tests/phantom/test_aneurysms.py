from dataclasses import replace

import numpy as np
import pytest

from kium_lightning.anatomy import Location, Side
from kium_lightning.phantom.aneurysms import Aneurysms, Sac, draw_sac
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.tree import Tree
from kium_lightning.phantom.variants import SideVariants, Variants
from kium_lightning.phantom.vessels import draw_tree

USUAL = SideVariants(a1_scale=1.0, fetal=0.0, pcom_mm=1.2, va_scale=1.0, va_ends_in_pica=False)
SIZES = Aneurysms(
    4.0, 0.5, 1.5, 20.0, 1.3, 0.35, (0.75, 1.0), 15.0, 0.43, (2, 4), (0.06, 0.16), (0.45, 0.7), 0.3, (0.18, 0.34)
)


@pytest.fixture(scope="module")
def tree(distributions: Distributions) -> Tree:
    streams = {name: np.random.default_rng(number) for number, name in enumerate(("midline", "L", "R"))}
    return draw_tree(distributions.anatomy, Variants(USUAL, USUAL), streams)


def sacs(location: Location, tree: Tree, count: int, sizes: Aneurysms = SIZES) -> list[Sac]:
    return [draw_sac(location, tree, Side.LEFT, sizes, np.random.default_rng(seed)) for seed in range(count)]


@pytest.mark.parametrize("location", list(Location))
def test_a_sac_opens_into_its_parent_and_rises_out_of_it(location: Location, tree: Tree) -> None:
    for sac in sacs(location, tree, 6):
        parent = tree.branches[sac.branch]
        gaps = np.linalg.norm(parent.points - sac.centre, axis=1) - parent.radii
        assert gaps.min() < sac.half_axes.max()  # it touches
        dome = sac.centre + sac.half_axes[0] * sac.axes[0]
        assert (np.linalg.norm(parent.points - dome, axis=1) - parent.radii).min() > 0.2 * sac.half_axes[0]
        np.testing.assert_allclose(sac.axes @ sac.axes.T, np.eye(3), atol=1e-9)


@pytest.mark.parametrize("location", [location for location in Location if location.side is not None])
def test_a_sac_lies_on_the_side_of_its_label(location: Location, tree: Tree) -> None:
    sac = sacs(location, tree, 1)[0]
    parent = tree.branches[sac.branch]
    assert parent.side in (location.side, None)


def test_diameters_are_log_normal_and_clipped(tree: Tree) -> None:
    diameters = np.array([sac.diameter_mm for sac in sacs(Location.LEFT_MCA, tree, 400)])
    assert np.median(diameters) == pytest.approx(4.0, rel=0.1)
    assert np.log(diameters).std() == pytest.approx(0.5, rel=0.1)
    narrow = replace(SIZES, smallest_mm=3.9, largest_mm=4.1)
    clipped = np.array([sac.diameter_mm for sac in sacs(Location.LEFT_MCA, tree, 50, narrow)])
    assert clipped.min() == pytest.approx(3.9)
    assert clipped.max() == pytest.approx(4.1)
