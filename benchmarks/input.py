"""How fast images reach the training loop: python benchmarks/input.py [--patients 16] [--sizes 224 724] [--json PATH].

Makes a cohort of full-size films without margins or text (or takes that of --cohort; about a minute for 16 patients),
repeats it eightfold with other bytes behind the end of each file, so that no content is there twice, and lets the
training, validation and held-out batches of a data module pass, by turns with the published pipeline over the same
files. Nothing is computed with them. Rows are whole patients (``data=patients``), so that every file is wanted.

- "first, all from nothing": checking, cleaning, preparing and loading, into an empty cache.
- "first, cleaned before": the same where it is known what cleaning finds, as the opponent cleans nothing.
- "later": every further epoch, whatever the fold, the recipe or the run.
- "decoding alone": the floor of a first epoch: the files read and decoded to grey on all cores, nothing else.
- "writing alone": the floor of a later epoch: its float32 numbers written to memory that is used again, one process.

Memory is measured by ``input_memory.py``.

What an image of 1000 x 1000 pixels and 130 kB costs of one core, in ms: reading it 0.1, the digest of its content 0.1,
walking its markers 0.06, decoding its luma 1.0 to 1.4, repeating its cleaning 0.1, area averaging to 224 px 1.0 and to
724 px 1.9, writing it 0.02 and 0.15; normalizing it again in later epochs 0.02 and 0.16.

Tried, and no help:

- Decoding with torchvision or Pillow: 1.36 and 1.44 ms where OpenCV takes 1.32; all three use libjpeg-turbo.
- An area averaging of our own, compiled and equal to OpenCV's to the last bit, took 0.4 and 0.7 ms. It was left out:
  resizing is a library's work, and it is done once for each image.
- Decoding at half size where the net sees 224 px: other pixels, and 1.2 ms for 1.5, as most of it is Huffman codes.
- Normalizing with torch: as quick alone, but its threads wait for each other where other programs use the cores (3 ms
  an image at 724 px beside four busy processes, and 0.17 so). In memory fresh from the system: 0.75 ms an image for the
  memory alone.
- Two loading processes for cached pictures that nothing changes: to hand a batch over takes 13 (724 px) to 40 times
  (224 px) as long as to make it.
- Not flushing packs to the disk: 150 images a second for 162 with it at 224 px and 123 for 141 at 724 px, so no gain.
"""

import os
import resource
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from published import PublishedImages, PublishedSteps, published_loader
from rich.table import Table
from timing import arguments, by_turns, report, timing_table

from kium_lightning.anatomy import INDEX_COLUMN, View
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.images.reading import decode_grey, read_content
from kium_lightning.settings import build, compose

OPPONENT, FIRST, CLEANED, LATER = "published", "first, all from nothing", "first, cleaned before", "later"
DECODING, WRITING = "decoding alone", "writing alone"
EXTRA_BYTES = 4  # behind the end of repeated pictures
_TIDYING = "tidying"
_LATER_EPOCHS = 4  # in a turn; one is over too soon to be timed
_PATIENTS_AT_ONCE = 4  # 32 pictures
_POLARITY = {224: ("as_filmed", 1), 724: ("inverted", 3)}  # and the median kernel


def make_cohort(folder: Path, patients: int) -> Path:
    """Writes full-size synthetic films in clean form, once."""
    settings = [f"cohort.train_patients={patients}", "cohort.test_patients=0", "cohort.truth=boxes"]
    forms = "cohort.film.forms={clean: 1.0, margins: 0.0, text: 0.0}"
    build(compose("phantom", ["cohort=phantom", f"cohort.folder={folder}", *settings, forms]).cohort).ensure()
    return folder


@lru_cache
def configuration(cohort: Path, size: int) -> Any:
    """That of rows of whole patients; composing it belongs to the start-up, which is timed elsewhere."""
    polarity, kernel = _POLARITY.get(size, ("as_filmed", 1))
    settings = ["data=patients", "cohort=kium", f"cohort.folder={cohort}", "name=input", "folder=/unused"]
    settings += [f"data.image_size={size}", f"data.polarity={polarity}", f"data.median_kernel={kernel}"]
    return compose("train", [*settings, f"data.batch_size={_PATIENTS_AT_ONCE}"]).data


def data_module(cohort: Path, cache: Path, size: int) -> Angiograms:
    """The rows of whole patients of a cohort."""
    data: Angiograms = build(configuration(cohort, size), cache_folder=str(cache))
    return data


def pass_by(data: Angiograms) -> int:
    """Lets every batch of the three parts pass; returns how many pictures there were."""
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    return sum(int(batch["present"].sum()) for loader in loaders for batch in loader)


def first_epoch(cohort: Path, cache: Path, size: int) -> Angiograms:
    """Everything from raw files to the last batch."""
    data = data_module(cohort, cache, size)
    data.prepare_data()
    data.setup("fit")
    pass_by(data)
    return data


def published_images(cohort: Path, size: int) -> PublishedImages:
    """The same files for the opponent."""
    polarity, _ = _POLARITY.get(size, ("as_filmed", 1))
    table = pd.read_csv(cohort / "train_set" / "train.csv")
    files = [cohort / "train_set" / f"{patient}{view.code}.jpg" for patient in table[INDEX_COLUMN] for view in View]
    labels = np.repeat(table.iloc[:, 1:].to_numpy(np.float32), len(View), axis=0)
    return PublishedImages(files, labels, PublishedSteps(size, "inverted" if polarity == "inverted" else "as_filmed"))


def decode(path: Path) -> None:
    """Reads and decodes a file."""
    decode_grey(read_content(path), str(path))


def decode_all(paths: list[Path]) -> None:
    """Reads and decodes files on all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(decode, paths):
            pass


def writing(pictures: int, size: int) -> Callable[[], None]:
    """Writes as many float32 numbers as later epochs do, a batch at a time into the same memory."""
    at_once = _PATIENTS_AT_ONCE * len(View)
    batch = np.empty((at_once, size, size), dtype=np.float32)

    def write() -> None:
        for _ in range(_LATER_EPOCHS * pictures // at_once):
            batch.fill(0.5)

    return write


class Processor:
    """Adds up the processor time of runs, with that of the processes they start."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    def watched(self, name: str, run: Callable[[], Any]) -> Callable[[], None]:
        """The run, watched."""

        def watched_run() -> None:
            before = _processor_seconds()
            run()
            self.seconds.setdefault(name, []).append(_processor_seconds() - before)

        return watched_run


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def measure(cohort: Path, scratch: Path, size: int, repeats: int) -> tuple[list[Table], dict[str, Any]]:
    """Times one size."""
    files = sorted((cohort / "train_set").glob("*.jpg"))
    pictures = len(files)
    number = count()
    warm = scratch / "warm"
    data = first_epoch(cohort, warm, size)
    assert pass_by(data) == pictures

    def from_nothing() -> None:
        first_epoch(cohort, scratch / f"{next(number)}", size)

    def cleaned_before() -> None:
        cache = scratch / f"{next(number)}"
        cache.mkdir()
        for records in warm.glob("cleaning-*"):
            (cache / records.name).symlink_to(records)
        first_epoch(cohort, cache, size)

    def published() -> None:
        for _ in published_loader(published_images(cohort, size), "shuffled"):
            pass

    def later() -> None:
        for _ in range(_LATER_EPOCHS):
            pass_by(data)

    def tidy() -> None:  # a turn of its own, so that what removing takes is nobody's
        for cache in scratch.glob("[0-9]*"):
            shutil.rmtree(cache)

    processor = Processor()
    runs: dict[str, Callable[[], Any]] = {OPPONENT: published, FIRST: from_nothing, CLEANED: cleaned_before}
    runs |= {_TIDYING: tidy, LATER: later, DECODING: lambda: decode_all(files), WRITING: writing(pictures, size)}
    amounts = {name: pictures * (_LATER_EPOCHS if name in (LATER, WRITING) else 1) for name in runs}
    watched = {name: processor.watched(name, run) for name, run in runs.items()}
    timings = by_turns(watched, amounts, repeats)
    del timings[_TIDYING]
    table = timing_table(f"Input at {size} px, {pictures} files", timings, OPPONENT, "images")
    milliseconds = {
        name: float(np.median(seconds[1:])) / amounts[name] * 1e3
        for name, seconds in processor.seconds.items()
        if name in timings
    }
    ratios = {name: timing.times_faster_than(timings[OPPONENT]).plain() for name, timing in timings.items()}
    floors = {
        CLEANED: timings[CLEANED].rate / timings[DECODING].rate,
        LATER: timings[LATER].rate / timings[WRITING].rate,
    }
    used = Table("", "processor ms per image", "speed over its floor's", title=f"Processor time at {size} px")
    for name in timings:
        used.add_row(name, f"{milliseconds[name]:.2f}", f"{floors[name]:.0%}" if name in floors else "")
    numbers = {
        "timings": [timing.plain() for timing in timings.values()],
        "times_published": ratios,
        "processor_ms_per_image": milliseconds,
        "share_of_floor": floors,
        "file_bytes_mean": float(np.mean([file.stat().st_size for file in files])),
    }
    return [table, used], numbers


def repeated_cohort(cohort: Path, folder: Path, times: int) -> Path:
    """A cohort with more patients: the same pictures with a few bytes behind their end, so that no content is twice."""
    table = pd.read_csv(cohort / "train_set" / "train.csv")
    images = folder / "train_set"
    images.mkdir(parents=True)
    step = int(table[INDEX_COLUMN].max())
    tables = []
    for repeat in range(times):
        tables.append(table.assign(**{INDEX_COLUMN: table[INDEX_COLUMN] + repeat * step}))
        for path in (cohort / "train_set").glob("*.jpg"):
            patient, code = path.stem[:4], path.stem[4:]
            content = path.read_bytes()
            longer = content + repeat.to_bytes(EXTRA_BYTES, "big")
            (images / f"{int(patient) + repeat * step}{code}.jpg").write_bytes(longer)
    pd.concat(tables).to_csv(images / "train.csv", index=False)
    return folder


def main() -> None:
    """Times all sizes and shows the tables."""
    parser = arguments(__doc__)
    parser.add_argument("--patients", type=int, default=16)
    parser.add_argument("--copies", type=int, default=8, help="how many times each file is there for the timings")
    parser.add_argument("--sizes", type=int, nargs="+", default=[224, 724])
    parser.add_argument("--cohort", type=Path, help="a folder for the cohort, or with one; else it is made and removed")
    chosen = parser.parse_args()
    tables: list[Table] = []
    numbers: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch:
        cohort = make_cohort((chosen.cohort or Path(scratch) / "cohort").absolute(), chosen.patients)
        larger = repeated_cohort(cohort, Path(scratch) / "larger", chosen.copies)
        for size in chosen.sizes:
            with tempfile.TemporaryDirectory(dir=scratch) as caches:
                of_size, numbers[f"{size}"] = measure(larger, Path(caches), size, chosen.repeats)
            tables += of_size
    report(chosen.json, tables, numbers)


if __name__ == "__main__":
    main()
