"""What is written about one patient: the contact sheet, and the heat maps themselves."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.files import replacing
from kium_lightning.saliency.cases import Case
from kium_lightning.saliency.feature_map import Grid
from kium_lightning.saliency.pointing import peak
from kium_lightning.saliency.running import Cells
from kium_lightning.saliency.sheet import Band, Panel, draw_sheet
from kium_lightning.saliency.subject import Subject
from kium_lightning.saliency.table import heat_map


def write_patient(
    folder: Path,
    subject: Subject,
    grid: Grid,
    cases: Sequence[Case],
    scores: NDArray[np.float64],
    cells: Cells,
    title: str,
    note: str,
) -> list[Path]:
    """Writes ``{Index}.png``, the sheet, and ``{Index}.npz``, the heat maps.

    The second holds one array per map, ``{label}_{name}``, such as ``MCA_LI-A``, (H, W) float16 of the original file:
    the share of the greatest value among this label's maps of the patient, NaN where the net did not look.

    Args:
        folder: where to.
        subject: the net and the patients.
        grid: where the cells lie.
        cases: of this patient.
        scores: (rows, labels), 0..1.
        cells: of all cases.
        title: of the sheet.
        note: at the sheet's foot.

    Returns:
        The two paths.
    """
    bands, maps = [], {}
    for label in dict.fromkeys(case.label for case in cases):
        panels = [_panel(subject, grid, case, scores, cells) for case in cases if case.label == label]
        names = [case.name for case in cases if case.label == label]
        greatest = max(panel.peak.value for panel in panels)
        for name, panel in zip(names, panels, strict=True):
            share = panel.heat / greatest if greatest > 0 else panel.heat
            maps[f"{subject.names[label]}_{name}"] = share.astype(np.float16)
        bands.append(Band(subject.names[label], panels))
    patient = cases[0].patient
    sheet, arrays = folder / f"{patient}.png", folder / f"{patient}.npz"
    draw_sheet(sheet, title, bands, note)
    with replacing(arrays) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **maps)
    return [sheet, arrays]


def _panel(subject: Subject, grid: Grid, case: Case, scores: NDArray[np.float64], cells: Cells) -> Panel:
    image, place = subject.original(case)
    heat = heat_map(cells, case, grid, place)
    title = f"{case.name}   score {scores[case.row, case.label]:.2f}"
    outlines = subject.outline(case, image.shape), subject.other_outline(case, image.shape)
    return Panel(title, image, heat, peak(heat), *outlines)


def patient_title(subject: Subject, patient: int, are_labels_known: bool) -> str:
    """Names a patient and, where they are known, the patient's aneurysms."""
    if not are_labels_known:
        return f"Patient {patient}"
    table = subject.catalog.subset([patient]).table[list(LOCATION_COLUMNS)]
    present = [column for column in LOCATION_COLUMNS if table[column].iloc[0]]
    return f"Patient {patient}: {'aneurysm at ' + ', '.join(present) if present else 'no aneurysm'}"
