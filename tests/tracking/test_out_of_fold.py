from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kium_lightning.errors import RunError
from kium_lightning.records import PATIENTS_NAME, Record, read_record, write_record
from kium_lightning.settings import compose, plain
from kium_lightning.tasks.fold_runs import fold_runs, recipe_digest
from kium_lightning.tracking.out_of_fold import write_out_of_fold


def write_run(outputs: Path, fold: int, patients: list[int], place: str = "", **changed: Any) -> Record:
    folder = outputs / "train" / "net" / f"{fold}{place}"
    folder.mkdir(parents=True)
    pd.DataFrame({"Index": patients, "BA": 0, "score_BA": fold / 10}).to_csv(folder / PATIENTS_NAME, index=False)
    facts = {"recipe": "r", "cohort": {"path": "/cohort"}, "split": {"digest": "d", "fold": fold}} | changed
    write_record(folder, "train", "net", **facts)
    return read_record(folder)


def test_the_last_training_of_a_recipe_holds_every_folds_patients_once(tmp_path: Path) -> None:
    first = write_run(tmp_path, 0, [1004, 1001])
    path = write_out_of_fold(first, tmp_path)
    assert path is not None
    assert list(pd.read_csv(path)["Index"]) == [1001, 1004]
    second = write_run(tmp_path, 1, [1002, 1005])
    path = write_out_of_fold(second, tmp_path)
    assert path is not None
    table = pd.read_csv(path)
    assert list(table.columns) == ["Index", "fold", "BA", "score_BA"]
    assert list(table["Index"]) == [1001, 1002, 1004, 1005]
    assert list(table["fold"]) == [0, 1, 0, 1]
    assert list(table["score_BA"]) == [0.0, 0.1, 0.0, 0.1]


@pytest.mark.parametrize(
    "changed",
    [
        {"recipe": "other"},
        {"cohort": {"path": "/other"}},
        {"split": {"digest": "other", "fold": 0}},
    ],
)
def test_trainings_of_another_recipe_cohort_or_split_stay_out(tmp_path: Path, changed: dict[str, Any]) -> None:
    write_run(tmp_path, 0, [1001], **changed)
    assert list(fold_runs(write_run(tmp_path, 1, [1002]), tmp_path)) == [1]


def test_of_two_trainings_on_a_fold_the_newer_counts_and_a_run_always_counts_itself(tmp_path: Path) -> None:
    old = write_run(tmp_path, 0, [1001], "-old")
    new = write_run(tmp_path, 0, [1001], "-new")
    other = write_run(tmp_path, 1, [1002])
    assert fold_runs(other, tmp_path)[0].folder == new.folder
    assert fold_runs(old, tmp_path)[0].folder == old.folder


def test_a_patient_whom_two_folds_held_out_is_told(tmp_path: Path) -> None:
    write_run(tmp_path, 0, [1001, 1002])
    with pytest.raises(RunError, match=r"Patient 1002 was held out by two trainings"):
        write_out_of_fold(write_run(tmp_path, 1, [1002, 1003]), tmp_path)


def test_a_pretraining_that_scores_no_patients_collects_nothing(tmp_path: Path) -> None:
    record = write_run(tmp_path, 0, [1001])
    (record.folder / PATIENTS_NAME).unlink()
    assert write_out_of_fold(record, tmp_path) is None


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text("Index,BA\n1001,0\n")
    return path


def digest(labels: Path, *overrides: str, source: str = "none") -> str:
    settings = plain(compose("train", ["folder=/run", "name=net", *overrides]))
    return recipe_digest(settings, {"source": source, "cause": "no network"}, labels)


@pytest.mark.parametrize(
    "same",
    ["data.fold=3", "data.workers=0", "folder=/elsewhere", "logger=csv", "data.cache_folder=/c"],
)
def test_a_recipe_does_not_depend_on_its_fold_or_the_machine(same: str, labels: Path) -> None:
    assert digest(labels, same) == digest(labels)


@pytest.mark.parametrize(
    "other",
    [
        "seed=1",
        "model.optimizer.lr=0.5",
        "data.image_size=64",
        "trainer.max_epochs=1",
        "data.validation=held_out",
        "trainer.devices=2",
        "callbacks.early_stopping.patience=50",
    ],
)
def test_a_recipe_depends_on_what_changes_its_numbers(other: str, labels: Path) -> None:
    assert digest(labels, other) != digest(labels)


def test_a_recipe_depends_on_its_first_weights_and_on_its_labels(labels: Path) -> None:
    before = digest(labels)
    assert digest(labels, source="published") != before
    labels.write_text("Index,BA\n1001,1\n")
    assert digest(labels) != before
