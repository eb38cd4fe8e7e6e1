import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from simulated_answer import Simulated, simulate
from sklearn.metrics import roc_auc_score

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.evaluate import evaluate
from kium_lightning.records import read_record, write_record
from kium_lightning.settings import Config, compose


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
