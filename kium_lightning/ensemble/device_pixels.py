"""Patients' views that the device of the nets prepares: a GPU decodes the files whose cleaning is known."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from kium_lightning.anatomy import View
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.checks import Fault, reading_fault
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.device_preparation import decode_on_device, prepare_on_device, repeat_cleaning_on_device
from kium_lightning.data.filling import as_it_is
from kium_lightning.data.known_files import content_digest
from kium_lightning.data.views import use_one_thread
from kium_lightning.ensemble.patient_pixels import Chunk, Pixels, Wanted, wanted_files
from kium_lightning.errors import ImageError
from kium_lightning.images.cleaning import CleaningRecord
from kium_lightning.images.reading import is_complete_jpeg, read_content


class UnpreparedView(NamedTuple):
    """A view on its way to the device.

    Attributes:
        picture: the bytes of its file (1-D uint8) where its cleaning is known, else the clean image (H, W) uint8.
        record: what is to be cleaned; None for a clean image.
    """

    picture: torch.Tensor
    record: CleaningRecord | None


class UnpreparedPatient(NamedTuple):
    """One patient's views.

    Attributes:
        position: of the patient in the catalog.
        views: of all that are wanted; none where there is a fault.
        faults: files that cannot be read.
    """

    position: int
    views: dict[View, UnpreparedView]
    faults: tuple[Fault, ...]


class UnpreparedPatients(Dataset[UnpreparedPatient]):
    """The patients of a catalog, their files read when they are asked for.

    A file that was never cleaned is decoded and cleaned here, by the host, as margins and text are found by it alone.

    Args:
        catalog: every patient with all views that are wanted.
        wanted: which circulations' views are needed in which preparation.
        cleaned: knows what cleaning found.

    Raises:
        CohortError: a patient lacks a view.
    """

    def __init__(self, catalog: Catalog, wanted: Wanted, cleaned: CleanedViews) -> None:
        self._patients = catalog.patients
        self._files = wanted_files(catalog, wanted)
        self._cleaned = cleaned

    def __len__(self) -> int:
        return len(self._patients)

    def __getitem__(self, position: int) -> UnpreparedPatient:
        views: dict[View, UnpreparedView] = {}
        faults = []
        for view, path in self._files[position].items():
            try:
                content = read_content(path)
                digest = content_digest(content)
                record = self._cleaned.known(digest)
                if record is not None and is_complete_jpeg(content):
                    views[view] = UnpreparedView(torch.frombuffer(bytearray(content), dtype=torch.uint8), record)
                else:
                    clean = self._cleaned.cleaned(content, str(path), digest).image
                    views[view] = UnpreparedView(torch.from_numpy(clean), None)
            except ImageError as error:
                faults.append(reading_fault(self._patients[position], view, path, error))
        return UnpreparedPatient(position, {} if faults else views, tuple(faults))


def device_chunks(
    patients: UnpreparedPatients, wanted: Wanted, size: int, workers: int, device: torch.device
) -> Iterator[Chunk]:
    """Reads patients in other processes and prepares them on a device, some at a time.

    Args:
        patients: to read.
        wanted: which circulations' views are needed in which preparation.
        size: patients per chunk.
        workers: processes; 0 reads when a chunk is asked for.
        device: of the nets.
    """
    loader: DataLoader[UnpreparedPatient] = DataLoader(
        patients,
        batch_size=size,
        num_workers=workers,
        collate_fn=as_it_is,
        worker_init_fn=use_one_thread,
        pin_memory=device.type == "cuda",
    )
    for read in loader:
        yield prepared(read, wanted, device)


def prepared(patients: Sequence[UnpreparedPatient], wanted: Wanted, device: torch.device) -> Chunk:
    """Decodes, cleans and prepares patients on a device, without those who have a faulty file."""
    readable = [patient for patient in patients if not patient.faults]
    waiting = [view for patient in readable for view in patient.views.values()]
    files = [view.picture for view in waiting if view.record is not None]
    decoded = iter(decode_on_device(files, device) if files else [])
    clean = iter(
        [
            view.picture.to(device, non_blocking=True)
            if view.record is None
            else repeat_cleaning_on_device(next(decoded), view.record)
            for view in waiting
        ]
    )
    images = [{view: next(clean) for view in patient.views} for patient in readable]
    pixels: Pixels = {}
    for preparation, circulations in wanted.items():
        for circulation in circulations if readable else ():
            pixels[preparation, circulation] = torch.stack(
                [
                    torch.stack([prepare_on_device(of_patient[view], preparation, view) for view in circulation.views])
                    for of_patient in images
                ]
            )
    return Chunk(
        np.array([patient.position for patient in readable], dtype=np.int64),
        pixels,
        tuple(fault for patient in patients for fault in patient.faults),
    )
