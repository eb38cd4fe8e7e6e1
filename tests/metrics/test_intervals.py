import time
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.metrics.intervals import bootstrap_interval
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


def _rng() -> np.random.Generator:
    return np.random.default_rng(7)
