"""How fast a cohort becomes output.csv: python benchmarks/prediction.py [--patients 16] [--folder PATH] [--json PATH].

Four nets of the published recipes are trained on small phantoms. Then the full-size images of other phantoms, as files,
become ``output.csv`` by turns: by the published pipeline (``published.py``) and by ``predict``'s own code with
each engine and precision. Every turn looks at the images for the first time: it searches them for margins and text,
which the published pipeline does not. Converted nets are kept from the turn that does not count, as in use.

The calls must be those of the published pipeline and the scores lie within 1e-3 (int8: 2e-2, where decisions that hang
on it are made in float32), else the exit status is 1. What the gate alone gains is measured apart, and what the
processor could do at best. docs/speed.md says what was tried and did not help.
"""

import cProfile
import os
import pstats
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from published import PublishedImages, PublishedSteps, published_loader, published_scores
from rich.table import Table
from scene import Scene, prepared
from timing import Timing, arguments, by_turns, report, timing_table
from torch.utils.flop_counter import FlopCounterMode

from kium_lightning.console import say
from kium_lightning.data.catalog import Catalog
from kium_lightning.ensemble.answer import write_answer
from kium_lightning.ensemble.fusion import PatientScores, fuse_locations, fuse_presence
from kium_lightning.ensemble.gate import Decision, decide
from kium_lightning.ensemble.members import Member
from kium_lightning.ensemble.predictor import Predictor
from kium_lightning.images.reading import read_grey
from kium_lightning.memory import keep_freed_memory, return_freed_memory

PUBLISHED = "published pipeline"
ENGINES = (
    ("torch float32", "torch", "float32"),
    ("OpenVINO float32", "openvino", "float32"),
    ("OpenVINO bfloat16", "openvino", "bfloat16"),
    ("OpenVINO int8", "openvino", "int8"),
)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
CLOSE = 1e-3
RESCORED: dict[str, int] = {}  # patients who were scored again in float32, by the name of the engine
INT8_CLOSE = 2e-2


def by_published(scene: Scene) -> Decision:
    """Scores all images with all four nets by the published pipeline, and writes the answer."""
    catalog = scene.catalog()
    presence = {each: of_member(member, catalog)[:, :, 0] for each, member in scene.ensemble.presence.items()}
    locations = {each: of_member(member, catalog) for each, member in scene.ensemble.locators.items()}
    scores = PatientScores(fuse_presence(presence), fuse_locations(locations))
    return answered(scene, catalog.patients, scores, PUBLISHED)


def of_member(member: Member, catalog: Catalog) -> NDArray[np.float64]:
    """A net's scores of all its views: (patients, 4, outputs)."""
    (loaded,) = member.load()
    views = member.circulation.views
    files = [catalog.images[patient, view] for patient in catalog.patients for view in views]
    preparation = loaded.preparation
    steps = PublishedSteps(
        preparation.image_size,
        "inverted" if preparation.median_kernel > 1 else "as_filmed",
        cv2.INTER_AREA,  # as the project, so that the nets see the same pixels
    )
    mirrored = [place for place in range(len(files)) if preparation.mirrors(views[place % len(views)])]
    images = PublishedImages(files, np.zeros((len(files), 1), np.float32), steps, mirrored)
    net = loaded.task.net.to(memory_format=torch.contiguous_format)
    scores = published_scores(net, published_loader(images, "as_listed"))
    return np.array(scores).reshape(len(catalog.patients), len(views), -1)


def by_predictor(scene: Scene, engine: str, precision: str, presence: float | None = None) -> Decision:
    """Predicts as the predict verb does; every turn cleans the images anew.

    Args:
        scene: images, nets and thresholds.
        engine: which runs the nets.
        precision: of the nets.
        presence: another threshold of the gate.
    """
    keep_freed_memory()  # as the verb
    cache = scene.folder / "cache"
    for remembered in cache.glob("cleaning-*"):
        shutil.rmtree(remembered)
    gate = scene.thresholds if presence is None else replace(scene.thresholds, presence=presence)
    predictor = Predictor(32, "auto", engine, "cpu", precision, cache_folder=str(cache))
    scores = predictor.score(scene.ensemble, scene.catalog(), gate)
    return_freed_memory()
    RESCORED.update({name: scores.rescored for name, *way in ENGINES if tuple(way) == (engine, precision)})
    return answered(scene._replace(thresholds=gate), scores.patients, scores.fused, f"{engine}-{precision}")


def answered(scene: Scene, patients: tuple[int, ...], scores: PatientScores, name: str) -> Decision:
    """Decides and writes output.csv."""
    decision = decide(scores, scene.thresholds)
    write_answer(scene.folder / name, patients, decision.scores.presence, decision.calls)
    return decision


def differences(decisions: dict[str, Decision]) -> tuple[Table, list[str], dict[str, Any]]:
    """What each way of predicting changes against the published pipeline, and what of it is too much."""
    expected = decisions[PUBLISHED]
    table = Table(
        "", "calls that differ", "largest difference of a score", "patients scored again", title="the same answer?"
    )
    faults, numbers = [], {}
    for name, found in decisions.items():
        calls = int((found.calls != expected.calls).sum())
        both = found.passed & expected.passed
        largest = max(
            np.abs(found.scores.presence - expected.scores.presence).max(),
            np.abs(found.scores.locations[both] - expected.scores.locations[both]).max(initial=0.0),
        )
        again = RESCORED.get(name, 0)
        table.add_row(name, f"{calls} of {found.calls.size}", f"{largest:.1e}", str(again))
        numbers[name] = {"calls_that_differ": calls, "largest_difference": float(largest), "scored_again": again}
        if calls or largest > (INT8_CLOSE if "int8" in name else CLOSE):
            faults.append(name)
    return table, faults, numbers


def gate_gains(scene: Scene, presence: NDArray[np.float64], repeats: int) -> dict[str, Timing]:
    """Times predictions with gates that let a growing share of the patients through."""
    ordered = np.sort(presence)
    runs: dict[str, Callable[[], Any]] = {}
    for share in SHARES:
        stopped = round((1 - share) * len(ordered))
        between = [0.0, *((ordered[1:] + ordered[:-1]) / 2), 1.0]
        runs[f"{share:.0%} pass"] = partial(by_predictor, scene, "openvino", "bfloat16", float(between[stopped]))
    return by_turns(runs, dict.fromkeys(runs, len(ordered)), repeats)


def floors(scene: Scene) -> tuple[Table, dict[str, float]]:
    """What a patient must cost at least: decoding on all cores, and the nets' operations at the processor's best."""
    files = list(scene.catalog().images.values())
    patients = len(scene.catalog().patients)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        decoding = by_turns({"decoding": lambda: list(threads.map(read_grey, files))})["decoding"].median / patients
    operations = {each.words: float(operations_of(each)) for each in scene.ensemble.members}
    first = sum(operations[member.words] for member in scene.ensemble.presence.values())
    second = sum(operations[member.words] for member in scene.ensemble.locators.values())
    table = Table("", "per patient", title="floor")
    table.add_row("bytes to decode", f"{sum(file.stat().st_size for file in files) / patients / 1e6:.2f} MB")
    table.add_row("decoding alone, all cores", f"{decoding * 1e3:.1f} ms")
    table.add_row("operations of stage 1", f"{first / 1e9:.0f} GFLOP")
    table.add_row("operations of stage 2, if it passes", f"{second / 1e9:.0f} GFLOP")
    numbers = {"decoding_s": decoding, "stage_1_flop": first, "stage_2_flop": second}
    for name, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        best = peak(dtype)
        table.add_row(
            f"the nets at this processor's {name} best ({best / 1e9:.0f} GFLOP/s)",
            f"{(first + second) / best * 1e3:.0f} ms",
        )
        numbers[f"peak_{name}"] = best
    return table, numbers


def operations_of(member: Member) -> int:
    """Floating-point operations of a patient's four views, a multiplication and an addition being two."""
    (loaded,) = member.load()
    size = loaded.preparation.image_size
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        loaded.task.net(torch.zeros(4, 1, size, size))
    return int(counter.get_total_flops())


def peak(dtype: torch.dtype, size: int = 3072) -> float:
    """Operations per second of a large matrix product, the most that this processor is seen to do."""
    left, right = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)
    timing = by_turns({"product": lambda: left @ right})["product"]
    return 2.0 * size**3 / min(timing.seconds)


def profile(name: str, run: Callable[[], Any]) -> None:
    """Prints where a run spends its time in this process."""
    profiler = cProfile.Profile()
    profiler.runcall(run)
    say(f"profile of {name}")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(12)


def main() -> None:
    """Runs the benchmark and prints tables."""
    parser = arguments(__doc__)
    parser.add_argument("--patients", type=int, default=16)
    parser.add_argument("--training-patients", type=int, default=160)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--folder", type=Path, help="keeps images and nets for the next time")
    parser.add_argument("--profile", action="store_true", help="print where the time goes instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scene = prepared((options.folder or Path(temporary)).absolute(), options)
        decisions: dict[str, Decision] = {}
        runs: dict[str, Callable[[], Decision]] = {PUBLISHED: partial(by_published, scene)}
        runs |= {name: partial(by_predictor, scene, engine, precision) for name, engine, precision in ENGINES}
        if options.profile:
            for name in (PUBLISHED, "OpenVINO bfloat16"):
                runs[name]()
                profile(name, runs[name])
            return

        def keeping(name: str) -> Callable[[], None]:
            return lambda: decisions.update({name: runs[name]()})

        timings = by_turns(
            {name: keeping(name) for name in runs}, dict.fromkeys(runs, options.patients), options.repeats
        )
        same, faults, compared = differences(decisions)
        passed = float(decisions[PUBLISHED].passed.mean())
        title = f"cohort to output.csv, {options.patients} patients, {passed:.0%} pass the gate"
        gains = gate_gains(scene, decisions[PUBLISHED].scores.presence, options.repeats)
        floor, floor_numbers = floors(scene)
        report(
            options.json,
            [
                timing_table(title, timings, PUBLISHED, "patients"),
                same,
                timing_table("the gate alone, OpenVINO bfloat16", gains, f"{SHARES[-1]:.0%} pass", "patients"),
                floor,
            ],
            {
                "patients": options.patients,
                "passed": passed,
                "timings": {name: timing.plain() for name, timing in timings.items()},
                "ratios": {name: each.times_faster_than(timings[PUBLISHED]).plain() for name, each in timings.items()},
                "same": compared,
                "gate": {name: timing.plain() for name, timing in gains.items()},
                "floor": floor_numbers,
            },
        )
    if faults:
        raise SystemExit(f"Another answer than that of the published pipeline: {', '.join(faults)}.")


if __name__ == "__main__":
    main()
