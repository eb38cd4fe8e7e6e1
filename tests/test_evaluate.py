import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulated_answer import Simulated, simulate
from sklearn.metrics import roc_auc_score

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.ensemble.answer import write_answer, write_scores
from kium_lightning.ensemble.rules import fit_quantiles
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.evaluate import evaluate
from kium_lightning.records import read_record, write_record
from kium_lightning.settings import Config, compose
from kium_lightning.tasks.training_runs import find_training


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Simulated:
    monkeypatch.setenv("KIUM_OUTPUTS", str(tmp_path))
    return simulate(tmp_path)


def config(tmp_path: Path, *overrides: str) -> Config:
    return compose("evaluate", [f"folder={tmp_path / 'evaluate'}", "draws=50", *overrides])


def written(tmp_path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((tmp_path / "evaluate" / "evaluation.json").read_text(encoding="utf-8"))
    return content


def test_the_newest_prediction_is_judged_and_its_official_numbers_are_scikit_learns(
    run: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(config(tmp_path))

    truth, output = pd.read_csv(run.groundtruth), pd.read_csv(run.answer)
    columns = list(LOCATION_COLUMNS)
    expected = {
        "auroc": float(roc_auc_score(truth.Aneurysm, output.Aneurysm)),
        "location_accuracy": 1 - float(np.abs(truth[columns].to_numpy() - output[columns].to_numpy()).mean()),
        "all_zero_accuracy": 1 - float(truth[columns].to_numpy().mean()),
    }
    printed = capsys.readouterr().out
    facts = read_record(tmp_path / "evaluate").facts
    for name, value in expected.items():
        assert facts[name] == pytest.approx(value, abs=1e-12)
        assert f"{value:.4f}" in printed
    assert written(tmp_path)["official"]["auroc"]["value"] == pytest.approx(expected["auroc"])


def test_the_last_lines_say_what_was_written(
    run: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate(config(tmp_path))

    last = capsys.readouterr().out.splitlines()[-3:]
    for line, name in zip(last, ("evaluation.json", "evaluation.html", "record.json"), strict=True):
        path = tmp_path / "evaluate" / name
        assert line == f"wrote {path}"
        assert path.is_file()


def test_json_has_null_where_a_number_is_unknown(run: Simulated, tmp_path: Path) -> None:
    evaluate(config(tmp_path))

    unknown = [entry for entry in written(tmp_path)["locations"].values() if not entry["evaluable"]]
    assert unknown
    assert all(entry["auroc"] is None and entry["sensitivity"]["value"] is None for entry in unknown)
    assert list(written(tmp_path)["locations"]) == list(LOCATION_COLUMNS)


def test_an_answer_file_from_elsewhere_needs_only_its_ground_truth(run: Simulated, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"The truth about the patients of .* is not known. Give .* groundtruth=PATH"):
        evaluate(config(tmp_path, f"predictions={run.answer}"))

    evaluate(config(tmp_path, f"predictions={run.answer}", f"groundtruth={run.groundtruth}"))

    assert written(tmp_path)["gate"] == {"sensitivity": None, "specificity": None, "passed": None}


def test_what_cannot_be_found_is_an_error_sentence(run: Simulated, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"There is no .*/nowhere. Give predictions="):
        evaluate(config(tmp_path, f"predictions={tmp_path / 'nowhere'}"))
    with pytest.raises(RunError, match="is not the folder of a finished run"):
        evaluate(config(tmp_path, f"predictions={tmp_path}"))
    write_record(tmp_path / "other", "train", "swin_anterior")
    with pytest.raises(RunError, match="is the folder of a train run"):
        evaluate(config(tmp_path, f"predictions={tmp_path / 'other'}"))
    with pytest.raises(ConfigError, match=r"level is 95\. Give it a number between 0 and 1"):
        evaluate(config(tmp_path, "level=95"))


def test_without_any_prediction_the_command_that_makes_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIUM_OUTPUTS", str(tmp_path))
    with pytest.raises(RunError, match=r"Run `python -m kium_lightning.predict` first"):
        evaluate(config(tmp_path))


def test_another_answer_about_the_same_patients_is_compared(
    run: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = pd.read_csv(run.answer)
    other["Aneurysm"] = 1 - other["Aneurysm"]
    other[list(LOCATION_COLUMNS)] = 0
    other.to_csv(tmp_path / "other.csv", index=False)

    evaluate(config(tmp_path, f"against={tmp_path / 'other.csv'}"))

    truth, own = pd.read_csv(run.groundtruth), pd.read_csv(run.answer)
    difference = written(tmp_path)["against"]["auroc_difference"]
    expected = roc_auc_score(truth.Aneurysm, own.Aneurysm) - roc_auc_score(truth.Aneurysm, other.Aneurysm)
    assert difference["value"] == pytest.approx(expected)
    assert difference["p"] < 0.001
    against = written(tmp_path)["against"]
    assert against["location_accuracy"]["value"] == pytest.approx(written(tmp_path)["baselines"]["all_zero_accuracy"])
    assert against["answer"] == "other.csv"
    assert "that of the other answer" in capsys.readouterr().out

    fewer = other.iloc[1:]
    fewer.to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(RunError, match=r"other.csv lacks patient 1001"):
        evaluate(config(tmp_path, f"against={tmp_path / 'other.csv'}"))
    with pytest.raises(RunError, match=r"Give against= a predict run's folder"):
        evaluate(config(tmp_path, f"against={tmp_path / 'nowhere'}"))


def test_settings_out_of_range_are_one_sentence(run: Simulated, tmp_path: Path) -> None:
    for setting, message in (
        ("least_positives=0", "least_positives is 0. Give it a whole number of at least 1"),
        ("worst=99", "worst is 99. Give it a whole number from 0 to 8"),
        ("heat_maps=all", "heat_maps=all is no choice. Choose worst or none"),
        ("probe=yes", "probe=.* is no choice. Choose metadata or none"),
    ):
        with pytest.raises(ConfigError, match=message):
            evaluate(config(tmp_path, setting))


def test_the_page_shows_as_many_of_the_worst_as_wanted(run: Simulated, tmp_path: Path) -> None:
    evaluate(config(tmp_path, "worst=2"))
    worst = written(tmp_path)["worst"]
    assert [len(worst[kind]["worst"]) for kind in ("false_negatives", "false_positives")] == [2, 2]
    page = (tmp_path / "evaluate" / "evaluation.html").read_text(encoding="utf-8")
    assert page.count('<article class="patient">') == 4
    assert "The images of these patients are not known." in page


def test_a_whole_run_is_shown_with_its_pictures_probe_sizes_and_nets(
    trained: Path, phantom_cohort: CohortFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A predict run on real images, whose scores are made up but whose nets are there."""
    monkeypatch.setenv("KIUM_OUTPUTS", str(tmp_path))
    truth = pd.read_csv(phantom_cohort.groundtruth_csv)
    folder = tmp_path / "predict" / "now"
    presence = np.linspace(0.1, 0.9, len(truth))
    calls = np.zeros((len(truth), 21), np.int64)
    write_answer(folder, truth["Index"], presence, calls)
    by = dict.fromkeys(Circulation, presence)
    passed = presence > 0.5
    write_scores(folder, truth["Index"], presence, by, passed, np.where(passed[:, None], 0.2, np.nan) + calls)
    fit_quantiles(presence, np.asarray(calls + 0.3, np.float64)).save(folder / "thresholds.json")
    runs = [find_training(name, trained) for name in ("mednet_anterior", "mednet_posterior")]
    write_record(
        folder,
        "predict",
        groundtruth=str(phantom_cohort.groundtruth_csv),
        cohort={"name": "phantom_tiny", "path": str(phantom_cohort.path), "part": "test_set"},
        truth=str(phantom_cohort.truth),
        members=[
            {
                "circulation": run.name.removeprefix("mednet_"),
                "target": "binary",
                "name": run.name,
                "checkpoint": str(run.checkpoint),
                "digest": "0",
            }
            for run in runs
        ],
        seconds=1.0,
    )

    evaluate(config(tmp_path))

    content = written(tmp_path)
    assert content["metadata_probe"]["trained_on_patients"] == len(pd.read_csv(phantom_cohort.train_csv))
    assert sum(each["location_sensitivity"]["total"] for each in content["by_size"]) == truth.iloc[:, 2:].sum().sum()
    assert content["presence"]["brier_of_constant"]["from"] == "training set"
    assert [net["name"] for net in content["provenance"]["members"]] == [run.name for run in runs]
    page = (tmp_path / "evaluate" / "evaluation.html").read_text(encoding="utf-8")
    shown = page.count('<article class="patient">')
    assert shown > 0
    assert page.count("data:image/jpeg") == shown * 16
    assert len(page) < 4_000_000
    card = (tmp_path / "evaluate" / "model_card.md").read_text(encoding="utf-8")
    assert "synthetic patients" in card
    assert str(tmp_path) not in card + page


def test_patients_of_the_training_set_are_warned_of_everywhere(
    run: Simulated, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cohort = CohortFolder(tmp_path / "cohort", "phantom")
    cohort.train_csv.parent.mkdir(parents=True)
    cohort.train_csv.write_bytes(run.groundtruth.read_bytes())
    said = "These patients trained nets of this ensemble: every number here is too high."
    for part, warned in (("train_set", True), ("test_set", False)):
        about = {"name": "phantom", "path": str(cohort.path), "part": part}
        write_record(run.folder, "predict", groundtruth=str(run.groundtruth), cohort=about, members=[])

        evaluate(config(tmp_path, "worst=0", "heat_maps=none", "probe=none"))

        content = written(tmp_path)
        page = (tmp_path / "evaluate" / "evaluation.html").read_text(encoding="utf-8")
        assert content["warnings"] == ([said] if warned else [])
        assert (said in page) is warned
        assert (said in capsys.readouterr().out.replace("\n", " ")) is warned
        known = content["presence"]["brier_of_constant"]["from"]
        assert known == ("these patients" if warned else "training set")


def test_json_holds_the_thresholds_rule_and_calibration_or_null(run: Simulated, tmp_path: Path) -> None:
    evaluate(config(tmp_path))
    assert written(tmp_path)["thresholds"] == Thresholds.load(run.folder / "thresholds.json").as_dict()

    evaluate(config(tmp_path, f"predictions={run.answer}", f"groundtruth={run.groundtruth}"))
    assert written(tmp_path)["thresholds"] is None
