"""How well raw phantoms are cleaned, against their truth: python benchmarks/cleaning.py [--patients 25] [--seed 77].

For each raw form it makes a cohort in a temporary folder, cleans all its images, and counts: crop boxes within 2 pixels
of the truth, images with a text pixel left, clean images that came out identical, and pixels of sacs that were lost.
"""

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
from rich.table import Table

from kium_lightning.anatomy import View
from kium_lightning.console import show, track
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.images.box import Box
from kium_lightning.images.cleaning import RawForm, clean_view
from kium_lightning.images.reading import read_grey
from kium_lightning.settings import build, compose

_TOLERANCE = 2  # pixels


@dataclass
class Counts:
    """What happened to the images of one raw form."""

    images: int = 0
    box_within_2px: int = 0
    form_recognised: int = 0
    text_left: int = 0
    identical: int = 0
    identical_when_cleaned_twice: int = 0
    with_sac_pixels_lost: int = 0
    sac_pixels_lost: int = 0
    covered_without_text: int = 0
    milliseconds: float = 0.0


def make_cohort(folder: Path, form: str, patients: int, seed: int) -> CohortFolder:
    """Makes phantoms that all have one raw form."""
    probabilities = ",".join(f"{name}:{float(name == form)}" for name in ("clean", "margins", "text"))
    overrides = [
        "cohort=phantom",
        f"cohort.folder={folder}",
        f"cohort.train_patients={patients}",
        "cohort.test_patients=1",
        f"cohort.seed={seed}",
        f"cohort.film.forms={{{probabilities}}}",
    ]
    cohort: CohortFolder = build(compose("phantom", overrides).cohort).ensure()
    return cohort


def count_image(counts: Counts, cohort: CohortFolder, truth: dict[str, object], name: str, faults: list[str]) -> None:
    """Cleans one image and compares the outcome with its truth."""
    raw = read_grey(cohort.train_set / f"{name}.jpg")
    started = time.perf_counter()
    clean = clean_view(raw)
    counts.milliseconds += 1000 * (time.perf_counter() - started)
    record = clean.record
    counts.images += 1
    wanted = np.array(truth["picture_box"])
    distance = int(np.abs(np.array(record.picture_box) - wanted).max())
    counts.box_within_2px += distance <= _TOLERANCE
    counts.form_recognised += record.form == truth["form"]
    counts.identical += np.array_equal(clean.image, raw)
    counts.identical_when_cleaned_twice += np.array_equal(clean_view(clean.image).image, clean.image)
    kept = np.zeros(raw.shape, bool)
    kept[record.picture_box.slices] = True
    for cover in record.covered:
        kept[cover.box.slices] = False
    text = _mask(cohort, f"{name}-text.png", raw.shape)
    sac = _mask(cohort, f"{name}-aneurysm.png", raw.shape)
    left, lost = int((text & kept).sum()), int((sac & ~kept & ~text).sum())
    idle = sum(not text[cover.box.grown(2, 2).within(Box.whole(raw)).slices].any() for cover in record.covered)
    counts.text_left += left > 0
    counts.with_sac_pixels_lost += lost > 0
    counts.sac_pixels_lost += lost
    counts.covered_without_text += idle
    if distance > _TOLERANCE or left or idle or lost:
        faults.append(
            f"{name}: box off by {distance}, text pixels left {left}, idle covers {idle}, sac pixels lost {lost}"
        )


def _mask(cohort: CohortFolder, name: str, shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    path = cohort.truth / "train_set" / name
    return read_grey(path) > 0 if path.is_file() else np.zeros(shape, bool)


def main() -> None:
    """Runs the benchmark and prints a table."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--patients", type=int, default=25, help="eight images each, for each raw form")
    arguments.add_argument("--seed", type=int, default=77)
    arguments.add_argument("--keep", type=Path, help="make the cohorts in this folder and leave them there")
    chosen = arguments.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        root = (chosen.keep or Path(temporary)).absolute()
        results: dict[RawForm, Counts] = {}
        faults: list[str] = []
        for form in RawForm:
            cohort = make_cohort(root / f"{form}-{chosen.seed}", form, chosen.patients, chosen.seed)
            counts = results[form] = Counts()
            records = sorted((cohort.truth / "train_set").glob("*.json"))
            for path in track(records, f"cleaning {form}", len(records)):
                truth = json.loads(path.read_text(encoding="utf-8"))
                for view in View:
                    count_image(counts, cohort, truth["views"][view.code], f"{truth['index']}{view.code}", faults)
            counts.milliseconds /= counts.images
    table = Table("counted", *(str(form) for form in RawForm), title=f"cleaning, phantom seed {chosen.seed}")
    for field in fields(Counts):
        values = (getattr(results[form], field.name) for form in RawForm)
        table.add_row(field.name.replace("_", " "), *(f"{value:.0f}" for value in values))
    for fault in faults:
        print(fault)
    show(table)


if __name__ == "__main__":
    main()
