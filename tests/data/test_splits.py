import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from random_cohort import label_table, random_labels

from kium_lightning.anatomy import LOCATION_COLUMNS, PRESENCE_COLUMN
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.splits import Split, ValidationBy, read_or_make_split, read_split, stratified_folds
from kium_lightning.errors import SplitError


def catalog_of(table: pd.DataFrame, folder: Path) -> Catalog:
    return Catalog(folder, table, {})


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return catalog_of(label_table(random_labels(60, seed=0, rate=0.1)), tmp_path)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("folds", [2, 5, 10])
def test_every_label_is_spread_evenly_over_the_folds(folds: int, seed: int) -> None:
    labels = label_table(random_labels(1127, seed))[[*LOCATION_COLUMNS, PRESENCE_COLUMN]].to_numpy(np.int64)
    assigned = stratified_folds(labels, folds, seed)
    counts = np.array([labels[assigned == fold].sum(axis=0) for fold in range(folds)])
    apart = np.abs(counts - labels.sum(axis=0) / folds).max(axis=0)
    assert apart[:-1].max() < 2
    assert apart[-1] < 0.01 * len(labels)  # patients with several locations keep presence from being as even
    assert np.abs(np.bincount(assigned) - len(labels) / folds).max() < 2


def test_a_label_of_fewer_patients_than_folds_is_never_twice_in_a_fold() -> None:
    labels = np.zeros((100, 2), dtype=np.int64)
    labels[:3, 0] = 1
    labels[:40, 1] = 1
    for seed in range(20):
        assert np.bincount(stratified_folds(labels, 5, seed)[:3], minlength=5).max() == 1


def test_the_same_seed_gives_the_same_folds_and_another_seed_others() -> None:
    labels = random_labels(300, seed=1)
    np.testing.assert_array_equal(stratified_folds(labels, 5, 7), stratified_folds(labels, 5, 7))
    assert not np.array_equal(stratified_folds(labels, 5, 7), stratified_folds(labels, 5, 8))


def test_every_patient_is_in_exactly_one_fold(catalog: Catalog, tmp_path: Path) -> None:
    split = read_or_make_split(tmp_path / "split.json", catalog, folds=5, seed=0)
    assert sorted(patient for fold in split.folds for patient in fold) == sorted(catalog.patients)


@pytest.mark.parametrize("by", ["next_fold", "held_out"])
def test_no_patient_has_two_parts_in_a_training(catalog: Catalog, tmp_path: Path, by: ValidationBy) -> None:
    split = read_or_make_split(tmp_path / "split.json", catalog, folds=5, seed=0)
    for fold in range(5):
        training, validation, held_out = split.training(fold, by), split.validation(fold, by), split.held_out(fold)
        assert not set(training) & {*validation, *held_out}
        assert {*training, *validation, *held_out} == set(catalog.patients)
        assert (set(validation) == set(held_out)) == (by == "held_out")
        assert set(validation).isdisjoint(held_out) == (by == "next_fold")


def test_every_fold_chooses_the_epoch_once_and_is_held_out_once(catalog: Catalog, tmp_path: Path) -> None:
    split = read_or_make_split(tmp_path / "split.json", catalog, folds=5, seed=0)
    for part in (split.held_out, lambda fold: split.validation(fold, "next_fold")):
        assert sorted(patient for fold in range(5) for patient in part(fold)) == sorted(catalog.patients)


def test_two_folds_leave_none_to_train_unless_the_held_out_one_chooses_the_epoch(tmp_path: Path) -> None:
    split = Split(((1001,), (1002,)), 0, tmp_path / "split.json")
    assert split.training(1, "held_out") == [1001]
    with pytest.raises(SplitError, match=r"none is left to train on.*data\.folds to 3.*data\.validation=held_out"):
        split.training(1, "next_fold")


def test_a_split_is_written_once_and_read_afterwards(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    made = read_or_make_split(path, catalog, folds=5, seed=0)
    content = path.read_bytes()
    # A file that another seed or hand made is taken as it is, as long as it fits.
    swapped = json.loads(content)
    swapped["folds"][0], swapped["folds"][1] = swapped["folds"][1], swapped["folds"][0]
    assert read_or_make_split(path, catalog, folds=5, seed=0) == made
    assert path.read_bytes() == content
    path.write_text(json.dumps(swapped))
    read = read_or_make_split(path, catalog, folds=5, seed=0)
    assert read.folds == (made.folds[1], made.folds[0], *made.folds[2:])


def test_the_digest_tells_folds_apart_and_nothing_else(catalog: Catalog, tmp_path: Path) -> None:
    split = read_or_make_split(tmp_path / "split.json", catalog, folds=5, seed=0)
    assert replace(split, path=tmp_path / "elsewhere.json").digest == split.digest
    assert replace(split, folds=split.folds[1:] + split.folds[:1]).digest != split.digest


def test_a_patient_in_two_folds_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"seed": 0, "folds": [[1001, 1002], [1003, 1002]]}))
    with pytest.raises(SplitError, match=r"patient 1002 .*two folds.*Delete the file"):
        read_split(path)


def test_a_split_of_other_patients_is_refused(catalog: Catalog, tmp_path: Path) -> None:
    path = tmp_path / "split.json"
    read_or_make_split(path, catalog, folds=5, seed=0)
    fewer = catalog_of(catalog.table.iloc[1:].reset_index(drop=True), tmp_path)
    with pytest.raises(SplitError, match=r"other patients.*patient 1001.*data\.split_file"):
        read_or_make_split(path, fewer, folds=5, seed=0)


@pytest.mark.parametrize(("folds", "seed"), [(4, 0), (5, 1)])
def test_a_split_with_other_settings_is_refused(catalog: Catalog, tmp_path: Path, folds: int, seed: int) -> None:
    path = tmp_path / "split.json"
    read_or_make_split(path, catalog, folds=5, seed=0)
    with pytest.raises(SplitError, match=rf"5 folds drawn with seed 0.*data\.folds={folds}.*data\.split_seed={seed}"):
        read_or_make_split(path, catalog, folds=folds, seed=seed)


@pytest.mark.parametrize("folds", [0, 1, 61])
def test_an_impossible_number_of_folds_is_refused_and_nothing_is_written(
    catalog: Catalog, tmp_path: Path, folds: int
) -> None:
    with pytest.raises(SplitError, match=rf"60 patients cannot be split into {folds} folds"):
        read_or_make_split(tmp_path / "split.json", catalog, folds=folds, seed=0)
    assert not (tmp_path / "split.json").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"seed": 0, "folds": 3}', '{"seed": 0, "folds": [["a"]]}'])
def test_a_damaged_split_is_named_with_the_remedy(tmp_path: Path, content: str) -> None:
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(SplitError, match=r"split\.json is not a split.*Delete the file"):
        read_split(path)


def test_a_missing_split_is_named(tmp_path: Path) -> None:
    with pytest.raises(SplitError, match=r"There is no split .*split\.json"):
        read_split(tmp_path / "split.json")


@pytest.mark.parametrize("fold", [-1, 2])
def test_a_fold_that_does_not_exist_is_refused(tmp_path: Path, fold: int) -> None:
    split = Split(((1001,), (1002,)), 0, tmp_path / "split.json")
    with pytest.raises(SplitError, match=rf"no fold {fold}.*folds 0 to 1"):
        split.held_out(fold)
