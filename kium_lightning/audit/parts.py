"""What is audited: the parts of a cohort with all their faults, and the split of the training patients."""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from kium_lightning.anatomy import INDEX_COLUMN, LABEL_COLUMNS
from kium_lightning.audit.view_file import Owner, ViewFile
from kium_lightning.data.catalog import Catalog, read_catalog
from kium_lightning.data.checks import Fault, find_images
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.splits import Split, read_split
from kium_lightning.errors import CohortError, SplitError


@dataclass(frozen=True)
class AuditedPart:
    """A part of a cohort, read without stopping at faults.

    Attributes:
        name: ``train_set`` or ``test_set``.
        catalog: the patients without faults.
        faults: all of them.
        files: every image file that belongs to a view, of patients with and without faults.
        labels: of patients without faults, indexed by ``Index``; None where they are not known.
    """

    name: str
    catalog: Catalog
    faults: tuple[Fault, ...]
    files: tuple[ViewFile, ...]
    labels: pd.DataFrame | None


def read_parts(cohort: CohortFolder) -> list[AuditedPart]:
    """Reads the training part and the test part, as far as they are there.

    Raises:
        CohortError: a table is missing or is none, or not one patient of a part is without a fault.
    """
    parts = []
    with _faults_told_once():
        if cohort.train_set.is_dir():
            parts.append(_read_part("train_set", cohort.train_set, cohort.train_csv, cohort.train_csv))
        if cohort.test_set.is_dir():
            truth = cohort.groundtruth_csv
            parts.append(_read_part("test_set", cohort.test_set, cohort.test_csv, truth if truth.is_file() else None))
    if not parts:
        raise CohortError(f"{cohort.path} holds neither train_set nor test_set. Give the folder above them.")
    return parts


@contextmanager
def _faults_told_once() -> Iterator[None]:
    """Keeps the catalog from logging the faults that become findings."""
    log = logging.getLogger(read_catalog.__module__)
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _read_part(name: str, folder: Path, table: Path, truth: Path | None) -> AuditedPart:
    catalog = read_catalog(folder, table, on_fault="drop", images="listed")
    faults = list(catalog.dropped)
    labels = _labels(catalog) if truth == table else None
    if truth is not None and truth != table:
        known = read_catalog(folder, truth, on_fault="drop", images="listed")
        faults += [fault for fault in known.dropped if fault not in faults]
        faults += _missing_truth(catalog, known, truth)
        labels = _labels(known)
    images = dict(catalog.images)
    # a patient whose row or whose other files have a fault may still be a copy of another
    images |= find_images(folder, {fault.patient for fault in faults if fault.patient is not None})[0]
    files = [ViewFile(Owner(name, patient), view, path) for (patient, view), path in images.items()]
    return AuditedPart(name, catalog, tuple(faults), tuple(sorted(files, key=lambda file: file.path)), labels)


def _labels(catalog: Catalog) -> pd.DataFrame:
    return catalog.table.set_index(INDEX_COLUMN)[list(LABEL_COLUMNS)]


def _missing_truth(catalog: Catalog, known: Catalog, truth: Path) -> list[Fault]:
    faulty = {fault.patient for fault in (*catalog.dropped, *known.dropped)}
    alone = sorted(set(catalog.patients) ^ set(known.patients) - faulty)
    remedy = "Let both tables hold the same patients."
    return [
        Fault(patient, "", f"The patient stands in only one of the test table and {truth.name}.", remedy)
        for patient in alone
        if patient not in faulty
    ]


@dataclass(frozen=True)
class Folds:
    """Which patients a training holds out.

    Attributes:
        split: None where none was drawn yet or its file is at fault.
        fault: what is wrong with its file; empty where nothing is.
    """

    split: Split | None = None
    fault: str = ""

    def place(self, owner: Owner) -> str:
        """The part of the cohort that a patient is in, with the fold where there is one."""
        fold = self._fold_of.get(owner.patient) if owner.part == "train_set" else None
        return owner.part if fold is None else f"{owner.part}, fold {fold}"

    @cached_property
    def _fold_of(self) -> dict[int, int]:
        folds = () if self.split is None else self.split.folds
        return {patient: number for number, fold in enumerate(folds) for patient in fold}

    def places(self, owners: Iterable[Owner]) -> tuple[str, ...]:
        """The different places of some patients, sorted."""
        return tuple(sorted({self.place(owner) for owner in owners}))


def read_folds(path: Path) -> Folds:
    """Reads a split without stopping at its faults; a file that is not there is no fault."""
    if not path.is_file():
        return Folds()
    try:
        return Folds(read_split(path))
    except SplitError as error:
        return Folds(fault=str(error))
