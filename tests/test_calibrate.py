"""Calibration over several folds: whose nets score whom, and on whom the estimate is judged."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from commands import REPORT_MODELS, call_verb

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN, View
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.splits import read_split
from kium_lightning.ensemble.calibrators import Platt
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.gate_rules import AccuracyGate
from kium_lightning.ensemble.location_rules import AccuracyLocations
from kium_lightning.ensemble.nested import nested_answer
from kium_lightning.ensemble.rules import TwoStageRule
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.metrics.official import all_zero_accuracy, location_accuracy
from kium_lightning.records import RECORD_NAME, newest_run

Capture = pytest.CaptureFixture[str]
FOLDS = range(5)
PLACES = ("presence.anterior", "presence.posterior", "locators.anterior", "locators.posterior")
QUICK = ["predictor.workers=0", "draws=50"]


@pytest.fixture(scope="module")
def all_folds(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An outputs folder whose runs look as if every fold had been trained; each fold's nets give other scores."""
    outputs = tmp_path_factory.mktemp("folds")
    for name in REPORT_MODELS:
        source = newest_run(trained, "train", name).folder
        for fold in FOLDS:
            folder = outputs / "train" / name / str(fold)
            (folder / "checkpoints").mkdir(parents=True)
            checkpoint = torch.load(source / "checkpoints" / "best.ckpt", weights_only=True)
            last = [key for key in checkpoint["state_dict"] if key.endswith("bias")][-1]
            checkpoint["state_dict"][last] += 0.3 * fold
            torch.save(checkpoint, folder / "checkpoints" / "best.ckpt")
            content = json.loads((source / RECORD_NAME).read_text())
            content["split"]["fold"] = fold
            (folder / RECORD_NAME).write_text(json.dumps(content))
    return outputs


@pytest.fixture
def outputs_of_all_folds(all_folds: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KIUM_OUTPUTS", str(all_folds))
    return all_folds


def test_every_patient_is_scored_by_the_nets_of_the_fold_that_held_it_out(
    outputs_of_all_folds: Path, phantom_cohort: CohortFolder, capsys: Capture, tmp_path: Path
) -> None:
    done = call_verb(capsys, "calibrate", *QUICK, "thresholds=accuracy", f"folder={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert "mean of 5 nets (folds 0, 1, 2, 3, 4)" in done.stdout
    assert "12 unseen patients of 5 folds" in done.stdout
    assert "Predictions average 5 nets in a place" in " ".join(done.stdout.split())
    record = newest_run(outputs_of_all_folds, "train", REPORT_MODELS[0])
    split = read_split(Path(record.facts["split"]["path"]))
    table = pd.read_csv(tmp_path / "out_of_fold.csv")
    assert [int(index) for index in table["Index"]] == sorted(patient for fold in split.folds for patient in fold)
    assert all(patient in split.folds[fold] for patient, fold in zip(table["Index"], table["fold"], strict=True))

    # Fold 3 by itself, its nets named one by one, gives its patients the same scores; other nets give others.
    alone = [
        f"ensemble.{place}={outputs_of_all_folds / 'train' / name / '3'}"
        for place, name in zip(PLACES, REPORT_MODELS, strict=True)
    ]
    done_alone = call_verb(capsys, "calibrate", *QUICK, *alone, f"folder={tmp_path / 'alone'}")
    assert done_alone.returncode == 0, done_alone.stderr
    of_fold = pd.read_csv(tmp_path / "alone" / "out_of_fold.csv")
    pd.testing.assert_frame_equal(of_fold, table[table["fold"] == 3].reset_index(drop=True), atol=2e-6)

    labels = pd.read_csv(phantom_cohort.train_csv).set_index("Index").loc[table["Index"], list(LABEL_COLUMNS)]
    truth = labels[list(LOCATION_COLUMNS)].to_numpy()
    scores = PatientScores(table[PRESENCE_COLUMN].to_numpy(), table[list(LOCATION_COLUMNS)].to_numpy())
    rule = TwoStageRule(AccuracyGate(), AccuracyLocations())
    expected = nested_answer(scores, labels.to_numpy(), table["fold"].to_numpy(), Platt(10), rule)
    estimate = json.loads((tmp_path / "out_of_fold.json").read_text())
    official, baselines = estimate["official"], estimate["baselines"]
    assert official["location_accuracy"]["value"] == pytest.approx(location_accuracy(truth, expected.calls))
    assert baselines["all_zero_accuracy"] == pytest.approx(all_zero_accuracy(truth))
    assert estimate["calibration"]["calibration"] == "platt"
    assert "Expected calibration error, raw and after platt" in " ".join(done.stdout.split())


def test_a_prediction_goes_through_the_calibration_that_its_thresholds_carry(
    outputs_of_all_folds: Path, capsys: Capture
) -> None:
    settings = ["thresholds/gate=quantile", "thresholds/locations=max_f1", "calibration=platt"]
    calibrated = call_verb(capsys, "calibrate", *QUICK, *settings)
    assert calibrated.returncode == 0, calibrated.stderr
    done = call_verb(capsys, "predict", QUICK[0])
    assert done.returncode == 0, done.stderr
    thresholds = Thresholds.load(done.written["thresholds.json"])
    assert thresholds.calibration.name == "platt"
    views = pd.read_csv(done.written["view_scores.csv"]).set_index(["Index", "view"])[PRESENCE_COLUMN].unstack()
    by_circulation = [views[[view.code for view in View if view.code[1] == letter]].mean(axis=1) for letter in "IV"]
    raw = pd.concat(by_circulation, axis=1).max(axis=1)
    answer = pd.read_csv(done.written["output.csv"]).set_index("Index")
    expected = thresholds.calibration.presence(raw.loc[answer.index].to_numpy())
    # The steepest calibration makes a hundred of a rounding step of the table of views.
    np.testing.assert_allclose(answer[PRESENCE_COLUMN], expected, atol=5e-4)
    scores = pd.read_csv(done.written["scores.csv"])
    np.testing.assert_array_equal(scores["passed_gate"] == 1, scores[PRESENCE_COLUMN] > round(thresholds.presence, 6))


def test_what_cannot_be_estimated_is_said(trained: Path, capsys: Capture, tmp_path: Path) -> None:
    few = call_verb(capsys, "calibrate", *QUICK, f"folder={tmp_path / 'few'}")
    assert few.returncode == 0, few.stderr
    assert re.search(r"cannot be estimated: \d patients cannot be split into 5 folds", " ".join(few.stdout.split()))
    assert (tmp_path / "few" / "thresholds.json").is_file()
    assert not (tmp_path / "few" / "out_of_fold.json").exists()
    seen = call_verb(capsys, "calibrate", *QUICK, "patients=training", f"folder={tmp_path / 'seen'}")
    assert seen.returncode == 0, seen.stderr
    assert "the nets have seen these patients" in " ".join(seen.stdout.split())


def test_a_floor_that_so_few_patients_cannot_keep_is_refused(
    outputs_of_all_folds: Path, capsys: Capture, tmp_path: Path
) -> None:
    done = call_verb(capsys, "calibrate", *QUICK, "thresholds=sensitivity_floor", f"folder={tmp_path}")
    assert done.returncode == 1
    assert "A sensitivity floor of 0.95 needs at least 19 patients with an aneurysm" in done.stderr
    assert not (tmp_path / "thresholds.json").exists()
