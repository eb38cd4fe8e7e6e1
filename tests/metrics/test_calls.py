import warnings

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

from kium_lightning.metrics.calls import f1, sensitivity, specificity, weighted_f1
from kium_lightning.metrics.ranking import per_label


@pytest.mark.parametrize("seed", range(6))
def test_calls_are_judged_as_by_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = (rng.random((40, 5)) < [0.5, 0.3, 0.2, 0.1, 0.0]).astype(int)
    calls = (rng.random((40, 5)) < 0.3).astype(int)
    expected = f1_score(labels, calls, average="weighted", zero_division=0)
    assert weighted_f1(labels, calls) == pytest.approx(expected)
    for k in range(2):
        assert sensitivity(labels[:, k], calls[:, k]) == pytest.approx(recall_score(labels[:, k], calls[:, k]))
        assert specificity(labels[:, k], calls[:, k]) == pytest.approx(
            recall_score(labels[:, k], calls[:, k], pos_label=0)
        )
        assert f1(labels[:, k], calls[:, k]) == pytest.approx(f1_score(labels[:, k], calls[:, k]))


def test_weighted_f1_of_one_label_is_its_f1() -> None:
    labels, calls = np.array([[1], [0], [1], [0]]), np.array([[1], [1], [0], [0]])
    assert weighted_f1(labels, calls) == f1(labels[:, 0], calls[:, 0]) == 0.5


def test_nothing_called_gives_zero_where_there_are_positives() -> None:
    labels, calls = np.array([[1, 0], [0, 0]]), np.zeros((2, 2))
    assert weighted_f1(labels, calls) == 0
    assert sensitivity(labels, calls) == 0
    assert specificity(labels, calls) == 1


def test_what_cannot_be_known_is_nan_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(sensitivity(np.zeros(3), np.ones(3)))
        assert np.isnan(specificity(np.ones(3), np.ones(3)))
        assert np.isnan(f1(np.zeros(3), np.ones(3)))
        assert np.isnan(weighted_f1(np.zeros((3, 2)), np.ones((3, 2))))
        assert np.isnan(weighted_f1(np.zeros((0, 2)), np.zeros((0, 2))))
        assert np.isnan(specificity(np.zeros(0), np.zeros(0)))
    np.testing.assert_array_equal(
        per_label(sensitivity, np.array([[1, 0], [1, 0]]), np.array([[1, 1], [0, 0]])), [0.5, np.nan]
    )


def test_malformed_calls_are_an_error() -> None:
    with pytest.raises(ValueError, match="one shape"):
        sensitivity(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="0 or 1"):
        specificity(np.zeros(3), np.full(3, 0.5))
    with pytest.raises(ValueError, match="matrix"):
        weighted_f1(np.zeros(3), np.zeros(3))
