"""The verbs end to end, as a user runs them: on a cohort, from another folder, with what can go wrong."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from commands import REPORT_MODELS, Done, call_verb, run_verb, smoke_settings
from sklearn.metrics import roc_auc_score

from kium_lightning import __main__ as listing
from kium_lightning.anatomy import CSV_COLUMNS, LOCATION_COLUMNS
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.splits import read_split
from kium_lightning.records import Record, finished_runs, newest_run, read_record

Capture = pytest.CaptureFixture[str]
NO_WORKERS = "predictor.workers=0"


@pytest.fixture
def own_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An outputs folder in which nothing has run yet."""
    folder = tmp_path / "outputs"
    monkeypatch.setenv("KIUM_OUTPUTS", str(folder))
    return folder


@pytest.fixture(scope="module")
def calibrated(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A finished calibrate run of the trained members."""
    done = run_verb("calibrate", NO_WORKERS, cwd=tmp_path_factory.mktemp("elsewhere"))
    assert done.returncode == 0, done.stderr
    return newest_run(trained, "calibrate")


@pytest.fixture(scope="module")
def predicted(calibrated: Record, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Done:
    """What a predict run of the trained members printed, with their newest thresholds."""
    done = run_verb("predict", NO_WORKERS, cwd=tmp_path_factory.mktemp("elsewhere"))
    assert done.returncode == 0, done.stderr
    return done


def one_message(done: Done) -> str:
    """The message of a verb that failed; there must be one, without a traceback and without a second one."""
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "Error executing job" not in done.stderr
    assert done.stderr.strip()
    return done.stderr


def test_the_package_lists_its_verbs_with_a_line_each(tmp_path: Path) -> None:
    done = run_verb("", cwd=tmp_path)
    assert done.returncode == 0
    for verb, line in listing.VERBS.items():
        assert re.search(rf"^ +{verb} +{re.escape(line)}$", done.stdout, re.MULTILINE)
    assert set(listing.VERBS) == {
        "phantom", "preprocess", "audit", "train", "compare", "explain", "calibrate", "predict", "evaluate",
    }  # fmt: skip


def test_an_unknown_verb_is_told_the_known_ones(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["kium_lightning", "trian"])
    assert listing.main() == 2
    assert "'trian' is no verb" in (message := capsys.readouterr().err)
    assert all(verb in message for verb in listing.VERBS)


@pytest.mark.parametrize("verb", listing.VERBS)
def test_help_says_what_a_verb_does_and_what_can_be_set(verb: str, capsys: Capture, own_outputs: Path) -> None:
    done = call_verb(capsys, verb, "--help")
    assert done.returncode == 0
    assert f"python -m kium_lightning.{verb}" in done.stdout
    assert "Configuration (key=value)" in done.stdout
    assert done.stderr == ""
    assert not own_outputs.exists()


@pytest.mark.parametrize("verb", listing.VERBS)
def test_the_configuration_can_be_looked_at_without_running(verb: str, capsys: Capture, own_outputs: Path) -> None:
    done = call_verb(capsys, verb, "--cfg", "job")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 3
    assert not own_outputs.exists()


def test_a_multirun_trains_the_four_members_and_names_what_it_wrote(trained: Path) -> None:
    records = finished_runs(trained / "sweeps", "train")
    assert sorted(record.name for record in records) == sorted(REPORT_MODELS)
    assert len({record.folder.parent for record in records}) == 1
    for record in records:
        assert record.folder.name.endswith(record.name)
        assert (record.folder / record.facts["checkpoint"]).is_file()
        for name in ("held_out_locations.csv", "held_out_scores.csv", "worst_views.png", "logs/metrics.csv"):
            assert (record.folder / name).is_file()


def test_a_training_records_where_its_numbers_come_from(trained: Path, phantom_cohort: CohortFolder) -> None:
    record = newest_run(trained, "train", "resnet18_posterior")
    facts = record.facts
    assert facts["cohort"] == {"name": "phantom_tiny", "path": str(phantom_cohort.path)}
    split = read_split(Path(facts["split"]["path"]))
    assert (facts["split"]["digest"], facts["split"]["fold"]) == (split.digest, 0)
    assert facts["patients"] == {
        "training": len(split.training(0, "next_fold")),
        "validation": len(split.validation(0, "next_fold")),
        "held_out": len(split.held_out(0)),
    }
    assert facts["weights"]["source"] == "none"
    assert {"seed", "revision", "versions", "hardware", "overrides", "held_out", "recipe", "seconds"} <= set(facts)
    metrics = pd.read_csv(record.folder / "logs" / "metrics.csv")
    assert {"train/loss_epoch", "val/loss", "val/auroc", "val/image_auroc"} <= set(metrics.columns)


def test_every_checkpoint_of_a_training_loads_as_plain_values(trained: Path) -> None:
    for record in finished_runs(trained / "sweeps", "train"):
        for path in sorted((record.folder / "checkpoints").iterdir()):
            assert torch.load(path, weights_only=True)["kium_lightning"]["model"]["net"]["pretrained"] is False


def test_two_trainings_with_one_seed_give_the_same_metrics_and_another_seed_others(
    phantom_cohort: CohortFolder, trained: Path, capsys: Capture, tmp_path: Path
) -> None:
    settings = ["model=resnet18_anterior", "transforms=light", *smoke_settings(phantom_cohort)]
    metrics = []
    for run, seed in enumerate([3, 3, 4]):
        folder = tmp_path / str(run)
        done = call_verb(capsys, "train", *settings, f"seed={seed}", f"hydra.run.dir={folder}")
        assert done.returncode == 0, done.stderr
        metrics.append((folder / "logs" / "metrics.csv").read_bytes())
    assert metrics[0] == metrics[1]
    assert metrics[0] != metrics[2]


def test_a_training_goes_on_from_a_checkpoint(
    phantom_cohort: CohortFolder, trained: Path, capsys: Capture, tmp_path: Path
) -> None:
    last = newest_run(trained, "train", "resnet18_posterior").folder / "checkpoints" / "last.ckpt"
    settings = ["model=resnet18_posterior", *smoke_settings(phantom_cohort), f"hydra.run.dir={tmp_path}"]
    done = call_verb(capsys, "train", *settings, f"resume={last}", "trainer.max_epochs=2")
    assert done.returncode == 0, done.stderr
    metrics = pd.read_csv(tmp_path / "logs" / "metrics.csv")
    assert list(metrics.dropna(subset="train/loss_epoch")["epoch"]) == [1]
    assert read_record(tmp_path).facts["epochs"] == 2


def test_a_training_does_not_go_on_with_patients_held_out_that_it_saw(
    phantom_cohort: CohortFolder, trained: Path, capsys: Capture, tmp_path: Path
) -> None:
    last = newest_run(trained, "train", "resnet18_posterior").folder / "checkpoints" / "last.ckpt"
    settings = ["model=resnet18_posterior", *smoke_settings(phantom_cohort), f"hydra.run.dir={tmp_path}", "data.fold=1"]
    done = call_verb(capsys, "train", *settings, f"resume={last}", "trainer.max_epochs=2")
    assert done.returncode == 1
    assert "held out other patients" in done.stderr


def test_label_weights_are_filled_in_and_kept_in_the_checkpoint(
    phantom_cohort: CohortFolder, capsys: Capture, tmp_path: Path
) -> None:
    settings = ["model=resnet18_anterior", "model/loss=weighted_bce", *smoke_settings(phantom_cohort)]
    done = call_verb(capsys, "train", *settings, f"hydra.run.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    checkpoint = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    weights = checkpoint["kium_lightning"]["model"]["loss"]["positive_weights"]
    assert len(weights) == 5
    assert all(weight > 1 for weight in weights)


def test_a_training_logs_to_wandb_offline_without_a_prompt(
    phantom_cohort: CohortFolder, own_outputs: Path, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "work").mkdir()
    folder = own_outputs / "run"
    settings = [*smoke_settings(phantom_cohort), "model=resnet18_posterior", "logger=wandb", f"hydra.run.dir={folder}"]
    done = run_verb("train", *settings, cwd=tmp_path / "work", environment={"HOME": str(tmp_path / "home")})
    assert done.returncode == 0, done.stderr
    (run,) = (folder / "wandb").glob("offline-run-*")
    log = next(run.glob("run-*.wandb")).read_bytes()
    for content in (b"resnet18_posterior-0-0", b"val/auroc", b"worst_views", b"held_out/locations", b"digest"):
        assert content in log
    assert (folder / "logs" / "metrics.csv").is_file()
    assert not list((tmp_path / "work").iterdir())
    assert not re.search(r"enter|choice|api key", done.stdout + done.stderr, re.IGNORECASE)


def test_calibration_is_fitted_on_patients_that_no_net_saw(calibrated: Record, trained: Path) -> None:
    table = json.loads((calibrated.folder / "thresholds.json").read_text())
    scores = pd.read_csv(calibrated.folder / "out_of_fold.csv")
    split = read_split(Path(newest_run(trained, "train").facts["split"]["path"]))
    assert sorted(scores["Index"]) == sorted(split.held_out(0))
    assert (scores["fold"] == 0).all()
    assert table["fitted_on"]["patients"] == len(scores)
    assert table["fitted_on"]["seen"] is False
    assert table["presence"] == pytest.approx(np.median(scores["Aneurysm"]), abs=2e-6)
    for column in LOCATION_COLUMNS:
        assert table["locations"][column] == pytest.approx(np.quantile(scores[column], 0.9), abs=2e-6)


def test_an_answer_has_the_challenges_form_and_follows_from_the_scores_beside_it(
    predicted: Done, phantom_cohort: CohortFolder
) -> None:
    folder = predicted.written["output.csv"].parent
    answer, scores = pd.read_csv(folder / "output.csv"), pd.read_csv(folder / "scores.csv")
    table = json.loads((folder / "thresholds.json").read_text())
    assert list(answer.columns) == list(CSV_COLUMNS)
    assert list(answer["Index"]) == list(pd.read_csv(phantom_cohort.test_csv)["Index"])
    assert answer["Aneurysm"].between(0, 1).all()
    passed = scores["Aneurysm"] > table["presence"]
    assert list(scores["passed_gate"] == 1) == list(passed)
    for column in LOCATION_COLUMNS:
        called = passed & (scores[column] >= table["locations"][column])
        assert list(answer[column]) == list(called.astype(int))
        assert scores[column].isna().tolist() == (~passed).tolist()


def test_predict_says_which_members_and_thresholds_it_took_and_what_it_wrote(
    predicted: Done, calibrated: Record, trained: Path
) -> None:
    for name in REPORT_MODELS:
        assert str(newest_run(trained, "train", name).folder) in predicted.stdout
    assert str(calibrated.folder / "thresholds.json") in predicted.stdout
    assert all(path.is_file() for path in predicted.written.values())
    last = predicted.stdout.splitlines()[-len(predicted.written) :]
    assert all(line.startswith("wrote /") for line in last)
    facts = read_record(predicted.written["record.json"].parent).facts
    assert facts["patients"] == 6
    assert facts["groundtruth"].endswith("groundtruth.csv")


@pytest.mark.parametrize("batch_size", [7, 64])
def test_the_answer_does_not_depend_on_the_batch_size(batch_size: int, predicted: Done, capsys: Capture) -> None:
    done = call_verb(capsys, "predict", NO_WORKERS, f"predictor.batch_size={batch_size}")
    assert done.returncode == 0, done.stderr
    first, second = (pd.read_csv(run.written["output.csv"]) for run in (predicted, done))
    np.testing.assert_array_equal(first[list(LOCATION_COLUMNS)], second[list(LOCATION_COLUMNS)])
    np.testing.assert_allclose(first["Aneurysm"], second["Aneurysm"], atol=1e-5)


def test_published_thresholds_need_no_calibration(trained: Path, capsys: Capture) -> None:
    done = call_verb(capsys, "predict", NO_WORKERS, "thresholds=published")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.written["thresholds.json"].read_text())["presence"] == 0.65


def test_evaluate_prints_the_numbers_that_scikit_learn_gives(
    predicted: Done, phantom_cohort: CohortFolder, capsys: Capture
) -> None:
    answer_file = predicted.written["output.csv"]
    done = call_verb(capsys, "evaluate", f"predictions={answer_file.parent}", "draws=100", "least_positives=1")
    assert done.returncode == 0, done.stderr
    answer, truth = pd.read_csv(answer_file), pd.read_csv(phantom_cohort.groundtruth_csv)
    columns = list(LOCATION_COLUMNS)
    facts = read_record(done.written["record.json"].parent).facts
    auroc = roc_auc_score(truth["Aneurysm"], answer["Aneurysm"])
    accuracy = 1 - (truth[columns] - answer[columns]).abs().to_numpy().mean()
    assert facts["auroc"] == pytest.approx(auroc)
    assert facts["location_accuracy"] == pytest.approx(accuracy)
    assert facts["all_zero_accuracy"] == pytest.approx(1 - truth[columns].to_numpy().mean())
    assert f"{accuracy:.4f}"[:5] in done.stdout


# What can go wrong: one readable message, exit status 1.

WRONG: dict[str, tuple[str, list[str], str]] = {
    "model": ("train", ["model=swin_antererior"], r"swin_antererior"),
    "key": ("train", ["trainer.max_epoch=3"], r"max_epoch"),
    "cohort not given": ("train", ["cohort=kium", "logger=csv"], r"cohort\.folder"),
    "cohort not there": ("train", ["cohort=kium", "cohort.folder=/gone", "logger=csv"], r"no cohort folder /gone"),
    "no runs to calibrate": ("calibrate", [], r"Run `python -m kium_lightning\.train model=mednet_anterior` first"),
    "no runs to predict": ("predict", [], r"Run `python -m kium_lightning\.train model=mednet_anterior` first"),
    "no prediction": ("evaluate", [], r"Run `python -m kium_lightning\.predict` first"),
    "whose patients": ("calibrate", ["patients=mine"], r"patients=unseen or patients=training"),
    "device": ("predict", ["predictor.device=warp"], r"."),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_told_in_one_message(case: str, capsys: Capture, own_outputs: Path) -> None:
    verb, arguments, expected = WRONG[case]
    message = one_message(call_verb(capsys, verb, *arguments))
    assert re.search(expected, message), message


def test_a_training_cannot_go_on_from_a_file_that_is_no_checkpoint(
    phantom_cohort: CohortFolder, own_outputs: Path, capsys: Capture, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no checkpoint")
    for name in ("gone.ckpt", "notes.txt"):
        settings = [*smoke_settings(phantom_cohort), f"resume={tmp_path / name}"]
        assert str(tmp_path / name) in one_message(call_verb(capsys, "train", *settings))


def test_gradients_that_cannot_be_clipped_with_a_fused_optimizer_are_told(
    phantom_cohort: CohortFolder, own_outputs: Path, capsys: Capture
) -> None:
    settings = [*smoke_settings(phantom_cohort), "model=resnet18_posterior", "+trainer.gradient_clip_val=1.0"]
    mixed = [*settings, "trainer.precision=bf16-mixed"]
    assert "model.optimizer.fused=false" in one_message(call_verb(capsys, "train", *mixed))
    assert call_verb(capsys, "train", *mixed, "model.optimizer.fused=false").returncode == 0


def test_a_faulty_cohort_stops_a_training_before_it_starts(
    phantom_cohort: CohortFolder, own_outputs: Path, capsys: Capture, tmp_path: Path
) -> None:
    part = tmp_path / "cohort" / "train_set"
    part.mkdir(parents=True)
    for path in sorted(phantom_cohort.train_set.iterdir()):
        (part / path.name).symlink_to(path)
    (part / "1001LI-A.jpg").unlink()
    (part / "1002RV-B.jpg").unlink()
    (part / "1002RV-B.jpg").write_text("no image")
    settings = [*smoke_settings(phantom_cohort), f"cohort.folder={part.parent}"]
    message = one_message(call_verb(capsys, "train", *settings))
    assert re.search(r"1001 +LI-A +The view is missing", message)
    assert re.search(r"1002 +RV-B", message)
    assert not list(own_outputs.rglob("*.ckpt"))


def test_thresholds_of_other_members_are_not_taken(
    calibrated: Record, trained: Path, capsys: Capture, tmp_path: Path
) -> None:
    source = newest_run(trained, "train", "mednet_anterior").folder
    retrained = tmp_path / "retrained"
    (retrained / "checkpoints").mkdir(parents=True)
    (retrained / "record.json").write_bytes((source / "record.json").read_bytes())
    checkpoint = torch.load(source / "checkpoints" / "best.ckpt", weights_only=True)
    torch.save(checkpoint | {"epoch": 99}, retrained / "checkpoints" / "best.ckpt")
    message = one_message(call_verb(capsys, "predict", NO_WORKERS, f"ensemble.presence.anterior={retrained}"))
    assert "No thresholds were fitted for these four members" in message
    assert "kium_lightning.calibrate" in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["part=validation_set"], "no part 'validation_set'"),
        (["thresholds=quantile"], "have to be fitted"),
        (["thresholds_file=/gone/thresholds.json"], "/gone/thresholds.json"),
        (["ensemble.locators.anterior=/gone/run"], "/gone/run"),
        (["ensemble.rules.projections=mode"], "projections='mode'"),
        (["ensemble.locators.anterior=resnet18_posterior", "thresholds=published"], "kind folded posterior"),
        (["predictor.device=cuda:77"], "cuda:77"),
    ],
)
def test_a_prediction_that_cannot_be_is_told_why(
    arguments: list[str], expected: str, predicted: Done, capsys: Capture
) -> None:
    if arguments == ["predictor.device=cuda:77"] and torch.cuda.is_available():
        pytest.skip("torch itself refuses a GPU number that is not there")
    message = one_message(call_verb(capsys, "predict", NO_WORKERS, *arguments))
    assert expected in message


def test_a_failing_job_of_a_multirun_lets_the_others_run_and_is_told(
    phantom_cohort: CohortFolder, own_outputs: Path, tmp_path: Path
) -> None:
    settings = [*smoke_settings(phantom_cohort), "model=resnet18_posterior", "data.fold=9,0"]
    done = run_verb("train", "-m", *settings, cwd=tmp_path)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
    assert "data.fold is 9" in done.stderr
    assert [record.facts["split"]["fold"] for record in finished_runs(own_outputs, "train")] == [0]


def test_facts_are_json_of_their_own(trained: Path) -> None:
    for path in trained.rglob("record.json"):
        content: dict[str, Any] = json.loads(path.read_text())
        assert {"verb", "name", "finished"} <= set(content)
