import time
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import bootstrap, ttest_1samp

from kium_lightning.metrics.corrections import widened
from kium_lightning.metrics.drawn import bootstrap_counts, bootstrap_values, leave_one_out
from kium_lightning.metrics.intervals import (
    bca_interval,
    bootstrap_difference,
    bootstrap_interval,
    percentile_interval,
    shared_interval,
)
from kium_lightning.metrics.ranking import auroc


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean())


def _cohort(rng: np.random.Generator, patients: int, shift: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    labels = (rng.random(patients) < 0.46).astype(np.int64)
    return labels, rng.normal(size=patients) + shift * labels


def test_interval_of_a_mean_is_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(size=400)
    interval = bootstrap_interval(_mean, values, draws=4000, rng=np.random.default_rng(1))
    half = 1.96 * values.std() / 20
    assert interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.006)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    shift = 1.0
    truth = NormalDist().cdf(shift / 2**0.5)  # the AUROC of two unit normals that far apart
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(200):
        low, high = bootstrap_interval(auroc, *_cohort(rng, 100, shift), level=0.9, draws=200, rng=rng)
        covered += low <= truth <= high
    assert 0.83 <= covered / 200 <= 0.96


def test_rows_of_all_arrays_are_drawn_together() -> None:
    rows = np.arange(50)
    interval = bootstrap_interval(
        lambda a, b: float(np.abs(a - b[:, 0]).max()), rows, rows[:, None], draws=20, rng=_rng()
    )
    assert interval == (0, 0)


def test_equal_generators_give_equal_intervals() -> None:
    cohort = _cohort(_rng(), 80, 0.5)
    assert bootstrap_interval(auroc, *cohort, rng=_rng()) == bootstrap_interval(auroc, *cohort, rng=_rng())


def test_a_higher_level_gives_a_wider_interval() -> None:
    cohort = _cohort(_rng(), 80, 0.5)
    narrow = bootstrap_interval(auroc, *cohort, level=0.5, rng=_rng())
    wide = bootstrap_interval(auroc, *cohort, level=0.99, rng=_rng())
    assert wide.low < narrow.low < auroc(*cohort) < narrow.high < wide.high


def test_undefined_draws_are_left_out() -> None:
    labels = np.zeros(30, dtype=int)
    labels[:2] = 1  # about one draw in eight has no positive
    interval = bootstrap_interval(auroc, labels, np.linspace(1, 0, 30), rng=_rng())
    assert interval == (1, 1)


def test_interval_is_nan_when_most_draws_are_undefined() -> None:
    values = np.arange(10.0)
    interval = bootstrap_interval(lambda v: float("nan") if v[0] < 6 else 1.0, values, rng=_rng())
    assert np.isnan(interval).all()
    assert np.isnan(bootstrap_interval(auroc, np.zeros(10), values, draws=20, rng=_rng())).all()
    assert np.isnan(bootstrap_interval(_mean, np.array([]), draws=20, rng=_rng())).all()
    assert np.isnan(bootstrap_interval(_mean, np.array([1.0]), draws=20, rng=_rng())).all()


def test_drawn_cohorts_are_as_large_and_hold_every_patient_equally_often() -> None:
    counts = bootstrap_counts(40, 3000, _rng())
    assert (counts.sum(axis=1) == 40).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(40), abs=0.1)
    assert counts.var() == pytest.approx(1 - 1 / 40, abs=0.02)  # of a binomial count of 40 trials of 1 / 40


def test_metrics_that_share_draws_have_the_intervals_they_have_alone() -> None:
    labels, scores = _cohort(_rng(), 80, 0.5)
    counts = bootstrap_counts(80, 300, np.random.default_rng(1))
    for metric, arrays in ((auroc, (labels, scores)), (_mean, (scores,))):
        alone = bootstrap_interval(metric, *arrays, draws=300, rng=np.random.default_rng(1))
        assert shared_interval(metric, *arrays, counts=counts) == alone
        plain = percentile_interval(bootstrap_values(metric, *arrays, counts=counts), widened(0.95, 80))
        assert shared_interval(metric, *arrays, counts=counts, method="percentile") == plain


def test_a_difference_over_shared_draws_is_paired() -> None:
    labels, scores = _cohort(_rng(), 80, 0.5)
    counts = bootstrap_counts(80, 300, _rng())
    first = bootstrap_values(auroc, labels, scores, counts=counts)
    second = bootstrap_values(auroc, labels, 10 * scores, counts=counts)
    assert percentile_interval(first - second) == (0, 0)


def test_p_of_a_difference_is_about_that_of_a_t_test_and_agrees_with_the_interval() -> None:
    rng = np.random.default_rng(4)
    for shift in (0.0, 0.2, 0.4, 1.0):
        apart = rng.normal(size=100) + shift
        counts = bootstrap_counts(100, 4000, rng)
        found = bootstrap_difference(_mean(apart), bootstrap_values(_mean, apart, counts=counts), 100)
        assert found.p == pytest.approx(ttest_1samp(apart, 0).pvalue, abs=0.03)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    assert bootstrap_difference(0.0, np.zeros(50), 9) == (0, 0, 0, 1)
    assert np.isnan(bootstrap_difference(0.0, np.full(50, np.nan), 9)[1:]).all()


@pytest.mark.parametrize("skewed", [True, False])
def test_bca_is_scipys(skewed: bool) -> None:
    rng = np.random.default_rng(3)
    values = rng.exponential(size=30) if skewed else rng.normal(size=30)
    drawn = bootstrap_values(_mean, values, counts=bootstrap_counts(30, 20_000, rng))
    left_out = bootstrap_values(_mean, values, counts=leave_one_out(30))
    expected = bootstrap((values,), np.mean, method="BCa", n_resamples=20_000, rng=rng).confidence_interval
    found = bca_interval(_mean(values), drawn, left_out)
    assert found == pytest.approx((expected.low, expected.high), abs=0.02)
    if skewed:  # the skew moves both ends up, by more than the tolerance above
        plain = percentile_interval(drawn)
        assert found.low > plain.low + 0.02
        assert found.high > plain.high + 0.04


def test_widened_percentiles_of_a_mean_are_the_ends_of_the_t_interval() -> None:
    values = np.linspace(-1, 1, 15)  # symmetric, so that the drawn means are nearly normal
    found = bootstrap_interval(_mean, values, draws=50_000, rng=_rng(), method="percentile")
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert found == pytest.approx((expected.low, expected.high), abs=0.015)
    plain = percentile_interval(bootstrap_values(_mean, values, counts=bootstrap_counts(15, 50_000, _rng())))
    assert plain.high < found.high - 0.03  # as 15 patients are few


def test_a_level_is_widened_to_the_t_quantile_and_hardly_for_many() -> None:
    assert [round(widened(0.95, n), 3) for n in (50, 120)] == [0.958, 0.953]
    assert widened(0.95, 100_000) == pytest.approx(0.95, abs=1e-5)
    assert 0.95 < widened(0.95, 2) < 1


def test_more_patients_than_are_left_out_at_once_have_the_interval_of_all_at_once() -> None:
    values = np.random.default_rng(6).exponential(size=1100)
    counts = bootstrap_counts(1100, 100, _rng())
    drawn = bootstrap_values(_mean, values, counts=counts)
    left_out = bootstrap_values(_mean, values, counts=leave_one_out(1100))
    np.testing.assert_allclose(left_out, (values.sum() - values) / 1099)
    assert shared_interval(_mean, values, counts=counts) == bca_interval(
        _mean(values), drawn, left_out, widened(0.95, 1100)
    )


def test_bca_without_spread_is_the_value_and_unknown_where_the_percentiles_are() -> None:
    assert bca_interval(1.0, np.ones(50), np.ones(9)) == (1, 1)
    assert np.isnan(bca_interval(1.0, np.full(50, np.nan), np.ones(9))).all()
    assert np.isnan(bca_interval(float("nan"), np.ones(50), np.ones(9))).all()


def test_two_thousand_draws_of_the_whole_training_set_take_less_than_two_seconds() -> None:
    cohort = _cohort(_rng(), 1127, 0.5)
    begin = time.process_time()
    bootstrap_interval(auroc, *cohort, rng=_rng())
    assert time.process_time() - begin < 2


def test_malformed_requests_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"lengths are \[3, 4\]"):
        bootstrap_interval(auroc, np.zeros(3), np.zeros(4), rng=_rng())
    with pytest.raises(ValueError, match="level"):
        bootstrap_interval(_mean, np.zeros(3), level=95, rng=_rng())
    with pytest.raises(ValueError, match="draws"):
        bootstrap_interval(_mean, np.zeros(3), draws=0, rng=_rng())
    with pytest.raises(ValueError, match="method"):
        bootstrap_interval(_mean, np.zeros(3), method="t", rng=_rng())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="counts are of 4 patients"):
        bootstrap_values(_mean, np.zeros(3), counts=bootstrap_counts(4, 2, _rng()))
    with pytest.raises(ValueError, match="0 or 1"):
        bootstrap_interval(auroc, np.array([0, 1, 2]), np.zeros(3), rng=_rng())


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)
