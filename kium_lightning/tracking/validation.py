"""What a validation says beyond its curves: the per-location table and the views that were judged worst."""

from pathlib import Path
from typing import Any

import cv2
import lightning as L
import numpy as np
import pandas as pd
from lightning.pytorch.loggers import WandbLogger
from matplotlib import pyplot as plt
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.data.datamodule import FoldedViews
from kium_lightning.data.dataset import ViewDataset
from kium_lightning.data.folding import ANY_COLUMN, VIEW_COLUMN
from kium_lightning.files import replacing
from kium_lightning.metrics.ranking import auroc, average_precision
from kium_lightning.tasks.classification import Classification
from kium_lightning.tasks.rows import ScoredRows, UnfoldedScores, unfold_rows

TABLE_NAME = "validation_locations.csv"
PREDICTIONS_NAME = "validation_scores.csv"
PICTURE_NAME = "worst_views.png"

_WORST = 8
_TILE_PX = 320


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


def row_table(scored: ScoredRows, dataset: ViewDataset, names: list[str]) -> pd.DataFrame:
    """Lists every scored row with its labels and scores."""
    table = dataset.table.iloc[scored.rows].reset_index(drop=True)
    for position, name in enumerate(names):
        table[f"score_{name}"] = scored.scores[:, position]
    return table


def worst_rows(scored: ScoredRows, count: int) -> list[tuple[int, int]]:
    """Finds the rows whose scores are farthest from their labels.

    Returns:
        (position in ``scored``, label) pairs, worst first, at most one per row.
    """
    gap = np.abs(scored.labels - scored.scores)
    label = gap.argmax(axis=1)
    order = np.argsort(-gap.max(axis=1), kind="stable")[:count]
    return [(int(position), int(label[position])) for position in order]


def draw_worst_views(scored: ScoredRows, dataset: ViewDataset, names: list[str], path: Path) -> None:
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
        axis.imshow(_tile(dataset.image(row)), cmap="gray", vmin=0, vmax=255)
        entry = dataset.table.iloc[row]
        name = "aneurysm" if names[label] == ANY_COLUMN else names[label]
        truth = "present" if scored.labels[position, label] else "absent"
        score = scored.scores[position, label]
        axis.set_title(
            f"patient {entry[INDEX_COLUMN]}, {entry[VIEW_COLUMN]}\n{name} {truth}, score {score:.2f}", fontsize=10
        )
    figure.suptitle("Validation views whose scores are farthest from the truth", fontsize=12)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


def _tile(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    tile: Any = cv2.resize(image, (_TILE_PX, _TILE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(tile, dtype=np.uint8)


def report_validation(task: Classification, data: FoldedViews, folder: Path, trainer: L.Trainer) -> list[Path]:
    """Writes tables and picture of the task's last validation, and hands them to W&B where it is a logger.

    Returns:
        The files that were written.
    """
    scored = task.last_validation
    if scored is None:
        raise RuntimeError("Validate the task before reporting its validation.")
    patients = unfold_rows(scored, task.circulation, task.target)
    locations = location_table(patients)
    tables = {TABLE_NAME: locations, PREDICTIONS_NAME: row_table(scored, data.validation, data.label_names)}
    for name, table in tables.items():
        with replacing(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    draw_worst_views(scored, data.validation, data.label_names, folder / PICTURE_NAME)
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_table("validation/locations", dataframe=locations)
            logger.log_image("validation/worst_views", images=[str(folder / PICTURE_NAME)])
    return [folder / TABLE_NAME, folder / PREDICTIONS_NAME, folder / PICTURE_NAME]
