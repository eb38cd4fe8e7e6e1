"""Whether fast arithmetic changes what is learnt: python benchmarks/precision.py [--seeds 5] [--json PATH].

Trains small recipes on phantoms, once in float32 with contiguous memory and once in bfloat16 with channels-last, with
equal seeds: the same first weights, the same rows in the same order. The loss of the last epoch, which is the most
sensitive, and what the finished nets score on held-out patients are compared in pairs. A difference is within noise
where its interval holds zero, or where it is less than half of the deviation between seeds.
"""

import argparse
import logging
import tempfile
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import lightning as L
import torch
from rich.table import Table
from scipy.stats import t as student
from timing import report

from kium_lightning.console import track
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.memory import keep_freed_memory
from kium_lightning.settings import build, compose, plain
from kium_lightning.tracking.quiet import quieten_libraries

_RECIPES = {
    "mednet_anterior": ["model=mednet_anterior"],
    "resnet18_posterior": ["model=resnet18_posterior", "data=posterior_binary"],  # its arteries are too rare alone
}
_WAYS = {
    "float32, contiguous": ["trainer.precision=32-true", "model.memory_format=contiguous"],
    "bfloat16, channels-last": ["trainer.precision=bf16-mixed", "model.memory_format=channels_last"],
}
_SCORES = ("train/loss_epoch", "held_out/loss", "held_out/auroc")
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Size:
    """How much is trained.

    Attributes:
        patients: of the cohort; half of them are held out.
        epochs: of each training.
        image_size: side of the input, pixels.
    """

    patients: int
    epochs: int
    image_size: int


def train_once(recipe: list[str], way: list[str], seed: int, size: Size) -> dict[str, float]:
    """Trains a recipe; returns the loss of its last epoch and the finished net's scores on the held-out half."""
    with tempfile.TemporaryDirectory() as folder:
        config = compose(
            "train",
            [
                *recipe,
                *way,
                "cohort=phantom_demo",
                "cohort.name=precision",
                "cohort.sites=even",
                f"cohort.train_patients={size.patients}",
                "cohort.test_patients=0",
                "logger=csv",
                "pretrained=false",
                "name=precision",
                f"folder={folder}",
                f"seed={seed}",
                "model.optimizer.lr=1e-3",
                "data.folds=2",
                "data.validation=held_out",
                "data.workers=0",
                f"data.image_size={size.image_size}",
                f"trainer.max_epochs={size.epochs}",
            ],
        )
        data: Angiograms = build(config.data)
        data.prepare_data()
        data.setup("fit")
        L.seed_everything(seed, workers=True, verbose=False)
        task = build(plain(config)["model"])
        quiet = {"enable_progress_bar": False, "enable_checkpointing": False, "logger": False}
        trainer: L.Trainer = build(config.trainer, **quiet)
        trainer.fit(task, datamodule=data)
        results = {name: float(value) for name, value in trainer.callback_metrics.items()}
        results |= trainer.test(task, datamodule=data, verbose=False)[0]
    return {name: float(results[name]) for name in _SCORES}


def interval(differences: list[float]) -> tuple[float, float]:
    """Student's interval of the mean difference."""
    half = student.ppf((1 + _CONFIDENCE) / 2, len(differences) - 1) * stdev(differences) / sqrt(len(differences))
    return mean(differences) - half, mean(differences) + half


def compared(model: str, runs: dict[str, list[dict[str, float]]], table: Table) -> dict[str, Any]:
    """Adds a row for each score, and returns its numbers."""
    plainly, quickly = runs.values()
    numbers = {}
    for score in _SCORES:
        before, after = [run[score] for run in plainly], [run[score] for run in quickly]
        differences = [new - old for old, new in zip(before, after, strict=True)]
        low, high = interval(differences)
        spread = stdev(before)
        same = low <= 0 <= high or abs(mean(differences)) < spread / 2
        table.add_row(
            model,
            score.removesuffix("_epoch"),
            f"{mean(before):.4f}",
            f"{mean(after):.4f}",
            f"{mean(differences):+.4f} ({low:+.4f} to {high:+.4f})",
            f"{spread:.4f}",
            "within noise" if same else "differs",
        )
        numbers[score] = {"float32": before, "bfloat16": after, "interval": [low, high], "spread": spread}
    return numbers


def main() -> None:
    """Trains all pairs and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--seeds", type=int, default=5, help="pairs of trainings, at least 2")
    parser.add_argument("--patients", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--models", nargs="*", default=list(_RECIPES), choices=list(_RECIPES))
    chosen = parser.parse_args()
    quieten_libraries()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # no checkpoints and no bar, as asked for
    keep_freed_memory()
    torch.set_float32_matmul_precision("highest")
    size = Size(chosen.patients, chosen.epochs, chosen.image_size)
    table = Table("", "score", *_WAYS, "difference (95 %)", "deviation between seeds", "")
    table.title = f"{chosen.seeds} pairs, {size.patients} phantoms at {size.image_size} px, {size.epochs} epochs"
    numbers = {}
    for model in chosen.models:
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in _WAYS}
        for seed in track(range(chosen.seeds), f"training {model} in pairs", chosen.seeds):
            for name, way in _WAYS.items():
                runs[name].append(train_once(_RECIPES[model], way, seed, size))
        numbers[model] = compared(model, runs, table)
    report(chosen.json, [table], {"models": numbers, "size": asdict(size)})


if __name__ == "__main__":
    main()
