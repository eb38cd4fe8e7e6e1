"""The table of what each net said of each single view, below the patient's fused scores."""

from pathlib import Path

import numpy as np
import pandas as pd

from kium_lightning.anatomy import INDEX_COLUMN, PRESENCE_COLUMN, Artery, View
from kium_lightning.data.rows import VIEW_COLUMN
from kium_lightning.ensemble.predictor import EnsembleScores
from kium_lightning.ensemble.rounding import SCORE_DECIMALS, rounded
from kium_lightning.files import replacing

VIEW_SCORES_NAME = "view_scores.csv"


def view_scores_table(scores: EnsembleScores) -> pd.DataFrame:
    """Lists the scores of every view.

    Args:
        scores: of n patients.

    Returns:
        Eight rows per patient in the order of the views, with ``Index``, ``view``, the presence score and a column
        per artery; NaN for arteries of the other circulation and where no locator ran.
    """
    patients = scores.patients
    rows = []
    for view in View:
        position = view.circulation.views.index(view)
        columns: dict[str, object] = {
            INDEX_COLUMN: np.asarray(patients, np.int64),
            VIEW_COLUMN: view.code,
            PRESENCE_COLUMN: rounded(scores.presence_views[view.circulation][:, position]),
        }
        columns |= {artery.value: np.full(len(patients), np.nan) for artery in Artery}
        for index, artery in enumerate(view.circulation.arteries):
            columns[artery.value] = rounded(scores.location_views[view.circulation][:, position, index])
        rows.append(pd.DataFrame(columns))
    order = [INDEX_COLUMN, VIEW_COLUMN, PRESENCE_COLUMN, *(artery.value for artery in Artery)]
    table = pd.concat(rows, keys=range(len(rows)), names=["view_order", "patient_order"])
    return table.sort_index(level=["patient_order", "view_order"])[order].reset_index(drop=True)


def write_view_scores(folder: Path, scores: EnsembleScores) -> Path:
    """Writes the table into a run's folder and returns the file's path."""
    path = folder / VIEW_SCORES_NAME
    with replacing(path) as temporary:
        view_scores_table(scores).to_csv(temporary, index=False, float_format=f"%.{SCORE_DECIMALS}f")
    return path
