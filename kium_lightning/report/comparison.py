"""Trained runs beside each other: those that answer one question about the same patients can be compared."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.errors import RunError
from kium_lightning.metrics.corrections import widened
from kium_lightning.metrics.delong import delong_difference, delong_interval
from kium_lightning.metrics.intervals import (
    UNKNOWN_INTERVAL,
    Interval,
    PairedDifference,
    bca_interval,
    bootstrap_counts,
    bootstrap_difference,
    bootstrap_values,
    leave_one_out,
)
from kium_lightning.metrics.ranking import auroc, average_precision, macro, per_label
from kium_lightning.records import PATIENTS_NAME, Record
from kium_lightning.report.estimates import Estimate

NOTHING_ASKED = "nothing is asked of patients"
_SCORE = "score_"
_NO_DIFFERENCE = PairedDifference(math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class PatientTable:
    """A run's validation, unfolded to patients.

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

    @property
    def digest(self) -> str:
        """A hash that is equal for the same patients with the same labels."""
        content = [*map(str, self.columns), self.patients.tobytes().hex(), self.labels.tobytes().hex()]
        return hashlib.blake2b("\n".join(content).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Compared:
    """One run in the table.

    Attributes:
        record: the run's.
        settings: the overrides that tell it from the other runs of the table.
        auroc: macro mean over the columns that can be evaluated, with its interval; NaN where there is none.
        average_precision: likewise, without interval.
        from_best: its AUROC minus that of the best run of its group; NaN for the best itself.
        patients: in the validation; 0 where the run scores no patients.
        positives: of them, those with any positive label.
    """

    record: Record
    settings: str
    auroc: Estimate
    average_precision: float
    from_best: PairedDifference
    patients: int
    positives: int


@dataclass(frozen=True)
class Group:
    """Runs that answer one question about the same patients, best first.

    Attributes:
        question: what is asked of each patient; ``NOTHING_ASKED`` for pretraining that scores no patients.
        cohort: the cohort's name.
        fold: the fold that validates.
        runs: best first; those whose score is not known last.
    """

    question: str
    cohort: str
    fold: int
    runs: tuple[Compared, ...]


def read_patients(folder: Path) -> PatientTable | None:
    """Reads the patients' scores that a training left; None where it scores no patients.

    Raises:
        RunError: the file is not in the form that training writes.
    """
    path = folder / PATIENTS_NAME
    if not path.is_file():
        return None
    try:
        table = pd.read_csv(path).sort_values(INDEX_COLUMN)
        columns = [str(name).removeprefix(_SCORE) for name in table if str(name).startswith(_SCORE)]
        labels = table[columns].to_numpy(np.int64)
        scores = table[[f"{_SCORE}{name}" for name in columns]].to_numpy(np.float64)
        return PatientTable(table[INDEX_COLUMN].to_numpy(np.int64), columns, labels, scores)
    except (ValueError, KeyError) as error:
        raise RunError(f"{path} is not a table of patients' scores ({error}). Train again.") from error


def compare_runs(records: Sequence[Record], level: float, draws: int, seed: int) -> list[Group]:
    """Groups runs by what they answer about whom, sorts each group by its macro AUROC, and holds all against the best.

    Every run of a group meets the same drawn patients, so that its interval does not depend on its neighbours, and that
    of its difference from the best is paired.

    Args:
        records: finished training runs.
        level: of the intervals.
        draws: cohorts that the bootstrap draws.
        seed: of the draws.

    Returns:
        Groups that score patients first, in the order of their questions.
    """
    groups: dict[tuple[bool, str, str, int, str], list[_Scored]] = defaultdict(list)
    for record, own in zip(records, _distinct_settings(records), strict=True):
        table, facts = read_patients(record.folder), record.facts
        fold, cohort = int(facts["split"]["fold"]), str(facts["cohort"]["name"])
        if table is None:
            key = (True, NOTHING_ASKED, cohort, fold, str(facts["split"]["digest"]))
        else:
            key = (False, str(facts["question"]), cohort, fold, table.digest)
        groups[key].append(_Scored(record, own, table))
    return [
        Group(question, cohort, fold, _compared(runs, level, draws, seed))
        for (_, question, cohort, fold, _), runs in sorted(groups.items(), key=lambda item: item[0])
    ]


def comparison_table(groups: Sequence[Group]) -> pd.DataFrame:
    """All runs as one table, in the order of the groups: a row per run, NaN where a number is not known."""
    rows: list[dict[str, Any]] = []
    for group in groups:
        for place, run in enumerate(group.runs, start=1):
            facts = run.record.facts
            rows.append(
                {
                    "question": group.question,
                    "cohort": group.cohort,
                    "fold": group.fold,
                    "place": place,
                    "model": run.record.name,
                    "settings": run.settings,
                    "auroc": run.auroc.value,
                    "auroc_low": run.auroc.low,
                    "auroc_high": run.auroc.high,
                    "average_precision": run.average_precision,
                    "from_best": run.from_best.value,
                    "from_best_low": run.from_best.low,
                    "from_best_high": run.from_best.high,
                    "from_best_p": run.from_best.p,
                    "monitor": facts["monitor"],
                    "score": facts["score"],
                    "patients": run.patients,
                    "with_aneurysm": run.positives,
                    "parameters": facts["parameters"],
                    "epochs": facts["epochs"],
                    "seconds": facts["seconds"],
                    "weights": facts["weights"].get("source", "none"),
                    "finished": run.record.finished,
                    "folder": str(run.record.folder),
                }
            )
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class _Scored:
    """A run with its patients, as it is read; best first when sorted by ``rank``."""

    record: Record
    settings: str
    table: PatientTable | None

    @property
    def auroc(self) -> float:
        return math.nan if self.table is None else macro(per_label(auroc, self.table.labels, self.table.scores))

    @property
    def rank(self) -> tuple[bool, float, str]:
        value = self.auroc
        return math.isnan(value), 0.0 if math.isnan(value) else -value, self.record.finished


def _compared(runs: Sequence[_Scored], level: float, draws: int, seed: int) -> tuple[Compared, ...]:
    """The runs of one group, best first, each with its interval and its difference from the best."""
    ordered = sorted(runs, key=lambda run: run.rank)
    tables = [run.table for run in ordered if run.table is not None]
    if not tables:  # pretraining
        unknown = Estimate(math.nan, math.nan, math.nan)
        return tuple(Compared(run.record, run.settings, unknown, math.nan, _NO_DIFFERENCE, 0, 0) for run in ordered)
    labels = tables[0].labels  # of the whole group, as it shares a digest
    counts = bootstrap_counts(len(labels), draws, np.random.default_rng(seed))
    drawn = [_drawn_aurocs(table, counts) for table in tables]
    compared = []
    for run, table, values in zip(ordered, tables, drawn, strict=True):
        if run is ordered[0]:
            from_best = _NO_DIFFERENCE
        elif labels.shape[1] == 1:
            from_best = delong_difference(labels[:, 0], table.scores[:, 0], tables[0].scores[:, 0], level)
        else:
            from_best = bootstrap_difference(run.auroc - ordered[0].auroc, values - drawn[0], len(labels), level)
        precision = macro(per_label(average_precision, labels, table.scores))
        estimate = Estimate(run.auroc, *_ends(table, run.auroc, values, level))
        positives = int(labels.any(axis=1).sum())
        compared.append(Compared(run.record, run.settings, estimate, precision, from_best, len(labels), positives))
    return tuple(compared)


def _ends(table: PatientTable, value: float, values: NDArray[np.float64], level: float) -> Interval:
    """The interval of the macro AUROC: DeLong's where it is of one column, else BCa over the drawn values."""
    patients = len(table.labels)
    if len(table.columns) == 1:
        return delong_interval(table.labels[:, 0], table.scores[:, 0], level)
    if patients < 2:
        return UNKNOWN_INTERVAL
    return bca_interval(value, values, _drawn_aurocs(table, leave_one_out(patients)), widened(level, patients))


def _drawn_aurocs(table: PatientTable, counts: NDArray[np.int16]) -> NDArray[np.float64]:
    """The macro AUROC of each drawn cohort, over the columns that have both classes there."""
    columns = zip(table.labels.T, table.scores.T, strict=True)
    each = [bootstrap_values(auroc, labels, scores, counts=counts) for labels, scores in columns]
    return np.array([macro(values) for values in np.array(each).T])


def _distinct_settings(records: Sequence[Record]) -> list[str]:
    """The overrides of each run that not all runs share; the model is left out, as it is the run's name."""
    given = [[each for each in record.facts["overrides"] if not each.startswith("model=")] for record in records]
    shared = Counter(each for overrides in given for each in set(overrides))
    return [" ".join(each for each in overrides if shared[each] < len(records)) for overrides in given]
