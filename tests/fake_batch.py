"""A batch of nothing in the form that a kind of rows has."""

import torch

from kium_lightning.data.dataset import Batch
from kium_lightning.data.rows import Rows


def fake_batch(rows: Rows, image_size: int, count: int = 2) -> Batch:
    """Grey images with every second label set."""
    views = len(rows.samples[0].views)
    labels = torch.zeros(count, len(rows.label_names))
    labels[::2] = 1.0
    return {
        "image": torch.zeros(count, views, image_size, image_size),
        "view": torch.arange(views).repeat(count, 1),
        "present": torch.ones(count, views, dtype=torch.bool),
        "labels": labels,
        "row": torch.arange(count),
    }
