import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from random_cohort import plain_view

from kium_lightning.anatomy import View
from kium_lightning.data import cache, cleaned
from kium_lightning.data.cache import prepared_views
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import Source
from kium_lightning.errors import ImageError
from kium_lightning.images.reading import read_content, read_grey

PREPARATION = Preparation.from_values(32, "as_filmed", 1, ["A"])


class Reads:
    """Lists which images were read to be prepared, in whichever process."""

    def __init__(self, log: Path) -> None:
        self._log = log
        log.touch()

    def __call__(self, path: Path) -> bytes:
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"{path}\n")
        return read_content(path)

    @property
    def paths(self) -> list[Path]:
        return [Path(line) for line in self._log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reads:
    listed = Reads(tmp_path / "reads.txt")
    monkeypatch.setattr(cleaned, "read_content", listed)
    return listed


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    found = []
    for seed, view in enumerate(View):
        path = tmp_path / f"1001{view.code}.png"
        cv2.imwrite(str(path), plain_view(seed))
        found.append(Source(path, view))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_the_cache_holds_what_preparing_each_view_gives(sources: list[Source], folder: Path) -> None:
    expected = np.stack([PREPARATION(read_grey(path), view) for path, view, _ in sources])
    for _ in range(2):
        np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), expected)


def test_the_second_use_decodes_nothing(sources: list[Source], folder: Path, reads: Reads) -> None:
    first = prepared_views(sources, PREPARATION, folder)
    assert sorted(reads.paths) == sorted(path for path, *_ in sources)
    second = prepared_views(sources, PREPARATION, folder)
    assert len(reads.paths) == len(sources)
    np.testing.assert_array_equal(first, second)


def test_the_cache_goes_by_content_and_not_by_name_or_date(
    sources: list[Source], folder: Path, reads: Reads, tmp_path: Path
) -> None:
    prepared_views(sources, PREPARATION, folder)
    moved = []
    for path, view, _ in sources:
        copy = tmp_path / "moved" / f"2000{view.code}.png"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        moved.append(Source(copy, view))
    prepared_views(moved, PREPARATION, folder)
    assert len(reads.paths) == len(sources)


def test_changed_content_makes_a_new_array(sources: list[Source], folder: Path) -> None:
    before = np.array(prepared_views(sources, PREPARATION, folder))
    path, view, _ = sources[3]
    status = path.stat()
    cv2.imwrite(str(path), plain_view(99))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = prepared_views(sources, PREPARATION, folder)
    np.testing.assert_array_equal(after[3], PREPARATION(read_grey(path), view))
    assert [position for position in range(8) if not np.array_equal(before[position], after[position])] == [3]


@pytest.mark.parametrize(
    "other",
    [
        Preparation.from_values(48, "as_filmed", 1, ["A"]),
        Preparation.from_values(32, "inverted", 1, ["A"]),
        Preparation.from_values(32, "as_filmed", 3, ["A"]),
        Preparation.from_values(32, "as_filmed", 1, []),
        Preparation.from_values(32, "as_filmed", 1, ["A", "B"]),
    ],
)
def test_changed_settings_make_a_new_array(sources: list[Source], folder: Path, other: Preparation) -> None:
    prepared_views(sources, PREPARATION, folder)
    changed = prepared_views(sources, other, folder)
    np.testing.assert_array_equal(changed, np.stack([other(read_grey(path), view) for path, view, _ in sources]))
    assert len(list(folder.glob("*.npy"))) == 2


def test_the_order_of_the_images_is_kept(sources: list[Source], folder: Path) -> None:
    forwards = prepared_views(sources, PREPARATION, folder)
    backwards = prepared_views(sources[::-1], PREPARATION, folder)
    np.testing.assert_array_equal(backwards, forwards[::-1])


def test_a_fill_that_is_interrupted_leaves_no_array_behind(
    sources: list[Source], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(items: Iterable[object], _description: str, total: int) -> Iterator[object]:
        for count, item in enumerate(items):
            if count == total // 2:
                raise KeyboardInterrupt
            yield item

    with monkeypatch.context() as patch:
        patch.setattr(cache, "track", interrupted)
        with pytest.raises(KeyboardInterrupt):
            prepared_views(sources, PREPARATION, folder)
    assert list(folder.rglob("*.npy")) == []
    expected = np.stack([PREPARATION(read_grey(path), view) for path, view, _ in sources])
    np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), expected)


def test_what_a_killed_run_left_half_written_is_ignored_and_one_day_removed(
    sources: list[Source], folder: Path
) -> None:
    name = next(iter_names(sources, folder))
    half, old = folder / f".{name}.123.abcdef01.npy", folder / ".0.124.abcdef02.npy"
    for leftover in (half, old):
        leftover.write_bytes(b"\x93NUMPY half of it")
    day_before_yesterday = time.time() - 2 * 24 * 3600
    os.utime(old, (day_before_yesterday, day_before_yesterday))
    expected = np.stack([PREPARATION(read_grey(path), view) for path, view, _ in sources])
    np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), expected)
    assert half.exists()  # another run may be writing it
    assert not old.exists()


def iter_names(sources: list[Source], folder: Path) -> Iterator[str]:
    """The names of cached arrays, which are then taken away."""
    prepared_views(sources, PREPARATION, folder)
    for path in folder.glob("*.npy"):
        path.unlink()
        yield path.stem


def test_a_fill_during_another_fill_of_the_same_array_does_no_harm(
    sources: list[Source], folder: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[NDArray[np.uint8]] = []

    def fill_meanwhile(items: Iterable[object], _description: str, total: int) -> Iterator[object]:
        for count, item in enumerate(items):
            if count == total // 2 and not others:
                others.append(np.empty(0, np.uint8))
                others[0] = prepared_views(sources, PREPARATION, folder)
            yield item

    monkeypatch.setattr(cache, "track", fill_meanwhile)
    mine = prepared_views(sources, PREPARATION, folder)
    assert len(reads.paths) == 2 * len(sources)  # both filled
    np.testing.assert_array_equal(mine, others[0])
    np.testing.assert_array_equal(mine, prepared_views(sources, PREPARATION, folder))
    assert len(list(folder.rglob("*.npy"))) == 1


def test_the_array_cannot_be_written_to(sources: list[Source], folder: Path) -> None:
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            prepared_views(sources, PREPARATION, folder)[0, 0, 0] = 1


def test_an_unreadable_image_is_named(sources: list[Source], folder: Path) -> None:
    sources[2][0].write_bytes(b"no image")
    with pytest.raises(ImageError, match=sources[2][0].name):
        prepared_views(sources, PREPARATION, folder)
