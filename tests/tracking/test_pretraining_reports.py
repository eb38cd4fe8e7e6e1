import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from kium_lightning.tasks.rows import ScoredRows
from kium_lightning.tracking.contrastive import neighbour_scores, neighbour_table
from kium_lightning.tracking.reconstruction import spread_rows

PATIENTS, SAMPLES = 20, 4


def draw(signal: float) -> ScoredRows:
    random = np.random.default_rng(0)
    labels = np.repeat(random.random(PATIENTS) < 0.4, SAMPLES).astype(np.int64)[:, None]
    points = random.normal(size=(PATIENTS * SAMPLES, 6)) + signal * labels
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return ScoredRows(np.arange(len(points)), points, labels)


def test_neighbours_are_the_nearest_rows_of_other_patients() -> None:
    rows, points, labels = draw(0.5)
    patients, positive = rows // SAMPLES, labels[:, 0] == 1
    expected = []
    for own, point in zip(patients, points, strict=True):
        known = KNeighborsClassifier(15).fit(points[patients != own], positive[patients != own])
        expected.append(known.predict_proba(point[None])[0, 1])
    np.testing.assert_allclose(neighbour_scores(points, positive, patients), expected)


def test_neighbours_of_a_lone_patient_are_unknown() -> None:
    assert np.isnan(neighbour_scores(np.eye(4), np.ones(4, dtype=np.bool_), np.zeros(4, dtype=np.int64))).all()


@pytest.mark.parametrize(("signal", "least", "most"), [(3.0, 0.95, 1.0), (0.0, 0.1, 0.8)])
def test_neighbours_tell_labels_where_embeddings_do(signal: float, least: float, most: float) -> None:
    facts = neighbour_table(draw(signal), SAMPLES).iloc[0]
    assert facts["patients"] == PATIENTS
    assert facts["positives"] == draw(signal).labels.sum() / SAMPLES
    assert least <= facts["auroc"] <= most
    assert facts["low"] <= facts["auroc"] <= facts["high"]


def test_shown_rows_are_spread_from_the_best_to_the_worst() -> None:
    errors = np.random.default_rng(0).permutation(11).astype(np.float64)
    assert list(errors[spread_rows(errors, 3)]) == [0.0, 5.0, 10.0]
    assert spread_rows(np.array([1.0]), 4) == [0]
