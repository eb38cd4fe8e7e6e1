"""Every fault of a cohort's labels and images, found in one pass and told in one table."""

import functools
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from kium_lightning.anatomy import INDEX_COLUMN, LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN, View
from kium_lightning.console import track
from kium_lightning.errors import ImageError
from kium_lightning.images.reading import REMEDY, read_grey

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
_VIEW_FILE = re.compile(r"(?P<patient>\d+)(?P<code>[^.]*)")
_VIEW_CODES = ", ".join(view.code for view in View)
_SHOW_PROGRESS_ABOVE = 500  # images; fewer take a second or two


@dataclass(frozen=True)
class Fault:
    """Something in a cohort that a person has to mend.

    Attributes:
        patient: the patient's ``Index``; None where it concerns no single patient.
        view: the view's code; empty where it concerns no single view.
        fault: what is wrong, a sentence.
        remedy: what to do, a sentence.
        is_fatal: whether no patient can be used before it is mended.
        loses_view: whether it takes nothing but this one view from the patient.
    """

    patient: int | None
    view: str
    fault: str
    remedy: str
    is_fatal: bool = False
    loses_view: bool = False


ImageFiles = dict[tuple[int, View], Path]


def fault_table(faults: Sequence[Fault], rows: int = 1000) -> str:
    """Writes the first faults as a text table of aligned columns, with the count of the others below it."""
    head = ("patient", "view", "fault", "remedy")
    lines = [head]
    lines += [("-" if f.patient is None else str(f.patient), f.view or "-", f.fault, f.remedy) for f in faults[:rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    if len(faults) > rows:
        text.append(f"... and {len(faults) - rows} more")
    return "\n".join(text)


def label_faults(labels: pd.DataFrame) -> Iterator[Fault]:
    """Finds duplicate patients, labels other than 0 and 1, and presence that contradicts the locations.

    Args:
        labels: text cells as they stand in the file, with the columns of the challenge; ``Index`` as whole numbers.
    """
    patients = labels[INDEX_COLUMN]
    for patient, count in patients.value_counts(sort=False).items():
        if count > 1:
            yield Fault(int(str(patient)), "", f"Index stands in {count} rows.", "Keep one of the rows.")
    numbers = label_numbers(labels)
    wrong = numbers.isna()
    for row, patient in enumerate(patients):
        if wrong.iloc[row].any():
            columns = list(wrong.columns[wrong.iloc[row]])
            cells = ", ".join(f"{column} {_quoted(labels[column].iloc[row])}" for column in columns)
            yield Fault(int(patient), "", f"A label must be 0 or 1: {cells}.", "Correct the row.")
            continue
        present, located = numbers[PRESENCE_COLUMN].iloc[row], numbers[list(LOCATION_COLUMNS)].iloc[row].sum()
        if present == 1 and located == 0:
            yield Fault(
                int(patient), "", "Aneurysm is 1 but every location is 0.", "Set Aneurysm to 0 or name the location."
            )
        elif present == 0 and located > 0:
            yield Fault(
                int(patient),
                "",
                f"Aneurysm is 0 but {located:.0f} locations are 1.",
                "Set Aneurysm to 1 or clear them.",
            )


def label_numbers(labels: pd.DataFrame) -> pd.DataFrame:
    """Reads label cells as numbers; what is neither 0 nor 1 becomes NaN."""
    columns = {name: pd.to_numeric(labels[name], errors="coerce").astype(float) for name in LABEL_COLUMNS}
    numbers = pd.DataFrame(columns, index=labels.index)
    return numbers.where(numbers.isin((0.0, 1.0)))


def _quoted(cell: object) -> str:
    return repr(cell) if str(cell) else "is empty"


def find_images(folder: Path, patients: Iterable[int]) -> tuple[ImageFiles, list[Fault]]:
    """Finds the eight images of each patient, and what is missing, double or too many.

    Args:
        folder: holds files named ``{Index}{view}`` with the suffix of a JPEG or PNG, in any letter case. Files with
            other suffixes are left alone.
        patients: the patients of the table.
    """
    known = set(patients)
    found: dict[tuple[int, View], list[Path]] = defaultdict(list)
    faults = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
            continue
        parsed = _VIEW_FILE.fullmatch(path.stem)
        if parsed is None:
            faults.append(Fault(None, "", f"{path.name} is not named by patient and view.", "Rename or remove it."))
            continue
        patient, code = int(parsed["patient"]), parsed["code"]
        if code not in _VIEW_OF:
            faults.append(
                Fault(patient, code, f"{path.name} names no known view.", f"Use one of {_VIEW_CODES}, or remove it.")
            )
        elif patient not in known:
            faults.append(
                Fault(
                    patient, code, f"{path.name} belongs to no patient of the table.", "Add a row or remove the file."
                )
            )
        else:
            found[patient, _VIEW_OF[code]].append(path)
    for patient in sorted(known):
        faults.extend(_view_faults(patient, found))
    return {key: paths[0] for key, paths in found.items()}, faults


_VIEW_OF = {view.code: view for view in View}


def _view_faults(patient: int, found: dict[tuple[int, View], list[Path]]) -> Iterator[Fault]:
    missing = [view for view in View if not found.get((patient, view))]
    if len(missing) == len(View):
        yield Fault(patient, "", "There is no image of this patient.", "Add the eight images or drop the row.")
    else:
        for view in missing:
            name = f"{patient}{view.code}.jpg"
            yield Fault(patient, view.code, "The view is missing.", f"Add {name} or drop the row.", loses_view=True)
    for view in View:
        paths = found.get((patient, view), [])
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            yield Fault(patient, view.code, f"The view is there twice: {names}.", "Remove one of them.")


def unreadable_images(images: ImageFiles) -> list[Fault]:
    """Decodes every image, on all cores, and reports those that cannot be.

    A file that was decoded before in this process and has not changed since is not decoded again.
    """
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes: Iterable[ImageError | None] = pool.map(_reading_error, images.values())
        if len(images) > _SHOW_PROGRESS_ABOVE:
            outcomes = track(outcomes, "checking images", len(images))
        errors = {path: error for path, error in zip(images.values(), outcomes, strict=True) if error is not None}
    return reading_faults(images, errors)


def reading_faults(images: ImageFiles, errors: Mapping[Path, ImageError]) -> list[Fault]:
    """The faults of those images whose files could not be read, in the order of the images.

    Args:
        images: the files.
        errors: what reading some of them raised.
    """
    return [
        reading_fault(patient, view, path, errors[path]) for (patient, view), path in images.items() if path in errors
    ]


def reading_fault(patient: int, view: View, path: Path, error: ImageError) -> Fault:
    """The fault of an image whose file could not be read."""
    sentence = str(error).removesuffix(REMEDY).rstrip().replace(str(path), path.name)
    return Fault(patient, view.code, sentence, REMEDY, loses_view=True)


def _reading_error(path: Path) -> ImageError | None:
    try:
        status = path.stat()
    except OSError as error:
        return ImageError(f"{path} cannot be read ({error.strerror}). {REMEDY}")
    return _reading_error_of(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1 << 16)
def _reading_error_of(path: Path, _size: int, _modified: int) -> ImageError | None:
    try:
        read_grey(path)
    except ImageError as error:
        return error
    return None
