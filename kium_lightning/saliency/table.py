"""Describing heat maps in numbers, and scoring those whose truth is known."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN, View
from kium_lightning.console import track
from kium_lightning.files import replacing
from kium_lightning.saliency.cases import Case
from kium_lightning.saliency.feature_map import Grid
from kium_lightning.saliency.grad_cam import map_of_view
from kium_lightning.saliency.placing import HeatMap, Placement, place_back
from kium_lightning.saliency.pointing import peak
from kium_lightning.saliency.running import Cells
from kium_lightning.saliency.scores import Judge, mean_scores, prefixed
from kium_lightning.saliency.subject import Subject

TABLE_NAME = "saliency.csv"
_LENT = 5  # maps of other patients that each map is compared with


def heat_map(cells: Cells, case: Case, grid: Grid, place: Placement) -> HeatMap:
    """The heat map of a case, (H, W) of its file; NaN where the net did not look."""
    return place_back(map_of_view(cells[case.question], case.channel, case.views).numpy(), grid, place)


def table_of_maps(
    subject: Subject,
    grid: Grid,
    cases: Sequence[Case],
    scores: NDArray[np.float64],
    trained: Cells,
    controls: Sequence[Cells],
    tolerance_mm: float,
) -> pd.DataFrame:
    """Describes heat maps, and scores those of views that show an aneurysm with the label.

    Args:
        subject: the net and the patients.
        grid: where the cells lie.
        cases: what to describe, without doubles.
        scores: (rows, labels), 0..1.
        trained: cells of all cases.
        controls: for each net with random weights the cells of all cases that can be scored.
        tolerance_mm: by which a maximum may miss an aneurysm, at the centre of the head.

    Returns:
        A row per case: ``Index, sample, view, label, labelled, score, maximum, x, y``, the last two in pixels of the
        file, and the measures under the prefixes of ``scores.COMPARED``, NaN where they are not known.
    """
    others = _others([case for case in cases if subject.can_score(case)])
    lines = []
    for case in track(cases, "scoring heat maps", total=len(cases)):
        image, place = subject.original(case)
        heat = heat_map(trained, case, grid, place)
        top = peak(heat)
        line: dict[str, object] = {
            INDEX_COLUMN: case.patient,
            "sample": case.sample,
            "view": case.view.code,
            "label": subject.names[case.label],
            "labelled": int(subject.dataset.labels[case.row, case.label]),
            "score": scores[case.row, case.label],
            "maximum": top.value,
            "x": top.x,
            "y": top.y,
        }
        if subject.can_score(case):
            tolerance = subject.truths[case.patient].pixels(case.view, tolerance_mm)
            judge = Judge(subject.outline(case, image.shape), tolerance)
            line |= prefixed("", judge.score(heat)) | prefixed("chance_", judge.chance(heat))
            random = [judge.score(heat_map(cells, case, grid, place)) for cells in controls]
            line |= prefixed("random_", mean_scores(random))
            lent = [judge.score(heat_map(trained, other, grid, place)) for other in others[case]]
            line |= prefixed("other_", mean_scores(lent))
        lines.append(line)
    return pd.DataFrame(lines)


def _others(cases: Sequence[Case]) -> dict[Case, list[Case]]:
    """For each case some of other patients' same view and label: those next by ``Index``, after the last the first.

    What their maps reach is what knowing the usual place of aneurysms is worth.
    """
    alike: dict[tuple[str, View, int], list[Case]] = {}
    for case in sorted(cases, key=lambda case: case.patient):
        alike.setdefault((case.sample, case.view, case.label), []).append(case)
    return {
        case: [group[(place + step) % len(group)] for step in range(1, min(_LENT, len(group) - 1) + 1)]
        for group in alike.values()
        for place, case in enumerate(group)
    }


def write_table(folder: Path, table: pd.DataFrame) -> Path:
    """Writes the table and returns its path."""
    path = folder / TABLE_NAME
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g")
    return path
