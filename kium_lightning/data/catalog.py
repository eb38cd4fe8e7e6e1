"""The checked table of a cohort's patients: their labels and where their eight images are."""

import csv as csv_format
import io
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import pandas as pd

from kium_lightning.anatomy import CSV_COLUMNS, INDEX_COLUMN, View
from kium_lightning.data.checks import (
    Fault,
    ImageFiles,
    fault_table,
    find_images,
    label_faults,
    label_numbers,
    unreadable_images,
)
from kium_lightning.errors import CohortError

_LOG = logging.getLogger(__name__)

OnFault = Literal["stop", "drop", "mask"]
CheckImages = Callable[[ImageFiles], list[Fault]]


@dataclass(frozen=True)
class Catalog:
    """Patients whose labels and images were checked.

    Attributes:
        folder: holds the images.
        table: one row per patient in the order of the csv file, with the challenge's columns as int64.
        images: the file of each patient's views; without those that were left out.
        dropped: the faults for which patients, views or files were left out; empty unless that was allowed.
    """

    folder: Path
    table: pd.DataFrame
    images: dict[tuple[int, View], Path]
    dropped: tuple[Fault, ...] = ()

    @property
    def patients(self) -> tuple[int, ...]:
        """The patients' ``Index`` numbers in the order of the table."""
        return tuple(int(patient) for patient in self.table[INDEX_COLUMN])

    def subset(self, indices: Iterable[int]) -> "Catalog":
        """Keeps the patients with these ``Index`` numbers, in the order of the table.

        Raises:
            CohortError: a patient is not in the catalog.
        """
        wanted = set(indices)
        unknown = sorted(wanted.difference(self.patients))
        if unknown:
            raise CohortError(
                f"{len(unknown)} patients are not in the catalog of {self.folder}, {unknown[0]} the first of them. "
                "Choose patients of this cohort."
            )
        table = self.table[self.table[INDEX_COLUMN].isin(wanted)].reset_index(drop=True)
        images = {key: path for key, path in self.images.items() if key[0] in wanted}
        return Catalog(self.folder, table, images, self.dropped)


def read_catalog(
    folder: Path, csv: Path, on_fault: OnFault = "stop", images: Literal["decoded", "listed"] | CheckImages = "decoded"
) -> Catalog:
    """Reads labels and finds images, checking everything in one pass.

    Args:
        folder: holds the images, named ``{Index}{view}.jpg`` (or jpeg, png).
        csv: the labels, or the zeros of a test set.
        on_fault: ``stop`` refuses a cohort with any fault; ``drop`` leaves out the patients concerned and lists them
            in ``dropped``; ``mask`` leaves out views that are missing or unreadable, lists them in ``dropped``, and
            stops at any other fault, such as a patient of whom no view is left. A fault of the whole table stops in
            every case.
        images: how they are checked: ``decoded`` reads every file, ``listed`` looks at their names only, and a function
            that reads them for its own ends as well returns the faults that it met.

    Raises:
        CohortError: the folder or table is missing or illegible, or there are faults that stop; the message holds the
            table of them.
    """
    if on_fault not in get_args(OnFault):
        raise CohortError(f"on_fault is {on_fault!r}. Choose one of {', '.join(get_args(OnFault))}.")
    if not folder.is_dir():
        raise CohortError(f"There is no folder {folder}. Give the folder that holds the images.")
    cells, faults = _read_cells(csv)
    _stop_at_fatal(faults, csv)
    faults += label_faults(cells)
    files, file_faults = find_images(folder, cells[INDEX_COLUMN])
    faults += file_faults
    if images != "listed":
        check = unreadable_images if images == "decoded" else images
        faults += check(files)
    if on_fault == "mask":
        files = _without_lost(files, faults)
        faults += _viewless(cells, files, faults)
    stopping = [fault for fault in faults if on_fault == "stop" or (on_fault == "mask" and not fault.loses_view)]
    if stopping:
        raise CohortError(
            f"{csv} and the images in {folder} have {_counted(stopping)}. Mend them, or set on_fault=drop "
            f"(data.on_fault=drop when training) to leave those patients out.\n{fault_table(stopping)}"
        )
    if faults:
        _LOG.warning("Left out for their faults:\n%s", fault_table(faults))
    faulty = {fault.patient for fault in faults if fault.patient is not None} if on_fault == "drop" else set()
    return _catalog(folder, cells, files, faults, faulty)


def _without_lost(images: ImageFiles, faults: list[Fault]) -> ImageFiles:
    """The images without those of views that faults take away."""
    lost = {(fault.patient, fault.view) for fault in faults if fault.loses_view}
    return {key: path for key, path in images.items() if (key[0], key[1].code) not in lost}


def _viewless(cells: pd.DataFrame, images: ImageFiles, faults: list[Fault]) -> list[Fault]:
    """A fault for each patient whose views are all unreadable; those without any file have theirs already."""
    lost = {fault.patient for fault in faults if fault.loses_view}
    left = {patient for patient, _ in images}
    return [
        Fault(patient, "", "No view of this patient can be read.", "Replace the images or drop the row.")
        for patient in map(int, cells[INDEX_COLUMN])
        if patient in lost - left
    ]


def _catalog(folder: Path, cells: pd.DataFrame, images: ImageFiles, faults: list[Fault], faulty: set[int]) -> Catalog:
    """The catalog without some patients."""
    kept = ~cells[INDEX_COLUMN].isin(faulty)
    if not kept.any():
        raise CohortError(f"Every patient of {folder} has a fault. Mend these first.\n{fault_table(faults)}")
    table = pd.concat([cells[[INDEX_COLUMN]], label_numbers(cells)], axis=1)[kept].astype("int64")
    images = {key: path for key, path in images.items() if key[0] not in faulty}
    return Catalog(folder, table[list(CSV_COLUMNS)].reset_index(drop=True), images, tuple(faults))


def _stop_at_fatal(faults: list[Fault], csv: Path) -> None:
    if any(fault.is_fatal for fault in faults):
        raise CohortError(f"{csv} is not a table of labels: {_counted(faults)}.\n{fault_table(faults)}")


def _counted(faults: list[Fault]) -> str:
    return "1 fault" if len(faults) == 1 else f"{len(faults)} faults"


def _read_cells(csv: Path) -> tuple[pd.DataFrame, list[Fault]]:
    """Reads a csv file as text cells under the challenge's columns, and the faults of the table as such.

    What Excel does to a file without changing its meaning is undone: byte-order mark, line ends, blank lines,
    semicolons or tabs, spaces, empty columns at the end, whole numbers written as ``1.0``.
    """
    rows = _rows(csv)
    head, body = rows[0], rows[1:]
    while head and not head[-1] and all(len(row) < len(head) or not row[len(head) - 1] for row in body):
        head = head[:-1]
        body = [row[: len(head)] for row in body]
    faults = [_fatal(f"The column {name} is missing.", "Add it.") for name in CSV_COLUMNS if name not in head]
    for name in dict.fromkeys(head):
        if name not in CSV_COLUMNS:
            faults.append(_fatal(f"The column {name!r} is unknown.", "Remove or rename it."))
        elif head.count(name) > 1:
            faults.append(_fatal(f"The column {name} is there {head.count(name)} times.", "Keep one of them."))
    for number, row in enumerate(body, start=1):
        if len(row) > len(head) and any(row[len(head) :]):
            faults.append(_fatal(f"Row {number} has more cells than the table has columns.", "Correct the row."))
    if not body:
        faults.append(_fatal("The table has no rows.", "Give the complete file."))
    padded = [(row + [""] * len(head))[: len(head)] for row in body]
    if faults:
        return pd.DataFrame(), faults
    cells = pd.DataFrame(padded, columns=head, dtype=str)[list(CSV_COLUMNS)]
    numbers = pd.to_numeric(cells[INDEX_COLUMN], errors="coerce")
    for number, (cell, value) in enumerate(zip(cells[INDEX_COLUMN], numbers, strict=True), start=1):
        if not (value >= 0 and float(value).is_integer()):
            faults.append(_fatal(f"Row {number} has the Index {cell!r}.", "Write the patient's whole number."))
    if not faults:
        cells[INDEX_COLUMN] = numbers.astype("int64")
    return cells, faults


def _rows(csv: Path) -> list[list[str]]:
    try:
        text = csv.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise CohortError(f"{csv} cannot be read ({error.strerror}). Give the csv file of the labels.") from error
    except UnicodeDecodeError as error:
        raise CohortError(f"{csv} is not UTF-8 text. Save it as 'CSV UTF-8'.") from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)
    table = csv_format.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [[cell.strip() for cell in row] for row in table]
    except csv_format.Error as error:
        raise CohortError(f"{csv} is not a csv file ({error}). Save it as 'CSV UTF-8'.") from error
    rows = [row for row in rows if any(row)]
    if not rows:
        raise CohortError(f"{csv} is empty. Give the csv file of the labels.")
    return rows


def _fatal(fault: str, remedy: str) -> Fault:
    return Fault(None, "", fault, remedy, is_fatal=True)
