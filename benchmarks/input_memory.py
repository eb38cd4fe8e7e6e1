"""Memory and time of first epochs over the size of the cohort: python benchmarks/input_memory.py [--json PATH].

Makes a cohort of full-size films as ``input.py`` does and repeats it. Each size is read, prepared and loaded once, into
an empty cache but with known cleaning, by a process of its own. Memory is what no page of a file stands behind: the
system takes pages of the memory map back whenever it needs them.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from input import EXTRA_BYTES, first_epoch, make_cohort, repeated_cohort
from rich.table import Table
from timing import report

from kium_lightning.anatomy import View
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.known_files import content_digest


def know_cleaning(cohort: Path, repeated: Path, cache: Path) -> None:
    """Writes down for all pictures of a repeated cohort what cleaning finds, which is looked for in each only once."""
    cleaned = CleanedViews(cache)
    originals = []
    for path in (cohort / "train_set").glob("*.jpg"):
        content = path.read_bytes()
        originals.append(content)
        cleaned.cleaned(content, str(path), content_digest(content))
    digest_of = {content: content_digest(content) for content in originals}
    (records,) = cache.glob("cleaning-*")
    for path in (repeated / "train_set").glob("*.jpg"):
        content = path.read_bytes()
        known, digest = digest_of[content[:-EXTRA_BYTES]], content_digest(content)
        record = records / digest[:2] / f"{digest}.json"
        record.parent.mkdir(exist_ok=True)
        shutil.copyfile(records / known[:2] / f"{known}.json", record)


def anonymous_peak(run: Callable[[], Any]) -> tuple[float, float]:
    """The most memory, in MiB, that this process held for itself during a run, and the most that one it started did.

    Pages of mapped files are left out: the system takes them back whenever it needs them.
    """
    own, others = 0.0, 0.0
    with ThreadPoolExecutor(1) as thread:
        done = thread.submit(run)
        while not done.done():
            own = max(own, _anonymous(os.getpid()))
            others = max([others, *map(_anonymous, _children())])
            time.sleep(0.02)
        done.result()
    return own, others


def _anonymous(process: int) -> float:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return sum(float(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def _children() -> Iterator[int]:
    for listed in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        try:
            yield from map(int, listed.read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue


def memory(cohort: Path, scratch: Path, size: int, times: tuple[int, ...]) -> tuple[Table, list[dict[str, float]]]:
    """Peak memory and time of first epochs over the number of patients, each in a process of its own."""
    table = Table("patients", "images", "seconds", "MiB, the process", "MiB, its largest loading process",
                  title=f"First epochs at {size} px: memory that is no page of a file")  # fmt: skip
    numbers = []
    for repeat in times:
        folder, cache = scratch / f"cohort-{repeat}", scratch / f"cache-{repeat}"
        larger = repeated_cohort(cohort, folder, repeat)
        know_cleaning(cohort, larger, cache)
        command = [sys.executable, __file__, "--peak-of", str(larger), str(cache), "--size", str(size)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        numbers.append(found)
        table.add_row(f"{found['patients']:.0f}", f"{found['images']:.0f}", f"{found['seconds']:.1f}",
                      f"{found['own']:.0f}", f"{found['others']:.0f}")  # fmt: skip
        shutil.rmtree(folder)
        shutil.rmtree(cache)
    return table, numbers


def peak_of(cohort: Path, cache: Path, size: int) -> None:
    """Prints the peak memory of a first epoch as JSON."""
    started = time.perf_counter()
    own, others = anonymous_peak(lambda: first_epoch(cohort, cache, size))
    seconds = time.perf_counter() - started
    images = sum(1 for _ in (cohort / "train_set").glob("*.jpg"))
    patients = images / len(View)
    print(json.dumps({"patients": patients, "images": images, "seconds": seconds, "own": own, "others": others}))


def main() -> None:
    """Measures all sizes and shows the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patients", type=int, default=16)
    parser.add_argument("--cohort", type=Path, help="a folder for the cohort, or with one; else it is made and removed")
    parser.add_argument("--times", type=int, nargs="+", default=[2, 8, 32], help="how often the cohort is repeated")
    parser.add_argument("--size", type=int, default=224, help="of the prepared pictures, pixels")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    parser.add_argument("--peak-of", nargs=2, type=Path, help="used by itself")
    chosen = parser.parse_args()
    if chosen.peak_of:
        peak_of(chosen.peak_of[0], chosen.peak_of[1], chosen.size)
        return
    with tempfile.TemporaryDirectory() as scratch:
        cohort = make_cohort((chosen.cohort or Path(scratch) / "cohort").absolute(), chosen.patients)
        table, numbers = memory(cohort, Path(scratch), chosen.size, tuple(chosen.times))
    report(chosen.json, [table], {"first_epochs": numbers})


if __name__ == "__main__":
    main()
