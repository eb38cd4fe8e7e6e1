"""One table per model of what the nets of all folds make of the patients whom each of them did not see."""

from pathlib import Path

import pandas as pd

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.errors import RunError
from kium_lightning.files import replacing
from kium_lightning.records import PATIENTS_NAME, Record
from kium_lightning.tasks.fold_runs import fold_runs

OUT_OF_FOLD_NAME = "out_of_fold.csv"
FOLD_COLUMN = "fold"


def out_of_fold_table(records: dict[int, Record]) -> pd.DataFrame:
    """Joins the held-out patients of trainings that differ in their fold.

    Args:
        records: by fold.

    Returns:
        A row per patient, sorted by ``Index``: ``Index``, ``fold``, the columns asked, and ``score_<column>`` of each.

    Raises:
        RunError: a training's table is missing or damaged, or a patient stands in two of them.
    """
    tables = []
    for fold, record in records.items():
        path = record.folder / PATIENTS_NAME
        try:
            table = pd.read_csv(path)
            table.insert(1, FOLD_COLUMN, fold)
        except (OSError, ValueError) as error:
            raise RunError(f"{path} cannot be read ({error}). Train this fold again.") from error
        tables.append(table)
    joined = pd.concat(tables).sort_values(INDEX_COLUMN, ignore_index=True)
    twice = joined[INDEX_COLUMN][joined[INDEX_COLUMN].duplicated()]
    if len(twice):
        raise RunError(
            f"Patient {twice.iloc[0]} was held out by two trainings: "
            f"{', '.join(str(record.folder) for record in records.values())}. Train these folds again."
        )
    return joined


def write_out_of_fold(record: Record, outputs: Path) -> Path | None:
    """Collects, into a training's folder, its held-out patients and those of its recipe's other folds so far.

    The folder of the training that finishes last holds the whole table.

    Returns:
        The file; None where the training scores no patients.
    """
    records = fold_runs(record, outputs)
    records = {fold: each for fold, each in records.items() if (each.folder / PATIENTS_NAME).is_file()}
    if not records:
        return None
    path = record.folder / OUT_OF_FOLD_NAME
    with replacing(path) as temporary:
        out_of_fold_table(records).to_csv(temporary, index=False)
    return path
