"""What all tests share: an outputs folder of their own, a tiny phantom cohort, a trained ensemble, a usual tree."""

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import REPORT_MODELS, run_verb, smoke_settings
from random_cohort import write_random_cohort
from tiny_task import tiny_data

from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.tree import Tree
from kium_lightning.phantom.variants import SideVariants, Variants
from kium_lightning.phantom.vessels import draw_tree
from kium_lightning.settings import build, compose


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Lets tests send Ctrl-C even where the shell that runs them in the background has it ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keeps every test away from the checkout's outputs/ and from the W&B account of whoever runs the tests."""
    folder = tmp_path_factory.mktemp("outputs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIUM_OUTPUTS", str(folder))
        patch.setenv("NETRC", str(folder / "no-netrc"))
        for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_IDENTITY_TOKEN_FILE"):
            patch.delenv(name, raising=False)
        yield folder


@pytest.fixture(scope="session")
def phantom_cohort(tmp_path_factory: pytest.TempPathFactory) -> CohortFolder:
    """A cohort of synthetic patients in all three raw forms; tests must leave its images and tables as they are."""
    folder = tmp_path_factory.mktemp("cohort") / "phantom_tiny"
    settings = ["cohort=phantom_tiny", "cohort.train_patients=12", "cohort.test_patients=6", f"cohort.folder={folder}"]
    made: CohortFolder = build(compose("phantom", settings).cohort).ensure()
    return made


@pytest.fixture(scope="session")
def noise_data(tmp_path_factory: pytest.TempPathFactory) -> Angiograms:
    """The posterior dataset of a cohort of noise, ready to train on."""
    folder = tmp_path_factory.mktemp("noise")
    return tiny_data(write_random_cohort(folder / "cohort", patients=12, rate=0.3), folder / "cache")


@pytest.fixture(scope="session")
def trained(outputs: Path, phantom_cohort: CohortFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The outputs folder of one multirun that trained the report's four members for a few steps."""
    done = run_verb(
        "train",
        "-m",
        f"model={','.join(REPORT_MODELS)}",
        *smoke_settings(phantom_cohort),
        cwd=tmp_path_factory.mktemp("elsewhere"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return outputs


@pytest.fixture(scope="session")
def distributions() -> Distributions:
    """The small films of the tiny cohort, all of them clean and of the best quality."""
    cohort: PhantomCohort = build(compose("phantom", ["cohort=phantom_tiny"]).cohort)
    drawn = cohort.jobs()[0].distributions
    film = replace(drawn.film, forms={"clean": 1.0, "margins": 0.0, "text": 0.0}, quality=(100, 100), rgb=0.0)
    return replace(drawn, film=film)


@pytest.fixture(scope="session")
def usual_tree(distributions: Distributions) -> Tree:
    """The vessels of a patient without variants."""
    usual = SideVariants(a1_scale=1.0, fetal=0.0, pcom_mm=1.2, va_scale=1.0, va_ends_in_pica=False)
    streams = {name: np.random.default_rng(number) for number, name in enumerate(("midline", "L", "R"))}
    return draw_tree(distributions.anatomy, Variants(usual, usual), streams)
