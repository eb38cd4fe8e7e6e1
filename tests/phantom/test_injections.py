from dataclasses import replace

import numpy as np
import pytest

from kium_lightning.anatomy import Circulation, Filling, Location, Side, View, filling
from kium_lightning.phantom.aneurysms import draw_sac
from kium_lightning.phantom.injections import Crossing, contrasts, draw_crossing, filled_places
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.tree import Segment, Tree
from kium_lightning.phantom.variants import SideVariants, Variants, draw_variants
from kium_lightning.phantom.vessels import draw_tree

USUAL = SideVariants(a1_scale=1.0, fetal=0.0, pcom_mm=1.2, va_scale=1.0, va_ends_in_pica=False)
BOTH_USUAL = Variants(USUAL, USUAL)
NO_CROSSING = Crossing(opposite_a2=0.0, posterior=0.0, reflux=0.0)
ANTERIOR, POSTERIOR = Circulation.ANTERIOR, Circulation.POSTERIOR


@pytest.fixture(scope="module")
def tree(distributions: Distributions) -> Tree:
    streams = {name: np.random.default_rng(number) for number, name in enumerate(("midline", "L", "R"))}
    return draw_tree(distributions.anatomy, BOTH_USUAL, streams)


@pytest.mark.parametrize("location", list(Location))
def test_filling_agrees_with_the_anatomy(location: Location, tree: Tree, distributions: Distributions) -> None:
    sac = draw_sac(location, tree, Side.LEFT, distributions.aneurysms, np.random.default_rng(0))
    for view in View:
        contrast = contrasts(tree, view.side, view.circulation, BOTH_USUAL, NO_CROSSING)[sac.branch]
        reached = 0.0 if contrast is None else float(contrast[sac.point])
        match filling(view, location):
            case Filling.USUAL:
                assert reached > 0.4
            case Filling.NEVER:
                assert reached == 0.0


@pytest.mark.parametrize("side", list(Side))
def test_an_a2_behind_a_hypoplastic_a1_fills_from_the_other_side(side: Side) -> None:
    thin = replace(USUAL, a1_scale=0.45)
    variants = Variants(thin, USUAL) if side is Side.LEFT else Variants(USUAL, thin)
    from_other = filled_places(side.mirrored, ANTERIOR, variants, NO_CROSSING)
    from_own = filled_places(side, ANTERIOR, variants, NO_CROSSING)
    assert from_other[Segment.A2, side] > from_own[Segment.A2, side]


def test_a_fetal_pca_fills_from_the_carotid_and_not_from_the_basilar() -> None:
    variants = Variants(replace(USUAL, fetal=1.0), USUAL)
    assert filled_places(Side.LEFT, ANTERIOR, variants, NO_CROSSING)[Segment.P2, Side.LEFT] == 1.0
    assert (Segment.P2, Side.LEFT) not in filled_places(Side.LEFT, POSTERIOR, variants, NO_CROSSING)
    assert (Segment.P2, Side.RIGHT) in filled_places(Side.LEFT, POSTERIOR, variants, NO_CROSSING)


def test_a_vertebral_artery_that_ends_in_its_pica_does_not_reach_the_basilar() -> None:
    variants = Variants(replace(USUAL, va_ends_in_pica=True), USUAL)
    filled = filled_places(Side.LEFT, POSTERIOR, variants, NO_CROSSING)
    assert set(filled) == {(Segment.VA, Side.LEFT), (Segment.PICA, Side.LEFT)}
    full = Crossing(opposite_a2=1.0, posterior=1.0, reflux=1.0)
    assert (Segment.VA, Side.LEFT) not in filled_places(Side.RIGHT, POSTERIOR, variants, full)


def test_cross_filling_is_as_frequent_as_stated(distributions: Distributions) -> None:
    rng = np.random.default_rng(0)
    rates = distributions.anatomy.filling
    crossings = [draw_crossing(rates, ANTERIOR, rng) for _ in range(4000)]
    from_basilar = [draw_crossing(rates, POSTERIOR, rng) for _ in range(4000)]
    assert np.mean([crossing.opposite_a2 > 0 for crossing in crossings]) == pytest.approx(0.25, abs=0.03)
    assert np.mean([crossing.posterior > 0 for crossing in crossings]) == pytest.approx(0.20, abs=0.03)
    assert np.mean([crossing.posterior > 0 for crossing in from_basilar]) == pytest.approx(0.15, abs=0.03)
    assert np.mean([crossing.reflux > 0 for crossing in crossings]) == pytest.approx(0.50, abs=0.03)


def test_variants_are_as_frequent_as_stated_and_linked_to_the_acom(distributions: Distributions) -> None:
    anatomy = distributions.anatomy
    rates = anatomy.variants

    def drawn(labels: frozenset[Location]) -> list[Variants]:
        return [draw_variants(anatomy, labels, np.random.default_rng(seed)) for seed in range(2000)]

    without, linked = drawn(frozenset()), drawn(frozenset({Location.LEFT_ACOM}))
    hypoplastic = [one.left.a1_is_hypoplastic or one.right.a1_is_hypoplastic for one in without]
    assert np.mean(hypoplastic) == pytest.approx(rates.a1_hypoplasia, abs=0.025)
    assert np.mean([max(one.left.fetal, one.right.fetal) == 1.0 for one in without]) == pytest.approx(0.095, abs=0.025)
    assert not any(one.left.a1_is_hypoplastic for one in linked)  # the aneurysm is named after the dominant A1
    assert np.mean([one.right.a1_is_hypoplastic for one in linked]) == pytest.approx(0.61, abs=0.04)
    assert [one.left.pcom_mm for one in without] == [one.left.pcom_mm for one in linked]
