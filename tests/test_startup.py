"""How little is imported before a verb has something to do: --help and --cfg must answer at once."""

import subprocess
import sys

import pytest

from kium_lightning.__main__ import VERBS

# What takes a tenth of a second or more to import, and what brings one of these along.
HEAVY = {
    "torch", "lightning", "timm", "torchmetrics", "torchvision", "pandas", "albumentations", "sklearn", "scipy",
    "numba", "networkx", "matplotlib", "wandb", "captum",
}  # fmt: skip


def imported_by(*arguments: str) -> set[str]:
    """The top-level packages that Python imports while it runs something."""
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rsplit("|", 1)[1].strip().split(".")[0] for line in lines}


def test_what_a_process_imports_is_seen() -> None:
    assert {"json", "pandas", "numpy"} <= imported_by("-c", "import json, pandas")


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_shows_its_configuration_without_heavy_packages(verb: str) -> None:
    imported = imported_by("-m", f"kium_lightning.{verb}", "--cfg", "job")
    assert "hydra" in imported
    assert imported & HEAVY == set()


def test_a_training_shows_its_configuration_without_what_reads_images() -> None:
    imported = imported_by("-m", "kium_lightning.train", "--cfg", "job")
    assert imported & (HEAVY | {"cv2", "numpy", "rich"}) == set()


def test_the_list_of_verbs_needs_no_package_at_all() -> None:
    assert imported_by("-m", "kium_lightning", "--help") & (HEAVY | {"hydra", "omegaconf", "numpy", "rich"}) == set()
