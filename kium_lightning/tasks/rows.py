"""Collecting the scores of an epoch and scoring them by image and by patient."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from kium_lightning.anatomy import PRESENCE_COLUMN, Circulation, Target
from kium_lightning.data.folding import VIEWS_PER_PATIENT, unfold, unfolded_locations
from kium_lightning.metrics.calls import weighted_f1
from kium_lightning.metrics.ranking import auroc, macro, per_label

_CALL_AT = 0.5  # for the F1 that is watched while training; thresholds for calls are fitted afterwards


class ScoredRows(NamedTuple):
    """The scores of distinct folded rows, sorted by row.

    Attributes:
        rows: (n,) row numbers.
        scores: (n, K), 0..1.
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
    """One circulation's scores, unfolded to patients.

    Attributes:
        names: the columns: location columns, or ``Aneurysm`` for a binary target.
        scores: (patients, columns), 0..1.
        labels: (patients, columns), 0 or 1.
    """

    names: list[str]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]


def unfold_rows(scored: ScoredRows, circulation: Circulation, target: Target) -> UnfoldedScores:
    """Unfolds rows to patients with the report's rules: mean of a patient's views (binary), maximum of A and B.

    Patients of whom not all four rows were scored are left out.
    """
    patients, counts = np.unique(scored.rows // VIEWS_PER_PATIENT, return_counts=True)
    complete = np.isin(scored.rows // VIEWS_PER_PATIENT, patients[counts == VIEWS_PER_PATIENT])
    shape = (-1, VIEWS_PER_PATIENT, scored.scores.shape[1])
    scores, labels = scored.scores[complete].reshape(shape), scored.labels[complete].reshape(shape)
    if target is Target.BINARY:
        return UnfoldedScores([PRESENCE_COLUMN], scores.mean(axis=1), labels.max(axis=1))
    names = [location.column for location in unfolded_locations(circulation)]
    unfolded = unfold(labels.astype(np.float64), circulation).astype(np.int64)
    return UnfoldedScores(names, unfold(scores, circulation), unfolded)


def score_epoch(scored: ScoredRows, circulation: Circulation, target: Target) -> dict[str, float]:
    """Scores an epoch; a value that cannot be known is NaN and is left out of means.

    Returns:
        ``auroc`` and ``weighted_f1`` of patients (macro mean over locations), the same of single images with the
        prefix ``image_``, and for a multilabel target ``auroc/<column>`` of each location.
    """
    patients = unfold_rows(scored, circulation, target)
    by_location = per_label(auroc, patients.labels, patients.scores)
    results = {
        "auroc": macro(by_location),
        "weighted_f1": weighted_f1(patients.labels, (patients.scores >= _CALL_AT).astype(np.int64)),
        "image_auroc": macro(per_label(auroc, scored.labels, scored.scores)),
        "image_weighted_f1": weighted_f1(scored.labels, (scored.scores >= _CALL_AT).astype(np.int64)),
    }
    if target is Target.MULTILABEL:
        results |= {f"auroc/{name}": float(value) for name, value in zip(patients.names, by_location, strict=True)}
    return results
