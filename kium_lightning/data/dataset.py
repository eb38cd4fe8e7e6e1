"""Folded rows as a torch dataset: one prepared view, its side's labels, its row."""

from typing import TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from kium_lightning.anatomy import Circulation, Target
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.folding import fold_table, label_names
from kium_lightning.data.sampling import Draw
from kium_lightning.data.transforms import Augmentation, normalize
from kium_lightning.data.views import DecodedViews


class Batch(TypedDict):
    """What a net is given.

    Attributes:
        image: (B, 1, S, S) float32, -1..1.
        labels: (B, K) float32, 0 or 1.
        row: (B,) int64, the row of the folded table: patient * 4 + view.
    """

    image: torch.Tensor
    labels: torch.Tensor
    row: torch.Tensor


class ViewDataset(Dataset[Batch]):
    """The folded rows of one circulation and target.

    Args:
        catalog: the patients, with labels.
        circulation: whose views.
        target: one label per artery, or any of them.
        views: the prepared image of every row, in folded order: a cached array or ``DecodedViews``.
        augmentation: changes a drawn training view; None for evaluation.
    """

    def __init__(
        self,
        catalog: Catalog,
        circulation: Circulation,
        target: Target,
        views: NDArray[np.uint8] | DecodedViews,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.table = fold_table(catalog.table, circulation, target)
        self.labels: NDArray[np.int64] = self.table[label_names(circulation, target)].to_numpy(np.int64)
        self.patients = list(catalog.patients)
        self._views = views
        self._augmentation = augmentation

    def __len__(self) -> int:
        return len(self.table)

    def image(self, row: int) -> NDArray[np.uint8]:
        """The prepared image of a row (S, S), before augmentation and normalization."""
        return np.asarray(self._views[row])

    def __getitem__(self, draw: Draw | int) -> Batch:
        """Loads a row; a ``Draw`` brings the seed of its augmentation, a plain number means no augmentation."""
        row = draw.row if isinstance(draw, Draw) else draw
        image = self.image(row)
        if self._augmentation is not None and isinstance(draw, Draw):
            image = self._augmentation(image, draw.seed)
        return {
            "image": normalize(image),
            "labels": torch.from_numpy(self.labels[row].astype(np.float32)),
            "row": torch.tensor(row),
        }
