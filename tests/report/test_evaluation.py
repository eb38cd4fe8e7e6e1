import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from simulated_answer import POSITIVES, Simulated, challenge_labels, simulate
from sklearn.metrics import average_precision_score, recall_score, roc_auc_score

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.metrics.calls import sensitivity, specificity
from kium_lightning.metrics.delong import delong_interval
from kium_lightning.metrics.drawn import Metric
from kium_lightning.metrics.intervals import bootstrap_interval
from kium_lightning.metrics.ranking import auroc, average_precision
from kium_lightning.report.estimates import Estimate, Share
from kium_lightning.report.evaluation import Evaluation, evaluate_answer
from kium_lightning.report.locations import gated_scores
from kium_lightning.report.reading import Judged, read_judged


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate(tmp_path_factory.mktemp("outputs"))


@pytest.fixture(scope="module")
def evaluation(run: Simulated) -> Evaluation:
    return evaluate_answer(read_judged(run.answer, run.groundtruth, run.scores), level=0.95, draws=200, seed=0)


def answer_to(labels: NDArray[np.int64], calls: NDArray[np.int64]) -> Judged:
    presence = labels.any(axis=1).astype(np.int64)
    return Judged(np.arange(len(labels)), np.column_stack([presence, labels]), presence.astype(float), calls)


def test_the_official_numbers_are_those_of_scikit_learn_and_arithmetic_on_the_files(
    run: Simulated, evaluation: Evaluation
) -> None:
    truth, output = pd.read_csv(run.groundtruth), pd.read_csv(run.answer)
    columns = list(LOCATION_COLUMNS)

    assert evaluation.auroc.value == roc_auc_score(truth.Aneurysm, output.Aneurysm)
    assert evaluation.location_accuracy.value == pytest.approx(
        1 - np.abs(truth[columns].to_numpy() - output[columns].to_numpy()).mean(), abs=1e-12
    )


def test_intervals_hold_their_value_and_the_gain_is_the_difference_from_calling_none(evaluation: Evaluation) -> None:
    for estimate in (evaluation.auroc, evaluation.location_accuracy, evaluation.accuracy_gain):
        assert estimate.low < estimate.value < estimate.high
    assert evaluation.accuracy_gain.value == pytest.approx(
        evaluation.location_accuracy.value - evaluation.all_zero_accuracy
    )


def test_calling_no_location_scores_what_the_challenges_prevalence_gives() -> None:
    labels = challenge_labels()
    found = evaluate_answer(answer_to(labels, np.zeros_like(labels)), level=0.95, draws=10, seed=0)

    assert sum(POSITIVES) == 681
    assert labels.size == 23_667
    assert round(found.all_zero_accuracy, 5) == 0.97123
    assert found.location_accuracy.value == found.all_zero_accuracy
    assert found.accuracy_gain == Estimate(0.0, 0.0, 0.0)
    assert [location.positives for location in found.locations] == list(POSITIVES)
    assert [location.column for location in found.locations] == list(LOCATION_COLUMNS)


def test_location_numbers_are_those_of_scikit_learn_with_stopped_patients_at_the_bottom(
    run: Simulated, evaluation: Evaluation
) -> None:
    truth, output, scores = (pd.read_csv(path) for path in (run.groundtruth, run.answer, run.scores))
    for location in evaluation.locations:
        labels, calls = truth[location.column], output[location.column]
        ranks = scores[location.column].fillna(-1)
        assert location.positives == labels.sum()
        if labels.sum() < 5:
            assert not location.is_evaluable
            assert np.isnan([location.auroc.value, location.average_precision.value]).all()
            continue
        assert location.is_evaluable
        assert location.auroc.value == pytest.approx(roc_auc_score(labels, ranks))
        assert location.average_precision.value == pytest.approx(average_precision_score(labels, ranks))
        assert location.sensitivity.value == pytest.approx(recall_score(labels, calls))
        assert location.specificity.value == pytest.approx(recall_score(labels, calls, pos_label=0))
        assert location.stopped == (labels * (1 - scores.passed_gate)).sum()
        assert location.false_calls == ((1 - labels) * calls).sum()


def test_the_gate_is_judged_on_who_passed(run: Simulated, evaluation: Evaluation) -> None:
    truth, scores = pd.read_csv(run.groundtruth), pd.read_csv(run.scores)
    assert evaluation.gate_sensitivity is not None
    assert evaluation.gate_specificity is not None
    assert evaluation.gate_sensitivity.value == pytest.approx(recall_score(truth.Aneurysm, scores.passed_gate))
    assert evaluation.gate_specificity.value == pytest.approx(
        recall_score(truth.Aneurysm, scores.passed_gate, pos_label=0)
    )


def test_all_cells_together_are_counted_once_each(run: Simulated, evaluation: Evaluation) -> None:
    truth = pd.read_csv(run.groundtruth)[list(LOCATION_COLUMNS)].to_numpy()
    calls = pd.read_csv(run.answer)[list(LOCATION_COLUMNS)].to_numpy()

    assert (evaluation.located.count, evaluation.located.total) == ((truth & calls).sum(), truth.sum())
    assert (evaluation.confirmed.count, evaluation.confirmed.total) == ((truth & calls).sum(), calls.sum())
    assert evaluation.spared.total == truth.size - truth.sum()
    assert sum(location.false_calls for location in evaluation.locations) == (calls & ~truth & 1).sum()


def test_what_cannot_be_known_is_nan_and_left_out_of_the_means() -> None:
    labels = np.zeros((6, 21), np.int64)
    labels[:2, 0] = 1
    scores = np.tile(np.linspace(0.9, 0.1, 6)[:, None], (1, 21))
    judged = answer_to(labels, labels)
    judged = Judged(judged.patients, judged.labels, judged.presence, labels, np.ones(6, bool), scores)

    found = evaluate_answer(judged, level=0.95, draws=20, seed=0, least_positives=2)

    assert found.locations[0].auroc.value == 1
    assert all(np.isnan(location.auroc.value) and not location.is_evaluable for location in found.locations[1:])
    assert all(np.isnan(location.sensitivity.value) for location in found.locations[1:])
    assert (found.by_location.auroc.value, found.by_location.average_precision.value) == (1, 1)


def test_patients_without_any_aneurysm_make_the_auroc_unknown_and_nothing_fail() -> None:
    nobody = np.zeros((5, 21), np.int64)
    found = evaluate_answer(answer_to(nobody, nobody), level=0.95, draws=20, seed=0)

    assert np.isnan([found.auroc.value, found.auroc.low, found.auroc.high, found.located.value]).all()
    assert found.location_accuracy.value == 1


def test_stopped_patients_rank_below_the_lowest_score() -> None:
    scores = np.zeros((2, 21))
    assert (gated_scores(scores, np.array([True, False]))[1] < scores[0]).all()


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_interval_agrees_with_the_published_table(count: int, total: int, low: float, high: float) -> None:
    share = Share.of(np.arange(total) < count, 0.95)  # Newcombe, Stat Med 1998; 17:857, table I, method 3
    assert (round(share.low, 4), round(share.high, 4)) == (low, high)


def test_the_same_seed_gives_the_same_intervals(run: Simulated, evaluation: Evaluation) -> None:
    again = evaluate_answer(read_judged(run.answer, run.groundtruth, run.scores), level=0.95, draws=200, seed=0)
    assert json.dumps(again.as_json()) == json.dumps(evaluation.as_json())


def test_every_interval_over_patients_is_that_of_cohorts_drawn_one_by_one(
    run: Simulated, evaluation: Evaluation
) -> None:
    judged = read_judged(run.answer, run.groundtruth, run.scores)
    assert judged.location_scores is not None
    assert judged.passed is not None

    def one_by_one(metric: Metric, *arrays: NDArray[np.generic]) -> tuple[float, float]:
        def unknown(*rows: NDArray[np.generic]) -> float:  # no shortcut is known for this function
            return metric(*rows)

        return bootstrap_interval(unknown, *arrays, draws=200, rng=np.random.default_rng(0))

    ranks = gated_scores(judged.location_scores, judged.passed)[:, 0]
    location, labels, calls = evaluation.locations[0], judged.locations[:, 0], judged.calls[:, 0]
    presence, truth = evaluation.presence, judged.has_aneurysm
    assert evaluation.gate_sensitivity is not None
    for found, expected in (
        (presence.auroc_bootstrap, one_by_one(auroc, truth, judged.presence)),
        (location.auroc, one_by_one(auroc, labels, ranks)),
        (location.average_precision, one_by_one(average_precision, labels, ranks)),
        (presence.average_precision, one_by_one(average_precision, truth, judged.presence)),
        (presence.brier, one_by_one(lambda t, s: float(np.mean((t - s) ** 2)), truth, judged.presence)),
    ):
        assert (found.low, found.high) == pytest.approx(expected)
    for share, expected in (
        (location.sensitivity, one_by_one(sensitivity, labels, calls)),
        (location.specificity, one_by_one(specificity, labels, calls)),
        (evaluation.gate_sensitivity, one_by_one(sensitivity, truth, judged.passed.astype(int))),
    ):
        assert (share.bootstrap_low, share.bootstrap_high) == pytest.approx(expected)


def test_the_mean_over_locations_is_of_the_evaluable_alone(evaluation: Evaluation) -> None:
    known = [location for location in evaluation.locations if location.positives >= 5]
    assert 0 < len(known) < 21
    mean = evaluation.by_location
    assert mean.auroc.value == pytest.approx(np.mean([location.auroc.value for location in known]))
    assert mean.sensitivity.value == pytest.approx(np.mean([location.sensitivity.value for location in known]))
    assert mean.auroc.low < mean.auroc.value < mean.auroc.high


def test_the_constant_forecast_is_the_training_prevalence_where_it_is_known(run: Simulated) -> None:
    judged = read_judged(run.answer, run.groundtruth)
    own = evaluate_answer(judged, level=0.95, draws=20, seed=0).presence
    other = evaluate_answer(judged, level=0.95, draws=20, seed=0, prevalence=0.2).presence

    share = judged.has_aneurysm.mean()
    assert own.brier_constant == pytest.approx(share * (1 - share))
    assert other.brier_constant == pytest.approx(share * 0.8**2 + (1 - share) * 0.2**2)
    assert own.brier_gain.value == pytest.approx(own.brier_constant - own.brier.value)
    assert other.brier_constant > own.brier_constant


def test_calibrated_scores_stay_below_the_limit_that_chance_sets_and_distorted_ones_do_not() -> None:
    random = np.random.default_rng(3)
    scores = random.uniform(size=400)
    labels = np.zeros((400, 21), np.int64)
    labels[:, 0] = random.random(400) < scores
    answers = [replace(answer_to(labels, labels), presence=each) for each in (scores, scores**4)]
    honest, distorted = (evaluate_answer(answer, level=0.95, draws=10, seed=0).presence for answer in answers)

    assert honest.calibration_error < honest.calibration_error_limit
    assert distorted.calibration_error > distorted.calibration_error_limit


def test_the_auroc_interval_is_delongs_and_has_a_width_where_the_bootstrap_has_none() -> None:
    labels = np.zeros((20, 21), np.int64)
    labels[:10, 0] = 1
    perfect = answer_to(labels, labels)
    found = evaluate_answer(perfect, level=0.95, draws=50, seed=0)

    assert (found.auroc.low, found.auroc.high) == delong_interval(perfect.has_aneurysm, perfect.presence)
    assert found.auroc.low < 0.85 < found.auroc.value == found.auroc.high
    assert found.presence.auroc_bootstrap == Estimate(1.0, 1.0, 1.0)
    content = found.as_json()
    assert content["official"]["auroc"]["low"] == found.auroc.low
    assert content["presence"]["auroc_bootstrap"]["low"] == 1


def test_equal_scores_are_not_known_to_be_no_better_than_chance() -> None:
    labels = np.zeros((20, 21), np.int64)
    labels[:10, 0] = 1
    equal = replace(answer_to(labels, labels), presence=np.full(20, 0.5))
    auroc = evaluate_answer(equal, level=0.95, draws=50, seed=0).auroc

    assert auroc.low < auroc.value < auroc.high
    assert auroc.value == 0.5


@pytest.mark.parametrize(("positives", "holds"), [(4, False), (5, True), (15, True), (16, False)])
def test_a_ranking_needs_the_least_of_both_kinds_of_patients(positives: int, holds: bool) -> None:
    labels = np.zeros((20, 21), np.int64)
    labels[:positives, 0] = 1
    found = evaluate_answer(answer_to(labels, labels), level=0.95, draws=20, seed=0)

    assert found.evaluable.holds is holds
    assert bool(np.isnan(found.auroc.value)) is not holds
    assert bool(np.isnan(found.presence.average_precision.value)) is not holds
