"""Where do Grad-CAM's maxima lie? python benchmarks/saliency.py [RUN] [--layers backbone backbone.layer3].

Scores a trained run's heat maps on its phantom cohort's test set twice: with each cell of the feature map where the
strides and paddings before it put its centre, and stretched over the image, as heat maps are usually drawn; for the
feature maps named, beside nets with random weights and maps of other patients. Without a run it trains one below
outputs/benchmarks/saliency, on a cohort of its own; a finished one is not trained again.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from kium_lightning.console import say, show
from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.records import RECORD_NAME
from kium_lightning.saliency.feature_map import FeatureMap, Grid
from kium_lightning.saliency.grad_cam import Evidence
from kium_lightning.saliency.running import cells_of, feature_map_of, row_scores, rows_at_once
from kium_lightning.saliency.scores import score_table, summarize
from kium_lightning.saliency.subject import Subject
from kium_lightning.saliency.table import table_of_maps
from kium_lightning.settings import build, compose, outputs_dir
from kium_lightning.tasks.checkpoint import load_task, untrained_task
from kium_lightning.tasks.classification import Classification
from kium_lightning.tasks.training_runs import TrainingRun, find_training

_TRAINING = ["model=mednet_anterior", "model.optimizer.lr=1e-3", "pretrained=false", "logger=csv"]
_PICTURES, _CONTROLS, _TOLERANCE_MM, _LEVEL, _DRAWS = 16, 5, 5.0, 0.95, 2000


def trained(train_patients: int, test_patients: int, image_size: int, epochs: int) -> Path:
    """The folder of a finished training of this size; trains it if there is none."""
    cohort = [
        "cohort=phantom_demo",
        "cohort.name=phantom_saliency",
        f"cohort.train_patients={train_patients}",
        f"cohort.test_patients={test_patients}",
    ]
    made: CohortFolder = build(compose("phantom", cohort).cohort).ensure()
    # Runs of other settings, or of phantoms that were drawn otherwise, must not pass for this one.
    folder = outputs_dir() / "benchmarks" / "saliency" / f"{made.path.name}-{image_size}-{epochs}"
    if not (folder / RECORD_NAME).is_file():
        size = [f"data.image_size={image_size}", f"model.epochs={epochs}", "data.validation=held_out"]
        command = [sys.executable, "-m", "kium_lightning.train", f"hydra.run.dir={folder}"]
        subprocess.run([*command, *cohort, *_TRAINING, *size], check=True, stdout=subprocess.DEVNULL)
    return folder


def stretched(side: int, image_size: int) -> Grid:
    """Where the centres of cells lie when the map is resized to the image."""
    step = image_size / side
    return Grid((step - 1) / 2, step)


def compare(run: TrainingRun, subject: Subject, layer: str | None) -> None:
    """Prints the scores of one feature map with both grids."""
    feature_map = feature_map_of(subject.task, subject.dataset, layer)
    labels = range(len(subject.names))
    cases = subject.cases(dict.fromkeys(subject.catalog.patients, labels), None)
    cases = [case for case in cases if subject.can_score(case)]
    questions = list(dict.fromkeys(case.question for case in cases))
    batch_size = rows_at_once(subject.task, _PICTURES)
    cells = cells_of(subject.task, feature_map, subject.dataset, questions, batch_size, "heat maps")
    controls = []
    for seed in range(_CONTROLS):
        task = untrained_task(run.checkpoint, seed)
        assert isinstance(task, Classification)
        same: FeatureMap = feature_map_of(task, subject.dataset, feature_map.name)
        controls.append(cells_of(task, same, subject.dataset, questions, batch_size, "random weights", Evidence.EITHER))
    scores = row_scores(subject.task, subject.dataset, batch_size)
    for name, grid in (
        ("cells where strides and paddings put them", feature_map.grid),
        ("stretched over the image", stretched(feature_map.side, subject.preparation.image_size)),
    ):
        table = table_of_maps(subject, grid, cases, scores, cells, controls, _TOLERANCE_MM)
        say(f"{feature_map.name}, {feature_map.side} x {feature_map.side} cells, {name}: {len(table)} maps")
        show(score_table(summarize(table, _LEVEL, _DRAWS, 0), _LEVEL))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", help="a model's name, a run's folder; trains one if none")
    parser.add_argument("--layers", nargs="+", help="modules of the net; of the run trained here the documented ones")
    parser.add_argument("--train-patients", type=int, default=300, help="of the run trained here, as the rest")
    parser.add_argument("--test-patients", type=int, default=100)
    parser.add_argument("--image-size", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=7)
    arguments = parser.parse_args()
    size = arguments.train_patients, arguments.test_patients, arguments.image_size, arguments.epochs
    layers = arguments.layers or ([None] if arguments.run else ["backbone", "backbone.layer3"])
    run = find_training(arguments.run or str(trained(*size)), outputs_dir())
    loaded = load_task(run.checkpoint)
    if run.record is None or not isinstance(loaded.task, Classification):
        parser.error(f"{run.name} is not the run of a classifier")
    facts = run.record.facts["cohort"]
    cohort = CohortFolder(Path(facts["path"]), facts["name"])
    catalog = read_catalog(cohort.test_set, cohort.groundtruth_csv)
    folder = cohort.truth / "test_set"
    subject = Subject(loaded.task, loaded.preparation, catalog, folder, outputs_dir() / "cache")
    for layer in layers:
        compare(run, subject, layer)


if __name__ == "__main__":
    main()
