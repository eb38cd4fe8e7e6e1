"""How time and memory of every verb grow with the cohort: python benchmarks/scaling.py [--largest 10000].

Makes cohorts of 30 to 10,000 patients of tiny films (96 px) that are all different, half of them labelled, runs every
verb on each as a user does, in a process of its own, and fits how what it takes grows. The nets are timm's smallest
ResNet at 32 px, two folds of each of the report's four: what is measured is everything around them.

Time is the processor time of the verb and its workers, which a busy machine changes least; the wall time stands beside
it. A verb's fixed part, what the smallest cohort takes, is subtracted before the slope of log time over log patients
is fitted: 1 is linear. Memory is the peak of the largest process without mapped files, whose pages the system takes
back when it needs them (`processes.py`). `phantom` makes at most 300 patients, since a phantom takes a second; each is
made by itself.

What must grow: the list of image files and what is known of each (about 1 KB), the drawn cohorts of an interval
(2,000 of 2 bytes a patient), every patient's scores, and the points of the curves on a page.

What is quadratic and stays so: the audit compares each picture with each other, 0.8 ns a pair and way of cutting, so
that of 80,000 pictures (10,000 patients) it takes two minutes; reading and cleaning full-size films takes far longer.

Tried, and no help: k-d trees for the nearest fingerprints (in 8 to 24 dimensions they visit nearly all pairs of 80,000,
at 2 to 12 ns each, and prune nothing); one bound for all ten ways to cut a picture (their fingerprints lie 0.4 to 0.9
apart, so that a sixth of all pairs of phantoms stays open).
"""

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from processes import Cost, measured
from rich.table import Table
from timing import machine

from kium_lightning.anatomy import CSV_COLUMNS, Location, View
from kium_lightning.console import say, show
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.files import write_json, write_text
from kium_lightning.phantom.labels import draw_labels

SIZES = (30, 100, 300, 1000, 3000, 10_000)
VERBS = ("phantom", "preprocess", "audit", "train", "compare", "calibrate", "predict", "evaluate", "explain")
_FILM = 96  # pixels
_VESSELS = 6
_PHANTOMS = 300
_SLOPE = 1.15  # at most, or the verb is called not linear
_GROWTH = 1.3  # of memory from the second smallest cohort to the largest, at most
_SEEN = 0.25  # of the fixed part, and of a second: a size that takes less beyond it says nothing about the slope
_NETS = ("mednet_anterior", "mednet_posterior", "swin_anterior", "resnet18_posterior")


@dataclass(frozen=True)
class Growth:
    """How a verb's cost grows.

    Attributes:
        verb: its name.
        slope: of log processor time beyond the fixed part over log patients; NaN where it takes too little to tell.
        seconds: processor time for 1,000 patients more, at the largest size.
        memory: bytes of its largest process at the largest size over those at the second smallest.
        per_patient: bytes that one patient more takes there.
    """

    verb: str
    slope: float
    seconds: float
    memory: float
    per_patient: float

    @property
    def is_linear(self) -> bool:
        """Whether time grows no faster than patients; what takes too little to tell counts as linear."""
        return not self.slope > _SLOPE

    @property
    def is_flat(self) -> bool:
        """Whether memory stays."""
        return self.memory <= _GROWTH


def film(usual: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draws a film: the usual vessels of its view, moved, bent and thickened for this patient, and noise.

    Args:
        usual: (vessels, points, 2) in units of the film.
        rng: the patient's.

    Returns:
        (96, 96).
    """
    points = (usual + rng.normal(0.0, 0.03, usual.shape).cumsum(axis=1)) * _FILM
    picture = np.full((_FILM, _FILM), 195, np.uint8)
    for vessel, width in zip(points, rng.integers(1, 5, len(points)), strict=True):
        cv2.polylines(picture, [vessel.astype(np.int32)], False, int(rng.integers(20, 120)), int(width), cv2.LINE_AA)
    return (picture + rng.normal(0.0, 2.5, picture.shape)).clip(0, 255).astype(np.uint8)


def write_cohort(folder: Path, patients: int, seed: int) -> CohortFolder:
    """Writes a cohort in the challenge's form with the challenge's shares of labels; half of it is labelled."""
    cohort = CohortFolder(folder, "scaling")
    views = np.random.default_rng(seed)
    usual = {view: views.uniform(0.1, 0.9, (_VESSELS, 1, 2)) + views.normal(0, 0.08, (_VESSELS, 8, 2)).cumsum(1)
             for view in View}  # fmt: skip
    first = 1001
    for part, (images, count) in enumerate(((cohort.train_set, patients // 2), (cohort.test_set, -(-patients // 2)))):
        images.mkdir(parents=True)
        rng = np.random.default_rng((seed, part))
        rows = []
        for patient, labels in enumerate(draw_labels(count, rng), start=first):
            rows.append([patient, int(bool(labels)), *(int(location in labels) for location in Location)])
            for view in View:
                cv2.imwrite(str(images / f"{patient}{view.code}.jpg"), film(usual[view], rng))
        first += count
        table, blank = _csv(rows), _csv([[row[0]] + [0] * (len(row) - 1) for row in rows])
        if part == 0:
            write_text(cohort.train_csv, table)
        else:
            write_text(cohort.groundtruth_csv, table)
            write_text(cohort.test_csv, blank)
    return cohort


def _csv(rows: Sequence[Sequence[int]]) -> str:
    return "\n".join([",".join(CSV_COLUMNS), *(",".join(map(str, row)) for row in rows)]) + "\n"


def arguments_of(verb: str, cohort: CohortFolder, patients: int) -> list[str]:
    """What a verb is called with; each needs those before it."""
    own = ["cohort=kium", f"cohort.folder={cohort.path}", f"cohort.name=scaling{patients}"]
    return {
        "phantom": ["cohort=phantom_tiny", f"cohort.train_patients={patients // 2}",
                    f"cohort.test_patients={-(-patients // 2)}", f"cohort.folder={cohort.path.parent / 'phantoms'}"],
        "preprocess": own,
        "audit": own,
        "train": ["-m", f"model={','.join(_NETS)}", "data.fold=0,1", *own, "model/net=timm",
                  "model.net.name=test_resnet", "data.image_size=32", "data.median_kernel=1", "data.batch_size=64",
                  "data.workers=0", "data.folds=2", "data.validation=held_out", "pretrained=false", "logger=csv",
                  "trainer.max_epochs=1", "trainer.accelerator=cpu", "trainer.precision=32-true"],
        "compare": [],
        "calibrate": ["predictor.workers=0", "predictor.device=cpu"],
        "predict": ["predictor.workers=0", "predictor.device=cpu"],
        "evaluate": ["device=cpu"],
        "explain": ["run=mednet_anterior", "device=cpu"],
    }[verb]  # fmt: skip


def growth(costs: Sequence[Cost]) -> Growth:
    """Fits how the cost of one verb grows over sizes, smallest first."""
    fixed, *others = costs
    beyond = [(cost.patients - fixed.patients, cost.processor - fixed.processor) for cost in others]
    seen = np.array([pair for pair in beyond if pair[1] >= _SEEN * max(1.0, fixed.processor)])
    slope = float("nan")
    if len(seen) > 1:
        slope = float(np.polyfit(np.log(seen[:, 0]), np.log(seen[:, 1]), 1)[0])
    seconds = 1000 * beyond[-1][1] / beyond[-1][0] if beyond else float("nan")
    second, last = costs[1 if len(costs) > 2 else 0], costs[-1]
    apart = max(1, last.patients - second.patients)
    return Growth(
        fixed.verb, slope, seconds, last.largest / second.largest, max(0, last.largest - second.largest) / apart
    )


def cost_table(costs: dict[str, list[Cost]], sizes: Sequence[int]) -> Table:
    """What each verb took at each size."""
    table = Table("verb", *(f"{size:,}" for size in sizes), "s per 1,000", "slope of time", "memory",
                  title="Processor seconds (wall seconds), peak MB of the largest process + its mapped files; "
                        "by the number of patients")  # fmt: skip
    for verb, taken in costs.items():
        by_size = {cost.patients: cost for cost in taken}
        cells = []
        for size in sizes:
            cost = by_size.get(size)
            cells.append("" if cost is None else f"{cost.processor:.1f} ({cost.wall:.1f})\n"
                         f"{cost.largest / 1e6:.0f} + {cost.mapped / 1e6:.0f}")  # fmt: skip
        grown = growth(taken)
        table.add_row(
            verb, *cells, f"{grown.seconds:.2f}", "too little" if np.isnan(grown.slope) else f"{grown.slope:.2f}",
            f"x {grown.memory:.2f}\n{grown.per_patient / 1e3:.1f} kB each",
        )  # fmt: skip
    return table


def verdict(grown: Growth) -> str:
    """One sentence about a verb."""
    time_said = "linear in time" if grown.is_linear else f"NOT linear in time: slope {grown.slope:.2f}"
    if np.isnan(grown.slope):
        time_said = f"{grown.seconds:.1f} s per 1,000 patients, too little beside its start to see a slope"
    memory_said = (
        "flat in memory"
        if grown.is_flat
        else f"memory grows {grown.memory:.2f} times, {grown.per_patient / 1e3:.1f} kB a patient"
    )
    return f"{grown.verb}: {time_said}; {memory_said}."


def main() -> None:
    """Measures, prints a table and verdicts, and writes JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--largest", type=int, default=3000, help="patients")
    parser.add_argument("--verbs", default=",".join(VERBS), help="which, with what they need, as audit,train,compare")
    parser.add_argument("--folder", type=Path, help="where to make the cohorts, which are kept there")
    parser.add_argument("--json", type=Path, help="where to write the numbers")
    given = parser.parse_args()
    verbs = [verb for verb in VERBS if verb in given.verbs.split(",")]
    sizes = [size for size in SIZES if size <= given.largest]
    costs: dict[str, list[Cost]] = {verb: [] for verb in verbs}
    with tempfile.TemporaryDirectory() as temporary:
        for size in sizes:
            folder = (given.folder or Path(temporary)) / str(size)
            cohort = CohortFolder(folder / "cohort", "scaling")
            if not cohort.path.is_dir():
                say(f"making {size} patients")
                write_cohort(cohort.path, size, seed=size)
            for verb in verbs:
                if verb == "phantom" and size > _PHANTOMS:
                    continue
                cost = measured(verb, size, arguments_of(verb, cohort, size), folder / "outputs")
                costs[verb].append(cost)
                say(f"{size} {verb}: {cost.processor:.1f} s ({cost.wall:.1f} s), {cost.largest / 1e6:.0f} MB")
            if given.folder is None:
                shutil.rmtree(folder)
    show(cost_table(costs, sizes))
    grown = [growth(taken) for taken in costs.values()]
    for each in grown:
        say(verdict(each))
    if given.json is not None:
        taken = [asdict(cost) for each in costs.values() for cost in each]
        facts: dict[str, Any] = {"machine": machine(), "film": _FILM, "sizes": sizes, "costs": taken}
        write_json(given.json, {**facts, "growth": [asdict(each) for each in grown]})


if __name__ == "__main__":
    main()
