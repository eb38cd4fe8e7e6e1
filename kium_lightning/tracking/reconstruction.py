"""What an autoencoder makes of the held-out patients: the error of every row, and a picture to judge it by."""

from pathlib import Path

import lightning as L
import numpy as np
import pandas as pd
import torch
from lightning.pytorch.loggers import WandbLogger
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from torch.utils.data import default_collate

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.rows import VIEW_COLUMN
from kium_lightning.files import replacing
from kium_lightning.tasks.reconstruction import Reconstruction
from kium_lightning.tasks.rows import ScoredRows
from kium_lightning.tracking.held_out import report_held_out, tile

ERRORS_NAME = "reconstruction_errors.csv"
PICTURE_NAME = "reconstructions.png"

_SHOWN = 4
_ACROSS = 4  # views in a line, where a row has several


def error_table(scored: ScoredRows, dataset: RowDataset) -> pd.DataFrame:
    """Lists the error of every row beside that of the best picture without any structure.

    Returns:
        ``Index, view, error, flat_error`` in grey levels of 255; ``flat_error`` is that of one even grey.
    """
    table = dataset.table.iloc[scored.rows][[INDEX_COLUMN, VIEW_COLUMN]].reset_index(drop=True)
    flat = [
        np.sqrt(np.mean([np.var(image, dtype=np.float64) for image in dataset.images(row) if image is not None]))
        for row in scored.rows
    ]
    return table.assign(error=scored.scores[:, 0], flat_error=flat)


def spread_rows(errors: NDArray[np.float64], count: int) -> list[int]:
    """Chooses places that are spread evenly from the smallest error to the greatest."""
    order = np.argsort(errors, kind="stable")
    return [int(order[place]) for place in np.unique(np.linspace(0, len(order) - 1, count).round().astype(int))]


def draw_reconstructions(task: Reconstruction, dataset: RowDataset, table: pd.DataFrame, path: Path) -> None:
    """Draws held-out views, from the best to the worst, with their reconstructions below."""
    chosen = spread_rows(table["error"].to_numpy(), _SHOWN)
    batch = {
        name: value.to(task.device) if isinstance(value, torch.Tensor) else value
        for name, value in default_collate([dataset[row] for row in chosen]).items()
    }
    with torch.inference_mode():
        painted = task.eval().output(batch).float().cpu().numpy()  # type: ignore[arg-type]  # a Batch by its keys
    grey = np.clip((painted + 1.0) * 127.5, 0, 255).round().astype(np.uint8)
    figure, axes = plt.subplots(2, len(chosen), figsize=(3.4 * len(chosen), 7.6), squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.set_axis_off()
    across = min(_ACROSS, len(dataset.images(0)))
    for column, row in enumerate(chosen):
        images = dataset.images(row)
        shown = [None if image is None else view for image, view in zip(images, grey[column], strict=True)]
        line = table.iloc[row]
        axes[0, column].imshow(tile(images, across), cmap="gray", vmin=0, vmax=255)
        axes[0, column].set_title(f"patient {line[INDEX_COLUMN]}, {line[VIEW_COLUMN]}", fontsize=10)
        axes[1, column].imshow(tile(shown, across), cmap="gray", vmin=0, vmax=255)
        axes[1, column].set_title(f"error {line['error']:.1f}, even grey {line['flat_error']:.1f}", fontsize=10)
    figure.suptitle("Held-out views and their reconstructions, best to worst; errors in grey levels", fontsize=12)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)


@report_held_out.register
def _(task: Reconstruction, data: Angiograms, folder: Path, trainer: L.Trainer) -> list[Path]:
    """A table of errors by row, and a picture of views beside their reconstructions."""
    scored = task.last_scored
    if scored is None:
        raise RuntimeError("Test the task before reporting what is held out.")
    table = error_table(scored, data.held_out_rows)
    with replacing(folder / ERRORS_NAME) as temporary:
        table.to_csv(temporary, index=False)
    draw_reconstructions(task, data.held_out_rows, table, folder / PICTURE_NAME)
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_image("held_out/reconstructions", images=[str(folder / PICTURE_NAME)])
    return [folder / ERRORS_NAME, folder / PICTURE_NAME]
