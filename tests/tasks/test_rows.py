from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from random_cohort import random_labels
from sklearn.metrics import f1_score, roc_auc_score

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation, Location, Target
from kium_lightning.data.folding import FoldedRows, fold_labels
from kium_lightning.tasks.rows import RowScores, ScoredRows, score_epoch, unfold_rows


def validation(circulation: Circulation, target: Target, patients: int = 60, rate: float = 0.15) -> ScoredRows:
    """Scores of random rows that follow their labels a little."""
    labels = fold_labels(random_labels(patients, 0, rate), circulation).reshape(4 * patients, -1)
    if target is Target.BINARY:
        labels = labels.max(axis=1, keepdims=True)
    noise = np.random.default_rng(1).random(labels.shape)
    return ScoredRows(np.arange(len(labels)), 0.6 * noise + 0.4 * labels * noise[::-1], labels)


def batches(scored: ScoredRows, size: int, order: NDArray[np.int64]) -> Iterator[tuple[torch.Tensor, ...]]:
    for start in range(0, len(order), size):
        chosen = order[start : start + size]
        yield (
            torch.from_numpy(scored.rows[chosen]),
            torch.from_numpy(scored.scores[chosen]),
            torch.from_numpy(scored.labels[chosen]).float(),
        )


@pytest.mark.parametrize("size", [1, 7, 240])
def test_rows_come_out_sorted_whatever_their_batches_and_order(size: int) -> None:
    scored = validation(Circulation.ANTERIOR, Target.MULTILABEL)
    metric = RowScores()
    for batch in batches(scored, size, np.random.default_rng(0).permutation(240)):
        metric.update(*batch)
    collected = metric.compute()
    np.testing.assert_array_equal(collected.rows, scored.rows)
    np.testing.assert_allclose(collected.scores, scored.scores, atol=1e-7)
    np.testing.assert_array_equal(collected.labels, scored.labels)


def test_rows_that_a_sampler_padded_in_count_once() -> None:
    scored = validation(Circulation.POSTERIOR, Target.MULTILABEL, patients=5)
    metric = RowScores()
    # Two processes share 20 rows in batches of 6: the last batch of each is filled up from the start.
    for batch in batches(scored, 6, np.concatenate([np.arange(20), np.arange(4)])):
        metric.update(*batch)
    np.testing.assert_array_equal(metric.compute().rows, np.arange(20))


def test_an_epoch_does_not_remember_the_one_before() -> None:
    scored = validation(Circulation.ANTERIOR, Target.BINARY, patients=3)
    metric = RowScores()
    for batch in batches(scored, 4, np.arange(12)):
        metric.update(*batch)
    metric.compute()
    metric.reset()
    for batch in batches(scored, 4, np.arange(4)):
        metric.update(*batch)
    assert len(metric.compute().rows) == 4


def test_patients_without_all_four_views_are_left_out() -> None:
    scored = validation(Circulation.ANTERIOR, Target.MULTILABEL, patients=5)
    kept = np.delete(np.arange(20), [6, 19])  # a view of the patients 1 and 4
    whole = unfold_rows(scored, FoldedRows(Circulation.ANTERIOR, Target.MULTILABEL))
    few = ScoredRows(scored.rows[kept], scored.scores[kept], scored.labels[kept])
    part = unfold_rows(few, FoldedRows(Circulation.ANTERIOR, Target.MULTILABEL))
    np.testing.assert_array_equal(part.scores, whole.scores[[0, 2, 3]])
    np.testing.assert_array_equal(part.labels, whole.labels[[0, 2, 3]])


@pytest.mark.parametrize("circulation", Circulation)
def test_unfolded_labels_are_the_patients_own(circulation: Circulation) -> None:
    patients = unfold_rows(validation(circulation, Target.MULTILABEL), FoldedRows(circulation, Target.MULTILABEL))
    columns = [LOCATION_COLUMNS.index(name) for name in patients.names]
    np.testing.assert_array_equal(patients.labels, random_labels(60, 0, 0.15)[:, columns])
    assert patients.names == [location.column for location in Location if location.circulation is circulation]


def test_a_patients_presence_is_the_mean_of_the_four_views() -> None:
    scored = validation(Circulation.ANTERIOR, Target.BINARY)
    patients = unfold_rows(scored, FoldedRows(Circulation.ANTERIOR, Target.BINARY))
    table = pd.DataFrame({"patient": scored.rows // 4, "score": scored.scores[:, 0], "label": scored.labels[:, 0]})
    grouped = table.groupby("patient")
    np.testing.assert_allclose(patients.scores[:, 0], grouped["score"].mean())
    np.testing.assert_array_equal(patients.labels[:, 0], grouped["label"].max())
    assert patients.names == ["Aneurysm"]


def scikit_learn(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[float, float]:
    """Macro AUROC over the labels that have one, and the weighted F1 of calls at a half."""
    scorable = [k for k in range(labels.shape[1]) if 0 < labels[:, k].sum() < len(labels)]
    aurocs = [roc_auc_score(labels[:, k], scores[:, k]) for k in scorable]
    if labels.shape[1] == 1:  # scikit-learn would take one column for two classes
        return float(np.mean(aurocs)), f1_score(labels[:, 0], scores[:, 0] >= 0.5)
    return float(np.mean(aurocs)), f1_score(labels, scores >= 0.5, average="weighted", zero_division=0)


@pytest.mark.parametrize("target", [Target.BINARY, Target.MULTILABEL])
@pytest.mark.parametrize("circulation", Circulation)
@pytest.mark.parametrize("rate", [0.02, 0.15])
def test_an_epochs_scores_are_those_of_scikit_learn(circulation: Circulation, target: Target, rate: float) -> None:
    scored = validation(circulation, target, rate=rate)
    results = score_epoch(scored, FoldedRows(circulation, target))
    by_image = scikit_learn(scored.labels, scored.scores)
    patients = unfold_rows(scored, FoldedRows(circulation, target))
    by_patient = scikit_learn(patients.labels, patients.scores)
    assert (results["auroc"], results["weighted_f1"]) == pytest.approx(by_patient)
    assert (results["image_auroc"], results["image_weighted_f1"]) == pytest.approx(by_image)
    for name, labels, scores in zip(patients.names, patients.labels.T, patients.scores.T, strict=True):
        if target is Target.MULTILABEL:
            known = 0 < labels.sum() < len(labels)
            expected = roc_auc_score(labels, scores) if known else float("nan")
            assert results[f"auroc/{name}"] == pytest.approx(expected, nan_ok=True)


def test_a_location_without_positives_is_unknown_and_spoils_no_mean() -> None:
    scored = validation(Circulation.POSTERIOR, Target.MULTILABEL)
    absent = Circulation.POSTERIOR.arteries.index(Location.LEFT_PICA.artery)
    labels = scored.labels.copy()
    labels[:, absent] = 0
    results = score_epoch(scored._replace(labels=labels), FoldedRows(Circulation.POSTERIOR, Target.MULTILABEL))
    assert np.isnan(results["auroc/L_PICA"])
    assert np.isnan(results["auroc/R_PICA"])
    known = [value for name, value in results.items() if name.startswith("auroc/") and "PICA" not in name]
    assert results["auroc"] == pytest.approx(np.mean(known))


def test_without_any_positive_every_score_is_unknown() -> None:
    scored = validation(Circulation.ANTERIOR, Target.BINARY)
    none = scored._replace(labels=np.zeros_like(scored.labels))
    results = score_epoch(none, FoldedRows(Circulation.ANTERIOR, Target.BINARY))
    assert all(np.isnan(value) for value in results.values())
