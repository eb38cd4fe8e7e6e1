import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS
from kium_lightning.ensemble.calibration import LogitLine, ScoreCalibration
from kium_lightning.ensemble.calibrators import Isotonic, Uncalibrated
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.gate import apply_gate, calls_hang_on, decide, gate_hangs_on, lets_pass, passes
from kium_lightning.ensemble.thresholds import NEVER, Thresholds
from kium_lightning.errors import RunError


def thresholds(presence: float, location: float) -> Thresholds:
    return Thresholds(presence, dict.fromkeys(LOCATION_COLUMNS, location), "test")


def random_scores(patients: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    random = np.random.default_rng(7)
    return random.random(patients), random.random((patients, 21))


def test_calls_agree_with_the_rule_written_cell_by_cell() -> None:
    presence, scores = random_scores(50)
    values = np.random.default_rng(8).random(21)
    table = Thresholds(0.4, dict(zip(LOCATION_COLUMNS, values.tolist(), strict=True)), "test")

    calls = apply_gate(presence, scores, table)

    for patient in range(50):
        for column in range(21):
            expected = int(presence[patient] > 0.4 and scores[patient, column] >= values[column])
            assert calls[patient, column] == expected
    assert calls.dtype == np.int64


def test_a_score_at_the_presence_threshold_stops_and_at_a_location_threshold_calls() -> None:
    at, above = 0.5, 0.500001
    assert passes([at, above], 0.5).tolist() == [False, True]

    calls = apply_gate([above, above], np.stack([np.full(21, 0.3), np.full(21, 0.299999)]), thresholds(0.5, 0.3))
    assert calls.sum(axis=1).tolist() == [21, 0]


def test_the_predictors_gate_and_the_calls_gate_are_the_same() -> None:
    presence, scores = random_scores(200)
    calls = apply_gate(presence, np.ones_like(scores), thresholds(0.25, 0.5))

    np.testing.assert_array_equal(calls.any(axis=1), passes(presence, 0.25))


def test_rounding_noise_does_not_flip_a_call_whose_score_is_the_threshold() -> None:
    presence, scores = random_scores(101)
    presence, scores = presence.round(6), scores.round(6)
    table = Thresholds(
        float(np.median(presence)),
        dict(zip(LOCATION_COLUMNS, np.quantile(scores, 0.9, axis=0).tolist(), strict=True)),
        "quantile",
    )
    expected = apply_gate(presence, scores, table)

    random = np.random.default_rng(9)
    for _ in range(20):
        noisy_presence = presence + random.uniform(-3e-7, 3e-7, presence.shape)
        noisy_scores = scores + random.uniform(-3e-7, 3e-7, scores.shape)
        np.testing.assert_array_equal(apply_gate(noisy_presence, noisy_scores, table), expected)


def test_unknown_locations_below_the_gate_are_called_absent() -> None:
    presence, scores = np.array([0.2, 0.9]), np.full((2, 21), 0.8)
    scores[0] = np.nan

    assert apply_gate(presence, scores, thresholds(0.5, 0.5)).sum(axis=1).tolist() == [0, 21]


def test_an_unknown_location_above_the_gate_is_an_error_and_not_a_zero() -> None:
    scores = np.full((2, 21), 0.8)
    scores[1, LOCATION_COLUMNS.index("BA")] = np.nan

    with pytest.raises(RunError, match="Row 1 passes the gate, but its score of BA is NaN"):
        apply_gate([0.2, 0.9], scores, thresholds(0.5, 0.5))


def test_unknown_presence_is_an_error_sentence() -> None:
    with pytest.raises(RunError, match=r"presence score of 2 of 3 patients is NaN \(first in row 1\)"):
        passes([0.4, np.nan, np.nan], 0.5)


def test_location_scores_of_other_patients_are_refused() -> None:
    with pytest.raises(RunError, match=r"shape \(3, 21\) do not fit 2 patients"):
        apply_gate([0.4, 0.6], np.zeros((3, 21)), thresholds(0.5, 0.5))


def test_a_decision_calibrates_then_gates_then_calls() -> None:
    presence, scores = random_scores(200)
    lines = {column: LogitLine(0.5 + position / 10, -1.0) for position, column in enumerate(LABEL_COLUMNS)}
    table = thresholds(0.3, 0.4).calibrated_by(ScoreCalibration("platt", lines))

    decision = decide(PatientScores(presence, scores), table)

    def line(column: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(1 / (1 + (1 / values - 1) ** lines[column].slope * np.e))

    passed = line("Aneurysm", presence) > 0.3
    called = np.stack([line(column, scores[:, k]) >= 0.4 for k, column in enumerate(LOCATION_COLUMNS)], axis=1)
    np.testing.assert_array_equal(decision.passed, passed)
    np.testing.assert_array_equal(decision.calls, called & passed[:, None])
    assert 0 < passed.sum() < 200


def test_who_passes_is_known_before_any_locator_runs() -> None:
    presence, scores = random_scores(200)
    lines = dict.fromkeys(LABEL_COLUMNS, LogitLine(2.0, 1.0))
    table = thresholds(0.6, 0.5).calibrated_by(ScoreCalibration("platt", lines))

    passed = lets_pass(presence, table)
    everything = decide(PatientScores(presence, scores), table)
    scores[~passed] = np.nan
    gated = decide(PatientScores(presence, scores), table)

    np.testing.assert_array_equal(gated.passed, passed)
    np.testing.assert_array_equal(gated.calls, everything.calls)
    assert np.isnan(gated.scores.locations[~passed]).all()


def test_without_calibration_a_decision_is_the_gate_alone() -> None:
    presence, scores = random_scores(100)
    decision = decide(PatientScores(presence, scores), thresholds(0.4, 0.6))
    np.testing.assert_array_equal(decision.calls, apply_gate(presence, scores, thresholds(0.4, 0.6)))
    np.testing.assert_array_equal(decision.scores.presence, presence)


@pytest.mark.parametrize("calibrator", [Uncalibrated(), Isotonic(least_positives=5)])
def test_whatever_an_error_within_the_margin_would_change_is_said_to_hang_on_it(
    calibrator: Uncalibrated | Isotonic,
) -> None:
    rng = np.random.default_rng(11)
    margin = 0.02
    changed = 0
    for _ in range(40):
        presence, locations = rng.random(30), rng.random((30, 21))
        labels = (rng.random((30, 22)) < 0.4).astype(np.int64)
        values = np.where(rng.random(21) < 0.1, NEVER, rng.random(21))
        columns = dict(zip(LOCATION_COLUMNS, values.tolist(), strict=True))
        calibration = calibrator.fit(PatientScores(presence, locations), labels)
        table = Thresholds(float(rng.random()), columns, "test", calibration=calibration)
        off = np.clip(presence + rng.uniform(-margin, margin, 30), 0, 1)
        differs = lets_pass(off, table) != lets_pass(presence, table)
        assert not (differs & ~gate_hangs_on(off, table, margin)).any()
        wrong = np.clip(locations + rng.uniform(-margin, margin, locations.shape), 0, 1)
        exact = decide(PatientScores(presence, locations), table).calls
        rough = decide(PatientScores(presence, wrong), table).calls
        called_otherwise = (exact != rough).any(axis=1)
        assert not (called_otherwise & ~calls_hang_on(PatientScores(presence, wrong), table, margin)).any()
        changed += int(differs.sum() + called_otherwise.sum())
    assert changed > 20


def test_what_lies_farther_than_the_margin_hangs_on_nothing() -> None:
    table = thresholds(0.5, 0.5)
    assert gate_hangs_on([0.479, 0.481, 0.519, 0.521], table, 0.02).tolist() == [False, True, True, False]
    locations = np.full((2, 21), 0.8)
    locations[1, 3] = 0.49
    assert calls_hang_on(PatientScores(np.array([0.9, 0.9]), locations), table, 0.02).tolist() == [False, True]
