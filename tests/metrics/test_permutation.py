from itertools import product

import numpy as np
import pytest
from scipy.stats import kstest, permutation_test

from kium_lightning.metrics.permutation import paired_permutation


def _rng() -> np.random.Generator:
    return np.random.default_rng(5)


@pytest.mark.parametrize("seed", range(5))
def test_p_of_few_patients_is_the_share_of_all_swaps_with_as_large_a_difference(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.integers(17, 22, (2, 9)) / 21  # shares of right locations, many of them equal
    as_large = []
    for swaps in product((False, True), repeat=9):
        one, other = np.where(swaps, second, first), np.where(swaps, first, second)
        as_large.append(abs((one - other).mean()) >= abs((first - second).mean()) - 1e-12)
    found = paired_permutation(first, second, rng=_rng())
    assert found.value == pytest.approx((first - second).mean())
    assert found.p == pytest.approx(np.mean(as_large))


def test_p_of_many_patients_is_scipys() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 40)) + np.array([[0.3], [0.0]])
    expected = permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples", n_resamples=20_000, rng=rng
    )
    assert paired_permutation(first, second, 20_000, rng=_rng()).p == pytest.approx(expected.pvalue, abs=0.015)


@pytest.mark.parametrize("patients", [12, 40])
def test_p_is_uniform_where_the_answers_do_not_differ(patients: int) -> None:
    rng = np.random.default_rng(2)
    studies = [rng.normal(size=(2, patients)) for _ in range(400)]
    found = [paired_permutation(first, second, 199, rng=rng).p for first, second in studies]
    assert kstest(found, "uniform").pvalue > 0.01


def test_drawn_p_is_never_0_and_small_where_all_patients_agree() -> None:
    assert paired_permutation(np.ones(30), np.zeros(30), 99, rng=_rng()) == (1.0, 0.01)
    assert paired_permutation(np.ones(8), np.zeros(8), rng=_rng()) == (1.0, 2 / 2**8)


def test_patients_who_do_not_differ_add_nothing_to_p() -> None:
    first, second = np.array([1.0, 1.0, 0.5, 0.7]), np.array([0.0, 0.5, 0.6, 0.1])
    few = paired_permutation(first, second, rng=_rng())
    many = paired_permutation(np.append(first, np.ones(50)), np.append(second, np.ones(50)), rng=_rng())
    assert many.p == few.p
    assert many.value == pytest.approx(few.value * 4 / 54)


def test_swapping_the_answers_turns_the_difference_round_and_keeps_p() -> None:
    first, second = np.random.default_rng(3).normal(size=(2, 11))
    one, other = paired_permutation(first, second, rng=_rng()), paired_permutation(second, first, rng=_rng())
    assert one.value == -other.value
    assert one.p == other.p


def test_equal_answers_have_p_1_and_no_patients_or_unknown_values_nan() -> None:
    values = np.arange(30.0)
    assert paired_permutation(values, values, rng=_rng()) == (0, 1)
    assert np.isnan(paired_permutation(np.array([]), np.array([]), rng=_rng())).all()
    assert np.isnan(paired_permutation(values, np.where(values == 3, np.nan, values), rng=_rng())).all()


def test_malformed_requests_are_an_error() -> None:
    with pytest.raises(ValueError, match="one length"):
        paired_permutation(np.zeros(3), np.zeros(4), rng=_rng())
    with pytest.raises(ValueError, match="draws"):
        paired_permutation(np.zeros(3), np.zeros(3), 0, rng=_rng())
