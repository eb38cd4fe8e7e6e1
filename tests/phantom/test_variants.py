from dataclasses import replace

import numpy as np
import pytest

from kium_lightning.anatomy import Circulation, Location, Side
from kium_lightning.phantom.calibres import find, measure_variants
from kium_lightning.phantom.injections import Crossing, contrasts, filled_places
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.sites import find_site
from kium_lightning.phantom.tree import Segment, Tree
from kium_lightning.phantom.variants import (
    AntChorOrigin,
    BasilarCurve,
    Fenestration,
    PicaOrigin,
    SideVariants,
    Variants,
    draw_variants,
)
from kium_lightning.phantom.vessels import draw_tree

USUAL = SideVariants(a1_scale=1.0, fetal=0.0, pcom_mm=1.2, va_scale=1.0, va_ends_in_pica=False)
NO_CROSSING = Crossing(opposite_a2=0.0, posterior=0.0, reflux=0.0)
LEFT, RIGHT = Side.LEFT, Side.RIGHT


def left(**changed: object) -> Variants:
    return Variants(replace(USUAL, **changed), USUAL)  # type: ignore[arg-type]


def tree_of(distributions: Distributions, variants: Variants, seed: int = 0) -> Tree:
    streams = {name: np.random.default_rng((seed, number)) for number, name in enumerate(("midline", "L", "R"))}
    return draw_tree(distributions.anatomy, variants, streams)


def always(distributions: Distributions, labels: frozenset[Location], **rates: float) -> Variants:
    anatomy = replace(distributions.anatomy, variants=replace(distributions.anatomy.variants, **rates))
    return draw_variants(anatomy, labels, np.random.default_rng(3))


@pytest.mark.parametrize(
    ("variants", "row", "expected"),
    [
        (left(a1_scale=0.45), "A1 hypoplastic or absent", [True]),
        (left(a1_scale=0.0), "A1 absent", [True]),
        (left(fetal=1.0, pcom_mm=2.1), "fetal PCA, complete", [True]),
        (left(fetal=0.5, pcom_mm=1.6), "fetal PCA, partial", [True]),
        (left(pcom_mm=0.8), "PCOM under 1 mm", [True, False]),
        (left(va_scale=0.55), "VA hypoplastic", [True]),
        (left(va_ends_in_pica=True), "VA ends in the PICA", [True]),
        (left(pica=PicaOrigin.ABSENT), "PICA absent", [True, False]),
        (left(pica=PicaOrigin.DUPLICATE), "PICA duplicate", [True, False]),
        (left(pica=PicaOrigin.BASILAR), "PICA from the BA", [True, False]),
        (left(pica=PicaOrigin.WITH_AICA), "PICA with the AICA", [True, False]),
        (left(has_two_sca=True), "SCA duplicate", [True, False]),
        (left(antchor=AntChorOrigin.BIFURCATION), "AntChor at the bifurcation", [True, False]),
        (left(antchor=AntChorOrigin.PCOM), "AntChor from the PCOM", [True, False]),
        (Variants(USUAL, USUAL, BasilarCurve.RIGHT), "BA convex to the right", [True]),
        (Variants(USUAL, USUAL, BasilarCurve.LEFT), "BA convex to the left", [True]),
        (Variants(USUAL, USUAL, is_azygos=True), "azygos ACA", [True]),
        (Variants(USUAL, USUAL, fenestration=Fenestration.BASILAR), "fenestration", [True]),
        (Variants(USUAL, USUAL, fenestration=Fenestration.ACOM), "fenestration", [True]),
    ],
)
def test_a_drawn_variant_is_found_in_the_vessels_and_nowhere_else(
    variants: Variants, row: str, expected: list[bool], distributions: Distributions
) -> None:
    assert measure_variants(tree_of(distributions, variants))[row] == expected
    without = measure_variants(tree_of(distributions, Variants(USUAL, USUAL))).get(row, [False])
    assert not any(without)


@pytest.mark.parametrize("location", list(Location))
def test_no_variant_takes_the_artery_of_a_label_away(location: Location, distributions: Distributions) -> None:
    certain = {
        "fetal_pca_complete": 1.0,
        "fetal_pca_partial": 0.0,
        "va_ends_in_pica": 1.0,
        "azygos_aca": 1.0,
        "antchor_at_bifurcation": 0.0,
        "antchor_from_pcom": 1.0,
        "pica_duplicate": 0.0,
    }
    for pica in ("pica_absent", "pica_from_basilar", "pica_with_aica"):
        none = dict.fromkeys(("pica_absent", "pica_from_basilar", "pica_with_aica"), 0.0)
        variants = always(distributions, frozenset({location}), **certain, **{**none, pica: 1.0})
        tree = tree_of(distributions, variants)
        for place in (0.0, 0.5, 1.0):
            find_site(location, tree, LEFT, place)  # raises where an artery is missing


def test_variants_do_not_depend_on_labels_that_need_no_artery(distributions: Distributions) -> None:
    anatomy = distributions.anatomy
    labels = frozenset({Location.LEFT_MCA, Location.BA, Location.RIGHT_ICA, Location.LEFT_SCA})
    for seed in range(200):
        with_labels, without = (
            draw_variants(anatomy, each, np.random.default_rng(seed)) for each in (labels, frozenset())
        )
        assert with_labels == without


def test_an_azygos_a2_fills_both_sides_from_either_carotid(distributions: Distributions) -> None:
    variants = Variants(USUAL, USUAL, is_azygos=True)
    tree = tree_of(distributions, variants)
    assert find(tree, Segment.ACOM, None) is None
    for side in Side:
        filled = contrasts(tree, side, Circulation.ANTERIOR, variants, NO_CROSSING)
        reached = {
            branch.side
            for branch, contrast in zip(tree.branches, filled, strict=True)
            if branch.segment is Segment.A2 and contrast is not None
        }
        assert reached == {None, LEFT, RIGHT}


def test_behind_an_absent_a1_only_the_other_carotid_fills() -> None:
    variants = left(a1_scale=0.0)
    own = filled_places(LEFT, Circulation.ANTERIOR, variants, NO_CROSSING)
    other = filled_places(RIGHT, Circulation.ANTERIOR, variants, NO_CROSSING)
    assert (Segment.A2, LEFT) not in own
    assert (Segment.ACOM, None) not in own
    assert other[Segment.A2, LEFT] > 0.5


@pytest.mark.parametrize("pica", [PicaOrigin.BASILAR, PicaOrigin.WITH_AICA])
def test_a_pica_of_the_basilar_artery_fills_with_both_vertebral_arteries(pica: PicaOrigin) -> None:
    variants = left(pica=pica)
    for side in Side:
        assert filled_places(side, Circulation.POSTERIOR, variants, NO_CROSSING)[Segment.PICA, LEFT] == 1.0
    usual = filled_places(RIGHT, Circulation.POSTERIOR, Variants(USUAL, USUAL), NO_CROSSING)
    assert (Segment.PICA, LEFT) not in usual


def test_an_absent_pica_fills_from_nowhere(distributions: Distributions) -> None:
    variants = left(pica=PicaOrigin.ABSENT)
    assert find(tree_of(distributions, variants), Segment.PICA, LEFT) is None
    assert (Segment.PICA, LEFT) not in filled_places(LEFT, Circulation.POSTERIOR, variants, NO_CROSSING)
