from pathlib import Path

import numpy as np
import pytest
import torch
from plain_views import plain_views
from random_cohort import random_catalog

from kium_lightning.anatomy import Circulation, Target
from kium_lightning.data.cache import prepared_views
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.folding import FoldedRows, fold_labels
from kium_lightning.data.sampling import Draw
from kium_lightning.data.transforms import Augmentation, Preparation, normalize
from kium_lightning.data.views import row_sources
from kium_lightning.images.reading import read_grey
from kium_lightning.settings import build, compose

PREPARATION = Preparation.from_values(32, "as_filmed", 1, ["A"])


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    return random_catalog(tmp_path_factory.mktemp("cohort"), patients=2, rate=0.2)


@pytest.mark.parametrize("circulation", Circulation)
def test_rows_are_the_views_of_a_circulation_in_folded_order(catalog: Catalog, circulation: Circulation) -> None:
    names = [source.path.name for source in row_sources(catalog, FoldedRows(circulation, "binary")).sources]
    assert names == sorted(p.name for p in catalog.folder.glob("*.jpg") if p.name[5] == circulation.letter)


@pytest.mark.parametrize("target", [Target.BINARY, Target.MULTILABEL])
@pytest.mark.parametrize("circulation", Circulation)
def test_a_row_is_its_own_picture_with_its_sides_labels(
    catalog: Catalog, circulation: Circulation, target: Target
) -> None:
    rows = FoldedRows(circulation, target)
    sources, positions = row_sources(catalog, rows)
    dataset = RowDataset(catalog, rows, plain_views(sources, PREPARATION), positions)
    folded = fold_labels(catalog.table.iloc[:, 2:].to_numpy(np.int64), circulation).reshape(8, -1)
    expected = folded if target is Target.MULTILABEL else folded.max(axis=1, keepdims=True)
    assert len(dataset) == 8
    for row, (path, view, _) in enumerate(sources):
        batch = dataset[row]
        assert torch.equal(batch["image"], normalize(PREPARATION(read_grey(path), view)))
        np.testing.assert_array_equal(batch["labels"], expected[row])
        assert batch["labels"].dtype == torch.float32
        assert batch["row"].item() == row


def test_cached_and_decoded_views_are_the_same(catalog: Catalog, tmp_path: Path) -> None:
    sources = row_sources(catalog, FoldedRows("posterior", "binary")).sources
    cached = prepared_views(sources, PREPARATION, tmp_path)
    decoded = plain_views(sources, PREPARATION)
    assert len(decoded) == len(cached)
    for row in range(len(decoded)):
        np.testing.assert_array_equal(decoded[row], cached[row])


def anterior_rows(
    catalog: Catalog, augmentation: Augmentation | None, second: Augmentation | None = None
) -> RowDataset:
    rows = FoldedRows("anterior", "binary")
    sources, positions = row_sources(catalog, rows)
    return RowDataset(catalog, rows, plain_views(sources, PREPARATION), positions, augmentation, second)


def test_only_a_draw_is_augmented_and_by_its_own_seed(catalog: Catalog) -> None:
    strong = build(compose("train", ["transforms=strong"]).transforms)
    dataset = anterior_rows(catalog, strong)
    (image,) = dataset.images(3)
    assert image is not None
    plain = normalize(image)
    assert torch.equal(dataset[3]["image"], plain)
    first, again, other = (dataset[Draw(3, seed)]["image"] for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, plain)
    assert not torch.equal(first, other)


def test_without_augmentation_a_draw_is_the_plain_row(catalog: Catalog) -> None:
    dataset = anterior_rows(catalog, None)
    assert torch.equal(dataset[Draw(3, 5)]["image"], dataset[3]["image"])


def test_a_second_draw_is_changed_by_a_seed_of_its_own_and_repeats(catalog: Catalog) -> None:
    strong = build(compose("train", ["transforms=strong"]).transforms)
    once, twice = anterior_rows(catalog, strong), anterior_rows(catalog, strong, strong)
    assert "other" not in once[Draw(3, 5)]
    batch = twice[Draw(3, 5)]
    assert torch.equal(batch["image"], once[Draw(3, 5)]["image"])
    others = [twice[draw]["other"] for draw in (Draw(3, 5), Draw(3, 5), Draw(3, 6), 3, 3)]
    assert torch.equal(others[0], others[1])
    assert torch.equal(others[3], others[4])
    for image in (batch["image"], once[3]["image"], others[2], others[3]):
        assert not torch.equal(others[0], image)


def test_the_second_draw_of_an_evaluated_row_is_its_only_change(catalog: Catalog) -> None:
    strong = build(compose("train", ["transforms=strong"]).transforms)
    batch = anterior_rows(catalog, None, strong)[3]
    assert torch.equal(batch["image"], anterior_rows(catalog, None)[3]["image"])
    assert not torch.equal(batch["other"], batch["image"])
