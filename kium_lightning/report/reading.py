"""Reading an answer, its scores and the ground truth, checked and brought to one order of patients."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import CSV_COLUMNS, INDEX_COLUMN, LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN
from kium_lightning.data.checks import fault_table, label_faults, label_numbers
from kium_lightning.ensemble.answer import PASSED_COLUMN, SCORE_COLUMNS
from kium_lightning.errors import CohortError, KiumError, RunError

_NAMED = 5  # patients that an error lists by their Index


@dataclass(frozen=True, eq=False)
class Judged:
    """An answer and the truth about the same n patients, in the order of the ground truth.

    Attributes:
        patients: (n,) their ``Index``.
        labels: (n, 22) the truth in the order of ``LABEL_COLUMNS``, 0 or 1.
        presence: (n,) the answer's presence scores, in [0, 1], which rank the patients.
        calls: (n, 21) the answer's locations, 0 or 1.
        passed: (n,) whether the gate let the patient through; None where the scores are not known.
        location_scores: (n, 21) in [0, 1], NaN where no locator ran; None where the scores are not known.
        probabilities: (n,) what presence is judged by as a probability, where that is another number than what ranks
            the patients; None where it is the same.
        one_gate: whether one threshold on ``presence`` decided about all patients; False where each fold had its own.
    """

    patients: NDArray[np.int64]
    labels: NDArray[np.int64]
    presence: NDArray[np.float64]
    calls: NDArray[np.int64]
    passed: NDArray[np.bool_] | None = None
    location_scores: NDArray[np.float64] | None = None
    probabilities: NDArray[np.float64] | None = None
    one_gate: bool = True

    @property
    def forecast(self) -> NDArray[np.float64]:
        """(n,) presence as a probability."""
        return self.presence if self.probabilities is None else self.probabilities

    @property
    def has_aneurysm(self) -> NDArray[np.int64]:
        """(n,) the truth about presence."""
        return self.labels[:, LABEL_COLUMNS.index(PRESENCE_COLUMN)]

    @property
    def locations(self) -> NDArray[np.int64]:
        """(n, 21) the truth about the locations, in the challenge's column order."""
        return self.labels[:, [LABEL_COLUMNS.index(column) for column in LOCATION_COLUMNS]]


def read_judged(answer: Path, groundtruth: Path, scores: Path | None = None) -> Judged:
    """Reads an answer with its truth.

    Args:
        answer: a CSV file in the challenge's exact form.
        groundtruth: a CSV file of the labels of the same patients.
        scores: the table of scores that the answer was made from, if there is one.

    Raises:
        RunError: the answer or the scores are missing or not in their form, or are of other patients.
        CohortError: the ground truth is missing or holds something else than labels.
    """
    truth = _read_groundtruth(groundtruth)
    patients = truth[INDEX_COLUMN].to_numpy(np.int64)
    answers = _in_order(_read_answer(answer), patients, answer, groundtruth)
    passed, location_scores = None, None
    if scores is not None:
        table = _in_order(_read_scores(scores), patients, scores, groundtruth)
        passed = table[PASSED_COLUMN].to_numpy() == 1
        location_scores = table[list(LOCATION_COLUMNS)].to_numpy(np.float64)
    return Judged(
        patients,
        truth[list(LABEL_COLUMNS)].to_numpy(np.int64),
        answers[PRESENCE_COLUMN].to_numpy(np.float64),
        answers[list(LOCATION_COLUMNS)].to_numpy(np.int64),
        passed,
        location_scores,
    )


def _read_answer(path: Path) -> pd.DataFrame:
    cells = _read_cells(path, CSV_COLUMNS, RunError, "Make it with `python -m kium_lightning.predict`.")
    if list(cells.columns) != list(CSV_COLUMNS):
        has, needs = next(pair for pair in zip(cells.columns, CSV_COLUMNS, strict=True) if pair[0] != pair[1])
        raise RunError(
            f"{path} has the challenge's columns in another order: {has} stands in the place of {needs}. Reorder them."
        )
    table = _numbers(cells, path)
    presence, locations = table[[PRESENCE_COLUMN]], table[list(LOCATION_COLUMNS)]
    _check_values(table, presence.ge(0) & presence.le(1), path, "a number in [0, 1]")
    _check_values(table, locations.isin((0, 1)), path, "0 or 1")
    return table


def _read_scores(path: Path) -> pd.DataFrame:
    cells = _read_cells(path, SCORE_COLUMNS, RunError, "Predict again with `python -m kium_lightning.predict`.")
    table = _numbers(cells, path)
    passed, locations = table[[PASSED_COLUMN]], table[list(LOCATION_COLUMNS)]
    _check_values(table, passed.isin((0, 1)), path, "0 or 1")
    valid = (locations.ge(0) & locations.le(1)) | (locations.isna() & passed.eq(0).to_numpy())
    _check_values(table, valid, path, "a number in [0, 1], or empty below the gate")
    return table


def _read_groundtruth(path: Path) -> pd.DataFrame:
    cells = _read_cells(path, CSV_COLUMNS, CohortError, "Give the CSV file of the test patients' true labels.")
    indices = _indices(cells, path, CohortError)
    cells = cells.assign(**{INDEX_COLUMN: indices})
    faults = list(label_faults(cells))
    if faults:
        raise CohortError(f"{path} is not a sound ground truth. Mend these rows:\n{fault_table(faults)}")
    return pd.concat([cells[[INDEX_COLUMN]], label_numbers(cells)], axis=1)


def _read_cells(path: Path, columns: tuple[str, ...], error: type[KiumError], remedy: str) -> pd.DataFrame:
    """Reads a CSV file as text cells; Excel's byte-order mark, line ends and blank lines do no harm."""
    try:
        with warnings.catch_warnings():
            # Rows longer than the header would else become an index or lose their last cells.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            cells = pd.read_csv(path, dtype=str, encoding="utf-8-sig", keep_default_na=False, index_col=False)
    except FileNotFoundError as cause:
        raise error(f"There is no file {path}. {remedy}") from cause
    except (OSError, ValueError, pd.errors.ParserWarning) as cause:  # pandas' and Unicode's faults are ValueErrors
        raise error(f"{path} cannot be read as CSV ({str(cause).strip().rstrip('.')}). {remedy}") from cause
    missing = [column for column in columns if column not in cells.columns]
    unknown = [str(column) for column in cells.columns if column not in columns]
    if missing or unknown:
        faults = [f"lacks the column {missing[0]} ({len(missing)} missing)"] if missing else []
        faults += [f"has the unknown column {unknown[0]!r} ({len(unknown)} unknown)"] if unknown else []
        raise error(f"{path} {' and '.join(faults)}. {remedy}")
    if cells.empty:
        raise error(f"{path} holds no patient. {remedy}")
    return cells.fillna("")  # cells that a short row lacks


def _indices(cells: pd.DataFrame, path: Path, error: type[KiumError]) -> NDArray[np.int64]:
    numbers = pd.to_numeric(cells[INDEX_COLUMN], errors="coerce").to_numpy(np.float64)
    for row, number in enumerate(numbers):
        if not (np.isfinite(number) and number == int(number)):
            cell = cells[INDEX_COLUMN].iloc[row]
            raise error(f"{path} has the Index {cell!r} in row {row + 1}. Write the patient's whole number.")
    return numbers.astype(np.int64)


def _numbers(cells: pd.DataFrame, path: Path) -> pd.DataFrame:
    indices = _indices(cells, path, RunError)
    numbers = {str(name): pd.to_numeric(cells[name], errors="coerce").astype(float) for name in cells.columns}
    for name, column in numbers.items():
        illegible = column.isna() & (cells[name] != "")
        if illegible.any():
            row = int(np.argmax(illegible))
            cell = cells[name].iloc[row]
            raise RunError(
                f"{path}: {name} of patient {indices[row]} is {cell!r}, which is no number. Correct the file."
            )
    return pd.DataFrame({**numbers, INDEX_COLUMN: indices})


def _check_values(table: pd.DataFrame, valid: pd.DataFrame, path: Path, wanted: str) -> None:
    """Refuses a table with a cell that is not valid; ``valid`` has the columns that are looked at."""
    faults = np.argwhere(~valid.to_numpy())
    if len(faults):
        row, name = faults[0][0], str(valid.columns[faults[0][1]])
        value = table[name].iloc[row]
        shown = "empty" if np.isnan(value) else f"{value:g}"
        cells = "1 such cell" if len(faults) == 1 else f"{len(faults)} such cells"
        raise RunError(
            f"{path}: {name} of patient {table[INDEX_COLUMN].iloc[row]} is {shown} and must be {wanted} ({cells}). "
            "Predict again, or correct the file."
        )


def _in_order(table: pd.DataFrame, patients: NDArray[np.int64], path: Path, groundtruth: Path) -> pd.DataFrame:
    """Brings a table to the order of the ground truth's patients, which it must hold once each."""
    doubled = table[INDEX_COLUMN][table[INDEX_COLUMN].duplicated()].unique()
    if len(doubled):
        raise RunError(f"{path} answers for {_listed(doubled)} more than once. Keep one row per patient.")
    has, needs = set(table[INDEX_COLUMN].tolist()), set(patients.tolist())
    for others, fault in ((needs - has, "lacks"), (has - needs, "holds, beyond the ground truth,")):
        if others:
            raise RunError(
                f"{path} {fault} {_listed(np.array(sorted(others)))}. Both must hold the same patients: compare it "
                f"with {groundtruth}, or name the matching groundtruth=PATH."
            )
    return table.set_index(INDEX_COLUMN).loc[patients].reset_index()


def _listed(patients: NDArray[np.int64]) -> str:
    named = ", ".join(str(patient) for patient in patients[:_NAMED])
    more = f" and {len(patients) - _NAMED} more" if len(patients) > _NAMED else ""
    return f"{'patient' if len(patients) == 1 else 'patients'} {named}{more}"
