"""What a finished net makes of the held-out patients: tables by location and patient, and the worst-judged views."""

from collections.abc import Sequence
from functools import singledispatch
from pathlib import Path

import cv2
import lightning as L
import numpy as np
import pandas as pd
from lightning.pytorch.loggers import WandbLogger
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN, PRESENCE_COLUMN, View
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.folding import ANY_COLUMN
from kium_lightning.files import replacing
from kium_lightning.metrics.ranking import auroc, average_precision
from kium_lightning.records import PATIENTS_NAME
from kium_lightning.tasks.classification import Classification
from kium_lightning.tasks.rows import ScoredRows, UnfoldedScores, unfold_rows
from kium_lightning.tasks.task import Task

TABLE_NAME = "held_out_locations.csv"
PREDICTIONS_NAME = "held_out_scores.csv"
PICTURE_NAME = "worst_views.png"

_WORST = 8
_TILE_PX = 320
_SMALL_TILE_PX = 180  # of one view where a row has several
_ACROSS = 4  # views in a line: the four of a side
_MISSING_GREY = 64


def location_table(patients: UnfoldedScores) -> pd.DataFrame:
    """Scores every column by patient.

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
    """Draws the worst-judged rows, each with its patient, views, truth and score."""
    worst = worst_rows(scored, _WORST)
    across = min(_ACROSS, len(dataset.views(0)))
    columns = min(4 if across == 1 else 2, max(1, len(worst)))
    lines = max(1, -(-len(worst) // columns))
    size = (3.4 * columns, 4.1 * lines) if across == 1 else (6.8 * columns, 3.9 * lines)
    figure, axes = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (position, label) in zip(axes.flat, worst, strict=False):
        row = int(scored.rows[position])
        views, images = dataset.views(row), dataset.images(row)
        axis.imshow(tile(images, across), cmap="gray", vmin=0, vmax=255)
        if len(views) > 1:
            _name_views(axis, views, images, across)
        patient = dataset.table[INDEX_COLUMN].iloc[row]
        name = "aneurysm" if names[label] in (ANY_COLUMN, PRESENCE_COLUMN) else names[label]
        truth = "present" if scored.labels[position, label] else "absent"
        score = scored.scores[position, label]
        where = f"patient {patient}, {dataset.name(row)}\n" if len(views) == 1 else f"patient {patient}: "
        axis.set_title(f"{where}{name} {truth}, score {score:.2f}", fontsize=10 if across == 1 else 12)
    what = "views" if across == 1 else "patients"
    figure.suptitle(f"Held-out {what} whose scores are farthest from the truth", fontsize=12 if across == 1 else 15)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


def tile(images: list[NDArray[np.uint8] | None], across: int) -> NDArray[np.uint8]:
    """The views of a row in lines of ``across``, dark where one is missing."""
    side = _TILE_PX if across == 1 else _SMALL_TILE_PX
    tile = np.full((-(-len(images) // across) * side, across * side), _MISSING_GREY, dtype=np.uint8)
    for place, image in enumerate(images):
        if image is not None:
            top, left = side * (place // across), side * (place % across)
            small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
            tile[top : top + side, left : left + side] = small
    return tile


def _name_views(axis: Axes, views: Sequence[View], images: list[NDArray[np.uint8] | None], across: int) -> None:
    """Writes into the corner of each view of a tile which one it is, and whether the patient lacks it."""
    behind = {"facecolor": "black", "alpha": 0.6, "linewidth": 0, "pad": 1.5}
    for place, (view, image) in enumerate(zip(views, images, strict=True)):
        left, top = _SMALL_TILE_PX * (place % across) + 6, _SMALL_TILE_PX * (place // across) + 6
        text = view.code if image is not None else f"{view.code} missing"
        axis.text(left, top, text, color="white", fontsize=9, va="top", bbox=behind)


@singledispatch
def report_held_out(task: Task, data: Angiograms, folder: Path, trainer: L.Trainer) -> list[Path]:
    """Writes what the task's last test says, and hands it to W&B where it is a logger.

    Returns:
        The files that were written.
    """
    raise NotImplementedError(f"There is no report of a {type(task).__name__}.")


@report_held_out.register
def _(task: Classification, data: Angiograms, folder: Path, trainer: L.Trainer) -> list[Path]:
    """Tables by location, by patient and by row, and a picture of the worst-judged views."""
    scored = task.last_scored
    if scored is None:
        raise RuntimeError("Test the task before reporting what is held out.")
    patients = unfold_rows(scored, task.rows)
    locations = location_table(patients)
    tables = {
        TABLE_NAME: locations,
        PATIENTS_NAME: scored_patients_table(patients, data.held_out_rows),
        PREDICTIONS_NAME: scored_rows_table(scored, data.held_out_rows, data.label_names),
    }
    for name, table in tables.items():
        with replacing(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    draw_worst_views(scored, data.held_out_rows, data.label_names, folder / PICTURE_NAME)
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_table("held_out/locations", dataframe=locations)
            logger.log_image("held_out/worst_views", images=[str(folder / PICTURE_NAME)])
    return [*(folder / name for name in tables), folder / PICTURE_NAME]
