"""How well and how fast raw phantoms are cleaned: python benchmarks/cleaning.py [--patients 25] [--json PATH].

For each raw form it makes a cohort in a temporary folder, cleans all its images, and counts: crop boxes within 2 pixels
of the truth, images with a text pixel left, clean images that came out identical, and pixels of sacs that were lost.
Then it times cleaning beside decoding the same files, image by image, by turns, on one core, in processor time. The
floor is what no picture is spared: decoding, one closing by 17 x 17 pixels and one reduction to 48 x 48 places.

What made cleaning faster, with the same outcome to the last bit: quantiles of grey values by counting instead of
sorting; boxes of strokes from their outlines instead of labels of all pixels; the growth of a stroke followed only
where it is asked for; noise estimated at every fourth pixel; and an early end where no chain of boxes can be a line of
text.

What was tried and did not help:
- OpenCV's outlines by runs (`findContoursLinkRuns`): half the time of `findContours`, but it takes some holes for
  strokes, and judging these cost more than was gained.
- The other algorithms of OpenCV for labels (Wu, Spaghetti, Bolelli): three times as slow as Grana's with statistics.
- A Gaussian blur of whole numbers for the noise: no faster by enough, and not exact.
- The area reduction to 48 x 48 places by sums of our own: rounding decides ties, so that it would not be the same.
"""

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import timing
from numpy.typing import NDArray
from rich.table import Table

from kium_lightning.anatomy import View
from kium_lightning.console import track
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.cleaning import RawForm, clean_view
from kium_lightning.images.reading import decode_grey, read_content, read_grey
from kium_lightning.images.relief import coarse_background, dark_relief_inside
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
    clean = clean_view(raw)
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


def milliseconds(run: Callable[[], object]) -> float:
    """Processor time of one run."""
    started = time.process_time()
    run()
    return 1000 * (time.process_time() - started)


def floor(image: GreyImage) -> None:
    """The two passes over the pixels that no picture is spared."""
    dark_relief_inside(image)
    coarse_background(image)


def time_form(cohort: CohortFolder, images: int, repeats: int) -> dict[str, NDArray[np.float64]]:
    """Processor time of each step for some images of a cohort, by turns after one that does not count.

    Returns:
        Milliseconds by step, shape (images,): the median of the turns.
    """
    files = sorted(cohort.train_set.glob("*.jpg"))
    taken: dict[str, list[list[float]]] = {}
    for path in files[:: max(1, len(files) // images)]:
        content = read_content(path)
        raw = decode_grey(content, str(path))
        steps: dict[str, Callable[[], object]] = {
            "decode": partial(decode_grey, content, str(path)),
            "clean": partial(clean_view, raw),
            "floor beside decoding": partial(floor, raw),
        }
        turns = [{name: milliseconds(step) for name, step in steps.items()} for _ in range(repeats + 1)][1:]
        for name in steps:
            taken.setdefault(name, []).append([turn[name] for turn in turns])
    return {name: np.median(np.array(values), axis=1) for name, values in taken.items()}


def speed_table(times: Mapping[str, Mapping[str, NDArray[np.float64]]]) -> Table:
    """Milliseconds per image by raw form and step."""
    table = Table("form", "step", "median", "lowest", "90 %", "highest", title="milliseconds per image, one core")
    for form, steps in times.items():
        for step, values in steps.items():
            numbers = (np.median(values), values.min(), np.quantile(values, 0.9), values.max())
            table.add_row(form, step, *(f"{number:.1f}" for number in numbers))
    return table


def main() -> None:
    """Runs the benchmark and prints two tables."""
    arguments = timing.arguments(__doc__)
    arguments.add_argument("--patients", type=int, default=25, help="eight images each, for each raw form")
    arguments.add_argument("--images", type=int, default=40, help="of each raw form are timed")
    arguments.add_argument("--seed", type=int, default=77)
    arguments.add_argument("--keep", type=Path, help="make the cohorts in this folder and leave them there")
    chosen = arguments.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        root = (chosen.keep or Path(temporary)).absolute()
        results: dict[str, Counts] = {}
        times: dict[str, dict[str, NDArray[np.float64]]] = {}
        faults: list[str] = []
        for form in map(str, RawForm):
            cohort = make_cohort(root / f"{form}-{chosen.seed}", form, chosen.patients, chosen.seed)
            counts = results[form] = Counts()
            records = sorted((cohort.truth / "train_set").glob("*.json"))
            for path in track(records, f"cleaning {form}", len(records)):
                truth = json.loads(path.read_text(encoding="utf-8"))
                for view in View:
                    count_image(counts, cohort, truth["views"][view.code], f"{truth['index']}{view.code}", faults)
            times[form] = time_form(cohort, chosen.images, chosen.repeats)
    table = Table("counted", *results, title=f"cleaning, phantom seed {chosen.seed}")
    for field in fields(Counts):
        values = (getattr(counts, field.name) for counts in results.values())
        table.add_row(field.name.replace("_", " "), *(f"{value:.0f}" for value in values))
    for fault in faults:
        print(fault)
    numbers = {
        "counted": {form: asdict(counts) for form, counts in results.items()},
        "milliseconds": {form: {name: of.tolist() for name, of in steps.items()} for form, steps in times.items()},
    }
    timing.report(chosen.json, [table, speed_table(times)], numbers)


if __name__ == "__main__":
    main()
