"""Full-size films, trained nets and thresholds for benchmarks/prediction.py."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import torch

from kium_lightning.data.catalog import Catalog, read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.finding import find_ensemble
from kium_lightning.ensemble.fusion import FuseRules
from kium_lightning.ensemble.predictor import Predictor
from kium_lightning.ensemble.rules import fit_quantiles
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.files import replacing
from kium_lightning.settings import build, compose
from kium_lightning.tasks.task import DESCRIPTION_KEY

SIZES = {"mednet_anterior": 724, "mednet_posterior": 724, "swin_anterior": 224, "resnet18_posterior": 224}


class Scene(NamedTuple):
    """What every turn starts from.

    Attributes:
        cohort: the images.
        ensemble: the trained nets.
        thresholds: fitted on patients who are not scored.
        folder: for answers and caches.
    """

    cohort: CohortFolder
    ensemble: Ensemble
    thresholds: Thresholds
    folder: Path

    def catalog(self) -> Catalog:
        """Reads the table and finds the images, as each turn does."""
        return read_catalog(self.cohort.test_set, self.cohort.test_csv, images="listed")


def made(folder: Path, options: argparse.Namespace) -> CohortFolder:
    """Makes full-size phantoms without margins or text, so that the published pipeline sees the same pictures."""
    settings = [
        "cohort=phantom",
        f"cohort.folder={folder / 'cohort'}",
        f"cohort.train_patients={options.patients}",
        f"cohort.test_patients={options.patients}",
        "cohort.film.forms={clean: 1.0, margins: 0.0, text: 0.0}",
        "cohort.truth=boxes",
    ]
    cohort: CohortFolder = build(compose("phantom", settings).cohort).ensure()
    return cohort


def trained(folder: Path, options: argparse.Namespace) -> Ensemble:
    """Trains the four nets on small films, and has them look at films of their recipes' sizes, unless that was done.

    Nets that have learnt something are needed, as scores that all lie together would make every call hang on the
    rounding; at full size that would take hours. None of these nets is bound to the size that it learnt at.
    """
    outputs = folder / "outputs"
    if not (outputs / "sweeps").is_dir():
        command = [sys.executable, "-m", "kium_lightning.train", "-m", "experiment=demo", f"model={','.join(SIZES)}"]
        command += [f"trainer.max_epochs={options.epochs}", "logger=csv", "cohort.test_patients=0"]
        command += [f"cohort.train_patients={options.training_patients}"]
        environment = os.environ | {"KIUM_OUTPUTS": str(outputs)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"Training failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        for name, size in SIZES.items():
            (checkpoint,) = outputs.glob(f"sweeps/*/*{name}/checkpoints/best.ckpt")
            enlarge(checkpoint, size)
    presence = {"anterior": "mednet_anterior", "posterior": "mednet_posterior"}
    locators = {"anterior": "swin_anterior", "posterior": "resnet18_posterior"}
    return find_ensemble(str(outputs), presence, locators, "newest", FuseRules())


def enlarge(checkpoint: Path, size: int) -> None:
    """Has a trained net look at images of another size."""
    content = torch.load(checkpoint, weights_only=True)
    description = content[DESCRIPTION_KEY]
    description["preparation"]["image_size"] = size
    if "image_size" in description["model"]["net"]:
        description["model"]["net"]["image_size"] = size
    with replacing(checkpoint) as temporary:
        torch.save(content, temporary)


def prepared(folder: Path, options: argparse.Namespace) -> Scene:
    """Makes images, nets and thresholds."""
    cohort = made(folder, options)
    ensemble = trained(folder, options)
    training = read_catalog(cohort.train_set, cohort.train_csv)
    scores = (
        Predictor(32, 2, "torch", "cpu", "float32", cache_folder=str(folder / "cache"))
        .score(ensemble, training, None)
        .fused
    )
    thresholds = fit_quantiles(scores.presence, scores.locations, location_quantile=0.8)
    return Scene(cohort, ensemble, thresholds, folder)
