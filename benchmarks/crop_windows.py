"""Whether crop windows hold the aneurysms of other phantoms: python benchmarks/crop_windows.py [--patients 250].

Draws patients of another seed than the windows come from, casts the rays of their views at full size, and counts of the
aneurysms that the truth calls visible how many lie inside the window of their artery.
"""

import argparse
import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import binomtest

from kium_lightning.anatomy import Circulation, Location
from kium_lightning.console import track
from kium_lightning.data.crop_windows import SHIPPED_WINDOWS, CropWindows, WindowKey, filmed, read_crop_windows
from kium_lightning.data.cropped_rows import cropped_views
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.patient import Distributions, draw_patient
from kium_lightning.phantom.scene import cast
from kium_lightning.settings import build, compose
from kium_lightning.workers import in_workers

_PART = 10  # in seeds
_STEP, _SACS = 4, 5  # each patient has 5 aneurysms, 4 columns apart, so that they rarely hide each other


class Seen(NamedTuple):
    """One visible aneurysm in one view.

    Attributes:
        key: injection, projection and artery.
        has_centre: whether the window holds the middle of its outline.
        has_all: whether the window holds its whole outline.
    """

    key: WindowKey
    has_centre: bool
    has_all: bool


def seen_of_patient(task: tuple[Distributions, CropWindows, int, int]) -> list[Seen]:
    """Draws one patient and holds the visible aneurysms of its views against their windows."""
    distributions, windows, seed, number = task
    columns = list(Location)
    labels = frozenset(columns[(number + _STEP * each) % len(columns)] for each in range(_SACS))
    patient = draw_patient(labels, distributions, (seed, _PART, number))
    crops = [crop for circulation in Circulation for crop in cropped_views(circulation)]
    found = []
    for view in dict.fromkeys(view for view, _ in crops):
        run, sheet = patient.runs[view], patient.sheets[view]
        scene = cast(patient.tree, patient.sacs, patient.filling(view), run, sheet.picture, sheet.darkest_signal, False)
        left, top, right, bottom = sheet.picture
        for sac, truth in zip(patient.sacs, scene.sacs, strict=True):
            artery = sac.location.artery
            if truth is None or not truth.visible or (view, artery) not in crops:
                continue
            if sac.location.side not in (view.side, None):
                continue
            kept = np.array(filmed(windows.windows[WindowKey.of(view, artery)].window, view))
            box = (np.array(truth.box) - [left, top, left, top]) / ([right - left, bottom - top] * 2)
            middle = (box[:2] + box[2:]) / 2
            has_centre = bool((kept[:2] <= middle).all() and (middle < kept[2:]).all())
            has_all = bool((kept[:2] <= box[:2]).all() and (box[2:] <= kept[2:]).all())
            found.append(Seen(WindowKey.of(view, artery), has_centre, has_all))
    return found


def share_of(answers: list[bool]) -> str:
    """A share with its Wilson interval of 95 %, in per cent."""
    interval = binomtest(sum(answers), len(answers)).proportion_ci(method="wilson")
    return f"{100 * sum(answers) / len(answers):.1f} ({100 * interval.low:.1f} to {100 * interval.high:.1f})"


def all_seen(tasks: list[tuple[Distributions, CropWindows, int, int]]) -> Iterator[list[Seen]]:
    """Holds patients against the windows, in as many processes as there are cores."""
    yield from in_workers(seen_of_patient, tasks, os.cpu_count() or 1)


def main() -> None:
    """Runs the benchmark and prints a table in Markdown."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--patients", type=int, default=250, help="with five aneurysms each")
    arguments.add_argument("--seed", type=int, default=77)
    arguments.add_argument("--windows", type=Path, default=SHIPPED_WINDOWS, help="JSON of the windows")
    arguments.add_argument("overrides", nargs="*", help="of the cohort, such as cohort.seed=3")
    chosen = arguments.parse_args()
    cohort: PhantomCohort = build(compose("phantom", ["cohort=phantom", *chosen.overrides]).cohort)
    windows = read_crop_windows(chosen.windows.absolute())
    tasks = [(cohort.distributions, windows, chosen.seed, number) for number in range(chosen.patients)]
    counted: dict[WindowKey, list[Seen]] = defaultdict(list)
    for found in track(all_seen(tasks), "casting patients", len(tasks)):
        for seen in found:
            counted[seen.key].append(seen)
    print(
        "| injection | projection | artery | left, top, right, bottom | of the picture | from aneurysms | visible "
        "| centre inside, % | whole outline inside, % |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for key, known in windows.windows.items():
        if key in counted:
            edges = ", ".join(f"{edge:.2f}" for edge in known.window)
            names = [str(key.circulation), key.projection.name.lower(), str(key.artery)]
            print(_row([*names, edges, f"{known.share:.1%}", str(known.sacs)], counted[key]))
    print(_row(["all", *[""] * 5], [seen for found in counted.values() for seen in found]))


def _row(first: list[str], seen: list[Seen]) -> str:
    centres, wholes = share_of([each.has_centre for each in seen]), share_of([each.has_all for each in seen])
    return f"| {' | '.join([*first, str(len(seen)), centres, wholes])} |"


if __name__ == "__main__":
    main()
