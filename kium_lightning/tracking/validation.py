"""What a validation says beyond its curves: tables by location and by patient, and the views that were judged worst."""

from functools import singledispatch
from pathlib import Path

import cv2
import lightning as L
import numpy as np
import pandas as pd
from lightning.pytorch.loggers import WandbLogger
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.folding import ANY_COLUMN
from kium_lightning.files import replacing
from kium_lightning.metrics.ranking import auroc, average_precision
from kium_lightning.tasks.classification import Classification
from kium_lightning.tasks.rows import ScoredRows, UnfoldedScores, unfold_rows
from kium_lightning.tasks.task import Task

TABLE_NAME = "validation_locations.csv"
PREDICTIONS_NAME = "validation_scores.csv"
PATIENTS_NAME = "validation_patients.csv"
PICTURE_NAME = "worst_views.png"

_WORST = 8
_TILE_PX = 320
_MISSING_GREY = 64


def location_table(patients: UnfoldedScores) -> pd.DataFrame:
    """Scores every column of a validation by patient.

    Returns:
        A row per column: ``location, patients, positives, auroc, average_precision``; NaN where not evaluable.
    """
    rows = []
    for name, labels, scores in zip(patients.names, patients.labels.T, patients.scores.T, strict=True):
        rows.append(
            {
                "location": name,
                "patients": len(labels),
                "positives": int(labels.sum()),
                "auroc": auroc(labels, scores),
                "average_precision": average_precision(labels, scores),
            }
        )
    return pd.DataFrame(rows)


def scored_rows_table(scored: ScoredRows, dataset: RowDataset, names: list[str]) -> pd.DataFrame:
    """Lists every scored row with its labels and scores."""
    table = dataset.table.iloc[scored.rows].reset_index(drop=True)
    for position, name in enumerate(names):
        table[f"score_{name}"] = scored.scores[:, position]
    return table


def scored_patients_table(patients: UnfoldedScores, dataset: RowDataset) -> pd.DataFrame:
    """Lists every patient with labels and scores: ``Index``, the columns, and ``score_<column>`` of each."""
    table = pd.DataFrame({INDEX_COLUMN: np.asarray(dataset.patients)[patients.patients]})
    for place, name in enumerate(patients.names):
        table[name] = patients.labels[:, place]
    return table.assign(**{f"score_{name}": patients.scores[:, place] for place, name in enumerate(patients.names)})


def worst_rows(scored: ScoredRows, count: int) -> list[tuple[int, int]]:
    """Finds the rows whose scores are farthest from their labels.

    Returns:
        (position in ``scored``, label) pairs, worst first, at most one per row.
    """
    gap = np.abs(scored.labels - scored.scores)
    label = gap.argmax(axis=1)
    order = np.argsort(-gap.max(axis=1), kind="stable")[:count]
    return [(int(position), int(label[position])) for position in order]


def draw_worst_views(scored: ScoredRows, dataset: RowDataset, names: list[str], path: Path) -> None:
    """Draws the worst-judged validation views, each with its patient, view, truth and score."""
    worst = worst_rows(scored, _WORST)
    columns = min(4, max(1, len(worst)))
    lines = max(1, -(-len(worst) // columns))
    figure, axes = plt.subplots(
        lines, columns, figsize=(3.4 * columns, 4.1 * lines), squeeze=False, layout="constrained"
    )
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (position, label) in zip(axes.flat, worst, strict=False):
        row = int(scored.rows[position])
        axis.imshow(tile(dataset.images(row)), cmap="gray", vmin=0, vmax=255)
        patient = dataset.table[INDEX_COLUMN].iloc[row]
        name = "aneurysm" if names[label] == ANY_COLUMN else names[label]
        truth = "present" if scored.labels[position, label] else "absent"
        score = scored.scores[position, label]
        axis.set_title(f"patient {patient}, {dataset.name(row)}\n{name} {truth}, score {score:.2f}", fontsize=10)
    figure.suptitle("Validation views whose scores are farthest from the truth", fontsize=12)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


def tile(images: list[NDArray[np.uint8] | None]) -> NDArray[np.uint8]:
    """The views of a row in one square: four beside each other where there are several, grey where one is missing."""
    across = 1 if len(images) == 1 else 4
    side = _TILE_PX // across
    lines = -(-len(images) // across)
    tile = np.full((lines * side, across * side), _MISSING_GREY, dtype=np.uint8)
    for place, image in enumerate(images):
        if image is not None:
            top, left = side * (place // across), side * (place % across)
            small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
            tile[top : top + side, left : left + side] = small
    return tile


@singledispatch
def report_validation(task: Task, data: Angiograms, folder: Path, trainer: L.Trainer) -> list[Path]:
    """Writes what the task's last validation says, and hands it to W&B where it is a logger.

    Returns:
        The files that were written.
    """
    raise NotImplementedError(f"There is no report of a {type(task).__name__}.")


@report_validation.register
def _(task: Classification, data: Angiograms, folder: Path, trainer: L.Trainer) -> list[Path]:
    """Tables by location, by patient and by row, and a picture of the worst-judged views."""
    scored = task.last_validation
    if scored is None:
        raise RuntimeError("Validate the task before reporting its validation.")
    patients = unfold_rows(scored, task.rows)
    locations = location_table(patients)
    tables = {
        TABLE_NAME: locations,
        PATIENTS_NAME: scored_patients_table(patients, data.validation),
        PREDICTIONS_NAME: scored_rows_table(scored, data.validation, data.label_names),
    }
    for name, table in tables.items():
        with replacing(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    draw_worst_views(scored, data.validation, data.label_names, folder / PICTURE_NAME)
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_table("validation/locations", dataframe=locations)
            logger.log_image("validation/worst_views", images=[str(folder / PICTURE_NAME)])
    return [*(folder / name for name in tables), folder / PICTURE_NAME]
