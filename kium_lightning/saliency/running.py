"""Running a trained net over rows, for scores and for heat maps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import default_collate

from kium_lightning.console import track
from kium_lightning.data.dataset import RowDataset
from kium_lightning.on_disk import on_disk
from kium_lightning.saliency.feature_map import FeatureMap, find_feature_map
from kium_lightning.saliency.grad_cam import Evidence, heat_maps
from kium_lightning.tasks.classification import Classification

Question = tuple[int, int]  # a row and a label
Cells = dict[Question, torch.Tensor]


def rows_at_once(task: Classification, pictures: int) -> int:
    """How many rows hold a number of pictures; at least one."""
    return max(1, pictures // max(len(sample.views) for sample in task.rows.samples))


def row_scores(task: Classification, dataset: RowDataset, batch_size: int) -> NDArray[np.float64]:
    """Scores all rows of a dataset: (rows, labels), 0 to 1."""
    starts = range(0, len(dataset), batch_size)
    scores = []
    with torch.inference_mode():
        for start in track(starts, "scores", total=len(starts)):
            rows = range(start, min(start + batch_size, len(dataset)))
            scores.append(task.predict_step(_batch(task, dataset, rows)).cpu())
    return torch.cat(scores).numpy().astype(np.float64)


def feature_map_of(task: Classification, dataset: RowDataset, layer: str | None) -> FeatureMap:
    """Finds the feature map that heat maps are made of, see ``find_feature_map``."""
    batch = _batch(task, dataset, [0])
    return find_feature_map(task.net, _inputs(task, batch), layer, batch["present"])


def cells_of(
    task: Classification,
    feature_map: FeatureMap,
    dataset: RowDataset,
    questions: Sequence[Question],
    batch_size: int,
    description: str,
    evidence: Evidence = Evidence.FOR,
    folder: Path | None = None,
) -> Cells:
    """Computes heat maps.

    Args:
        task: in evaluation mode.
        feature_map: of the task's net.
        dataset: the rows.
        questions: rows and labels to explain.
        batch_size: how many at once, see ``rows_at_once``.
        description: what the progress bar says.
        evidence: what the maps show.
        folder: where the maps lie until they are forgotten, some KB each; None for the system's.

    Returns:
        For each question (M, H', W') float32, see ``heat_maps``.
    """
    starts = range(0, len(questions), batch_size)
    cells: Cells = {}
    kept: torch.Tensor | None = None
    for start in track(starts, description, total=len(starts)):
        part = questions[start : start + batch_size]
        batch = _batch(task, dataset, [row for row, _ in part])
        outputs = torch.tensor([label for _, label in part], device=task.device)
        maps = heat_maps(task.net, feature_map, _inputs(task, batch), outputs, evidence, batch["present"])
        if kept is None:
            kept = torch.from_numpy(on_disk((len(questions), *maps.shape[1:]), np.float32, folder))
        if maps.shape[1:] == kept.shape[1:]:
            kept[start : start + len(part)] = maps
            maps = kept[start : start + len(part)]
        cells |= dict(zip(part, maps, strict=True))
    return cells


def _batch(task: Classification, dataset: RowDataset, rows: Sequence[int]) -> Any:
    batch = default_collate([dataset[row] for row in rows])
    return {name: part.to(task.device) for name, part in batch.items()}


def _inputs(task: Classification, batch: Any) -> list[torch.Tensor]:
    return [batch[name] for name in task.inputs]
