"""One LightningDataModule for all datasets: how patients are cut into rows is its parameter."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar, get_args

import lightning as L
import torch
from torch.utils.data import DataLoader, Sampler

from kium_lightning.data.cache import ViewCache
from kium_lightning.data.catalog import Catalog, OnFault, read_catalog
from kium_lightning.data.checks import Fault, ImageFiles, reading_faults
from kium_lightning.data.cohort import Cohort, CohortFolder
from kium_lightning.data.dataset import Batch, Batches, RowDataset, as_loaded
from kium_lightning.data.rows import Rows
from kium_lightning.data.sampling import Draw, SeededDraws, down_sampled_rows, label_count_weights
from kium_lightning.data.splits import HeldOut, Split, ValidationBy, read_or_make_split
from kium_lightning.data.transforms import Augmentation, Preparation
from kium_lightning.data.views import row_sources, use_one_thread, wanted_sources
from kium_lightning.errors import ConfigError
from kium_lightning.numbers import whole

_Value = TypeVar("_Value")

_WORKERS = 2
_SAMPLERS = ("label_count", "shuffled", "down_sampled")


class Angiograms(L.LightningDataModule):
    """Rows of a cohort to train on, to choose the epoch by, and held out, split by patient.

    Args:
        cohort: makes or finds the cohort.
        rows: how patients are cut into samples.
        image_size: side of the square input, pixels.
        polarity: ``as_filmed`` or ``inverted`` (bright vessels).
        median_kernel: side of the median filter on the full-size image, pixels; 1 for none.
        mirrored_projections: projections whose right-sided views are flipped: letters A, B.
        augmentation: random changes of training views.
        batch_size: rows per batch.
        workers: loading processes; 0 loads in the training process. ``auto`` starts two where pictures are changed as
            they are drawn, and none elsewhere: handing cached pictures over takes longer than loading them.
        sampler: ``label_count`` draws every number of positive labels equally often, ``shuffled`` every row once,
            ``down_sampled`` as many rows without a positive label as there are with one, chosen once by ``seed``.
        draws: 1, or 2 to give every row twice, changed by the augmentation each time.
        folds: how many patient-level folds the split has.
        fold: the one that is held out: its patients are scored once, by the finished net.
        validation: whose scores choose the best epoch: ``next_fold``, the fold after the held-out one, or
            ``held_out``, which trains on one fold more and makes the held-out scores optimistic.
        split_file: JSON of the split; None keeps it beside the catalog.
        split_seed: of the split.
        seed: of the draws.
        cache_folder: where prepared views are kept.
        on_fault: ``stop``, or ``drop`` patients whose data are faulty; ``mask`` keeps patients who lack views, where
            rows hold several views.

    Raises:
        ConfigError: a value lies outside its range, rows of single views should be masked, or two draws would be the
            same.
    """

    def __init__(
        self,
        cohort: Cohort,
        rows: Rows,
        image_size: int,
        polarity: str,
        median_kernel: int,
        mirrored_projections: Sequence[str],
        augmentation: Augmentation,
        batch_size: int,
        workers: int | Literal["auto"],
        sampler: Literal["label_count", "shuffled", "down_sampled"],
        draws: int,
        folds: int,
        fold: int,
        validation: ValidationBy,
        split_file: str | None,
        split_seed: int,
        seed: int,
        cache_folder: str,
        on_fault: OnFault,
    ) -> None:
        super().__init__()
        if on_fault == "mask" and any(len(sample.views) == 1 for sample in rows.samples):
            raise ConfigError(
                "data.on_fault=mask needs rows that hold several views, such as data=patients. Choose stop or drop."
            )
        if sampler not in _SAMPLERS:
            raise ConfigError(f"data.sampler is {sampler!r}. Choose one of {', '.join(_SAMPLERS)}.")
        if whole("data.draws", draws, 1, 2) == 2 and augmentation.changes_nothing:
            raise ConfigError(
                "data.draws=2 gives the same image twice where transforms=none. Choose transforms=strong or light, or "
                "data.draws=1."
            )
        self.rows = rows
        self.preparation = Preparation.from_values(image_size, polarity, median_kernel, mirrored_projections)
        if validation not in get_args(ValidationBy):
            raise ConfigError(f"data.validation is {validation!r}. Choose {' or '.join(get_args(ValidationBy))}.")
        self.fold = whole("data.fold", fold, 0, whole("data.folds", folds, 2) - 1)
        self.validation_by = validation
        self.batch_size = whole("data.batch_size", batch_size, 1)
        self._cohort = cohort
        self._augmentation = augmentation
        if isinstance(workers, str) and workers != "auto":
            raise ConfigError(f"data.workers is {workers!r}. Give it a whole number of at least 0, or auto.")
        self._workers = workers if workers == "auto" else whole("data.workers", workers, 0)
        self._sampler = sampler
        self._second = augmentation if draws == 2 else None
        self._folds = folds
        self._split_file = split_file
        self._split_seed = split_seed
        self._seed = seed
        self._cache = ViewCache(Path(cache_folder), self.preparation)
        self._on_fault = on_fault
        self._folder: CohortFolder | None = None
        self._catalog: Catalog | None = None
        self._split: Split | None = None
        self._training: RowDataset | None = None
        self._validation: RowDataset | None = None
        self._held_out_rows: RowDataset | None = None

    @property
    def label_names(self) -> list[str]:
        """The labels in the order of a net's outputs."""
        return self.rows.label_names

    @property
    def folder(self) -> CohortFolder:
        """Where the cohort lies; known once ``setup`` has run."""
        return _ready(self._folder)

    @property
    def split(self) -> Split:
        """The folds of patients; known once ``setup`` has run."""
        return _ready(self._split)

    @property
    def held_out(self) -> HeldOut:
        """The patients who are held out; known once ``setup`` has run."""
        return HeldOut(str(self.folder.path), self.split.digest, self.fold, self.validation_by)

    @property
    def training(self) -> RowDataset:
        """The training rows; known once ``setup`` has run."""
        return _ready(self._training)

    @property
    def validation(self) -> RowDataset:
        """The rows that choose the epoch; known once ``setup`` has run."""
        return _ready(self._validation)

    @property
    def held_out_rows(self) -> RowDataset:
        """The rows of the held-out fold; known once ``setup`` has run."""
        return _ready(self._held_out_rows)

    def prepare_data(self) -> None:
        """Makes the cohort if it is made rather than found, and checks it; the other processes then find it there."""
        if self._catalog is None:
            self._catalog = self._read_catalog(self._cohort.ensure())

    def setup(self, stage: str) -> None:
        """Reads catalog and split and fills the cache; idempotent.

        Raises:
            CohortError: the cohort has faults and ``on_fault`` is ``stop``.
            SplitError: a patient would be on both sides, or the split belongs to other patients.
        """
        if self._training is not None:
            return
        folder = self._cohort.ensure()
        catalog = self._catalog or self._read_catalog(folder)
        split_file = (
            Path(self._split_file).expanduser().absolute()
            if self._split_file
            else default_split_file(folder, self._folds)
        )
        split = read_or_make_split(split_file, catalog, self._folds, self._split_seed)
        self._folder, self._split = folder, split
        training = catalog.subset(split.training(self.fold, self.validation_by))
        validation = catalog.subset(split.validation(self.fold, self.validation_by))
        held_out = catalog.subset(split.held_out(self.fold))
        self._training = self._dataset(training, self._augmentation)
        self._validation = self._dataset(validation, None)
        self._held_out_rows = self._validation if self.validation_by == "held_out" else self._dataset(held_out, None)

    def train_dataloader(self) -> DataLoader[Batch]:
        """Weighted or shuffled draws of all training rows or of the chosen ones, augmented."""
        labels = self.training.labels
        weights = label_count_weights(labels) if self._sampler == "label_count" else None
        rows = down_sampled_rows(labels, self._seed) if self._sampler == "down_sampled" else len(labels)
        return self._loader(self.training, sampler=SeededDraws(rows, weights, self._seed))

    def val_dataloader(self) -> DataLoader[Batch]:
        """Every validation row once, in order: neither resampled nor dropped."""
        return self._loader(self.validation)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Every row of the held-out fold once, in order."""
        return self._loader(self.held_out_rows)

    def _read_catalog(self, folder: CohortFolder) -> Catalog:
        return read_catalog(folder.train_set, folder.train_csv, self._on_fault, self._read_images)

    def _read_images(self, images: ImageFiles) -> list[Fault]:
        """Reads every image once: those of the rows are prepared, all others only checked; splits need whole patients.

        All folds and all recipes with the same preparation share what this prepares.
        """
        return reading_faults(images, self._cache.fill(wanted_sources(images, self.rows), images.values()))

    def _dataset(self, catalog: Catalog, augmentation: Augmentation | None) -> RowDataset:
        sources, positions = row_sources(catalog, self.rows)
        return RowDataset(catalog, self.rows, self._cache.views(sources), positions, augmentation, self._second)

    def _loader(self, dataset: RowDataset, sampler: Sampler[Draw] | None = None) -> DataLoader[Batch]:
        workers = _workers_for(dataset) if self._workers == "auto" else int(self._workers)
        return DataLoader(
            Batches(dataset),
            batch_size=self.batch_size,
            collate_fn=as_loaded,
            num_workers=workers,
            persistent_workers=workers > 0,
            worker_init_fn=use_one_thread,
            pin_memory=torch.cuda.is_available(),
            sampler=sampler,
        )


def default_split_file(folder: CohortFolder, folds: int) -> Path:
    """The split's place beside the catalog."""
    return folder.train_set / f"split-{folds}-folds.json"


def _workers_for(dataset: RowDataset) -> int:
    """How many loading processes pay: cached pictures come faster than they could be handed over."""
    return min(_WORKERS, os.cpu_count() or 1) if dataset.is_changed else 0


def _ready(value: _Value | None) -> _Value:
    if value is None:
        raise RuntimeError("Call setup() before asking for the data.")
    return value
