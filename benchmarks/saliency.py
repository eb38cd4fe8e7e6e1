"""Where do Grad-CAM's maxima lie? python benchmarks/saliency.py RUN [--layers backbone.layer3 backbone].

Scores a trained run's heat maps on its phantom cohort's test set twice: with each cell of the feature map where the
strides and paddings before it put its centre, and stretched over the image, as heat maps are usually drawn; for the
feature maps named, beside nets with random weights and maps of other patients. Start with a training such as
python -m kium_lightning.train cohort=phantom_demo model=mednet_anterior data.image_size=256 trainer.max_epochs=7 \
    model.net.pretrained=false model.optimizer.lr=1e-3
"""

import argparse
from pathlib import Path

from kium_lightning.console import say, show
from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.saliency.feature_map import FeatureMap, Grid
from kium_lightning.saliency.grad_cam import Evidence
from kium_lightning.saliency.running import cells_of, feature_map_of, row_scores
from kium_lightning.saliency.scores import score_table, summarize
from kium_lightning.saliency.subject import Subject
from kium_lightning.saliency.table import table_of_maps
from kium_lightning.settings import outputs_dir
from kium_lightning.tasks.checkpoint import load_task, untrained_task
from kium_lightning.tasks.classification import Classification
from kium_lightning.tasks.training_runs import TrainingRun, find_training

_BATCH, _CONTROLS, _TOLERANCE_MM, _LEVEL, _DRAWS = 16, 5, 5.0, 0.95, 2000


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
    trained = cells_of(subject.task, feature_map, subject.dataset, questions, _BATCH, "heat maps")
    controls = []
    for seed in range(_CONTROLS):
        task = untrained_task(run.checkpoint, seed)
        assert isinstance(task, Classification)
        same: FeatureMap = feature_map_of(task, subject.dataset, feature_map.name)
        controls.append(cells_of(task, same, subject.dataset, questions, _BATCH, "random weights", Evidence.EITHER))
    scores = row_scores(subject.task, subject.dataset, _BATCH)
    for name, grid in (
        ("cells where strides and paddings put them", feature_map.grid),
        ("stretched over the image", stretched(feature_map.side, subject.preparation.image_size)),
    ):
        table = table_of_maps(subject, grid, cases, scores, trained, controls, _TOLERANCE_MM)
        say(f"{feature_map.name}, {feature_map.side} x {feature_map.side} cells, {name}: {len(table)} maps")
        show(score_table(summarize(table, _LEVEL, _DRAWS, 0), _LEVEL))


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="a model's name, a run's folder")
    parser.add_argument("--layers", nargs="+", default=[None], help="modules of the net; the last feature map if none")
    arguments = parser.parse_args()
    run = find_training(arguments.run, outputs_dir())
    loaded = load_task(run.checkpoint)
    if run.record is None or not isinstance(loaded.task, Classification):
        parser.error(f"{arguments.run} is not the run of a classifier")
    facts = run.record.facts["cohort"]
    cohort = CohortFolder(Path(facts["path"]), facts["name"])
    catalog = read_catalog(cohort.test_set, cohort.groundtruth_csv)
    folder = cohort.truth / "test_set"
    subject = Subject(loaded.task, loaded.preparation, catalog, folder, outputs_dir() / "cache")
    for layer in arguments.layers:
        compare(run, subject, layer)


if __name__ == "__main__":
    main()
