"""Trained runs beside each other: those that answer one question about the same patients can be compared."""

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.metrics.corrections import widened
from kium_lightning.metrics.delong import delong_difference, delong_interval
from kium_lightning.metrics.drawn import bootstrap_counts, bootstrap_values, left_out_values
from kium_lightning.metrics.evaluable import LEAST_OF_EACH
from kium_lightning.metrics.intervals import (
    UNKNOWN_INTERVAL,
    Interval,
    PairedDifference,
    bca_interval,
    bootstrap_difference,
)
from kium_lightning.metrics.ranking import auroc, average_precision, macro, per_label
from kium_lightning.records import Record
from kium_lightning.report.estimates import Estimate
from kium_lightning.report.scored_runs import PatientTable, ScoredRuns, scored_runs

NOTHING_ASKED = "nothing is asked of patients"
_NO_DIFFERENCE = PairedDifference(math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Compared:
    """One run in the table.

    Attributes:
        scored: the run, or the runs of one recipe's folds together.
        auroc: macro mean over the columns that can be evaluated, with its interval; NaN where there is none.
        average_precision: likewise, without interval.
        from_best: its AUROC minus that of the best run of its group; NaN for the best itself.
        patients: who were held out; 0 where the run scores no patients.
        positives: of them, those with any positive label.
    """

    scored: ScoredRuns
    auroc: Estimate
    average_precision: float
    from_best: PairedDifference
    patients: int
    positives: int

    @property
    def record(self) -> Record:
        """The newest run's."""
        return self.scored.record

    @property
    def settings(self) -> str:
        """The overrides that tell it from the other runs."""
        return self.scored.settings


@dataclass(frozen=True)
class Group:
    """Runs that answer one question about the same patients, best first.

    Attributes:
        question: what is asked of each patient; ``NOTHING_ASKED`` for pretraining that scores no patients.
        cohort: the cohort's name.
        folds: those that were held out, each by the run that scores its patients.
        runs: best first; those whose score is not known last.
        left_out: columns with too few patients with, or without, an aneurysm, which count in no number.
    """

    question: str
    cohort: str
    folds: tuple[int, ...]
    runs: tuple[Compared, ...]
    left_out: tuple[str, ...] = ()


def compare_runs(
    records: Sequence[Record], level: float, draws: int, seed: int, least_positives: int = LEAST_OF_EACH
) -> list[Group]:
    """Groups runs by what they answer about whom, sorts each group by its macro AUROC, and holds all against the best.

    Every run of a group meets the same drawn patients, so that its interval does not depend on its neighbours, and that
    of its difference from the best is paired.

    Args:
        records: finished training runs.
        level: of the intervals.
        draws: cohorts that the bootstrap draws.
        seed: of the draws.
        least_positives: how many patients with, and without, an aneurysm a column needs to count.

    Returns:
        Groups that score patients first, in the order of their questions. The runs of a recipe on several folds stand
        there as one; alone only beside runs of other recipes that have no more than their fold.
    """
    groups: dict[tuple[bool, str, str, tuple[int, ...], str], list[ScoredRuns]] = defaultdict(list)
    for scored in scored_runs(records, least_positives):
        facts, table = scored.record.facts, scored.table
        cohort = str(facts["cohort"]["name"])
        if table is None:
            key = (True, NOTHING_ASKED, cohort, scored.folds, str(facts["split"]["digest"]))
        else:
            key = (False, str(facts["question"]), cohort, scored.folds, table.digest)
        groups[key].append(scored)
    return [
        Group(question, cohort, folds, _compared(runs, level, draws, seed), _left_out(runs[0]))
        for (_, question, cohort, folds, _), runs in sorted(groups.items(), key=lambda item: item[0])
        if not all(run.is_part for run in runs)
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
                    "folds": " ".join(map(str, group.folds)),
                    "place": place,
                    "model": run.record.name,
                    "settings": run.settings,
                    "auroc": run.auroc.value,
                    "auroc_low": run.auroc.low,
                    "auroc_high": run.auroc.high,
                    "auroc_by_fold": " ".join(f"{value:.4f}" for value in run.scored.by_fold),
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
                    "seconds": run.scored.seconds,
                    "weights": facts["weights"].get("source", "none"),
                    "finished": run.record.finished,
                    "folder": str(run.record.folder),
                }
            )
    return pd.DataFrame(rows)


def _left_out(run: ScoredRuns) -> tuple[str, ...]:
    """The columns that do not count; the same in all runs of a group, as they share a digest."""
    if run.table is None:
        return ()
    counted = run.table.evaluable(run.least_positives).columns
    return tuple(column for column in run.table.columns if column not in counted)


def _compared(runs: Sequence[ScoredRuns], level: float, draws: int, seed: int) -> tuple[Compared, ...]:
    """The runs of one group, best first, each with its interval and its difference from the best."""
    ordered = sorted(runs, key=lambda run: run.rank)
    tables = [run.table for run in ordered if run.table is not None]
    if not tables:  # pretraining
        unknown = Estimate(math.nan, math.nan, math.nan)
        return tuple(Compared(run, unknown, math.nan, _NO_DIFFERENCE, 0, 0) for run in ordered)
    positives = int(tables[0].labels.any(axis=1).sum())  # of the whole group, as it shares a digest
    tables = [table.evaluable(ordered[0].least_positives) for table in tables]
    labels = tables[0].labels
    counts = bootstrap_counts(len(labels), draws, np.random.default_rng(seed))
    in_drawn = partial(bootstrap_values, counts=counts)
    drawn = [_macro_aurocs(table, in_drawn) if table.columns else np.full(draws, math.nan) for table in tables]
    compared = []
    for run, table, values in zip(ordered, tables, drawn, strict=True):
        if run is ordered[0] or not table.columns:
            from_best = _NO_DIFFERENCE
        elif labels.shape[1] == 1:
            from_best = delong_difference(labels[:, 0], table.scores[:, 0], tables[0].scores[:, 0], level)
        else:
            from_best = bootstrap_difference(run.auroc - ordered[0].auroc, values - drawn[0], len(labels), level)
        precision = macro(per_label(average_precision, labels, table.scores))
        estimate = Estimate(run.auroc, *_ends(table, run.auroc, values, level))
        compared.append(Compared(run, estimate, precision, from_best, len(labels), positives))
    return tuple(compared)


def _ends(table: PatientTable, value: float, values: NDArray[np.float64], level: float) -> Interval:
    """The interval of the macro AUROC: DeLong's where it is of one column, else BCa over the drawn values."""
    patients = len(table.labels)
    if len(table.columns) == 1:
        return delong_interval(table.labels[:, 0], table.scores[:, 0], level)
    if patients < 2 or not table.columns:
        return UNKNOWN_INTERVAL
    left_out = _macro_aurocs(table, left_out_values)
    return bca_interval(value, values, left_out, widened(level, patients))


def _macro_aurocs(table: PatientTable, in_cohorts: Callable[..., NDArray[np.float64]]) -> NDArray[np.float64]:
    """The macro AUROC in each of several cohorts, over the columns that have both classes there.

    Args:
        table: with at least one column.
        in_cohorts: computes a metric of arrays in each cohort.
    """
    columns = zip(table.labels.T, table.scores.T, strict=True)
    each = [in_cohorts(auroc, labels, scores) for labels, scores in columns]
    return np.array([macro(values) for values in np.array(each).T])
