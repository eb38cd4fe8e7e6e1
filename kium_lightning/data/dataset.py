"""Rows as a torch dataset: the prepared views of a row, its labels, its number."""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from kium_lightning.anatomy import View
from kium_lightning.data.buffers import batch_array
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.packs import PreparedViews
from kium_lightning.data.rows import VIEW_COLUMN, Rows, row_table
from kium_lightning.data.sampling import SEEDS, Draw
from kium_lightning.data.transforms import Augmentation, normalize_into
from kium_lightning.data.views import MISSING

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
        views: the prepared pictures: an array, or cached ones.
        positions: (rows, V), where each row's pictures lie in ``views``, as ``row_sources`` returns.
        augmentation: changes a drawn training row; None for evaluation.
        second: changes the pictures once more, for ``other``; None where a row is given once.
    """

    def __init__(
        self,
        catalog: Catalog,
        rows: Rows,
        views: NDArray[np.uint8] | PreparedViews,
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
        self._order = torch.tensor([[_ORDER[view] for view in sample.views] for sample in rows.samples])
        self._labels = torch.from_numpy(self.labels.astype(np.float32))
        self._present = torch.from_numpy(positions != MISSING)

    @property
    def is_changed(self) -> bool:
        """Whether pictures are changed when they are drawn, which takes time."""
        changes = (self._augmentation, self._second)
        return any(change is not None and not change.changes_nothing for change in changes)

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
        batch = self.batch([draw])
        row: Batch = {
            "image": batch["image"][0],
            "view": batch["view"][0],
            "present": batch["present"][0],
            "labels": batch["labels"][0],
            "row": batch["row"][0],
        }
        if "other" in batch:
            row["other"] = batch["other"][0]
        return row

    def batch(self, draws: Sequence[Draw | int]) -> Batch:
        """Loads rows together; equal to what each gives by itself, stacked."""
        numbers = [draw.row if isinstance(draw, Draw) else draw for draw in draws]
        rows = torch.tensor(numbers)
        batch: Batch = {
            "image": self._stacked(draws, self._augmentation, 0),
            "view": self._order[rows % len(self._samples)],
            "present": self._present[rows],
            "labels": self._labels[rows],
            "row": rows,
        }
        if self._second is not None:
            # Seeds that follow from the first ones, yet are none of those that rows are drawn with.
            again = [draw if isinstance(draw, Draw) else Draw(draw, draw) for draw in draws]
            batch["other"] = self._stacked(again, self._second, SEEDS)
        return batch

    def _stacked(self, draws: Sequence[Draw | int], change: Augmentation | None, seeds_from: int) -> torch.Tensor:
        """Pictures as one tensor (B, V, S, S), with zeros, the middle of the range, in place of missing ones."""
        images = [self.images(draw.row if isinstance(draw, Draw) else draw) for draw in draws]
        shape = next(image.shape for of_row in images for image in of_row if image is not None)
        stacked = batch_array(len(images), len(images[0]), *shape)
        for draw, of_row, arrays in zip(draws, images, stacked, strict=True):
            for image, values in zip(of_row, arrays, strict=True):
                if image is None:
                    values.fill(0.0)
                elif change is not None and isinstance(draw, Draw):
                    normalize_into(values, change(image, draw.seed + seeds_from))
                else:
                    normalize_into(values, image)
        return torch.from_numpy(stacked)


class Batches(Dataset[Batch]):
    """Rows for a loader that asks for those of a batch at once; to be collated by ``as_loaded``.

    Args:
        rows: the rows.
    """

    def __init__(self, rows: RowDataset) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, draw: Draw | int) -> Batch:
        """One row, without a dimension for the batch."""
        return self.rows[draw]

    def __getitems__(self, draws: Sequence[Draw | int]) -> Batch:
        """The rows of a batch."""
        return self.rows.batch(draws)


def as_loaded(batch: Any) -> Any:
    """What a loader makes of the rows of a batch: nothing, they are together already."""
    return batch
