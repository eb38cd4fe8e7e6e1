import json
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from simulated_scores import simulated_patients
from sklearn.metrics import f1_score, roc_curve

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.ensemble.calibration import IDENTITY, LogitLine, ScoreCalibration
from kium_lightning.ensemble.calibrators import Platt, Temperature, Uncalibrated
from kium_lightning.ensemble.cuts import cuts_of
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.gate import apply_gate, passes
from kium_lightning.ensemble.gate_rules import (
    AccuracyGate,
    GateRule,
    OptimalGate,
    QuantileGate,
    SensitivityFloorGate,
    misses_allowed,
)
from kium_lightning.ensemble.location_rules import AccuracyLocations, OptimalLocations, QuantileLocations
from kium_lightning.ensemble.nested import fit_operating_points
from kium_lightning.ensemble.rules import FixedRule, TwoStageRule, check_calibration
from kium_lightning.ensemble.thresholds import NEVER, Thresholds
from kium_lightning.errors import ConfigError, ThresholdError
from kium_lightning.metrics.calls import f1, sensitivity, specificity

EVERYBODY = QuantileGate(0.0)


def tied(seed: int, patients: int = 60) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Scores with many ties, and labels that have to do with them."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, patients)
    return (random.normal(0.4 + 0.1 * labels, 0.2).clip(0, 1)).round(1), labels


def test_cuts_count_what_is_called() -> None:
    scores, labels = tied(0)
    cuts = cuts_of(scores, labels)
    assert (cuts.steps / 1e6).tolist() == np.unique(scores).tolist()
    for cut in range(len(cuts.steps)):
        called = scores >= cuts.inclusive(cut)
        assert (cuts.true[cut], cuts.false[cut]) == (labels[called].sum(), (1 - labels)[called].sum())
        if cuts.steps[cut] > 0:
            np.testing.assert_array_equal(passes(scores, cuts.exclusive(cut)), called)


def test_thresholds_divide_even_neighbours_of_the_rounding_and_otherwise_lie_in_the_middle() -> None:
    scores, labels = np.array([0.2, 0.200001, 0.200002, 0.8]), np.array([0, 1, 0, 1])
    cuts = cuts_of(scores, labels)
    for cut in range(1, 4):
        assert passes(scores, cuts.exclusive(cut)).sum() == 4 - cut
        assert (scores >= cuts.inclusive(cut)).sum() == 4 - cut
    assert cuts.inclusive(3) == pytest.approx(0.5, abs=2e-6)
    assert cuts.exclusive(3) == pytest.approx(0.5, abs=2e-6)


@pytest.mark.parametrize("seed", range(5))
def test_the_gate_of_maximum_f1_is_as_good_as_the_best_of_all(seed: int) -> None:
    scores, labels = tied(seed)
    found = OptimalGate("max_f1").fit(scores, labels)
    every = [f1_score(labels, passes(scores, cut)) for cut in np.linspace(0, 0.95, 20)]
    assert f1_score(labels, passes(scores, found.threshold)) == pytest.approx(max(every))
    assert found.facts["max_f1"] == pytest.approx(max(every), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_youdens_gate_is_as_good_as_the_best_of_scikit_learns_roc(seed: int) -> None:
    scores, labels = tied(seed)
    false, true, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    best = (true - false)[(thresholds > 0)].max()
    passed = passes(scores, OptimalGate("youden").fit(scores, labels).threshold)
    assert sensitivity(labels, passed) + specificity(labels, passed) - 1 == pytest.approx(best)


@pytest.mark.parametrize("criterion", ["max_f1", "youden"])
def test_a_fitted_gate_does_not_hang_on_the_rounding_of_scores(criterion: str) -> None:
    scores, labels = tied(3)
    rule = TwoStageRule(OptimalGate(criterion), OptimalLocations(criterion, 1))
    wide, wide_labels = np.tile(scores[:, None], 21), np.tile(labels[:, None], 22)
    table = rule.fit(PatientScores(scores, wide), wide_labels)
    expected = apply_gate(scores, wide, table)
    assert 0 < expected.sum() < expected.size
    noise = np.random.default_rng(0).uniform(-0.01, 0.01, scores.shape)
    np.testing.assert_array_equal(apply_gate(scores + noise, wide + noise[:, None], table), expected)


@pytest.mark.parametrize("gate", [EVERYBODY, QuantileGate(0.5), SensitivityFloorGate(0.8)])
def test_location_thresholds_give_the_best_f1_of_both_stages_together(gate: GateRule) -> None:
    scores, labels = simulated_patients(150, 1.0, np.random.default_rng(4), prevalence=0.1)
    scores = PatientScores(scores.presence, scores.locations.round(2))
    table = TwoStageRule(gate, OptimalLocations("max_f1", 1)).fit(scores, labels)

    def each_f1(values: NDArray[np.float64]) -> list[float]:
        moved = Thresholds(table.presence, dict(zip(LOCATION_COLUMNS, values.tolist(), strict=True)), "test")
        calls = apply_gate(scores.presence, scores.locations, moved)
        return [f1(labels[:, 1 + column], calls[:, column]) for column in range(21)]

    best = np.max([each_f1(np.full(21, cut)) for cut in np.linspace(0, 1, 201)], axis=0)
    np.testing.assert_allclose(each_f1(table.location_values), best)


def test_rare_locations_share_a_threshold_and_others_do_not() -> None:
    scores, labels = simulated_patients(200, 1.5, np.random.default_rng(5), prevalence=0.15)
    labels[:, [1, 2]] = 0
    labels[:4, 1], labels[3:8, 2] = 1, 1
    table = TwoStageRule(EVERYBODY, OptimalLocations("max_f1", 10)).fit(scores, labels)
    facts = table.fitted_on["locations"]
    assert facts["shared"] == ["L_ICA", "R_ICA"]
    assert table.locations["L_ICA"] == table.locations["R_ICA"]
    assert len(set(table.locations.values())) == 20


@pytest.mark.parametrize("locations", [OptimalLocations("max_f1", 10), OptimalLocations("youden", 1)])
def test_a_location_without_positives_is_never_called_not_even_at_a_score_of_1(
    locations: OptimalLocations, tmp_path: Path
) -> None:
    scores, labels = simulated_patients(200, 1.5, np.random.default_rng(6), prevalence=0.15)
    labels[:, 1 + LOCATION_COLUMNS.index("BA")] = 0
    table = TwoStageRule(EVERYBODY, locations).fit(scores, labels)

    assert table.locations["BA"] == NEVER
    assert table.never_called == ("BA",)
    assert table.fitted_on["locations"]["without_positives"] == ["BA"]
    calls = apply_gate(np.ones(3), np.ones((3, 21)), table)
    assert calls.sum(axis=1).tolist() == [20, 20, 20]

    table.save(tmp_path / "thresholds.json")
    written = json.loads((tmp_path / "thresholds.json").read_text())
    assert (written["locations"]["BA"], written["never_called"]) == (None, ["BA"])
    assert Thresholds.load(tmp_path / "thresholds.json") == table


@pytest.mark.parametrize("value", [None, math.inf])
def test_a_threshold_that_is_missing_is_not_taken_for_never(value: float | None, tmp_path: Path) -> None:
    table = Thresholds(0.5, dict.fromkeys(LOCATION_COLUMNS, 0.25), "test").as_dict()
    table["locations"]["BA"] = value
    (tmp_path / "thresholds.json").write_text(json.dumps(table))
    with pytest.raises(ThresholdError, match="threshold of BA is None, which is no number"):
        Thresholds.load(tmp_path / "thresholds.json")


def test_locations_that_only_stopped_patients_have_are_never_called() -> None:
    scores = PatientScores(np.array([0.1, 0.2, 0.8, 0.9]), np.full((4, 21), 0.7))
    labels = np.zeros((4, 22), np.int64)
    labels[0], labels[3, 0] = 1, 1
    table = TwoStageRule(QuantileGate(0.5), OptimalLocations("max_f1", 1)).fit(scores, labels)
    assert len(table.never_called) == 21


def test_the_rule_of_accuracy_calls_only_what_gains() -> None:
    scores, labels = simulated_patients(100, 1.0, np.random.default_rng(7), prevalence=0.2)
    table = TwoStageRule(EVERYBODY, AccuracyLocations()).fit(scores, labels)
    at, above = np.full((1, 21), 0.5), np.full((1, 21), 0.500001)
    assert apply_gate([1.0], at, table).sum() == 0
    assert apply_gate([1.0], above, table).sum() == 21


def test_the_rule_of_accuracy_demands_probabilities() -> None:
    scores, labels = simulated_patients(100, 1.0, np.random.default_rng(8), prevalence=0.2)
    for rule in (TwoStageRule(AccuracyGate(), QuantileLocations(0.9)), TwoStageRule(EVERYBODY, AccuracyLocations())):
        for calibrator in (Uncalibrated(), Temperature()):
            with pytest.raises(ConfigError, match="Add calibration=platt or calibration=isotonic"):
                fit_operating_points(scores, labels, calibrator, rule)
        assert fit_operating_points(scores, labels, Platt(10), rule).calibration.name == "platt"


def test_a_given_table_is_of_scores_that_are_not_calibrated() -> None:
    rule = FixedRule("given", 0.5, dict.fromkeys(LOCATION_COLUMNS, 0.5))
    scaled = ScoreCalibration("platt", dict.fromkeys(("Aneurysm", *LOCATION_COLUMNS), LogitLine(2.0)))
    check_calibration(rule, IDENTITY)
    with pytest.raises(ConfigError, match=r"calibration=platt changes them. Say calibration=none"):
        check_calibration(rule, scaled)


@pytest.mark.parametrize("floor", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_misses_allowed_are_those_of_the_inequality_in_whole_numbers(floor: float) -> None:
    hundredths = round(100 * (1 - floor))
    for positives in range(400):
        allowed = misses_allowed(positives, floor)
        assert 100 * (allowed + 1) <= hundredths * (positives + 1) < 100 * (allowed + 2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("floor", [0.5, 0.8, 0.9])
def test_the_floors_gate_stops_all_whom_it_can(seed: int, floor: float) -> None:
    scores, labels = tied(seed)
    scores = scores.clip(0.1)
    found = SensitivityFloorGate(floor).fit(scores, labels)
    positives, allowed = scores[labels == 1], misses_allowed(int(labels.sum()), floor)
    fitting = [cut for cut in np.linspace(0, 1, 1001) if (positives <= cut + 1e-9).sum() <= allowed]
    np.testing.assert_array_equal(passes(scores, found.threshold), passes(scores, max(fitting)))
    assert found.facts["missed"] == (positives <= found.threshold).sum() <= allowed
    assert found.facts["share_passed"] == pytest.approx((scores > found.threshold).mean(), abs=1e-6)
    assert found.facts["share_passed_by_median"] == pytest.approx((scores > np.median(scores)).mean(), abs=1e-6)
    assert (found.facts["floor"], found.facts["positives"]) == (floor, labels.sum())


def test_too_few_positives_for_a_floor_are_an_error_that_says_how_many_are_needed() -> None:
    scores = np.linspace(0.1, 0.9, 40)

    def fit(floor: float, positives: int) -> float:
        return SensitivityFloorGate(floor).fit(scores, (np.arange(40) < positives).astype(np.int64)).threshold

    for floor, needed, reachable in ((0.95, 19, "0.9473"), (0.9, 9, "0.8888")):
        assert fit(floor, needed) < 0.1
        message = f"at least {needed} patients with an aneurysm to fit on, but there are {needed - 1}.* {reachable}"
        with pytest.raises(ThresholdError, match=message):
            fit(floor, needed - 1)
        assert fit(float(reachable), needed - 1) < 0.1
    with pytest.raises(ThresholdError, match=r"but there are 0. Calibrate on more patients, or say"):
        fit(0.9, 0)
    with pytest.raises(ThresholdError, match="More than 0 of 10 patients with an aneurysm have a presence score of 0"):
        SensitivityFloorGate(0.9).fit(np.zeros(20), (np.arange(20) < 10).astype(np.int64))
    with pytest.raises(ConfigError, match=r"thresholds.gate.floor is 1"):
        SensitivityFloorGate(1)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(("floor", "positives"), [(0.9, 30), (0.95, 60)])
def test_new_patients_pass_the_floors_gate_as_often_as_promised(floor: float, positives: int, ties: bool) -> None:
    random = np.random.default_rng(9)
    gate, missed, missed_by_quantile = SensitivityFloorGate(floor), [], []
    for _ in range(400):
        drawn = random.beta(3, 2, positives + 500)
        fitting, new = np.split(drawn.round(1).clip(0.1) if ties else drawn, [positives])
        missed.append((~passes(new, gate.fit(fitting, np.ones(positives, np.int64)).threshold)).mean())
        missed_by_quantile.append((~passes(new, float(np.quantile(fitting, 1 - floor)))).mean())
    error = np.std(missed) / math.sqrt(len(missed))
    assert np.mean(missed) <= 1 - floor + 3 * error
    assert np.mean(missed_by_quantile) > 1 - floor + 3 * error  # the promise is not kept by itself


def test_a_gate_cannot_be_fitted_without_both_kinds_of_patients() -> None:
    for labels, count in ((np.zeros(9, np.int64), 0), (np.ones(9, np.int64), 9)):
        with pytest.raises(ThresholdError, match=f"with and without an aneurysm, but of 9 patients {count} have one"):
            OptimalGate("youden").fit(np.linspace(0.1, 0.9, 9), labels)
    with pytest.raises(ThresholdError, match="All presence scores are 0"):
        OptimalGate("max_f1").fit(np.zeros(4), np.array([0, 1, 0, 1]))
    with pytest.raises(ConfigError, match=r"thresholds.gate.criterion=f2 does not exist. Choose one of max_f1, youden"):
        OptimalGate("f2")
    with pytest.raises(ConfigError, match=r"thresholds.gate.quantile=True is no quantile"):
        QuantileGate(True)
