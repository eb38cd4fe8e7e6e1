"""The tables that a prediction writes: the challenge's answer, and all scores beside it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kium_lightning.anatomy import CSV_COLUMNS, INDEX_COLUMN, LOCATION_COLUMNS, PRESENCE_COLUMN, Circulation
from kium_lightning.ensemble.rounding import SCORE_DECIMALS, rounded
from kium_lightning.errors import RunError
from kium_lightning.files import replacing

ANSWER_NAME = "output.csv"
SCORES_NAME = "scores.csv"
THRESHOLDS_NAME = "thresholds.json"
PASSED_COLUMN = "passed_gate"
SCORE_COLUMNS: tuple[str, ...] = (
    INDEX_COLUMN,
    PRESENCE_COLUMN,
    *(circulation.value for circulation in Circulation),
    PASSED_COLUMN,
    *LOCATION_COLUMNS,
)


def answer_table(patients: ArrayLike, presence: ArrayLike, calls: ArrayLike) -> pd.DataFrame:
    """Builds the answer in the challenge's exact form.

    Args:
        patients: (n,) the patients' ``Index``, in the order of the answer.
        presence: (n,) presence scores in [0, 1].
        calls: (n, 21) in the challenge's column order, 0 or 1.

    Returns:
        n rows with ``CSV_COLUMNS``: Index as int64, Aneurysm as rounded float64, locations as int64.

    Raises:
        RunError: the shapes do not fit, or a value is not allowed in an answer.
    """
    indices, scores, called = np.asarray(patients, np.int64), rounded(presence), np.asarray(calls)
    _check_rows(indices, {PRESENCE_COLUMN: scores}, called)
    if not ((scores >= 0) & (scores <= 1)).all():  # NaN fails both comparisons
        raise RunError(
            f"The answer's {PRESENCE_COLUMN} must lie in [0, 1]. Hand in scores after the sigmoid, not logits."
        )
    if not np.isin(called, (0, 1)).all():
        raise RunError("The answer's locations must be 0 or 1. Give calls, not scores.")
    table = pd.DataFrame(called.astype(np.int64), columns=list(LOCATION_COLUMNS))
    table.insert(0, INDEX_COLUMN, indices)
    table.insert(1, PRESENCE_COLUMN, scores)
    return table[list(CSV_COLUMNS)]


def scores_table(
    patients: ArrayLike,
    presence: ArrayLike,
    by_circulation: Mapping[Circulation, NDArray[np.float64]],
    passed: ArrayLike,
    location_scores: ArrayLike,
) -> pd.DataFrame:
    """Builds the table of all scores that an answer was made from.

    Args:
        patients: (n,) the patients' ``Index``.
        presence: (n,) fused presence scores.
        by_circulation: (n,) presence scores of each circulation.
        passed: (n,) whether the gate let the patient through.
        location_scores: (n, 21) in the challenge's column order; NaN where no locator ran, an empty cell in the file.

    Returns:
        n rows with ``SCORE_COLUMNS``; scores rounded as they are compared, ``passed_gate`` 0 or 1.

    Raises:
        RunError: the shapes do not fit.
    """
    indices, gate, locations = np.asarray(patients, np.int64), np.asarray(passed), rounded(location_scores)
    columns = {PRESENCE_COLUMN: rounded(presence)}
    columns |= {circulation.value: rounded(by_circulation[circulation]) for circulation in Circulation}
    _check_rows(indices, {**columns, PASSED_COLUMN: gate}, locations)
    table = pd.DataFrame({INDEX_COLUMN: indices, **columns, PASSED_COLUMN: gate.astype(np.int64)})
    return pd.concat([table, pd.DataFrame(locations, columns=list(LOCATION_COLUMNS))], axis=1)[list(SCORE_COLUMNS)]


def write_answer(folder: Path, patients: ArrayLike, presence: ArrayLike, calls: ArrayLike) -> Path:
    """Writes the answer into a run's folder; arguments as ``answer_table``'s. Returns the file's path."""
    path = folder / ANSWER_NAME
    _write(path, answer_table(patients, presence, calls))
    return path


def write_scores(
    folder: Path,
    patients: ArrayLike,
    presence: ArrayLike,
    by_circulation: Mapping[Circulation, NDArray[np.float64]],
    passed: ArrayLike,
    location_scores: ArrayLike,
) -> Path:
    """Writes all scores into a run's folder; arguments as ``scores_table``'s. Returns the file's path."""
    path = folder / SCORES_NAME
    _write(path, scores_table(patients, presence, by_circulation, passed, location_scores))
    return path


def _write(path: Path, table: pd.DataFrame) -> None:
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format=f"%.{SCORE_DECIMALS}f", lineterminator="\n")


def _check_rows(
    indices: NDArray[np.int64], columns: Mapping[str, NDArray[np.generic]], cells: NDArray[np.generic]
) -> None:
    faults = [f"{name} {values.shape}" for name, values in columns.items() if values.shape != indices.shape]
    if cells.shape != (indices.size, len(LOCATION_COLUMNS)):
        faults.append(f"locations {cells.shape}")
    if faults:
        raise RunError(
            f"{', '.join(faults)} do not fit {indices.size} patients. Give one row per patient and "
            f"{len(LOCATION_COLUMNS)} locations."
        )
