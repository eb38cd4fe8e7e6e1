"""Does pretraining teach anything? python benchmarks/pretraining.py [--patients 900] [--epochs 12].

Trains an autoencoder and prints its validation error by epoch beside that of an even grey. Then trains an encoder by
each contrastive recipe and puts the same linear probe on its features and on those of an encoder that never learnt.
All see the same split, size and epochs, the self-supervised recipe each image in two draws. The probes' AUROC is by
patient, with bootstrapped 95 % intervals, and so is the difference to random features, drawn with the same patients.
The held-out patients chose each probe's best epoch, too.

Nets and films are small, so that a laptop does it in minutes, and aneurysms are larger than life (10 to 20 mm). Runs
lie below outputs/benchmarks/pretraining, each with its pictures; finished ones are not run again.
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table

from kium_lightning.anatomy import PRESENCE_COLUMN
from kium_lightning.console import say, show
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.metrics.intervals import bootstrap_interval
from kium_lightning.metrics.ranking import auroc
from kium_lightning.records import RECORD_NAME
from kium_lightning.settings import build, compose, outputs_dir

_COHORT = [
    "cohort=phantom_tiny",
    "cohort.name=phantom_pretraining",
    "cohort.test_patients=0",
    "cohort.truth=boxes",
    "cohort.film.sizes=[[128,128]]",
    "cohort.film.forms={clean: 1.0, margins: 0.0, text: 0.0}",
    "cohort.aneurysms.median_mm=14.0",
    "cohort.aneurysms.smallest_mm=10.0",
]
_ENCODER = ["model.net.encoder.architecture=test_resnet.r160_in1k", "model.net.encoder.pretrained=false"]
_PAINTER = ["model.net.widths=[16,32,64]"]
_PROBE = ["model.epochs=30", "model.optimizer.lr=0.01", "callbacks.early_stopping.patience=10"]


class Trainings:
    """Runs trainings of one size below one folder.

    Args:
        folder: where runs lie.
        settings: overrides that all share.
    """

    def __init__(self, folder: Path, settings: list[str]) -> None:
        self._folder = folder
        self._settings = settings

    def train(self, name: str, *settings: str) -> Path:
        """The folder of a finished run; runs it if there is none."""
        folder = self._folder / name
        if not (folder / RECORD_NAME).is_file():
            command = [sys.executable, "-m", "kium_lightning.train", f"hydra.run.dir={folder}"]
            subprocess.run([*command, *self._settings, *settings], check=True, stdout=subprocess.DEVNULL)
        return folder


def by_epoch(folder: Path, score: str) -> list[float]:
    """A validation score after each epoch."""
    with (folder / "logs" / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return [float(row[score]) for row in csv.DictReader(file) if row.get(score)]


def show_errors(autoencoder: Path) -> None:
    """Prints the error of the autoencoder by epoch."""
    flat = pd.read_csv(autoencoder / "reconstruction_errors.csv")["flat_error"].mean()
    table = Table("epoch", "error", "share of even grey's", title="reconstruction error, grey levels of 255")
    for epoch, error in enumerate(by_epoch(autoencoder, "val/reconstruction_error"), start=1):
        table.add_row(str(epoch), f"{error:.2f}", f"{error / flat:.2f}")
    show(table)
    say(f"look at {autoencoder / 'reconstructions.png'}")


def show_probes(probes: dict[str, Path], reference: str, seed: int) -> None:
    """Prints the AUROC of every probe and how far it is above the reference's."""
    patients = {name: pd.read_csv(folder / "held_out_patients.csv") for name, folder in probes.items()}
    labels = patients[reference][PRESENCE_COLUMN].to_numpy(np.int64)
    scores = {name: table[f"score_{PRESENCE_COLUMN}"].to_numpy(np.float64) for name, table in patients.items()}
    table = Table("features", "AUROC", "95 % interval", "above random", "95 % interval", title="any carotid aneurysm")
    for name, values in scores.items():
        low, high = bootstrap_interval(auroc, labels, values, rng=np.random.default_rng(seed))
        cells = [name, f"{auroc(labels, values):.3f}", f"{low:.3f} to {high:.3f}"]
        if name != reference:
            gain = auroc(labels, values) - auroc(labels, scores[reference])
            low, high = bootstrap_interval(
                lambda truth, one, other: auroc(truth, one) - auroc(truth, other),
                labels,
                values,
                scores[reference],
                rng=np.random.default_rng(seed),
                method="percentile",  # BCa holds too few paired differences, see docs/intervals.md
            )
            cells += [f"{gain:+.3f}", f"{low:+.3f} to {high:+.3f}"]
        table.add_row(*cells)
    show(table)
    say(f"{len(labels)} held-out patients, {labels.sum()} with an aneurysm of a carotid artery")


def main() -> None:
    """Trains what is not there yet and prints two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patients", type=int, default=900)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=12, help="of the contrastive trainings")
    parser.add_argument("--painting-epochs", type=int, default=5, help="of the autoencoder")
    parser.add_argument("--folds", type=int, default=3, help="one of which validates")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    shared = [f"data.image_size={arguments.image_size}", f"data.folds={arguments.folds}", f"seed={arguments.seed}"]
    cohort = [*_COHORT, f"cohort.train_patients={arguments.patients}"]
    made: CohortFolder = build(compose("phantom", cohort).cohort).ensure()
    settings = [
        *cohort,
        *shared,
        "data.workers=0",
        "logger=csv",
        "trainer.precision=32-true",
        "data.validation=held_out",
    ]
    # Runs of other settings, or of phantoms that were drawn otherwise, must not pass for these.
    words = [made.path.name, *(str(number) for number in (arguments.image_size, arguments.folds, arguments.seed))]
    trainings = Trainings(outputs_dir() / "benchmarks" / "pretraining" / "-".join(words), settings)

    epochs = f"model.epochs={arguments.painting_epochs}"
    show_errors(trainings.train(f"autoencoder-{arguments.painting_epochs}", "model=autoencoder", *_PAINTER, epochs))

    # Two probes differ by what their encoder learnt before, and by nothing else.
    probe = ["model=contrastive_probe", *_ENCODER, *_PROBE]
    probes = {"random": trainings.train("probe-random", *probe, "model.start_from=null")}
    long = [f"model.epochs={arguments.epochs}", f"callbacks.early_stopping.patience={arguments.epochs}"]
    for model, draws in (("contrastive", 1), ("contrastive_self_supervised", 2)):
        recipe = [f"model={model}", *_ENCODER, *long, "transforms=light", "data.batch_size=64", "model.scheduler=null"]
        recipe.append(f"data.draws={draws}")
        trained = trainings.train(f"{model}-{arguments.epochs}", *recipe)
        last = trained / "checkpoints" / "last.ckpt"
        name = f"probe-{model}-{arguments.epochs}"
        probes[model] = trainings.train(name, *probe, f"model.start_from={last}")
    show_probes(probes, "random", arguments.seed)


if __name__ == "__main__":
    main()
