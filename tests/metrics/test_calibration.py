import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from kium_lightning.metrics.calibration import (
    Binning,
    brier_score,
    expected_calibration_error,
    reliability,
)
from kium_lightning.metrics.wilson import wilson_ends


def _cohort(seed: int, patients: int = 90, levels: int = 1000) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels + 1, patients) / levels
    return (rng.random(patients) < scores**2).astype(np.int64), scores


@pytest.mark.parametrize(("binning", "strategy"), [("count", "quantile"), ("width", "uniform")])
@pytest.mark.parametrize("levels", [3, 12, 1000])
@pytest.mark.parametrize("bins", [1, 4, 10])
def test_reliability_is_scikit_learns_calibration_curve(
    binning: Binning, strategy: str, levels: int, bins: int
) -> None:
    labels, scores = _cohort(bins, levels=levels)
    shares, means = calibration_curve(labels, scores, n_bins=bins, strategy=strategy)
    found = reliability(labels, scores, bins, binning)
    np.testing.assert_allclose(found.scores, means)
    np.testing.assert_allclose(found.shares, shares)
    assert found.counts.sum() == len(labels)


def test_bins_hold_equally_many_patients_where_no_scores_are_equal() -> None:
    scores = np.random.default_rng(0).permutation(100) / 100
    assert reliability(np.ones(100), scores, 10).counts.tolist() == [10] * 10


def test_patients_with_equal_scores_share_a_bin() -> None:
    found = reliability(np.tile([0, 1], 20), np.repeat([0.2, 0.7], 20), 8)
    np.testing.assert_allclose(found.scores, [0.2, 0.7])
    assert found.counts.tolist() == [20, 20]


def test_shares_have_wilsons_interval_as_scipy_computes_it() -> None:
    counts, totals = np.array([0, 3, 7, 19, 20]), np.array([6, 8, 20, 20, 20])
    for level in (0.5, 0.95):
        low, high = wilson_ends(counts, totals, level)
        for place, (count, total) in enumerate(zip(counts.tolist(), totals.tolist(), strict=True)):
            expected = binomtest(count, total).proportion_ci(level, method="wilson")
            assert (low[place], high[place]) == pytest.approx((expected.low, expected.high))
    assert np.isnan(wilson_ends(np.array(0), np.array(0))).all()
    found = reliability(*_cohort(1), 5)
    np.testing.assert_allclose(found.low, wilson_ends(found.shares * found.counts, found.counts)[0])
    assert (found.low <= found.shares).all()
    assert (found.shares <= found.high).all()


def test_the_calibration_error_is_the_mean_distance_of_bins_patient_by_patient() -> None:
    labels, scores = _cohort(2)
    distances = []
    for tenth in range(10):
        inside = (scores > tenth / 10) & (scores <= (tenth + 1) / 10) | ((tenth == 0) & (scores == 0))
        distances += [abs(scores[inside].mean() - labels[inside].mean())] * int(inside.sum())
    assert expected_calibration_error(labels, scores, 10, "width") == pytest.approx(np.mean(distances))


def test_the_calibration_error_of_perfect_probabilities_shrinks_with_the_patients_to_what_the_docs_say() -> None:
    rng = np.random.default_rng(3)

    def mean_error(patients: int) -> float:
        studies = [(rng.random(patients) < 0.5, np.linspace(0.499, 0.501, patients)) for _ in range(100)]
        return float(np.mean([expected_calibration_error(*study, bins=10) for study in studies]))

    assert mean_error(250) == pytest.approx((2 * 0.25 / (np.pi * 25)) ** 0.5, rel=0.1)
    assert mean_error(25_000) < 0.01


@pytest.mark.parametrize("seed", range(4))
def test_the_brier_score_is_scikit_learns(seed: int) -> None:
    labels, scores = _cohort(seed)
    assert brier_score(labels, scores) == pytest.approx(brier_score_loss(labels, scores))


def test_what_cannot_be_known_is_nan() -> None:
    unknown = np.array([0.2, np.nan])
    for labels, scores in ((np.array([0, 1]), unknown), (np.array([], int), np.array([]))):
        assert len(reliability(labels, scores).counts) == 0
        assert np.isnan(expected_calibration_error(labels, scores))
        assert np.isnan(brier_score(labels, scores))


def test_malformed_probabilities_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"lie in \[0, 1\]"):
        brier_score(np.array([0, 1]), np.array([0.2, 1.2]))
    with pytest.raises(ValueError, match="0 or 1"):
        expected_calibration_error(np.array([0, 2]), np.array([0.2, 0.2]))
    with pytest.raises(ValueError, match="one length"):
        reliability(np.zeros(2), np.zeros(3))
    with pytest.raises(ValueError, match="bins"):
        reliability(np.zeros(2), np.zeros(2), 0)
    with pytest.raises(ValueError, match="level"):
        wilson_ends(np.array(1), np.array(2), 95)
