from dataclasses import replace

import pytest

from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.patient import Distributions
from kium_lightning.settings import build, compose


@pytest.fixture(scope="session")
def distributions() -> Distributions:
    """The small films of the tiny cohort, all of them clean and of the best quality."""
    cohort: PhantomCohort = build(compose("phantom", ["cohort=phantom_tiny"]).cohort)
    drawn = cohort.jobs()[0].distributions
    film = replace(drawn.film, forms={"clean": 1.0, "margins": 0.0, "text": 0.0}, quality=(100, 100), rgb=0.0)
    return replace(drawn, film=film)
