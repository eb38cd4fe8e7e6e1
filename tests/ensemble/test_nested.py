import math

import numpy as np
import pytest
from numpy.typing import NDArray
from simulated_scores import shuffled, simulated_patients

from kium_lightning.ensemble.calibration import Calibrator
from kium_lightning.ensemble.calibrators import Isotonic, Platt, Uncalibrated
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.gate import decide
from kium_lightning.ensemble.gate_rules import AccuracyGate, OptimalGate, QuantileGate
from kium_lightning.ensemble.location_rules import AccuracyLocations, OptimalLocations
from kium_lightning.ensemble.nested import fit_operating_points, inner_folds, nested_answer
from kium_lightning.ensemble.rules import TwoStageRule
from kium_lightning.errors import ConfigError, SplitError, ThresholdError
from kium_lightning.metrics.calls import f1
from kium_lightning.metrics.official import all_zero_accuracy, location_accuracy

MAX_F1 = TwoStageRule(OptimalGate("max_f1"), OptimalLocations("max_f1", 5))
ACCURACY = TwoStageRule(AccuracyGate(), AccuracyLocations())


def drawn(seed: int, patients: int = 120) -> tuple[PatientScores, NDArray[np.int64], NDArray[np.int64]]:
    scores, labels = simulated_patients(patients, 1.0, np.random.default_rng(seed))
    return scores, labels, inner_folds(labels, 4, seed)


@pytest.mark.parametrize("calibrator", [Uncalibrated(), Platt(10), Isotonic(10)])
def test_each_fold_is_answered_by_what_was_fitted_on_the_others(calibrator: Calibrator) -> None:
    scores, labels, folds = drawn(0)
    answer = nested_answer(scores, labels, folds, calibrator, MAX_F1)
    for fold in range(4):
        others, own = folds != fold, folds == fold
        fitting = PatientScores(scores.presence[others], scores.locations[others])
        table = fit_operating_points(fitting, labels[others], calibrator, MAX_F1)
        expected = decide(PatientScores(scores.presence[own], scores.locations[own]), table)
        assert answer.thresholds[fold] == table
        np.testing.assert_array_equal(answer.calls[own], expected.calls)
        np.testing.assert_array_equal(answer.passed[own], expected.passed)
        np.testing.assert_array_equal(answer.scores.presence[own], expected.scores.presence)
        np.testing.assert_array_equal(answer.scores.locations[own], expected.scores.locations)


def test_no_label_has_a_part_in_what_decides_about_its_own_fold() -> None:
    scores, labels, folds = drawn(1)
    before = nested_answer(scores, labels, folds, Platt(10), MAX_F1)
    changed = labels.copy()
    changed[folds == 2] = 1 - changed[folds == 2]
    after = nested_answer(scores, changed, folds, Platt(10), MAX_F1)
    np.testing.assert_array_equal(after.calls[folds == 2], before.calls[folds == 2])
    np.testing.assert_array_equal(after.scores.presence[folds == 2], before.scores.presence[folds == 2])
    assert (after.calls[folds != 2] != before.calls[folds != 2]).any()


def test_the_order_of_patients_does_not_matter_and_is_kept() -> None:
    scores, labels, folds = drawn(2)
    order = np.random.default_rng(3).permutation(len(folds))
    answer = nested_answer(scores, labels, folds, Isotonic(10), MAX_F1)
    moved = PatientScores(scores.presence[order], scores.locations[order])
    other = nested_answer(moved, labels[order], folds[order], Isotonic(10), MAX_F1)
    np.testing.assert_array_equal(other.calls, answer.calls[order])
    np.testing.assert_array_equal(other.folds, answer.folds[order])


def test_what_cannot_be_nested_is_an_error_sentence() -> None:
    scores, labels, folds = drawn(4, 40)
    with pytest.raises(ThresholdError, match=r"All 40 patients are in fold 3.* draw inner folds"):
        nested_answer(scores, labels, np.full(40, 3), Platt(10), MAX_F1)
    with pytest.raises(ThresholdError, match=r"Folds of shape \(39,\) do not fit scores of 40 patients"):
        nested_answer(scores, labels, folds[1:], Platt(10), MAX_F1)
    labels[folds != 1] = 0
    with pytest.raises(ThresholdError, match=r"Without fold 1: .* patients to calibrate on are healthy"):
        nested_answer(scores, labels, folds, Platt(10), MAX_F1)
    with pytest.raises(ConfigError, match="Add calibration=platt"):
        nested_answer(scores, drawn(4, 40)[1], folds, Uncalibrated(), ACCURACY)


def test_inner_folds_spread_every_label_evenly() -> None:
    _, labels = simulated_patients(200, 1.0, np.random.default_rng(5), prevalence=0.03)
    folds = inner_folds(labels, 5, 0)
    counts = np.stack([labels[folds == fold].sum(axis=0) for fold in range(5)])
    assert np.abs(np.bincount(folds, minlength=5) - 40).max() <= 2
    assert (counts.max(axis=0) - counts.min(axis=0)).max() <= 3
    np.testing.assert_array_equal(folds, inner_folds(labels, 5, 0))
    with pytest.raises(SplitError, match="3 patients cannot be split into 5 folds"):
        inner_folds(labels[:3], 5, 0)
    with pytest.raises(ConfigError, match="folds is 1"):
        inner_folds(labels, 1, 0)


def f1_of_all(labels: NDArray[np.int64], calls: NDArray[np.int64]) -> float:
    return f1(labels[:, 1:].ravel(), calls.ravel())


def test_on_noise_the_fitted_result_is_optimistic_and_the_nested_one_is_that_of_new_patients() -> None:
    random = np.random.default_rng(6)
    rule = TwoStageRule(QuantileGate(0.5), OptimalLocations("max_f1", 1))
    fitted, nested, new = [], [], []
    for seed in range(25):
        scores, labels = simulated_patients(200, 1.0, random)
        labels = shuffled(labels, random)
        table = fit_operating_points(scores, labels, Uncalibrated(), rule)
        fitted.append(f1_of_all(labels, decide(scores, table).calls))
        answer = nested_answer(scores, labels, inner_folds(labels, 5, seed), Uncalibrated(), rule)
        nested.append(f1_of_all(labels, answer.calls))
        unseen, unseen_labels = simulated_patients(1000, 1.0, random)
        new.append(f1_of_all(shuffled(unseen_labels, random), decide(unseen, table).calls))
    error = math.hypot(np.std(nested), np.std(new)) / math.sqrt(25)
    assert abs(np.mean(nested) - np.mean(new)) < 3 * error
    assert np.mean(fitted) > np.mean(new) + 10 * error


def test_the_rule_of_accuracy_neither_gains_nor_loses_on_noise_and_gains_on_signal() -> None:
    random = np.random.default_rng(7)
    gains: dict[bool, list[float]] = {True: [], False: []}
    for seed in range(15):
        scores, labels = simulated_patients(300, 4.0, random, prevalence=0.08)
        for told in gains:
            truth = labels if told else shuffled(labels, random)
            answer = nested_answer(scores, truth, inner_folds(truth, 5, seed), Platt(10), ACCURACY)
            gains[told].append(location_accuracy(truth[:, 1:], answer.calls) - all_zero_accuracy(truth[:, 1:]))
    assert -5e-4 < np.mean(gains[False]) <= 1e-4
    assert np.mean(gains[True]) > 0.01
