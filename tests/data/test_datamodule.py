import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from random_cohort import write_random_cohort

from kium_lightning.data import cache, checks, cleaned, filling
from kium_lightning.data.cohort import CohortFolder, FolderCohort
from kium_lightning.data.datamodule import Angiograms, default_split_file
from kium_lightning.data.folding import FoldedRows
from kium_lightning.data.packs import NewPack
from kium_lightning.data.patient_rows import PatientRows
from kium_lightning.data.transforms import Augmentation
from kium_lightning.errors import CohortError, ConfigError, SplitError
from kium_lightning.images.reading import read_content
from kium_lightning.settings import build, compose

Make = Callable[..., Angiograms]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> CohortFolder:
    return write_random_cohort(tmp_path_factory.mktemp("cohort") / "random", patients=8, rate=0.12)


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def make(cohort: CohortFolder, cache_folder: Path, tmp_path: Path) -> Make:
    def data(**changes: Any) -> Angiograms:
        settings: dict[str, Any] = {
            "cohort": FolderCohort(str(cohort.path), "random"),
            "rows": FoldedRows("anterior", "multilabel"),
            "image_size": 32,
            "polarity": "as_filmed",
            "median_kernel": 1,
            "mirrored_projections": ["A"],
            "augmentation": Augmentation([]),
            "batch_size": 5,
            "workers": 0,
            "sampler": "label_count",
            "draws": 1,
            "folds": 4,
            "fold": 0,
            "validation": "next_fold",
            "split_file": str(tmp_path / "split.json"),
            "split_seed": 0,
            "seed": 0,
            "cache_folder": str(cache_folder),
            "on_fault": "stop",
        }
        return Angiograms(**(settings | changes))

    return data


def ready(data: Angiograms) -> Angiograms:
    data.prepare_data()
    data.setup("fit")
    return data


@pytest.mark.parametrize("by", ["next_fold", "held_out"])
def test_no_patient_trains_who_judges_or_chooses_in_any_fold(make: Make, by: str) -> None:
    held_out = []
    for fold in range(4):
        data = ready(make(fold=fold, validation=by))
        others = {*data.validation.patients, *data.held_out_rows.patients}
        assert others.isdisjoint(data.training.patients)
        assert others | set(data.training.patients) == set(range(1001, 1009))
        assert (data.validation is data.held_out_rows) == (by == "held_out")
        held_out += data.held_out_rows.patients
    assert sorted(held_out) == list(range(1001, 1009))


def test_the_folded_datasets_share_one_split(make: Make) -> None:
    parts = {
        tuple(ready(make(rows=FoldedRows(circulation, target))).validation.patients)
        for circulation in ("anterior", "posterior")
        for target in ("multilabel", "binary")
    }
    assert len(parts) == 1


def test_a_split_that_leaks_stops_the_set_up(make: Make, tmp_path: Path) -> None:
    data = ready(make())
    folds = [list(fold) for fold in data.split.folds]
    folds[1].append(folds[0][0])
    (tmp_path / "split.json").write_text(json.dumps({"seed": 0, "folds": folds}))
    with pytest.raises(SplitError, match="validation would leak"):
        make().setup("fit")


def test_the_split_is_kept_beside_the_catalog_unless_a_file_is_named(tmp_path: Path, make: Make) -> None:
    cohort = write_random_cohort(tmp_path / "own", patients=6, rate=0.2)
    data = ready(make(cohort=FolderCohort(str(cohort.path), "own"), split_file=None, folds=3))
    assert data.split.path == default_split_file(cohort, 3)
    assert data.split.path.parent == cohort.train_csv.parent
    assert data.split.path.is_file()


def test_validation_gives_every_row_once_and_in_folded_order(make: Make) -> None:
    data = ready(make())
    rows = torch.cat([batch["row"] for batch in data.val_dataloader()])
    assert rows.tolist() == list(range(4 * len(data.validation.patients)))


def test_training_draws_as_many_rows_as_there_are_and_drops_none(make: Make) -> None:
    data = ready(make())
    batches = list(data.train_dataloader())
    assert sum(len(batch["row"]) for batch in batches) == len(data.training)
    assert len(batches) == -(-len(data.training) // 5)


def test_the_weighted_sampler_brings_every_number_of_labels_equally_often(make: Make) -> None:
    positives = ready(make(validation="held_out")).training.labels.sum(axis=1)
    shares: dict[str, list[float]] = {"label_count": [], "shuffled": []}
    for seed in range(10):
        for sampler, found in shares.items():
            loader = ready(make(seed=seed, sampler=sampler, validation="held_out")).train_dataloader()
            found.append(float(np.mean([bool(labels.any()) for batch in loader for labels in batch["labels"]])))
    assert np.mean(shares["shuffled"]) == pytest.approx((positives > 0).mean())
    assert np.mean(shares["label_count"]) == pytest.approx(1 - 1 / len(np.unique(positives)), abs=0.1)
    assert (positives > 0).mean() < np.mean(shares["label_count"]) - 0.1


def test_a_batch_is_what_a_net_is_given(make: Make) -> None:
    for circulation, target, labels in [
        ("anterior", "multilabel", 5),
        ("posterior", "multilabel", 6),
        ("posterior", "binary", 1),
    ]:
        data = ready(make(rows=FoldedRows(circulation, target)))
        batch = next(iter(data.train_dataloader()))
        assert (batch["image"].shape, batch["image"].dtype) == ((5, 1, 32, 32), torch.float32)
        assert (batch["labels"].shape, batch["labels"].dtype) == ((5, labels), torch.float32)
        assert (batch["row"].shape, batch["row"].dtype) == ((5,), torch.int64)
        assert batch["image"].abs().max() <= 1
        assert len(data.label_names) == labels


@pytest.mark.parametrize("workers", [0, 2])
def test_epochs_of_a_trainer_differ_and_one_seed_repeats_them(make: Make, workers: int) -> None:
    class Seen(L.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.epochs: list[list[int]] = [[], []]

        def training_step(self, batch: dict[str, torch.Tensor], _: int) -> None:
            self.epochs[self.current_epoch] += batch["row"].tolist()

        def configure_optimizers(self) -> None:
            return None

    def two_epochs() -> list[list[int]]:
        seen = Seen()
        trainer = L.Trainer(
            max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False,
        )  # fmt: skip
        trainer.fit(seen, train_dataloaders=ready(make(workers=workers)).train_dataloader())
        return seen.epochs

    first = two_epochs()
    assert first[0] != first[1]
    assert two_epochs() == first


def test_the_second_set_up_decodes_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(make())

    monkeypatch.setattr(cleaned, "decode_grey", None)
    monkeypatch.setattr(filling, "decode_grey", None)
    list(ready(make()).train_dataloader())


def prepared_pictures(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The keys of pictures that are prepared from now on, in this process."""
    keys: list[bytes] = []
    add = NewPack.add

    def listed(pack: NewPack, key: bytes, picture: NDArray[np.uint8]) -> None:
        keys.append(key)
        add(pack, key, picture)

    monkeypatch.setattr(NewPack, "add", listed)
    monkeypatch.setattr(cache, "_LEAST_PORTION", 10_000)
    return keys


def test_folds_targets_and_later_runs_share_what_was_prepared(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prepared = prepared_pictures(monkeypatch)
    for fold in range(4):
        for target in ("multilabel", "binary"):
            ready(make(cache_folder=str(tmp_path), fold=fold, rows=FoldedRows("anterior", target)))
    assert len(prepared) == len(set(prepared)) == 8 * 4  # each patient's carotid views, once
    ready(make(cache_folder=str(tmp_path), rows=PatientRows("all")))
    assert len(prepared) == len(set(prepared)) == 8 * 8  # and now the vertebral ones


def test_a_file_is_read_once_for_checking_and_preparing(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cohort: CohortFolder
) -> None:
    read: list[Path] = []

    def listed(path: Path) -> bytes:
        read.append(path)
        return read_content(path)

    monkeypatch.setattr(filling, "read_content", listed)
    monkeypatch.setattr(cache, "_LEAST_PORTION", 10_000)
    monkeypatch.setattr(checks, "read_grey", None)
    monkeypatch.setattr(cleaned, "read_content", None)
    list(ready(make(cache_folder=str(tmp_path))).train_dataloader())
    assert sorted(read) == sorted(cohort.train_set.glob("*.jpg"))


def test_all_broken_files_stand_in_one_table_and_their_patients_may_be_dropped(tmp_path: Path, make: Make) -> None:
    cohort = write_random_cohort(tmp_path / "faulty", patients=7, rate=0.2)
    broken = {"1002LI-A": b"", "1002RV-B": b"no image", "1005LV-A": b"\xff\xd8\xff\xe0"}  # also where no row looks
    for name, content in broken.items():
        (cohort.train_set / f"{name}.jpg").write_bytes(content)
    (cohort.train_set / "1006LV-B.jpg").unlink()
    faulty = FolderCohort(str(cohort.path), "faulty")
    with pytest.raises(CohortError, match="4 faults") as error:
        ready(make(cohort=faulty))
    lines = str(error.value).splitlines()
    for name in (*broken, "1006LV-B"):
        assert sum(line.split()[:2] == [name[:4], name[4:]] for line in lines) == 1
    data = ready(make(cohort=faulty, on_fault="drop"))
    assert {patient for fold in data.split.folds for patient in fold} == {1001, 1003, 1004, 1007}


def test_batches_do_not_depend_on_the_number_of_processes(make: Make) -> None:
    blurred = build(compose("train", ["transforms=strong"]).transforms)
    batches = [list(ready(make(augmentation=blurred, workers=workers)).train_dataloader()) for workers in (0, 2)]
    for alone, handed_over in zip(*batches, strict=True):
        for name, part in alone.items():
            assert torch.equal(part, handed_over[name])


@pytest.mark.parametrize("changes", [False, True])
def test_processes_are_started_where_pictures_are_changed(make: Make, changes: bool) -> None:
    augmentation = build(compose("train", [f"transforms={'light' if changes else 'none'}"]).transforms)
    data = ready(make(workers="auto", augmentation=augmentation))
    assert data.train_dataloader().num_workers == (min(2, os.cpu_count() or 1) if changes else 0)
    assert data.val_dataloader().num_workers == 0
    with pytest.raises(ConfigError, match=r"data\.workers is 'many'\. Give it a whole number of at least 0, or auto"):
        make(workers="many")


def test_setting_up_twice_changes_nothing(make: Make) -> None:
    data = ready(make())
    training = data.training
    data.setup("validate")
    assert data.training is training


def test_asking_for_data_before_the_set_up_is_told(make: Make) -> None:
    with pytest.raises(RuntimeError, match=r"Call setup\(\)"):
        make().train_dataloader()


def test_faults_stop_unless_those_patients_may_be_dropped(
    tmp_path: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    cohort = write_random_cohort(tmp_path / "faulty", patients=5, rate=0.2)
    (cohort.train_set / "1003LI-A.jpg").unlink()
    faulty = FolderCohort(str(cohort.path), "faulty")
    with pytest.raises(CohortError, match="1003"):
        ready(make(cohort=faulty))
    data = ready(make(cohort=faulty, on_fault="drop"))
    assert 1003 not in [*data.training.patients, *data.validation.patients]
    assert len({*data.training.patients, *data.validation.patients, *data.held_out_rows.patients}) == 4
    assert "1003" in caplog.text


def test_down_sampled_rows_are_balanced_and_every_epoch_has_the_same(make: Make) -> None:
    loader = ready(make(sampler="down_sampled")).train_dataloader()
    epochs = [torch.cat([batch["row"] for batch in loader]).tolist() for _ in range(2)]
    labels = torch.cat([batch["labels"] for batch in loader])
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert 2 * int(labels.any(dim=1).sum()) == len(labels) > 0


def test_two_draws_are_given_in_training_and_validation(make: Make) -> None:
    blurred = build(compose("train", ["transforms=strong"]).transforms)
    data = ready(make(draws=2, augmentation=blurred))
    for loader in (data.train_dataloader(), data.val_dataloader()):
        batch = next(iter(loader))
        assert batch["other"].shape == batch["image"].shape
        assert not torch.equal(batch["other"], batch["image"])


def test_two_equal_draws_and_unknown_samplers_are_told(make: Make) -> None:
    with pytest.raises(ConfigError, match=r"the same image twice where transforms=none.*transforms=strong"):
        make(draws=2)
    with pytest.raises(ConfigError, match=r"data\.draws is 3"):
        make(draws=3)
    with pytest.raises(ConfigError, match=r"'weighted'\. Choose one of label_count, shuffled, down_sampled"):
        make(sampler="weighted")
