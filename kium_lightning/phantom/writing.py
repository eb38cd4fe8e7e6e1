"""Writes one synthetic patient: eight images, their masks, and last the patient's truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from kium_lightning.anatomy import Location, View
from kium_lightning.files import replacing, write_json
from kium_lightning.phantom.overlay import Image
from kium_lightning.phantom.patient import Distributions, Patient, Rendered, draw_patient, render


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
    """

    index: int
    labels: frozenset[Location]
    seed: tuple[int, int, int]
    images: Path
    truth: Path
    distributions: Distributions

    @property
    def record(self) -> Path:
        """The file that is written last; where it exists the patient is complete."""
        return self.truth / f"{self.index}.json"


def write_patient(job: Job) -> int:
    """Writes a patient's files, each complete or not at all, and returns the patient's number."""
    cv2.setNumThreads(1)  # the patients are what runs in parallel
    patient = draw_patient(job.labels, job.distributions, job.seed)
    rendered = {view: render(patient, view) for view in View}
    for view, file in rendered.items():
        name = f"{job.index}{view.code}"
        with replacing(job.images / f"{name}.jpg") as path:
            path.write_bytes(file.jpeg)
        for kind, mask in (("text", file.text_mask), ("aneurysm", file.sac_mask)):
            if mask is not None:
                _write_mask(job.truth / f"{name}-{kind}.png", mask)
    write_json(job.record, _truth(job, patient, rendered))
    return job.index


def _write_mask(path: Path, mask: Image) -> None:
    done, buffer = cv2.imencode(".png", mask, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not done:
        raise RuntimeError("OpenCV could not encode a PNG image")
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.tobytes())


def _truth(job: Job, patient: Patient, rendered: dict[View, Rendered]) -> dict[str, Any]:
    aneurysms = []
    for number, sac in enumerate(patient.sacs):
        seen = {view.code: file.sacs[number] for view, file in rendered.items()}
        aneurysms.append(
            {
                "column": sac.location.column,
                "diameter_mm": round(sac.diameter_mm, 3),
                "position_mm": [round(float(value), 3) for value in sac.centre],
                "views": {
                    code: {
                        "box": list(truth.box),
                        "diameter_px": round(truth.diameter_px, 2),
                        "visible": truth.visible,
                        "contrast": round(truth.contrast, 4),
                    }
                    for code, truth in seen.items()
                    if truth is not None
                },
            }
        )
    views = {}
    for view, file in rendered.items():
        sheet = patient.sheets[view]
        views[view.code] = {
            "form": sheet.form,
            "width": sheet.width,
            "height": sheet.height,
            "picture_box": list(sheet.picture),
            "text_boxes": [list(box) for box in file.text_boxes],
            "text_mask": None if file.text_mask is None else f"{job.index}{view.code}-text.png",
            "millimetres_per_pixel": round(file.millimetres_per_pixel, 6),
        }
    return {"index": job.index, "seed": list(job.seed), "aneurysms": aneurysms, "views": views}
