"""The parts of an evaluation that are drawn: curves, sizes, the worst patients, and answers beside each other."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from simulated_answer import Simulated, simulate
from sklearn.metrics import precision_recall_curve, roc_curve

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS
from kium_lightning.errors import CohortError, RunError
from kium_lightning.report.curves import GRID, Curves, presence_curves
from kium_lightning.report.draws import Draws
from kium_lightning.report.paired import compare_answers, judge_probe
from kium_lightning.report.reading import Judged, read_judged
from kium_lightning.report.sizes import Aneurysm, read_aneurysms, sensitivity_by_size
from kium_lightning.report.worst import find_worst


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate(tmp_path_factory.mktemp("outputs"))


@pytest.fixture(scope="module")
def judged(run: Simulated) -> Judged:
    return read_judged(run.answer, run.groundtruth, run.scores)


@pytest.fixture(scope="module")
def draws(judged: Judged) -> Draws:
    return Draws(len(judged.patients), level=0.95, draws=100, seed=0)


@pytest.fixture(scope="module")
def curves(judged: Judged, draws: Draws) -> Curves:
    found = presence_curves(judged, draws)
    assert found is not None
    return found


def test_curves_are_those_of_scikit_learn(judged: Judged, curves: Curves) -> None:
    across, up, _ = roc_curve(judged.has_aneurysm, judged.presence, drop_intermediate=False)
    np.testing.assert_allclose(curves.roc.across, across)
    np.testing.assert_allclose(curves.roc.up, up)

    precision, recall, _ = precision_recall_curve(judged.has_aneurysm, judged.presence)
    best = {round(r, 9): max(precision[np.isclose(recall, r)]) for r in recall}
    for found, precise in zip(curves.precision.across[1:], curves.precision.up[1:], strict=True):
        assert precise == pytest.approx(best[round(found, 9)])


def test_bands_do_not_depend_on_how_many_cohorts_are_worked_on_at_once(
    judged: Judged, draws: Draws, curves: Curves, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kium_lightning.report.curves._COHORTS_AT_ONCE", 7)
    few = presence_curves(judged, draws)
    assert few is not None
    assert few.roc.as_json() == curves.roc.as_json()
    assert few.precision.as_json() == curves.precision.as_json()
    assert few.gate.as_json() == curves.gate.as_json()


def test_the_gate_curve_holds_what_each_threshold_lets_through(judged: Judged, curves: Curves) -> None:
    for threshold in np.quantile(judged.presence, [0.1, 0.5, 0.9], method="nearest"):
        passed = judged.presence >= threshold
        place = int(np.argmin(np.abs(curves.gate.across - passed.mean())))
        assert curves.gate.across[place] == pytest.approx(passed.mean())
        assert curves.gate.up[place] == pytest.approx(passed[judged.has_aneurysm == 1].mean())


def test_a_wanted_sensitivity_is_reached_and_by_no_higher_score(judged: Judged, curves: Curves) -> None:
    sick = judged.presence[judged.has_aneurysm == 1]
    for point in curves.points:
        assert np.mean(sick >= point.score) == pytest.approx(point.sensitivity)
        assert point.sensitivity >= point.wanted - 1e-12
        higher = judged.presence[judged.presence > point.score]
        assert np.mean(sick >= higher.min()) < point.wanted
        assert point.passed == pytest.approx(np.mean(judged.presence >= point.score))
        assert point.specificity == pytest.approx(np.mean(judged.presence[judged.has_aneurysm == 0] < point.score))


def test_bands_lie_around_their_curves_and_narrow_with_more_patients(tmp_path: Path, curves: Curves) -> None:
    inside = np.interp(GRID, curves.roc.across, curves.roc.up)
    assert np.mean((curves.roc.low <= inside + 1e-9) & (inside <= curves.roc.high + 1e-9)) > 0.9

    many = simulate(tmp_path, patients=900)
    answer = read_judged(many.answer, many.groundtruth, many.scores)
    wide = presence_curves(answer, Draws(len(answer.patients), 0.95, 100, 0))
    assert wide is not None
    for name in ("roc", "precision", "gate"):
        few, more = getattr(curves, name), getattr(wide, name)
        assert np.nanmean(more.high - more.low) < 0.6 * np.nanmean(few.high - few.low)


def test_there_is_no_curve_of_patients_who_are_all_alike(judged: Judged, draws: Draws) -> None:
    for label in (0, 1):
        alike = judged.labels.copy()
        alike[:, LABEL_COLUMNS.index("Aneurysm")] = label
        assert presence_curves(replace(judged, labels=alike), draws) is None


def test_aneurysms_are_counted_in_the_bin_of_their_size(judged: Judged) -> None:
    rows, columns = np.nonzero(judged.locations)
    sizes = np.linspace(1.0, 16.0, len(rows))
    aneurysms = [
        Aneurysm(int(judged.patients[row]), LOCATION_COLUMNS[column], size)
        for row, column, size in zip(rows, columns, sizes, strict=True)
    ]
    assert judged.passed is not None

    bins = sensitivity_by_size(judged, aneurysms, 0.95)

    assert [each.label for each in bins] == ["below 3", "3 to 5", "5 to 7", "7 to 10", "10 to 15", "15 and above"]
    assert sum(each.called.total for each in bins) == len(rows)
    assert sum(each.called.count for each in bins) == judged.calls[rows, columns].sum()
    middle = (sizes >= 5) & (sizes < 7)
    assert bins[2].passed is not None
    assert bins[2].passed.count == judged.passed[rows[middle]].sum()
    assert bins[2].median_mm == pytest.approx(np.median(sizes[middle]))
    assert sensitivity_by_size(judged, [], 0.95) == ()


def test_sizes_are_read_from_the_truth_of_phantoms(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(json.dumps({"aneurysms": [{"column": "BA", "diameter_mm": 4.5}]}))
    (tmp_path / "2.json").write_text(json.dumps({"aneurysms": []}))
    assert read_aneurysms(tmp_path, [1, 2]) == [Aneurysm(1, "BA", 4.5)]

    (tmp_path / "2.json").write_text(json.dumps({"aneurysms": [{"column": "BA"}]}))
    with pytest.raises(CohortError, match=r"2.json does not tell the sizes of aneurysms"):
        read_aneurysms(tmp_path, [1, 2])
    with pytest.raises(CohortError, match=r"3.json does not tell"):
        read_aneurysms(tmp_path, [3])


def test_the_worst_are_the_stopped_with_the_lowest_and_the_passed_with_the_highest_scores(judged: Judged) -> None:
    assert judged.passed is not None
    worst = find_worst(judged, 3)
    sick = judged.has_aneurysm == 1
    by_patient = dict(zip(judged.patients.tolist(), judged.presence.tolist(), strict=True))

    lowest = sorted(by_patient[patient] for patient in judged.patients[sick & ~judged.passed].tolist())
    highest = sorted((by_patient[patient] for patient in judged.patients[~sick & judged.passed].tolist()), reverse=True)
    assert [wrong.presence for wrong in worst.missed] == lowest[:3]
    assert [wrong.presence for wrong in worst.alarmed] == highest[:3]
    assert (worst.missed_in_all, worst.alarmed_in_all) == (len(lowest), len(highest))
    assert all(wrong.truth and not wrong.called for wrong in worst.missed)
    assert not any(wrong.truth for wrong in worst.alarmed)
    ranks = np.argsort(np.argsort(-judged.presence)) + 1
    for wrong in (*worst.missed, *worst.alarmed):
        assert wrong.rank == ranks[judged.patients == wrong.patient][0]


def test_without_a_known_gate_whoever_is_called_anywhere_counts_as_positive(judged: Judged) -> None:
    worst = find_worst(replace(judged, passed=None), len(judged.patients))
    called = judged.calls.any(axis=1)
    assert sorted(worst.patients) == sorted(judged.patients[called != (judged.has_aneurysm == 1)].tolist())


def test_answers_beside_each_other_differ_by_their_numbers_and_swap_signs(judged: Judged, draws: Draws) -> None:
    nothing = replace(judged, calls=np.zeros_like(judged.calls), presence=1 - judged.presence)
    there = compare_answers(judged, nothing, "other", draws, seed=0)
    back = compare_answers(nothing, judged, "other", draws, seed=0)

    gain = float((judged.calls == judged.locations).mean() - (judged.locations == 0).mean())
    assert there.accuracy_difference.value == pytest.approx(gain)
    assert back.accuracy_difference.value == pytest.approx(-gain)
    assert there.accuracy_difference.low <= gain <= there.accuracy_difference.high
    assert there.auroc_difference.value == pytest.approx(2 * back.auroc.value - 1)
    assert there.auroc_difference.p < 0.001

    same = compare_answers(judged, judged, "itself", draws, seed=0)
    assert (same.auroc_difference.value, same.auroc_difference.p) == (0, 1)
    assert (same.accuracy_difference.value, same.accuracy_difference.p) == (0, 1)


def test_answers_about_other_patients_are_not_compared(judged: Judged, draws: Draws) -> None:
    with pytest.raises(RunError, match="x is about other patients"):
        compare_answers(judged, replace(judged, patients=judged.patients + 1), "x", draws, seed=0)


def test_a_probe_that_knows_the_answer_is_better_than_the_answer(judged: Judged, draws: Draws) -> None:
    probe = judge_probe(judged, judged.has_aneurysm.astype(float), 10, draws)
    assert probe.auroc.value == 1
    assert probe.difference.high < 0
