"""Patients' views as pixels for every net of an ensemble: each file is read, decoded and cleaned once."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from kium_lightning.anatomy import Circulation, View
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.checks import Fault, reading_fault
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import use_one_thread
from kium_lightning.errors import CohortError, ImageError
from kium_lightning.images.cleaning import clean_view
from kium_lightning.images.reading import read_grey

Wanted = Mapping[Preparation, tuple[Circulation, ...]]
Pixels = dict[tuple[Preparation, Circulation], torch.Tensor]


class PatientPixels(NamedTuple):
    """One patient's pictures.

    Attributes:
        position: of the patient in the catalog.
        pictures: for each preparation and circulation (4, S, S) uint8, views in folded order; none where
            there is a fault.
        faults: files that cannot be read.
    """

    position: int
    pictures: dict[tuple[Preparation, Circulation], NDArray[np.uint8]]
    faults: tuple[Fault, ...]


class Chunk(NamedTuple):
    """The pictures of some patients.

    Attributes:
        positions: (n,) int64, the patients whose files can all be read.
        pixels: for each preparation and circulation (n, 4, S, S) uint8.
        faults: of the patients who were left out.
    """

    positions: NDArray[np.int64]
    pixels: Pixels
    faults: tuple[Fault, ...]


class DecodedPatients(Dataset[PatientPixels]):
    """The patients of a catalog, decoded when they are asked for; memory does not grow with their number.

    Args:
        catalog: every patient with all views that are wanted.
        wanted: which circulations' views are needed in which preparation.
        cleaned: remembers what cleaning found; None looks for margins and text every time.

    Raises:
        CohortError: a patient lacks a view.
    """

    def __init__(self, catalog: Catalog, wanted: Wanted, cleaned: CleanedViews | None) -> None:
        self._wanted = dict(wanted)
        self._patients = catalog.patients
        self._files = wanted_files(catalog, wanted)
        self._cleaned = cleaned

    def __len__(self) -> int:
        return len(self._patients)

    def __getitem__(self, position: int) -> PatientPixels:
        clean: dict[View, NDArray[np.uint8]] = {}
        faults = []
        for view, path in self._files[position].items():
            try:
                clean[view] = self._read(path)
            except ImageError as error:
                faults.append(reading_fault(self._patients[position], view, path, error))
        if faults:
            return PatientPixels(position, {}, tuple(faults))
        pictures = {
            (preparation, circulation): np.stack(
                [preparation.after_cleaning(clean[view], view) for view in circulation.views]
            )
            for preparation, circulations in self._wanted.items()
            for circulation in circulations
        }
        return PatientPixels(position, pictures, ())

    def _read(self, path: Path) -> NDArray[np.uint8]:
        return clean_view(read_grey(path)).image if self._cleaned is None else self._cleaned.read(path)


def wanted_files(catalog: Catalog, wanted: Wanted) -> list[dict[View, Path]]:
    """The files of all views that are wanted, for each patient of a catalog.

    Raises:
        CohortError: a patient lacks one.
    """
    circulations = dict.fromkeys(each for group in wanted.values() for each in group)
    views = [view for circulation in circulations for view in circulation.views]
    for patient in catalog.patients:
        for view in views:
            if (patient, view) not in catalog.images:
                raise CohortError(
                    f"Patient {patient} has no view {view.code}, and the ensemble needs all of them. Add the image, or "
                    "set on_fault=drop."
                )
    return [{view: catalog.images[patient, view] for view in views} for patient in catalog.patients]


def chunks(patients: DecodedPatients, size: int, workers: int, pin: bool) -> Iterator[Chunk]:
    """Decodes patients in other processes, some at a time, ahead of who takes them.

    Args:
        patients: to decode.
        size: patients per chunk.
        workers: processes; 0 decodes when a chunk is asked for.
        pin: keep the pixels in memory from which a GPU copies while it computes.
    """
    return iter(
        DataLoader(
            patients,
            batch_size=size,
            num_workers=workers,
            collate_fn=together,
            worker_init_fn=use_one_thread,
            pin_memory=pin,
        )
    )


def together(patients: Sequence[PatientPixels]) -> Chunk:
    """Puts patients into one chunk, without those who have a faulty file."""
    readable = [patient for patient in patients if not patient.faults]
    pixels: Pixels = {}
    if readable:
        for key in readable[0].pictures:
            pixels[key] = torch.from_numpy(np.stack([patient.pictures[key] for patient in readable]))
    return Chunk(
        np.array([patient.position for patient in readable], dtype=np.int64),
        pixels,
        tuple(fault for patient in patients for fault in patient.faults),
    )
