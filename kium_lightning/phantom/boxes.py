"""Where each artery's aneurysms lie in the pictures of many phantoms: python -m kium_lightning.phantom boxes.

Patients are drawn but not rendered. Each gets, one after another, an aneurysm at every place where one can be, so that
rare locations are known as well as common ones; what a view's injection reaches is projected onto its picture.
"""

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from rich.table import Table

from kium_lightning.anatomy import Artery, Circulation, Location, Projection, Side, View
from kium_lightning.console import say_written, show, track
from kium_lightning.data.crop_windows import ArteryWindow, CropWindows, WindowKey, is_mirror_image
from kium_lightning.data.rows import Window
from kium_lightning.phantom.aneurysms import Sac, draw_sac
from kium_lightning.phantom.boxes_picture import write_picture
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.geometry import Ellipsoid, Geometry
from kium_lightning.phantom.labels import draw_labels
from kium_lightning.phantom.patient import Distributions, Patient, draw_patient
from kium_lightning.phantom.scene import filled_to
from kium_lightning.workers import in_workers

PICTURES = (".jpg", ".png")
BOXES_PART = 8  # in seeds, apart from those of a cohort's parts, of a stream and of the statistics
_SACS = 9  # in seeds, apart from what ``draw_patient`` draws
_FEWEST_SACS = 20  # from which the outermost are taken

Outlines = dict[WindowKey, list[Window]]
_Task = tuple[frozenset[Location], Distributions, tuple[int, ...]]


def bodies_box(bodies: Sequence[Ellipsoid], geometry: Geometry) -> Window:
    """The box of the outline of ellipsoids in fractions of the picture, beyond 0 and 1 where they lie beyond its edges.

    Each ellipsoid is projected as by the parallel rays through its centre, which is exact to about a percent of it.
    """
    centres = np.array([body.centre for body in bodies])
    scale = geometry.source_image_mm / (geometry.local(centres)[:, 2] * geometry.pixel_mm)
    reach = np.array(
        [np.linalg.norm((body.axes * body.half_axes[:, None]) @ geometry.axes[:2].T, axis=0) for body in bodies]
    )
    middle, reach = geometry.project(centres) + 0.5, reach * scale[:, None]
    size = np.array([geometry.width, geometry.height])
    left, top = ((middle - reach) / size).min(axis=0)
    right, bottom = ((middle + reach) / size).max(axis=0)
    return Window(float(left), float(top), float(right), float(bottom))


def every_sac(patient: Patient, distributions: Distributions, seed: tuple[int, ...]) -> list[Sac]:
    """An aneurysm at each location of a patient, each drawn as the only one; none where the artery is absent."""
    sacs = []
    for number, location in enumerate(Location):
        rng = np.random.default_rng(np.random.SeedSequence(seed[0], spawn_key=(*seed[1:], _SACS, number)))
        try:
            sacs.append(draw_sac(location, patient.tree, Side.LEFT, distributions.aneurysms, rng))
        except KeyError:
            continue
    return sacs


def outlines_of_patient(task: _Task) -> Outlines:
    """Draws one patient: the outlines of the aneurysms of a view's own side that its injection reaches.

    They are clipped to the picture, and those of right frontal views mirrored; what is off the picture is left out.
    """
    labels, distributions, seed = task
    patient = draw_patient(labels, distributions, seed)
    sacs = every_sac(patient, distributions, seed)
    found: Outlines = defaultdict(list)
    for view in View:
        left, top, right, bottom = patient.sheets[view].picture
        geometry, filling = patient.runs[view].geometry(right - left, bottom - top), patient.filling(view)
        for sac in sacs:
            if sac.location.side in (view.side, None) and filled_to(sac, filling):
                box = Window(*np.clip(bodies_box(sac.bodies, geometry), 0.0, 1.0).tolist())
                if box.left < box.right and box.top < box.bottom:
                    key = WindowKey.of(view, sac.location.artery)
                    found[key].append(box.mirrored if is_mirror_image(view) else box)
    return dict(found)


def outlines(distributions: Distributions, seed: int, patients: int, workers: int | None = None) -> Outlines:
    """The outlines in many patients, in the same order whatever the number of workers.

    Args:
        distributions: what to draw from.
        seed: of everything random.
        patients: how many.
        workers: processes; None for one per core.
    """
    labels = draw_labels(patients, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(BOXES_PART,))))
    tasks = [(of_patient, distributions, (seed, BOXES_PART, number)) for number, of_patient in enumerate(labels)]
    merged: Outlines = defaultdict(list)
    drawn = in_workers(outlines_of_patient, tasks, workers or os.cpu_count() or 1)
    for found in track(drawn, "Drawing patients", patients):
        for key, boxes in found.items():
            merged[key] += boxes
    return dict(merged)


def derive_windows(
    found: Mapping[WindowKey, Sequence[Window]], tail: float, margin: float
) -> dict[WindowKey, ArteryWindow]:
    """Takes each artery's window from the outlines of its aneurysms.

    Args:
        found: the outlines, in left-sided orientation.
        tail: the share of outlines that each of the four edges may cut.
        margin: what is added on every side, as a fraction of the picture.

    Returns:
        The windows, cut off at the picture's edges, of arteries with at least 20 outlines, in the order of the domain.
    """
    windows = {}
    for key in (WindowKey(*parts) for parts in product(Circulation, Projection, Artery)):
        boxes = np.array(found.get(key, []))
        if len(boxes) >= _FEWEST_SACS:
            near = np.quantile(boxes[:, :2], tail, axis=0) - margin
            far = np.quantile(boxes[:, 2:], 1.0 - tail, axis=0) + margin
            edges = np.clip([*near, *far], 0.0, 1.0)
            windows[key] = ArteryWindow(Window(*(float(edge) for edge in edges)), len(boxes))
    return windows


def main(
    cohort: PhantomCohort,
    seed: int,
    patients: int,
    workers: int | None,
    tail: float,
    margin: float,
    command: str,
    file: Path,
    picture: Path,
) -> None:
    """Derives the windows from a cohort's distributions, prints and writes them, and draws them on one patient.

    Args:
        cohort: whose distributions are drawn from.
        seed: of the patients.
        patients: how many to draw.
        workers: processes; None for one per core.
        tail: the share of outlines that each edge of a window may cut.
        margin: what is added on every side, as a fraction of the picture.
        command: what to run to make the file again.
        file: JSON of the windows.
        picture: JPEG or PNG.
    """
    found = outlines(cohort.distributions, seed, patients, workers)
    made = {"command": command, "patients": patients, "seed": seed, "tail": tail, "margin": margin}
    windows = CropWindows(made, derive_windows(found, tail, margin))
    show(_table(windows))
    windows.write(file)
    write_picture(windows, cohort.distributions, seed, picture)
    say_written([file, picture])


def _table(windows: CropWindows) -> Table:
    table = Table(title="Windows of aneurysms, in left-sided views", title_justify="left")
    for column in ("injection", "projection", "artery"):
        table.add_column(column)
    for column in ("aneurysms", "left", "top", "right", "bottom", "of the picture"):
        table.add_column(column, justify="right")
    for key, found in windows.windows.items():
        edges = (f"{edge:.3f}" for edge in found.window)
        table.add_row(
            key.circulation, key.projection.name.lower(), key.artery, str(found.sacs), *edges, f"{found.share:.0%}"
        )
    return table
