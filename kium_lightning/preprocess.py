"""Cleans every image of a cohort: python -m kium_lightning.preprocess cohort=kium cohort.folder=PATH."""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from kium_lightning.console import say, say_written, track
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.errors import CohortError, ImageError
from kium_lightning.files import json_list, replacing
from kium_lightning.images.cleaning import RawForm, clean_view
from kium_lightning.images.contact_sheet import Sample, contact_sheet
from kium_lightning.images.reading import read_grey
from kium_lightning.numbers import whole
from kium_lightning.records import write_record
from kium_lightning.settings import Config, build, chosen, verb
from kium_lightning.workers import in_workers

_RECORDS = "cleaning.json"
_SHEET = "contact_sheet.png"
_LISTED = 20


@dataclass(frozen=True)
class Outcome:
    """What was done to one file, in numbers and strings."""

    source: Path
    form: RawForm
    facts: dict[str, object]


class Cleaned(NamedTuple):
    """What is kept of a file when its record is written: little, as there may be many.

    Attributes:
        folder: of the raw file.
        name: of the raw file.
        form: that it had.
        is_covered: whether anything of its picture was covered.
    """

    folder: Path
    name: str
    form: RawForm
    is_covered: bool

    @property
    def source(self) -> Path:
        """The raw file."""
        return self.folder / self.name


def clean_file(source: Path, target_folder: Path) -> Outcome:
    """Writes the clean view of a file: a clean file is copied byte for byte, another is written as PNG.

    Raises:
        ImageError: the file is no readable image.
    """
    cv2.setNumThreads(1)  # the files are what runs in parallel
    raw = read_grey(source)
    view = clean_view(raw)
    record = view.record
    if record.form is RawForm.CLEAN:
        target = target_folder / source.name
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
    else:
        target = target_folder / f"{source.stem}.png"
        with replacing(target) as temporary:
            _write_png(temporary, view.image)
    height, width = raw.shape
    facts: dict[str, object] = {
        "file": source.name,
        "written": target.name,
        "width": width,
        "height": height,
        **record.plain(),
    }
    return Outcome(source, record.form, facts)


def _clean_job(job: tuple[Path, str, Path]) -> Outcome | ImageError:
    folder, name, target = job
    try:
        return clean_file(folder / name, target)
    except ImageError as error:
        return error  # so that one run tells of all of them


def _write_png(path: Path, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> None:
    done, content = cv2.imencode(".png", image)
    if not done:
        raise RuntimeError(f"OpenCV could not encode {path} as PNG")
    path.write_bytes(content.tobytes())


def clean_cohort(cohort: CohortFolder, target: Path, workers: int | None) -> list[Cleaned]:
    """Writes a clean cohort in the challenge's form, with a table of what was done beside the images of each set.

    Args:
        cohort: the raw cohort; it is left as it is.
        target: an empty or new folder for the clean one.
        workers: processes; None for one per core.

    Returns:
        What was done, in the order of the file names.

    Raises:
        CohortError: there is no image, a file is no readable image, a view is there twice, or the target holds files.
    """
    if target.resolve() == cohort.path.resolve() or (target.is_dir() and any(target.iterdir())):
        raise CohortError(f"{target} is not empty. Give an empty or a new folder as folder=PATH.")
    count = workers or os.cpu_count() or 1
    cleaned: list[Cleaned] = []
    unreadable: list[ImageError] = []
    for raw_set in (cohort.train_set, cohort.test_set):
        if not raw_set.is_dir():
            continue
        clean_set = target / raw_set.name
        clean_set.mkdir(parents=True, exist_ok=True)
        jobs = [(raw_set, name, clean_set) for name in _images_of(raw_set)]
        with json_list(target / f"{raw_set.name}-{_RECORDS}") as write_facts:
            for outcome in track(in_workers(_clean_job, jobs, count), f"cleaning {raw_set.name}", len(jobs)):
                if isinstance(outcome, Outcome):
                    write_facts(outcome.facts)
                    cleaned.append(Cleaned(raw_set, outcome.source.name, outcome.form, bool(outcome.facts["covered"])))
                else:
                    unreadable.append(outcome)
        for table in sorted(raw_set.glob("*.csv")):
            with replacing(clean_set / table.name) as temporary:
                shutil.copyfile(table, temporary)
    if unreadable:
        listed = "\n".join(map(str, unreadable[:_LISTED]))
        raise CohortError(f"{len(unreadable)} images of {cohort.path} are unreadable, the first of them:\n{listed}")
    if not cleaned:
        raise CohortError(
            f"{cohort.path} holds no JPEG or PNG images. Give the folder of a cohort as cohort.folder=PATH."
        )
    return cleaned


def _images_of(folder: Path) -> list[str]:
    from kium_lightning.data.checks import IMAGE_SUFFIXES  # with pandas, which --help and --cfg do without

    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    stems = Counter(Path(name).stem for name in names)
    twice = [stem for stem, count in stems.items() if count > 1]
    if twice:
        raise CohortError(f"{folder} holds {len(twice)} images in two formats, {twice[0]} first. Remove one of each.")
    return names


def write_contact_sheet(path: Path, cleaned: Sequence[Cleaned], samples: int, seed: int) -> Path:
    """Writes a sheet with some images of each raw form, drawn from the seed; returns its path."""
    draw = np.random.default_rng(seed)
    shown = []
    for form in RawForm:
        alike = [each for each in cleaned if each.form is form]
        order = [alike[place] for place in draw.permutation(len(alike))]
        order.sort(key=lambda each: not each.is_covered)  # text in the margins alone shows little
        shown += sorted(each.source for each in _of_different_patients(order)[:samples])
    sheet = contact_sheet([Sample(file.stem, raw, clean_view(raw)) for file in shown for raw in [read_grey(file)]])
    with replacing(path) as temporary:
        _write_png(temporary, sheet)
    return path


def _of_different_patients(cleaned: list[Cleaned]) -> list[Cleaned]:
    """Puts the first image of each patient before the second of any; a name is the patient's number and a view."""
    seen: Counter[str] = Counter()
    rounds = []
    for each in cleaned:
        patient = Path(each.name).stem.rstrip("ABILRV-")
        rounds.append(seen[patient])
        seen[patient] += 1
    return [each for _, each in sorted(zip(rounds, cleaned, strict=True), key=lambda pair: pair[0])]


@verb("preprocess")
def main(config: Config) -> None:
    """Makes the cohort if needed and writes its clean form."""
    folder = Path(config.folder).expanduser().absolute()
    samples, seed = whole("samples", config.samples, 1), whole("seed", config.seed, 0)
    workers = None if config.workers is None else whole("workers", config.workers, 1)
    cohort: CohortFolder = build(config.cohort).ensure()
    target = folder / "cohort"
    cleaned = clean_cohort(cohort, target, workers)
    sheet = write_contact_sheet(folder / _SHEET, cleaned, samples, seed)
    forms = Counter(each.form for each in cleaned)
    counted = ", ".join(f"{forms[form]} {form}" for form in RawForm)
    say(f"{len(cleaned)} images of {cohort.name}: {counted}")
    say(f"train on them with cohort=kium cohort.folder={target} cohort.name={cohort.name}_clean")
    facts = {"raw": str(cohort.path), "cleaned": str(target), "forms": {str(form): forms[form] for form in RawForm}}
    record = write_record(folder, "preprocess", chosen("cohort") or "", **facts)
    say_written([*sorted(target.glob(f"*{_RECORDS}")), target, sheet, record])


if __name__ == "__main__":
    main()
