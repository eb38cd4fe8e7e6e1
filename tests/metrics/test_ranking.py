import warnings

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from kium_lightning.metrics.ranking import auroc, average_precision, macro, per_label


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("levels", [2, 5, 1000])
def test_auroc_and_average_precision_are_scikit_learns(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 60)
    scores = rng.integers(0, levels, 60) / levels
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert average_precision(labels, scores) == pytest.approx(average_precision_score(labels, scores), abs=1e-12)


def test_auroc_is_the_share_of_pairs_in_order_with_ties_counting_half() -> None:
    rng = np.random.default_rng(3)
    labels, scores = rng.integers(0, 2, 30), rng.integers(0, 6, 30)
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[labels == 1].tolist() for n in scores[labels == 0].tolist()]
    assert auroc(labels, scores) == pytest.approx(np.mean(pairs))


def test_auroc_does_not_change_with_a_monotone_rescaling_and_turns_round_with_the_sign() -> None:
    rng = np.random.default_rng(4)
    labels, scores = rng.integers(0, 2, 50), rng.normal(size=50)
    assert auroc(labels, np.exp(scores)) == auroc(labels, scores)
    assert auroc(labels, -scores) == pytest.approx(1 - auroc(labels, scores))


@pytest.mark.parametrize("dtype", [np.bool_, np.int8, np.float32, np.float64])
def test_labels_of_any_type_are_understood(dtype: type[np.generic]) -> None:
    labels = np.array([0, 0, 1, 1]).astype(dtype)
    assert auroc(labels, np.array([0.1, 0.4, 0.35, 0.8])) == 0.75


def test_one_class_or_an_unknown_score_gives_nan_without_a_warning() -> None:
    scores = np.array([0.2, 0.7, 0.1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(auroc(np.zeros(3), scores))
        assert np.isnan(auroc(np.ones(3), scores))
        assert np.isnan(average_precision(np.zeros(3), scores))
        assert average_precision(np.ones(3), scores) == 1
        assert np.isnan(auroc(np.array([]), np.array([])))
        assert np.isnan(auroc(np.array([0, 1, 1]), np.array([0.2, np.nan, 0.1])))
        assert np.isnan(average_precision(np.array([0, 1, 1]), np.array([0.2, np.nan, 0.1])))


def test_labels_without_positives_are_left_out_of_the_mean() -> None:
    labels = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 0]])
    scores = np.array([[0.9, 0.3, 0.1], [0.1, 0.2, 0.9], [0.8, 0.4, 0.2]])
    values = per_label(auroc, labels, scores)
    np.testing.assert_array_equal(values, [1, np.nan, 1])
    assert macro(values) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(macro(np.full(3, np.nan)))


@pytest.mark.parametrize("metric", [auroc, average_precision])
def test_malformed_input_is_an_error(metric: object) -> None:
    assert callable(metric)
    with pytest.raises(ValueError, match="vectors of one length"):
        metric(np.zeros(3), np.zeros(4))
    with pytest.raises(ValueError, match="vectors of one length"):
        metric(np.zeros((3, 1)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="0 or 1"):
        metric(np.array([0, 2]), np.zeros(2))
    with pytest.raises(ValueError, match="one shape"):
        per_label(auroc, np.zeros((3, 2)), np.zeros((3, 3)))
