"""Collecting the scores of an epoch and scoring them by row and by patient."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from kium_lightning.data.rows import Rows
from kium_lightning.metrics.calls import weighted_f1
from kium_lightning.metrics.ranking import auroc, macro, per_label

_CALL_AT = 0.5  # for the F1 that is watched while training; thresholds for calls are fitted afterwards


class ScoredRows(NamedTuple):
    """The scores of distinct rows, sorted by row.

    Attributes:
        rows: (n,) row numbers.
        scores: (n, K), 0..1; of tasks that tell no labels what they give for a row, such as its embedding.
        labels: (n, K), 0 or 1.
    """

    rows: NDArray[np.int64]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]


class RowScores(Metric):
    """Gathers the scores of all rows over batches and processes; a row that a sampler padded in counts once."""

    full_state_update = False

    rows: list[torch.Tensor]
    scores: list[torch.Tensor]
    labels: list[torch.Tensor]

    def __init__(self) -> None:
        super().__init__()
        for name in ("rows", "scores", "labels"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, rows: torch.Tensor, scores: torch.Tensor, labels: torch.Tensor) -> None:
        """Adds a batch: rows (B,), scores (B, K), labels (B, K)."""
        self.rows.append(rows)
        self.scores.append(scores.detach().float())
        self.labels.append(labels)

    def compute(self) -> ScoredRows:
        """Returns the distinct rows, sorted."""
        rows = dim_zero_cat(self.rows).cpu().numpy()
        distinct, first = np.unique(rows, return_index=True)
        scores = dim_zero_cat(self.scores).cpu().numpy().astype(np.float64)[first]
        labels = dim_zero_cat(self.labels).cpu().numpy().astype(np.int64)[first]
        return ScoredRows(distinct, scores, labels)


class UnfoldedScores(NamedTuple):
    """Scores of patients.

    Attributes:
        patients: (n,) places of the patients in their dataset.
        names: the columns: location columns, ``Aneurysm``, or both.
        scores: (n, columns), 0..1.
        labels: (n, columns), 0 or 1.
    """

    patients: NDArray[np.int64]
    names: list[str]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]


def unfold_rows(scored: ScoredRows, rows: Rows) -> UnfoldedScores:
    """Unfolds rows to patients by the rules of their kind.

    Patients of whom not every row was scored are left out.
    """
    samples = len(rows.samples)
    patients, counts = np.unique(scored.rows // samples, return_counts=True)
    patients = patients[counts == samples]
    complete = np.isin(scored.rows // samples, patients)
    shape = (-1, samples, scored.scores.shape[1])
    scores, labels = scored.scores[complete].reshape(shape), scored.labels[complete].reshape(shape)
    return UnfoldedScores(patients, rows.columns, rows.unfold_scores(scores), rows.unfold_labels(labels))


def score_epoch(scored: ScoredRows, rows: Rows) -> dict[str, float]:
    """Scores an epoch; a value that cannot be known is NaN and is left out of means.

    Returns:
        ``auroc`` and ``weighted_f1`` of patients (macro mean over columns), the same of single rows with the prefix
        ``image_``, and where there are several columns ``auroc/<column>`` of each.
    """
    patients = unfold_rows(scored, rows)
    by_column = per_label(auroc, patients.labels, patients.scores)
    results = {
        "auroc": macro(by_column),
        "weighted_f1": weighted_f1(patients.labels, (patients.scores >= _CALL_AT).astype(np.int64)),
        "image_auroc": macro(per_label(auroc, scored.labels, scored.scores)),
        "image_weighted_f1": weighted_f1(scored.labels, (scored.scores >= _CALL_AT).astype(np.int64)),
    }
    if len(patients.names) > 1:
        results |= {f"auroc/{name}": float(value) for name, value in zip(patients.names, by_column, strict=True)}
    return results
