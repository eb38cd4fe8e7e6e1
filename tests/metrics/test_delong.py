from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit

from kium_lightning.metrics.delong import delong_difference, delong_interval, placements
from kium_lightning.metrics.ranking import auroc

Z = NormalDist().inv_cdf(0.975)

# Hanley and McNeil, Radiology 1982; 143:29, table I: readings of 109 CT images from 1, surely normal, to 5, surely not.
HANLEY_NORMAL, HANLEY_ABNORMAL = [33, 6, 6, 11, 2], [3, 2, 2, 11, 33]


def covariance(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """DeLong's covariance of K AUROCs from the definition, pair by pair; scores are (K, n)."""
    positives, negatives = scores[:, labels == 1], scores[:, labels == 0]
    pairs = np.array(
        [
            [[1.0 if p > n else 0.5 if p == n else 0.0 for n in negatives[k]] for p in positives[k]]
            for k in range(len(scores))
        ]
    )
    over_negatives, over_positives = pairs.mean(axis=2), pairs.mean(axis=1)
    return np.asarray(np.cov(over_negatives) / positives.shape[1] + np.cov(over_positives) / negatives.shape[1])


def cohort(seed: int, levels: int, patients: int = 40) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([0, 1], [patients - 15, 15]))
    shared = rng.normal(size=patients)
    scores = np.array([labels + shared + rng.normal(size=patients), 0.5 * labels + shared + rng.normal(size=patients)])
    return labels, np.round(scores * levels) / levels


@pytest.mark.parametrize("levels", [1, 2, 10_000])
@pytest.mark.parametrize("seed", range(4))
def test_the_difference_is_delongs_by_definition(seed: int, levels: int) -> None:
    labels, scores = cohort(seed, levels)
    found = delong_difference(labels, *scores)
    matrix = covariance(labels, scores)
    error = np.sqrt(matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1])
    value = auroc(labels, scores[0]) - auroc(labels, scores[1])
    expected = (value, value - Z * error, value + Z * error, 2 * NormalDist().cdf(-abs(value / error)))
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("levels", [1, 2, 10_000])
@pytest.mark.parametrize("seed", range(4))
def test_the_interval_is_delongs_by_definition_on_the_logit_scale(seed: int, levels: int) -> None:
    labels, scores = cohort(seed, levels)
    value, error = auroc(labels, scores[0]), np.sqrt(covariance(labels, scores)[0, 0])
    half = Z * error / (value * (1 - value))
    expected = expit(logit(value) + np.array([-half, half]))
    assert delong_interval(labels, scores[0]) == pytest.approx(expected, abs=1e-9)


def test_hanleys_ct_images_have_the_area_and_standard_error_that_stata_prints() -> None:
    labels = np.repeat([0, 1], [58, 51])
    ratings = np.concatenate([np.repeat(np.arange(1, 6), counts) for counts in (HANLEY_NORMAL, HANLEY_ABNORMAL)])
    value = auroc(labels, ratings)
    low, high = delong_interval(labels, ratings)
    error = (logit(high) - logit(low)) / 2 / Z * value * (1 - value)
    # Stata's manual, [R] roctab: area 0.8932, standard error 0.0307 (DeLong), interval 0.83295 to 0.95339 without logit
    assert round(value, 4) == 0.8932
    assert round(error, 4) == 0.0307
    assert (value - Z * error, value + Z * error) == pytest.approx((0.83295, 0.95339), abs=5e-6)
    constant = delong_difference(labels, ratings, np.zeros(109))
    assert constant.high - constant.low == pytest.approx(2 * Z * error)  # a score without order has no variance


def test_placements_average_to_the_auroc() -> None:
    labels, scores = cohort(0, 2)
    for each in placements(labels == 1, scores[0]):
        assert each.mean() == pytest.approx(auroc(labels, scores[0]))


def test_ends_stay_within_0_and_1_and_around_the_value() -> None:
    labels = np.repeat([0, 1], [12, 6])
    scores = np.arange(18.0)
    scores[[11, 12]] = scores[[12, 11]]  # one pair of 72 in the wrong order
    low, high = delong_interval(labels, scores)
    assert 0 < low < 71 / 72 < high < 1
    turned = delong_interval(labels, -scores)
    assert turned == pytest.approx((1 - high, 1 - low))


def test_a_perfect_order_leaves_room_below_1_and_less_with_more_patients() -> None:
    ends = [delong_interval(np.repeat([0, 1], n), np.arange(2 * n)) for n in (1, 3, 10, 30, 300)]
    assert all(high == 1 for _, high in ends)
    lows = [low for low, _ in ends]
    assert lows == sorted(lows)
    assert lows[2] == pytest.approx(0.80, abs=0.005)  # as the docstring says
    assert lows[-1] > 0.99
    turned = delong_interval(np.repeat([1, 0], 10), np.arange(20))
    assert turned == pytest.approx((0, 1 - lows[2]))


def test_the_ends_at_a_perfect_order_are_values_that_lie_just_so_many_standard_errors_below() -> None:
    low, _ = delong_interval(np.repeat([0, 1], [7, 9]), np.arange(16), 0.9)
    first, second = low / (2 - low) - low**2, 2 * low**2 / (1 + low) - low**2  # Hanley and McNeil's, with mean numbers
    variance = (low * (1 - low) + (8 - 1) * (first + second)) / (7 * 9)
    assert 1 - low == pytest.approx(NormalDist().inv_cdf(0.95) * np.sqrt(variance))


def test_a_class_of_one_patient_has_an_interval_but_no_comparison() -> None:
    labels, scores = np.array([0, 0, 0, 1]), np.array([0.1, 0.2, 0.6, 0.5])
    low, high = delong_interval(labels, scores)
    assert 0 < low < auroc(labels, scores) < high < 1
    found = delong_difference(labels, scores, -scores)
    assert found.value == pytest.approx(1 / 3)
    assert np.isnan(found[1:]).all()


def test_swapping_the_scores_turns_the_difference_round() -> None:
    labels, (first, second) = cohort(1, 2)
    one, other = delong_difference(labels, first, second), delong_difference(labels, second, first)
    assert other == pytest.approx((-one.value, -one.high, -one.low, one.p))


def test_scores_that_rank_alike_do_not_differ() -> None:
    labels, scores = cohort(2, 2)
    assert delong_difference(labels, scores[0], np.exp(scores[0])) == (0, 0, 0, 1)


def test_two_perfect_orders_differ_by_0_with_unknown_interval() -> None:
    labels = np.repeat([0, 1], 4)
    found = delong_difference(labels, np.arange(8), np.array([3, 2, 1, 0, 7, 6, 5, 4]))
    assert found.value == 0
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("labels", [np.ones(5), np.zeros(5), np.array([])])
def test_one_class_gives_nan(labels: NDArray[np.float64]) -> None:
    scores = np.arange(len(labels))
    assert np.isnan(delong_interval(labels, scores)).all()
    assert np.isnan(delong_difference(labels, scores, -scores)).all()


def test_an_unknown_score_gives_nan() -> None:
    labels, scores = np.array([0, 1, 0, 1]), np.array([0.1, 0.2, np.nan, 0.4])
    assert np.isnan(delong_interval(labels, scores)).all()
    assert np.isnan(delong_difference(labels, labels, scores)).all()


def test_malformed_requests_are_an_error() -> None:
    with pytest.raises(ValueError, match="level"):
        delong_interval(np.array([0, 1]), np.zeros(2), 95)
    with pytest.raises(ValueError, match="one length"):
        delong_difference(np.array([0, 1]), np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="0 or 1"):
        delong_interval(np.array([0, 2]), np.zeros(2))
