"""How fast phantoms are made at full size: python benchmarks/phantom.py [--patients 40] [--workers 2].

The same cohort is made by several processes and by one, against an opponent that does only what no phantom can spare:
as many images of the same sizes, of noise, compressed and written by one process. Then a run is killed half way with
SIGKILL and started again; the hash of its folder must be that of the uninterrupted one.
"""

import argparse
import hashlib
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from rich.table import Table

from kium_lightning.anatomy import View
from kium_lightning.console import say, show
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.settings import build, compose


def settings(folder: Path, arguments: argparse.Namespace, workers: int) -> list[str]:
    """The overrides of a cohort of full-size images."""
    return [
        f"cohort={arguments.cohort}",
        f"cohort.folder={folder}",
        f"cohort.train_patients={arguments.patients}",
        "cohort.test_patients=0",
        f"cohort.seed={arguments.seed}",
        f"cohort.workers={workers}",
    ]


class Clock:
    """Seconds that pass and seconds that processors work, this process and its ended children together."""

    def __init__(self) -> None:
        self._started = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return time.perf_counter(), sum(usage.ru_utime + usage.ru_stime for usage in usages)

    def read(self) -> tuple[float, float]:
        """Seconds since the start: passed, and worked."""
        return self._now()[0] - self._started[0], self._now()[1] - self._started[1]


def make(folder: Path, arguments: argparse.Namespace, workers: int) -> tuple[float, float]:
    """Makes a cohort; returns the seconds passed and worked, the start of the workers included."""
    cohort: PhantomCohort = build(compose("phantom", settings(folder, arguments, workers)).cohort)
    clock = Clock()
    cohort.ensure()
    return clock.read()


def compress(folder: Path, arguments: argparse.Namespace) -> tuple[float, float]:
    """The opponent: compresses and writes as many images of noise; returns the seconds passed and worked."""
    cohort: PhantomCohort = build(compose("phantom", settings(folder, arguments, 1)).cohort)
    rng = np.random.default_rng(0)
    sizes = [cohort.distributions.film.sizes[index % 8] for index in range(arguments.patients)]
    noise = {size: rng.normal(190, 2.5, size[::-1]).astype(np.uint8) for size in {(w, h) for w, h in sizes}}
    folder.mkdir(parents=True)
    clock = Clock()
    for patient, (width, height) in enumerate(sizes):
        for view in View:
            content = cv2.imencode(".jpg", noise[width, height], [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
            (folder / f"{patient}{view.code}.jpg").write_bytes(content.tobytes())
    return clock.read()


def kill_half_way(folder: Path, arguments: argparse.Namespace) -> int:
    """Starts the command and kills it when half of the patients are there; returns how many there were."""
    command = [sys.executable, "-m", "kium_lightning.phantom", *settings(folder, arguments, arguments.workers)]
    process = subprocess.Popen([*command, f"hydra.run.dir={folder.parent / 'run'}"], stderr=subprocess.DEVNULL)
    while len(records(folder)) < arguments.patients // 2 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return len(records(folder))


def records(folder: Path) -> list[Path]:
    """The patients that are complete."""
    return list(folder.glob("truth/train_set/[0-9]*.json"))


def digest(folder: Path) -> str:
    """A hash of every file's name and content."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        total.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return total.hexdigest()[:16]


def main() -> None:
    """Runs the benchmark and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cohort", default="phantom")
    parser.add_argument("--patients", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        many = make(root / "many", arguments, arguments.workers)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024.0  # of the largest worker
        rows = [
            (f"phantoms, {arguments.workers} processes", many),
            ("phantoms, one process", make(root / "one", arguments, 1)),
            ("as many images of noise, only compressed and written", compress(root / "noise", arguments)),
        ]
        columns = ("made", "seconds", "patients per second", "images per second", "processor seconds per patient")
        table = Table(*columns, title=f"cohort={arguments.cohort}, {arguments.patients} patients")
        for words, (seconds, worked) in rows:
            rate = arguments.patients / seconds
            each = worked / arguments.patients
            table.add_row(words, f"{seconds:.1f}", f"{rate:.2f}", f"{rate * len(View):.1f}", f"{each:.2f}")
        show(table)
        say(f"largest worker: {peak:.0f} MB at its peak")
        killed = kill_half_way(root / "killed", arguments)
        make(root / "killed", arguments, arguments.workers)
        hashes = [digest(root / name) for name in ("many", "one", "killed")]
        say(f"killed after {killed} of {arguments.patients} patients and continued: hash {hashes[2]}")
        say(f"never interrupted: hash {hashes[0]} with {arguments.workers} processes, {hashes[1]} with one")
        if len(set(hashes)) > 1:
            raise SystemExit("The folders differ.")


if __name__ == "__main__":
    main()
