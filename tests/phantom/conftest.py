"""What the tests of the phantom share: one usual tree."""

import numpy as np
import pytest

from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.tree import Tree
from kium_lightning.phantom.variants import SideVariants, Variants
from kium_lightning.phantom.vessels import draw_tree

USUAL = SideVariants(a1_scale=1.0, fetal=0.0, pcom_mm=1.2, va_scale=1.0, va_ends_in_pica=False)


@pytest.fixture(scope="session")
def usual_tree(distributions: Distributions) -> Tree:
    """The vessels of a patient without variants."""
    streams = {name: np.random.default_rng(number) for number, name in enumerate(("midline", "L", "R"))}
    return draw_tree(distributions.anatomy, Variants(USUAL, USUAL), streams)
