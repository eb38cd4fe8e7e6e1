from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from random_cohort import random_catalog
from torch.utils.data import default_collate

from kium_lightning.data import buffers
from kium_lightning.data.buffers import batch_array
from kium_lightning.data.cache import prepared_views
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.dataset import Batches, RowDataset
from kium_lightning.data.folding import FoldedRows
from kium_lightning.data.patient_rows import PatientRows
from kium_lightning.data.rows import Rows
from kium_lightning.data.sampling import Draw
from kium_lightning.data.transforms import Augmentation, Preparation
from kium_lightning.data.views import row_sources
from kium_lightning.settings import build, compose

PREPARATION = Preparation.from_values(32, "as_filmed", 1, ["A"])


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return random_catalog(tmp_path_factory.mktemp("cohort") / "random", patients=3, rate=0.3)


@pytest.fixture(scope="module")
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def dataset(catalog: Catalog, rows: Rows, cache_folder: Path, augmented: bool) -> RowDataset:
    change: Augmentation | None = build(compose("train", ["transforms=strong"]).transforms) if augmented else None
    sources, positions = row_sources(catalog, rows)
    return RowDataset(catalog, rows, prepared_views(sources, PREPARATION, cache_folder), positions, change, change)


@pytest.mark.parametrize("augmented", [False, True])
@pytest.mark.parametrize("rows", [FoldedRows("anterior", "multilabel"), PatientRows("all")])
def test_a_batch_is_its_rows_stacked(catalog: Catalog, cache_folder: Path, rows: Rows, augmented: bool) -> None:
    data = dataset(catalog, rows, cache_folder, augmented)
    draws: list[Draw | int] = [Draw(2, 7), Draw(0, 8), Draw(2, 9), 1]
    together = Batches(data).__getitems__(draws)
    stacked = default_collate([data[draw] for draw in draws])
    assert set(together) == set(stacked)
    for name, part in stacked.items():
        assert together[name].dtype == part.dtype  # type: ignore[literal-required]
        assert torch.equal(together[name], part)  # type: ignore[literal-required]


def test_the_pictures_of_a_batch_are_the_cached_ones_with_mean_and_deviation_one_half(
    catalog: Catalog, cache_folder: Path
) -> None:
    rows = FoldedRows("posterior", "binary")
    cached = np.asarray(prepared_views(row_sources(catalog, rows).sources, PREPARATION, cache_folder))
    images = dataset(catalog, rows, cache_folder, False).batch([5, 0, 3])["image"]
    expected = (cached[[5, 0, 3], None] / 255.0 - 0.5) / 0.5
    np.testing.assert_allclose(images.numpy(), expected, atol=1e-6, rtol=0)


def test_a_missing_view_is_zeros_also_where_memory_held_other_pictures(tmp_path: Path, cache_folder: Path) -> None:
    catalog = random_catalog(tmp_path / "cohort", patients=2)
    lost = (catalog.patients[1], next(iter(catalog.images))[1])
    images = {key: path for key, path in catalog.images.items() if key != lost}
    masked = Catalog(catalog.folder, catalog.table, images)
    data = dataset(masked, PatientRows("all"), cache_folder, False)
    for _ in range(3):
        batch = data.batch([0, 1])
        assert batch["present"].sum().item() == 15
        np.testing.assert_array_equal((batch["image"] != 0).flatten(2).any(dim=2).numpy(), batch["present"].numpy())
        del batch


@pytest.fixture
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "_buffers", [])


def place(array: NDArray[np.float32]) -> int:
    return array.ctypes.data


def test_memory_is_used_again_once_nobody_refers_to_it(no_memory: None) -> None:
    first = batch_array(4, 10)
    address = place(first)
    del first
    assert place(batch_array(40)) == address
    assert place(batch_array(3, 2)) == address


def test_memory_that_a_view_of_a_tensor_needs_is_left_alone(no_memory: None) -> None:
    held = torch.from_numpy(batch_array(8, 8)).zero_()[2:, 1]
    for _ in range(3):
        batch_array(8, 8).fill(7.0)
    assert held.tolist() == [0.0] * 6


def test_memory_that_autograd_needs_is_left_alone(no_memory: None) -> None:
    weight = torch.ones(8, requires_grad=True)
    product = torch.from_numpy(batch_array(8, 8)).fill_(3.0) @ weight
    for _ in range(3):
        batch_array(8, 8).fill(7.0)
    product.sum().backward()  # type: ignore[no-untyped-call]
    assert weight.grad is not None
    assert weight.grad.tolist() == [24.0] * 8


def test_many_batches_may_be_held_at_once(no_memory: None) -> None:
    held = [batch_array(5, 5) for _ in range(9)]
    for number, array in enumerate(held):
        array.fill(number)
    assert [array.mean() for array in held] == list(range(9))
    assert len(buffers._buffers) == 4
