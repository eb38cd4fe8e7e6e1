"""Rows as a torch dataset: the prepared views of a row, its labels, its number."""

from typing import NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from kium_lightning.anatomy import View
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.rows import VIEW_COLUMN, Rows, row_table
from kium_lightning.data.sampling import SEEDS, Draw
from kium_lightning.data.transforms import Augmentation, normalize
from kium_lightning.data.views import MISSING, DecodedViews

_ORDER = {view: place for place, view in enumerate(View)}


class Batch(TypedDict):
    """What a net may be given; V is the number of views in a row.

    Attributes:
        image: (B, V, S, S) float32, -1..1; zeros where a patient lacks a view.
        view: (B, V) int64, which view each channel is, 0 to 7 in the order of ``View``.
        present: (B, V) bool, False where a patient lacks a view.
        labels: (B, K) float32, 0 or 1.
        row: (B,) int64, patient * samples per patient + sample.
        other: as ``image``, a second random change of the same pictures; only where ``data.draws`` is 2.
    """

    image: torch.Tensor
    view: torch.Tensor
    present: torch.Tensor
    labels: torch.Tensor
    row: torch.Tensor
    other: NotRequired[torch.Tensor]


class RowDataset(Dataset[Batch]):
    """The rows that patients are cut into.

    Args:
        catalog: the patients, with labels.
        rows: how they are cut into samples.
        views: the prepared pictures: a cached array or ``DecodedViews``.
        positions: (rows, V), where each row's pictures lie in ``views``, as ``row_sources`` returns.
        augmentation: changes a drawn training row; None for evaluation.
        second: changes the pictures once more, for ``other``; None where a row is given once.
    """

    def __init__(
        self,
        catalog: Catalog,
        rows: Rows,
        views: NDArray[np.uint8] | DecodedViews,
        positions: NDArray[np.int64],
        augmentation: Augmentation | None = None,
        second: Augmentation | None = None,
    ) -> None:
        self.table = row_table(rows, catalog.table)
        self.labels: NDArray[np.int64] = self.table[rows.label_names].to_numpy(np.int64)
        self.patients = list(catalog.patients)
        self._samples = rows.samples
        self._views = views
        self._positions = positions
        self._augmentation = augmentation
        self._second = second

    def __len__(self) -> int:
        return len(self.table)

    def images(self, row: int) -> list[NDArray[np.uint8] | None]:
        """The prepared pictures of a row, (S, S) each, before augmentation; None where a patient lacks a view."""
        return [None if place == MISSING else np.asarray(self._views[place]) for place in self._positions[row]]

    def name(self, row: int) -> str:
        """The name of a row's sample, such as ``LI-A``."""
        return str(self.table[VIEW_COLUMN].iloc[row])

    def views(self, row: int) -> tuple[View, ...]:
        """The views that a row holds, also where the patient lacks one."""
        return self._samples[row % len(self._samples)].views

    def __getitem__(self, draw: Draw | int) -> Batch:
        """Loads a row; a ``Draw`` brings the seed of its augmentation, a plain number means no augmentation.

        All views of a row are augmented alike. The second draw of a plain number has a seed of its own as well, the
        same every time, so that validation repeats.
        """
        row = draw.row if isinstance(draw, Draw) else draw
        pictures = images = self.images(row)
        if self._augmentation is not None and isinstance(draw, Draw):
            images = _changed(images, self._augmentation, draw.seed)
        batch: Batch = {
            "image": _stacked(images),
            "view": torch.tensor([_ORDER[view] for view in self.views(row)]),
            "present": torch.tensor([image is not None for image in images]),
            "labels": torch.from_numpy(self.labels[row].astype(np.float32)),
            "row": torch.tensor(row),
        }
        if self._second is not None:
            # A seed that follows from the first one, yet is none of those that rows are drawn with.
            seed = SEEDS + (draw.seed if isinstance(draw, Draw) else row)
            batch["other"] = _stacked(_changed(pictures, self._second, seed))
        return batch


def _changed(
    images: list[NDArray[np.uint8] | None], augmentation: Augmentation, seed: int
) -> list[NDArray[np.uint8] | None]:
    return [None if image is None else augmentation(image, seed) for image in images]


def _stacked(images: list[NDArray[np.uint8] | None]) -> torch.Tensor:
    """Normalizes pictures to one tensor (V, S, S), with zeros, the middle of the range, in place of None."""
    shape = next(image.shape for image in images if image is not None)
    return torch.cat([torch.zeros(1, *shape) if image is None else normalize(image) for image in images])
