"""Writes one synthetic patient: eight images, their truth, and last the record that says the patient is complete.

Beside the images, in the part's folder below ``truth/``, 1001 standing for the patient's number:

- ``1001.json``: aneurysms and look-alikes with their place and per view their box, and the form of each file;
- ``1001LI-A-text.png``: 255 where text was painted (films with text only);
- ``1001LI-A-aneurysm.png``: 1 + the number of the aneurysm in ``1001.json`` inside its outline, 0 elsewhere;
- ``1001LI-A-arteries.png``: the number of the artery in each pixel, as told by ``truth/arteries.json``;
- ``trees/1001.json``: the vessels as a graph in networkx' node-link form (see ``graph.graph_from_json``).

With the detail ``masks`` there are no maps of arteries and no trees, with ``boxes`` only ``1001.json``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from kium_lightning.anatomy import Location, View
from kium_lightning.files import replacing, write_json, write_text
from kium_lightning.phantom.graph import graph_json, tree_graph
from kium_lightning.phantom.overlay import Image
from kium_lightning.phantom.patient import Distributions, Patient, Rendered, draw_patient, render
from kium_lightning.phantom.truth import Detail, Hidden, SacTruth


@dataclass(frozen=True)
class Job:
    """What a worker needs to write one patient.

    Attributes:
        index: the patient's number in the cohort's tables.
        labels: where the patient has aneurysms.
        seed: the cohort's seed, the part and the patient's place in it.
        images: folder for the images.
        truth: folder for the truth.
        distributions: what to draw from.
        detail: how much of the truth to write.
    """

    index: int
    labels: frozenset[Location]
    seed: tuple[int, int, int]
    images: Path
    truth: Path
    distributions: Distributions
    detail: Detail = Detail.FULL

    @property
    def record(self) -> Path:
        """The file that is written last; where it exists the patient is complete."""
        return self.truth / f"{self.index}.json"


def write_patient(job: Job) -> int:
    """Writes a patient's files, each complete or not at all, and returns the patient's number."""
    cv2.setNumThreads(1)  # the patients are what runs in parallel
    patient = draw_patient(job.labels, job.distributions, job.seed)
    rendered = {}
    for view in View:
        file = rendered[view] = render(patient, view, job.detail)
        name = f"{job.index}{view.code}"
        with replacing(job.images / f"{name}.jpg") as path:
            path.write_bytes(file.jpeg)
        if job.detail is not Detail.BOXES:
            for kind, pixels in (("text", file.text_mask), ("aneurysm", file.sac_mask), ("arteries", file.arteries)):
                if pixels is not None:
                    _write_png(job.truth / f"{name}-{kind}.png", pixels)
    if job.detail is Detail.FULL:
        graph = json.dumps(graph_json(tree_graph(patient.tree)), separators=(",", ":"), allow_nan=False)
        write_text(job.truth / "trees" / f"{job.index}.json", graph + "\n")
    write_json(job.record, record_of(job, patient, rendered))
    return job.index


def _write_png(path: Path, pixels: Image) -> None:
    done, buffer = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise RuntimeError("OpenCV could not encode a PNG image")
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.tobytes())


def record_of(job: Job, patient: Patient, rendered: dict[View, Rendered]) -> dict[str, Any]:
    """What is known of a patient and its eight images, as written to the patient's JSON file."""
    aneurysms = []
    for number, sac in enumerate(patient.sacs):
        parent = patient.tree.branches[sac.branch]
        aneurysms.append(
            {
                "column": sac.location.column,
                "diameter_mm": round(sac.diameter_mm, 3),
                "height_mm": round(sac.height_mm, 3),
                "neck_mm": round(sac.neck_mm, 3),
                "irregular": sac.is_irregular,
                "daughter_sac": sac.has_daughter,
                "parent": {"segment": parent.segment, "side": parent.side, "branch": parent.name},
                "position_mm": _rounded(sac.centre),
                "views": {view.code: _seen(file.sacs[number]) for view, file in rendered.items()},
            }
        )
    lookalikes = []
    for number, lookalike in enumerate(patient.lookalikes):
        vessel = patient.tree.branches[lookalike.branch]
        lookalikes.append(
            {
                "kind": lookalike.kind,
                "vessel": {"segment": vessel.segment, "side": vessel.side, "branch": vessel.name},
                "position_mm": _rounded(lookalike.position),
                "views": {view.code: {"box": file.lookalikes[number]} for view, file in rendered.items()},
            }
        )
    views = {}
    for view, file in rendered.items():
        sheet = patient.sheets[view]
        has_mask = job.detail is not Detail.BOXES and file.text_mask is not None
        views[view.code] = {
            "form": sheet.form,
            "width": sheet.width,
            "height": sheet.height,
            "picture_box": list(sheet.picture),
            "text_boxes": [list(box) for box in file.text_boxes],
            "text_mask": f"{job.index}{view.code}-text.png" if has_mask else None,
            "millimetres_per_pixel": round(file.millimetres_per_pixel, 6),
        }
    return {
        "index": job.index,
        "seed": list(job.seed),
        "aneurysms": aneurysms,
        "lookalikes": lookalikes,
        "views": views,
    }


def _seen(truth: SacTruth | None) -> dict[str, Any]:
    if truth is None:
        return {"box": None, "diameter_px": None, "visible": False, "hidden": Hidden.OFF_PICTURE, "contrast": 0.0}
    return {
        "box": list(truth.box),
        "diameter_px": round(truth.diameter_px, 2),
        "visible": truth.visible,
        "hidden": truth.hidden,
        "contrast": round(truth.contrast, 4),
    }


def _rounded(point: Any) -> list[float]:
    return [round(float(value), 3) for value in point]
