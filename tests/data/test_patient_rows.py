import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from random_cohort import plain_view, write_random_cohort
from sklearn.metrics import roc_auc_score

from kium_lightning.anatomy import CSV_COLUMNS, Target, View
from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.data.dataset import Batch
from kium_lightning.data.folding import FoldedRows
from kium_lightning.data.patient_rows import PatientRows
from kium_lightning.data.sampling import Draw
from kium_lightning.data.transforms import Preparation, normalize
from kium_lightning.data.views import row_sources
from kium_lightning.errors import CohortError, ConfigError
from kium_lightning.images.reading import read_grey
from kium_lightning.settings import build, compose
from kium_lightning.tasks.rows import ScoredRows, score_epoch, unfold_rows

COLUMNS = {Target.BINARY: CSV_COLUMNS[1:2], Target.MULTILABEL: CSV_COLUMNS[2:], Target.ALL: CSV_COLUMNS[1:]}
LOST = View.LEFT_POSTERIOR_LATERAL
FILE = f"1002{LOST.code}.jpg"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> CohortFolder:
    return write_random_cohort(tmp_path_factory.mktemp("cohort") / "random", patients=6, rate=0.15)


def ready(cohort: CohortFolder, folder: Path, *changes: str) -> Angiograms:
    """The data of a training run, with its cache and its split in a folder."""
    settings = ["name=here", f"folder={folder}", "cohort=kium", f"cohort.folder={cohort.path}"]
    settings += ["data=patients", "data.image_size=32", "data.workers=0", "data.folds=3"]
    settings += [f"data.cache_folder={folder}", f"data.split_file={folder}/split.json", *changes]
    data: Angiograms = build(compose("train", settings).data)
    data.prepare_data()
    data.setup("fit")
    return data


def without(cohort: CohortFolder, folder: Path, name: str, content: bytes | None) -> CohortFolder:
    """A copy of a cohort in which one image is gone, or holds something else."""
    shutil.copytree(cohort.path, folder)
    copy = CohortFolder(folder, "random")
    (copy.train_set / name).unlink()
    if content is not None:
        (copy.train_set / name).write_bytes(content)
    return copy


def by_patient(data: Angiograms) -> dict[int, Batch]:
    parts = (data.training, data.validation)
    return {part.patients[row]: part[row] for part in parts for row in range(len(part))}


@pytest.mark.parametrize("target", Target)
def test_a_patient_is_one_row_with_the_columns_of_the_table(cohort: CohortFolder, target: Target) -> None:
    rows = PatientRows(target)
    table = pd.read_csv(cohort.train_csv)
    labels = rows.labels(table)
    assert labels.shape == (6, 1, len(COLUMNS[target]))
    np.testing.assert_array_equal(labels[:, 0], table[list(COLUMNS[target])])
    np.testing.assert_array_equal(rows.unfold_labels(labels), labels[:, 0])
    assert tuple(rows.label_names) == tuple(rows.columns) == COLUMNS[target]


def test_channels_are_the_unmirrored_views_in_the_order_of_the_sorted_file_names(
    cohort: CohortFolder, tmp_path: Path
) -> None:
    prepare = Preparation.from_values(32, "as_filmed", 1, [])
    for patient, batch in by_patient(ready(cohort, tmp_path)).items():
        paths = sorted(cohort.train_set.glob(f"{patient}*.jpg"))
        expected = [normalize(prepare(read_grey(path), view)) for path, view in zip(paths, View, strict=True)]
        assert torch.equal(batch["image"], torch.cat(expected))
        assert batch["view"].tolist() == list(range(8))
        assert batch["present"].all()


@pytest.mark.parametrize("fold", range(3))
def test_folded_rows_and_whole_patients_have_the_same_split(cohort: CohortFolder, tmp_path: Path, fold: int) -> None:
    folded = ready(cohort, tmp_path / "folded", "data=anterior", f"data.fold={fold}")
    whole = ready(cohort, tmp_path / "whole", f"data.fold={fold}")
    assert whole.validation.patients == folded.validation.patients
    assert whole.training.patients == folded.training.patients
    assert len(whole.validation) == len(whole.validation.patients)


def test_a_view_is_the_same_picture_in_folded_rows(cohort: CohortFolder, tmp_path: Path) -> None:
    whole = ready(cohort, tmp_path).validation
    folded = ready(cohort, tmp_path, "data=anterior", "data.mirrored_projections=[]").validation
    places = [place for place, view in enumerate(View) if view.code[1] == "I"]
    for patient in range(len(whole)):
        channels = torch.stack([folded[4 * patient + view]["image"][0] for view in range(4)])
        assert torch.equal(whole[patient]["image"][places], channels)


def test_a_second_set_up_reads_the_cache_of_the_first(cohort: CohortFolder, tmp_path: Path) -> None:
    first = by_patient(ready(cohort, tmp_path))
    written = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npy")}
    again = by_patient(ready(cohort, tmp_path, "data.rows.target=binary"))  # labels are no part of a picture
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.npy")} == written
    assert all(torch.equal(first[patient]["image"], again[patient]["image"]) for patient in first)


@pytest.mark.parametrize("target", Target)
def test_an_epoch_is_scored_by_column_as_scikit_learn_does(target: Target) -> None:
    random = np.random.default_rng(0)
    labels = (random.random((40, len(COLUMNS[target]))) < 0.3).astype(np.int64)
    scored = ScoredRows(np.arange(40), random.random(labels.shape), labels)
    results = score_epoch(scored, PatientRows(target))
    known = [roc_auc_score(labels[:, place], scored.scores[:, place]) for place in range(labels.shape[1])]
    assert results["auroc"] == results["image_auroc"] == pytest.approx(np.mean(known))
    if target is not Target.BINARY:
        names = [f"auroc/{name}" for name in COLUMNS[target]]
        assert [results[name] for name in names] == pytest.approx(known)
    np.testing.assert_array_equal(unfold_rows(scored, PatientRows(target)).scores, scored.scores)


@pytest.mark.parametrize("content", [None, b"", b"no image"])
def test_a_lost_view_is_zeros_and_changes_nothing_else(
    cohort: CohortFolder, tmp_path: Path, content: bytes | None
) -> None:
    whole = by_patient(ready(cohort, tmp_path))
    lossy = without(cohort, tmp_path / "lossy", FILE, content)
    masked = by_patient(ready(lossy, tmp_path, "data.on_fault=mask"))
    assert list(masked) == list(whole)
    place = list(View).index(LOST)
    for patient, batch in masked.items():
        expected: dict[str, Any] = {**whole[patient]}
        if patient == 1002:
            assert whole[patient]["image"][place].any()
            expected["image"], expected["present"] = expected["image"].clone(), expected["present"].clone()
            expected["image"][place], expected["present"][place] = 0, False
        for name, value in batch.items():
            assert torch.equal(torch.as_tensor(value), expected[name]), (patient, name)


def test_rows_with_and_without_all_views_make_one_batch(cohort: CohortFolder, tmp_path: Path) -> None:
    data = ready(without(cohort, tmp_path / "lossy", FILE, None), tmp_path, "data.on_fault=mask")
    batches = [batch for loader in (data.train_dataloader(), data.val_dataloader()) for batch in loader]
    assert all(batch["image"].shape[1:] == (8, 32, 32) for batch in batches)
    assert sum(int((~batch["present"]).sum()) for batch in batches) == 1


def test_masked_patients_keep_the_split_of_whole_ones(cohort: CohortFolder, tmp_path: Path) -> None:
    whole = ready(cohort, tmp_path / "whole", "data=anterior")
    masked = ready(without(cohort, tmp_path / "lossy", FILE, None), tmp_path / "masked", "data.on_fault=mask")
    assert masked.split.folds == whole.split.folds


def test_masking_rows_of_single_views_is_refused(cohort: CohortFolder, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"on_fault=mask needs .*data=patients\. Choose stop or drop\.$"):
        ready(cohort, tmp_path, "data=anterior", "data.on_fault=mask")


def test_a_masked_catalog_is_refused_by_rows_that_lose_their_only_view(cohort: CohortFolder, tmp_path: Path) -> None:
    lossy = without(cohort, tmp_path / "lossy", FILE, None)
    catalog = read_catalog(lossy.train_set, lossy.train_csv, "mask")
    assert len(row_sources(catalog, FoldedRows("anterior", "binary")).sources) == 24  # none of these is lost
    with pytest.raises(CohortError, match=rf"1002 has no picture for the row {LOST.code}.*on_fault to stop or drop"):
        row_sources(catalog, FoldedRows("posterior", "binary"))


@pytest.mark.parametrize("transforms", ["elastic_blur", "strong"])
def test_all_views_of_a_patient_are_augmented_alike(tmp_path: Path, transforms: str) -> None:
    cohort = write_random_cohort(tmp_path / "cohort", patients=3, rate=0.3)
    for path in cohort.train_set.glob("*.jpg"):
        cv2.imwrite(str(path), plain_view(int(path.name[:4])))
    (cohort.train_set / FILE).unlink()
    data = ready(cohort, tmp_path, f"transforms={transforms}", "data.on_fault=mask")
    changed = 0
    for row, seed in [(row, seed) for row in range(len(data.training)) for seed in range(5)]:
        batch = data.training[Draw(row, seed)]
        views = batch["image"][batch["present"]]
        assert len(views) == (7 if data.training.patients[row] == 1002 else 8)
        assert all(torch.equal(view, views[0]) for view in views)
        assert not batch["image"][~batch["present"]].any()
        changed += not torch.equal(batch["image"], data.training[row]["image"])
    assert changed > 0


def test_an_unknown_target_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"data\.rows\.target is 'some'\. Choose one of multilabel, binary, all"):
        PatientRows("some")
