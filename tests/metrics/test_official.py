import warnings

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from kium_lightning.metrics.official import accuracy_gain, all_zero_accuracy, location_accuracy, official_auroc

PATIENTS, LOCATIONS, POSITIVES = 1127, 21, 681  # the challenge's training set


def test_official_auroc_is_scikit_learns_and_nan_for_one_class() -> None:
    rng = np.random.default_rng(0)
    truth, output = rng.integers(0, 2, 50), rng.random(50)
    assert official_auroc(truth, output) == roc_auc_score(truth, output)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(official_auroc(np.ones(3), np.array([0.1, 0.2, 0.3])))


def test_location_accuracy_is_the_share_of_equal_cells() -> None:
    rng = np.random.default_rng(1)
    truth = rng.random((50, LOCATIONS)) < 0.1
    output = rng.random((50, LOCATIONS)) < 0.1
    assert location_accuracy(truth, output) == pytest.approx(accuracy_score(truth.ravel(), output.ravel()))
    assert location_accuracy(truth, truth) == 1


def test_the_gain_is_right_calls_minus_wrong_calls_per_cell() -> None:
    rng = np.random.default_rng(3)
    truth, output = rng.random((50, LOCATIONS)) < 0.1, rng.random((50, LOCATIONS)) < 0.1
    right, wrong = (truth & output).sum(), (~truth & output).sum()
    assert accuracy_gain(truth, output) == pytest.approx((right - wrong) / truth.size)
    assert accuracy_gain(truth, np.zeros_like(truth)) == 0


def test_small_unsigned_labels_do_not_wrap_round() -> None:
    truth, output = np.zeros((1, LOCATIONS), np.uint8), np.ones((1, LOCATIONS), np.uint8)
    assert location_accuracy(truth, output) == 0


def test_all_zero_accuracy_on_the_training_set_is_the_published_one() -> None:
    truth = np.zeros(PATIENTS * LOCATIONS, dtype=int)
    truth[np.random.default_rng(2).choice(len(truth), POSITIVES, replace=False)] = 1
    assert all_zero_accuracy(truth.reshape(PATIENTS, LOCATIONS)) == pytest.approx(0.97123, abs=5e-6)


def test_without_patients_the_accuracy_is_nan() -> None:
    assert np.isnan(all_zero_accuracy(np.zeros((0, LOCATIONS))))


@pytest.mark.parametrize("shape", [(5, 20), (21,), (5, 22)])
def test_any_other_number_of_locations_is_an_error(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="21"):
        all_zero_accuracy(np.zeros(shape))
