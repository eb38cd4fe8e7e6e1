"""Trained runs with their held-out patients; the runs of one recipe on several folds together."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.errors import RunError
from kium_lightning.metrics.evaluable import evaluable
from kium_lightning.metrics.ranking import auroc, macro, per_label
from kium_lightning.records import PATIENTS_NAME, Record
from kium_lightning.tasks.fold_runs import recipe_key
from kium_lightning.tracking.out_of_fold import out_of_fold_table

_SCORE = "score_"
_NAMED_ELSEWHERE = ("model=", "data.fold=")  # the run's name, and its fold


@dataclass(frozen=True)
class PatientTable:
    """What a run says of the patients whom it held out.

    Attributes:
        patients: (n,) their ``Index``, in increasing order.
        columns: K names of what was asked of each patient.
        labels: (n, K), 0 or 1.
        scores: (n, K), 0..1.
    """

    patients: NDArray[np.int64]
    columns: list[str]
    labels: NDArray[np.int64]
    scores: NDArray[np.float64]

    def evaluable(self, least_positives: int) -> "PatientTable":
        """The same patients with those columns alone that have so many of them with, and without, the label."""
        kept = [k for k in range(len(self.columns)) if evaluable(self.labels[:, k], least_positives).holds]
        columns = [self.columns[k] for k in kept]
        return replace(self, columns=columns, labels=self.labels[:, kept], scores=self.scores[:, kept])

    @property
    def digest(self) -> str:
        """A hash that is equal for the same patients with the same labels."""
        content = [*map(str, self.columns), self.patients.tobytes().hex(), self.labels.tobytes().hex()]
        return hashlib.blake2b("\n".join(content).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class ScoredRuns:
    """A run with its patients, or the runs of one recipe on several folds with all of theirs.

    Attributes:
        records: by increasing fold.
        settings: the overrides that tell it from the other runs.
        table: the patients; None where a run scores none.
        by_fold: the macro AUROC of each fold alone; NaN where it is not known.
        is_part: whether it stands among the runs of several folds, too.
        least_positives: how many patients with, and without, the label a column needs to count in an AUROC.
    """

    records: tuple[Record, ...]
    settings: str
    table: PatientTable | None
    by_fold: tuple[float, ...]
    is_part: bool
    least_positives: int

    @property
    def record(self) -> Record:
        """The newest run's."""
        return max(self.records, key=lambda record: record.finished)

    @property
    def folds(self) -> tuple[int, ...]:
        """Those that were held out."""
        return tuple(int(record.facts["split"]["fold"]) for record in self.records)

    @property
    def seconds(self) -> float:
        """What all its trainings took."""
        return float(sum(record.facts["seconds"] for record in self.records))

    @property
    def auroc(self) -> float:
        """The macro AUROC of all patients together; NaN where it is not known."""
        return _macro_auroc(self.table, self.least_positives)

    @property
    def rank(self) -> tuple[bool, float, str]:
        """Best first when sorted by it."""
        value = self.auroc
        return math.isnan(value), 0.0 if math.isnan(value) else -value, self.record.finished


def scored_runs(records: Sequence[Record], least_positives: int) -> list[ScoredRuns]:
    """Reads the patients of runs, and joins the newest runs of each recipe's folds.

    Args:
        records: of finished trainings, newest first.
        least_positives: how many patients with, and without, the label a column needs to count in an AUROC.

    Raises:
        RunError: a file is not in the form that training writes.
    """
    settings = dict(zip([record.folder for record in records], _distinct_settings(records), strict=True))
    tables = {record.folder: read_patients(record.folder) for record in records}
    recipes: dict[tuple[str, ...], dict[int, Record]] = defaultdict(dict)
    for record in records:
        if tables[record.folder] is not None:
            recipes[recipe_key(record)].setdefault(int(record.facts["split"]["fold"]), record)
    found, parts = [], set()
    for by_fold in recipes.values():
        if len(by_fold) < 2:
            continue
        members = tuple(record for _, record in sorted(by_fold.items()))
        parts |= {record.folder for record in members}
        joined = _as_patients(out_of_fold_table({int(r.facts["split"]["fold"]): r for r in members}))
        aurocs = tuple(_macro_auroc(tables[record.folder], least_positives) for record in members)
        found.append(ScoredRuns(members, settings[members[0].folder], joined, aurocs, False, least_positives))
    for record in records:
        table = tables[record.folder]
        own = settings[record.folder]
        auroc_alone = _macro_auroc(table, least_positives)
        found.append(ScoredRuns((record,), own, table, (auroc_alone,), record.folder in parts, least_positives))
    return found


def read_patients(folder: Path) -> PatientTable | None:
    """Reads the patients' scores that a training left; None where it scores no patients.

    Raises:
        RunError: the file is not in the form that training writes.
    """
    path = folder / PATIENTS_NAME
    if not path.is_file():
        return None
    try:
        return _as_patients(pd.read_csv(path))
    except (ValueError, KeyError) as error:
        raise RunError(f"{path} is not a table of patients' scores ({error}). Train again.") from error


def _as_patients(table: pd.DataFrame) -> PatientTable:
    table = table.sort_values(INDEX_COLUMN)
    columns = [str(name).removeprefix(_SCORE) for name in table if str(name).startswith(_SCORE)]
    labels = table[columns].to_numpy(np.int64)
    scores = table[[f"{_SCORE}{name}" for name in columns]].to_numpy(np.float64)
    return PatientTable(table[INDEX_COLUMN].to_numpy(np.int64), columns, labels, scores)


def _macro_auroc(table: PatientTable | None, least_positives: int) -> float:
    if table is None:
        return math.nan
    counted = table.evaluable(least_positives)
    return macro(per_label(auroc, counted.labels, counted.scores))


def _distinct_settings(records: Sequence[Record]) -> list[str]:
    """The overrides of each run that not all runs share."""
    given = [
        [each for each in record.facts["overrides"] if not each.startswith(_NAMED_ELSEWHERE)] for record in records
    ]
    shared = Counter(each for overrides in given for each in set(overrides))
    return [" ".join(each for each in overrides if shared[each] < len(records)) for overrides in given]
