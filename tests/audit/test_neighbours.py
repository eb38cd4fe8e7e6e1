from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.audit import neighbours
from kium_lightning.audit.likeness import candidates
from kium_lightning.audit.neighbours import nearest
from kium_lightning.on_disk import on_disk


def units(rng: np.random.Generator, count: int, spread: float, variants: int = 4) -> NDArray[np.float32]:
    """Vectors (variants, count, 64) around a few directions; the variants of one lie close together."""
    middles = rng.normal(size=(7, 64))[rng.integers(7, size=count)] + spread * rng.normal(size=(count, 64))
    vectors = middles + 0.2 * rng.normal(size=(variants, count, 64))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32)


def by_brute_force(
    queries: NDArray[np.float32], variants: NDArray[np.float32], least: float, count: int
) -> list[list[tuple[int, int]]]:
    """The nearest others of each query and their variants, one pair after the other."""
    found = []
    for place, query in enumerate(queries):
        products = variants.astype(np.float64) @ query.astype(np.float64)
        best, which = products.max(axis=0), products.argmax(axis=0)
        order = [int(other) for other in np.argsort(-best) if other != place and best[other] >= least]
        found.append([(other, int(which[other])) for other in order[:count]])
    return found


@pytest.mark.parametrize("spread", [0.05, 0.25, 3.0])  # all alike, some, hardly any
@pytest.mark.parametrize(("rows", "columns"), [(1024, 2048), (7, 11)])
def test_the_nearest_are_those_of_brute_force(
    spread: float, rows: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "_ROWS", rows)
    monkeypatch.setattr(neighbours, "_COLUMNS", columns)
    vectors = units(np.random.default_rng(1), 90, spread)
    vectors[:, [4, 50]] = 0.0  # shows nothing
    for queries in (vectors[0], np.roll(vectors[1], 1, axis=0)):
        found = nearest(queries, vectors, least=0.9, count=3)
        expected = by_brute_force(queries, vectors, 0.9, 3)
        told = [
            [(int(other), int(variant)) for other, variant in zip(others, variants, strict=True) if other >= 0]
            for others, variants in zip(found.others, found.variants, strict=True)
        ]
        assert told == expected
        assert any(told) or spread > 1


def test_few_vectors_and_none_have_their_neighbours() -> None:
    vectors = units(np.random.default_rng(0), 2, 0.01)
    vectors[:, 1] = vectors[:, 0]
    assert nearest(vectors[0], vectors, least=0.9, count=3).others.tolist() == [[1, -1, -1], [0, -1, -1]]
    assert len(candidates([])) == 0


def test_a_moved_copy_is_proposed_once_among_pictures_that_are_none() -> None:
    rng = np.random.default_rng(3)
    pictures = [np.asarray(rng.normal(180, 1, (128, 128)).clip(0, 255), np.uint8) for _ in range(12)]
    for picture in pictures:
        x, y = rng.integers(10, 90, 2)
        picture[y : y + 30, x : x + 12] = 40
    pictures[7] = np.roll(pictures[2], 1, axis=1)
    pictures[9] = pictures[5][:, ::-1].copy()
    proposed = [(each.first, each.second, each.is_mirrored) for each in candidates(pictures)]
    assert sorted(pair for pair in proposed if pair[:2] in {(2, 7), (5, 9)}) == [(2, 7, False), (5, 9, True)]
    assert len({(min(a, b), max(a, b), mirrored) for a, b, mirrored in proposed}) == len(proposed)


def test_an_array_on_disk_is_an_array_and_its_file_ends_with_it(tmp_path: Path) -> None:
    array = on_disk((5, 3), np.int16, tmp_path / "new")
    assert not array.any()
    array[2] = 7
    np.testing.assert_array_equal(array.sum(axis=1), [0, 0, 21, 0, 0])
    del array
    assert not list((tmp_path / "new").iterdir())
    assert on_disk((0, 3), np.float32, None).shape == (0, 3)
