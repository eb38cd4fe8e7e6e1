import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from simulated_scores import simulated_patients
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS, Circulation, Location
from kium_lightning.ensemble.calibration import IDENTITY, Calibrator, Knots, LogitLine, ScoreCalibration, logits
from kium_lightning.ensemble.calibrators import (
    Isotonic,
    Platt,
    Temperature,
    Uncalibrated,
    fit_isotonic,
    fit_platt,
    fit_temperature,
    sharing,
)
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import ConfigError, ThresholdError

CALIBRATORS: list[Calibrator] = [Uncalibrated(), Platt(10), Isotonic(10), Temperature()]


def one_output(patients: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores whose logit is 3 times that of the probability, plus 1, and labels drawn from the probability."""
    random = np.random.default_rng(seed)
    true = random.normal(-0.5, 1.0, patients)
    return expit(3 * true + 1), (random.random(patients) < expit(true)).astype(np.int64)


def test_platt_is_scikit_learns_logistic_regression_on_smoothed_targets() -> None:
    scores, labels = one_output(400, 0)
    positives, negatives = labels.sum(), (1 - labels).sum()
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    # A target t is the same as a positive of weight t and a negative of weight 1 - t.
    twice = np.tile(logit(scores.round(6)), 2)[:, None]
    regression = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000)
    regression.fit(twice, np.repeat([1, 0], 400), sample_weight=np.concatenate([targets, 1 - targets]))

    line = fit_platt(scores, labels)
    assert line.slope == pytest.approx(regression.coef_[0, 0], rel=1e-4)
    assert line.intercept == pytest.approx(regression.intercept_[0], abs=1e-4)


def test_isotonic_is_scikit_learns_away_from_0_and_1() -> None:
    scores, labels = one_output(300, 1)
    scores = scores.round(6)
    expected = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    new = np.random.default_rng(2).random(500).round(6)

    found = fit_isotonic(scores, labels).apply(new)
    np.testing.assert_allclose(found, expected.predict(new).clip(1 / 302, 301 / 302), atol=1e-9)


def test_temperature_is_the_most_likely_scale_of_a_fine_grid() -> None:
    scores, labels = one_output(400, 3)
    grid = np.exp(np.linspace(np.log(0.01), np.log(10), 4001))
    outputs = np.clip(expit(grid[:, None] * logits(scores)), 1e-12, 1 - 1e-12)
    likelihood = (labels * np.log(outputs) + (1 - labels) * np.log(1 - outputs)).sum(axis=1)

    line = fit_temperature(scores, labels)
    assert line.slope == pytest.approx(grid[np.argmax(likelihood)], rel=2e-3)
    assert line.intercept == 0


def test_platt_finds_the_distortion_that_scores_went_through() -> None:
    scores, labels = one_output(20_000, 4)
    line = fit_platt(scores, labels)
    assert line.slope == pytest.approx(1 / 3, rel=0.05)
    assert line.intercept == pytest.approx(-1 / 3, abs=0.05)


@pytest.mark.parametrize("calibrator", CALIBRATORS)
@pytest.mark.parametrize("signal", [2.0, 0.0, -2.0])
def test_no_calibrator_turns_the_order_round_even_where_scores_do(calibrator: Calibrator, signal: float) -> None:
    scores, labels = simulated_patients(200, signal, np.random.default_rng(5))
    calibration = calibrator.fit(scores, labels)

    rising = np.linspace(0, 1, 1001)
    after = calibration.apply(PatientScores(rising, np.tile(rising[:, None], 21)))
    for values in (after.presence[:, None], after.locations):
        assert (np.diff(values, axis=0) >= 0).all()
        assert ((values >= 0) & (values <= 1)).all()
    if not isinstance(calibrator, Isotonic):
        assert (np.diff(after.locations, axis=0) > 0).all()


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_unknown_scores_stay_unknown_and_only_they(calibrator: Calibrator) -> None:
    scores, labels = simulated_patients(100, 1.0, np.random.default_rng(6))
    calibration = calibrator.fit(scores, labels)
    scores.presence[3], scores.locations[[0, 7]] = np.nan, np.nan

    after = calibration.apply(scores)
    np.testing.assert_array_equal(np.isnan(after.presence), np.isnan(scores.presence))
    np.testing.assert_array_equal(np.isnan(after.locations), np.isnan(scores.locations))
    np.testing.assert_array_equal(calibration.presence(scores.presence), after.presence)


def test_scores_of_0_and_1_have_finite_logits_of_their_own() -> None:
    found = logits([0.0, 1e-6, 0.5, 1 - 1e-6, 1.0])
    assert np.isfinite(found).all()
    assert (np.diff(found) > 0).all()
    assert found[2] == 0


def test_a_calibration_sees_scores_as_files_hold_them() -> None:
    scores = np.random.default_rng(7).random(50)
    for curve in (LogitLine(1.3, -0.2), Knots((0.2, 0.8), (0.1, 0.9))):
        np.testing.assert_array_equal(curve.apply(scores), curve.apply(scores.round(6)))


def test_rare_locations_share_a_curve_that_is_fitted_on_all_of_them() -> None:
    random = np.random.default_rng(8)
    scores, labels = simulated_patients(400, 1.0, random, prevalence=0.1)
    rare = [2, 5, 20]
    for column, count in zip(rare, (6, 5, 0), strict=True):
        labels[:, 1 + column] = 0
        labels[random.permutation(400)[:count], 1 + column] = 1

    found = Platt(10).fit(scores, labels)

    assert found.shared == (tuple(LOCATION_COLUMNS[column] for column in rare),)
    pooled = fit_platt(scores.locations[:, rare].ravel(), labels[:, [1 + column for column in rare]].ravel())
    for column, name in enumerate(LOCATION_COLUMNS):
        alone = fit_platt(scores.locations[:, column], labels[:, 1 + column])
        assert found.curves[name] == (pooled if column in rare else alone)
    assert found.apply(scores).locations[:, rare].max() < 0.5


def test_where_the_rare_are_too_few_together_the_next_rarest_are_fitted_on_too() -> None:
    labels = np.zeros((100, 21), np.int64)
    for column in range(21):
        labels[: 20 + column, column] = 1
    labels[:, 4] = 0
    labels[:3, 9] = 1
    labels[3:, 9] = 0
    assert sharing(labels, 10) == ([4, 9], [0, 4, 9])
    assert sharing(labels, 1) == ([4], [4, 9])
    assert sharing(np.ones((100, 21), np.int64), 10)[0] == []
    assert sharing(np.zeros((100, 21), np.int64), 10) == (list(range(21)), list(range(21)))


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_locations_without_any_positive_get_small_probabilities(calibrator: Calibrator) -> None:
    scores, labels = simulated_patients(200, 1.0, np.random.default_rng(9))
    labels[:, 1:] = 0
    after = calibrator.fit(scores, labels).apply(scores).locations
    assert np.isfinite(after).all()
    if isinstance(calibrator, Platt | Isotonic):
        assert after.max() < 0.01


def test_temperature_has_one_scale_for_each_locator() -> None:
    found = Temperature().fit(*simulated_patients(100, 1.0, np.random.default_rng(10)))
    assert sorted(column for group in found.shared for column in group) == sorted(LOCATION_COLUMNS)
    for circulation, group in zip(Circulation, found.shared, strict=True):
        assert {location.column for location in Location if location.circulation is circulation} == set(group)
        assert len({found.curves[column] for column in group}) == 1


@pytest.mark.parametrize("calibrator", CALIBRATORS)
def test_a_table_with_its_calibration_comes_back_from_its_file(calibrator: Calibrator, tmp_path: Path) -> None:
    scores, labels = simulated_patients(80, 1.0, np.random.default_rng(11))
    calibration = calibrator.fit(scores, labels)
    table = Thresholds(0.5, dict.fromkeys(LOCATION_COLUMNS, 0.25), "test").calibrated_by(calibration)
    table.save(tmp_path / "thresholds.json")

    read = Thresholds.load(tmp_path / "thresholds.json")
    assert read == table
    assert read.calibration == calibration
    np.testing.assert_array_equal(read.calibration.apply(scores).locations, calibration.apply(scores).locations)


def test_a_file_of_before_there_were_calibrations_leaves_scores_as_they_are(tmp_path: Path) -> None:
    old = {"rule": "quantile", "presence": 0.5, "locations": dict.fromkeys(LOCATION_COLUMNS, 0.25), "fitted_on": {}}
    (tmp_path / "thresholds.json").write_text(json.dumps(old))
    assert Thresholds.load(tmp_path / "thresholds.json").calibration == IDENTITY
    scores, _ = simulated_patients(20, 1.0, np.random.default_rng(12))
    np.testing.assert_array_equal(IDENTITY.apply(scores).locations, scores.locations)
    assert IDENTITY.name == "none"


def damaged(**changes: Any) -> dict[str, Any]:
    curves: dict[str, Any] = {column: {"slope": 1.0, "intercept": 0.0} for column in LABEL_COLUMNS}
    return {"name": "platt", "curves": {**curves, **changes}, "shared": []}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (3, 'no mapping with a "name"'),
        ({"curves": {}}, 'no mapping with a "name"'),
        ({"name": "platt"}, 'has no "curves"'),
        ({"name": "platt", "curves": {}}, "lacks a curve for Aneurysm"),
        ({"name": "none", "curves": damaged()["curves"]}, "has the unknown Aneurysm"),
        (damaged(L_BA={"slope": 1.0, "intercept": 0.0}), "has the unknown L_BA"),
        ({**damaged(), "shared": [["L_BA"]]}, "has the unknown L_BA"),
        ({**damaged(), "shared": 3}, '"shared" that is no list of lists'),
        (damaged(BA={"slope": 1.0}), "curve of BA has neither"),
        (damaged(BA=None), "curve of BA has neither"),
        (damaged(BA={"scores": 3, "probabilities": 4}), "curve of BA has neither"),
        (damaged(BA={"slope": -1.0, "intercept": 0.0}), "order of the scores would be lost"),
        (damaged(BA={"slope": None, "intercept": 0.0}), "slope is None, which is no number"),
        (damaged(BA={"slope": 1.0, "intercept": float("nan")}), "intercept is nan, which is no number"),
        (damaged(BA={"scores": [0.5], "probabilities": []}), "1 scores and 0 probabilities"),
        (damaged(BA={"scores": [0.5, "x"], "probabilities": [0.1, 0.2]}), "scores are not all numbers"),
        (damaged(BA={"scores": [0.5, 0.6], "probabilities": [0.1, 1.2]}), "probabilities are not all numbers"),
        (damaged(BA={"scores": [0.5, 0.4], "probabilities": [0.1, 0.2]}), "not in rising order"),
        (damaged(BA={"scores": [0.4, 0.5], "probabilities": [0.2, 0.1]}), "not in rising order"),
    ],
)
def test_a_damaged_calibration_is_refused_with_file_fault_and_remedy(
    tmp_path: Path, content: Any, message: str
) -> None:
    table = Thresholds(0.5, dict.fromkeys(LOCATION_COLUMNS, 0.25), "test").as_dict()
    path = tmp_path / "thresholds.json"
    path.write_text(json.dumps({**table, "calibration": content}))
    with pytest.raises(ThresholdError) as error:
        Thresholds.load(path)
    for part in (message, str(path), "kium_lightning.calibrate"):
        assert part in str(error.value)


def test_what_cannot_be_calibrated_on_is_an_error_sentence() -> None:
    scores, labels = simulated_patients(30, 1.0, np.random.default_rng(13))
    healthy = np.zeros_like(labels)
    for calibrator in (Platt(10), Isotonic(10), Temperature()):
        with pytest.raises(ThresholdError, match="All 30 patients to calibrate on are healthy"):
            calibrator.fit(scores, healthy)
        with pytest.raises(ThresholdError, match=r"Labels of shape \(30, 21\) do not fit"):
            calibrator.fit(scores, labels[:, 1:])
    with pytest.raises(ThresholdError, match="must be 0 or 1"):
        Platt(10).fit(scores, labels * 2)
    scores.locations[2, 3] = np.nan
    with pytest.raises(ThresholdError, match="1 of the scores to fit thresholds on are NaN"):
        Platt(10).fit(scores, labels)
    with pytest.raises(ConfigError, match=r"calibration.least_positives is 0"):
        Isotonic(0)
    assert ScoreCalibration() == IDENTITY
