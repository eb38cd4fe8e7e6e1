import errno
import fcntl
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from random_cohort import plain_view

from kium_lightning.anatomy import View
from kium_lightning.data import cache, filling, known_files
from kium_lightning.data.cache import ViewCache, prepared_views
from kium_lightning.data.packs import NewPack
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import Source
from kium_lightning.errors import ConfigError, ImageError
from kium_lightning.images.reading import read_content, read_grey

Add = Callable[[NewPack, bytes, NDArray[np.uint8]], None]

PREPARATION = Preparation.from_values(32, "as_filmed", 1, ["A"])


class Reads:
    """Lists which images were read, in whichever process."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self.slow_s = 0.0
        log.touch()

    def __call__(self, path: Path) -> bytes:
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"{path}\n")
        time.sleep(self.slow_s)
        return read_content(path)

    @property
    def paths(self) -> list[Path]:
        return [Path(line) for line in self._log.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reads:
    listed = Reads(tmp_path / "reads.txt")
    monkeypatch.setattr(filling, "read_content", listed)
    return listed


@pytest.fixture
def old_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets files that were just written count as settled."""
    monkeypatch.setattr(known_files, "_SETTLED_AFTER_S", -10.0)


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


def one_by_one(sources: list[Source], preparation: Preparation = PREPARATION) -> NDArray[np.uint8]:
    """The plain path: each picture read, cleaned and prepared for itself."""
    return np.stack([preparation(read_grey(path), view, window) for path, view, window in sources])


def packs(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*.npy") if not path.name.startswith(".")]


def test_the_cache_holds_what_preparing_each_view_gives(sources: list[Source], folder: Path) -> None:
    for _ in range(2):
        np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), one_by_one(sources))


def test_an_unchanged_file_is_read_once_ever(
    sources: list[Source], folder: Path, reads: Reads, old_files: None
) -> None:
    first = prepared_views(sources, PREPARATION, folder)
    assert sorted(reads.paths) == sorted(path for path, *_ in sources)
    second = prepared_views(sources, PREPARATION, folder)
    assert len(reads.paths) == len(sources)
    np.testing.assert_array_equal(first, second)


def test_a_file_that_changed_a_moment_ago_is_read_again_but_not_prepared(
    sources: list[Source], folder: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared_views(sources, PREPARATION, folder)
    monkeypatch.delattr(Preparation, "after_cleaning")
    prepared_views(sources, PREPARATION, folder)
    assert len(reads.paths) == 2 * len(sources)


def test_the_cache_goes_by_content_and_not_by_name_or_date(
    sources: list[Source], folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = prepared_views(sources, PREPARATION, folder)
    moved = []
    for path, view, _ in sources:
        copy = tmp_path / "moved" / f"2000{view.code}.png"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
        moved.append(Source(copy, view))
    monkeypatch.delattr(Preparation, "after_cleaning")
    np.testing.assert_array_equal(prepared_views(moved, PREPARATION, folder), before)


def test_changed_content_is_noticed_even_under_the_same_size_and_date(
    sources: list[Source], folder: Path, old_files: None
) -> None:
    path, view, _ = sources[3]
    stored = cv2.IMWRITE_PNG_COMPRESSION
    cv2.imwrite(str(path), plain_view(3), [stored, 0])
    before = np.array(prepared_views(sources, PREPARATION, folder))
    status = path.stat()
    cv2.imwrite(str(path), plain_view(99), [stored, 0])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (status.st_size, status.st_mtime_ns)
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
def test_changed_settings_are_prepared_anew(sources: list[Source], folder: Path, other: Preparation) -> None:
    prepared_views(sources, PREPARATION, folder)
    for _ in range(2):
        np.testing.assert_array_equal(prepared_views(sources, other, folder), one_by_one(sources, other))


def test_preparations_share_the_pictures_that_both_mirror_or_neither_does(sources: list[Source], folder: Path) -> None:
    prepared_views(sources, PREPARATION, folder)
    prepared_views(sources, Preparation.from_values(32, "as_filmed", 1, []), folder)
    assert sum(int(np.load(path)["keys"][0].any(axis=1).sum()) for path in packs(folder)) == 8 + 2  # RI-A and RV-A


def test_the_order_of_the_images_is_kept(sources: list[Source], folder: Path) -> None:
    forwards = prepared_views(sources, PREPARATION, folder)
    backwards = np.array(prepared_views(sources[::-1], PREPARATION, folder))
    np.testing.assert_array_equal(backwards[::-1], forwards)


def test_the_same_picture_may_be_asked_for_twice(sources: list[Source], folder: Path) -> None:
    twice = [sources[2], sources[0], sources[2]]
    np.testing.assert_array_equal(prepared_views(twice, PREPARATION, folder), one_by_one(twice))


def test_an_interrupted_filling_keeps_what_it_had_prepared(
    sources: list[Source], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(items: Iterable[object], _description: str, total: int) -> Iterator[object]:
        for count, item in enumerate(items):
            if count == total // 2:
                raise KeyboardInterrupt
            yield item

    with monkeypatch.context() as patch:
        patch.setattr(cache, "track", interrupted)
        patch.setattr(cache, "_LEAST_PORTION", 2)
        with pytest.raises(KeyboardInterrupt):
            prepared_views(sources, PREPARATION, folder)
    assert packs(folder)
    np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), one_by_one(sources))


def fill(sources: list[Source], folder: Path) -> None:
    ViewCache(folder, PREPARATION).fill(sources)


def wait_for(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + 30.0
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_filling_that_is_killed_is_resumed_with_nothing_lost_or_wrong(
    sources: list[Source], folder: Path, reads: Reads, old_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_LEAST_PORTION", 1)
    reads.slow_s = 0.2
    run = multiprocessing.get_context("fork").Process(target=fill, args=(sources, folder))
    run.start()
    wait_for(lambda: len(packs(folder)) >= 2)
    assert run.pid is not None
    os.kill(run.pid, signal.SIGKILL)
    run.join()
    wait_for(lambda: is_free(folder))  # the loading processes of the killed one see that it is gone
    kept = sum(int(np.load(path)["keys"][0].any(axis=1).sum()) for path in packs(folder))
    assert 2 <= kept < len(sources)
    prepared: list[bytes] = []
    monkeypatch.setattr(NewPack, "add", counting(NewPack.add, prepared))
    monkeypatch.setattr(cache, "_LEAST_PORTION", 16)  # in this process, where they are counted
    np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), one_by_one(sources))
    assert len(prepared) == len(sources) - kept


def counting(add: Add, prepared: list[bytes]) -> Add:
    def counted(pack: NewPack, key: bytes, picture: NDArray[np.uint8]) -> None:
        prepared.append(key)
        add(pack, key, picture)

    return counted


def is_free(folder: Path) -> bool:
    """Whether no process holds the lock."""
    (path,) = folder.rglob(".filling")
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_of_two_runs_that_start_at_once_each_is_right_and_no_file_is_prepared_twice(
    sources: list[Source], folder: Path, reads: Reads, old_files: None
) -> None:
    reads.slow_s = 0.02
    context = multiprocessing.get_context("fork")
    runs = [context.Process(target=fill, args=(sources, folder)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert sorted(reads.paths) == sorted(path for path, *_ in sources)
    np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), one_by_one(sources))


def test_what_a_killed_run_left_half_written_is_ignored_and_removed_later(sources: list[Source], folder: Path) -> None:
    prepared_views(sources, PREPARATION, folder)
    (pack,) = packs(folder)
    pack.unlink()
    half, old = pack.with_name(".half.123.abcdef01.npy"), pack.with_name(".old.124.abcdef02.npy")
    for leftover in (half, old):
        leftover.write_bytes(b"\x93NUMPY half of it")
    long_ago = time.time() - 2 * 24 * 3600
    os.utime(old, (long_ago, long_ago))
    np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), one_by_one(sources))
    assert half.exists()  # another run may be writing it
    assert not old.exists()


def test_a_pack_that_lost_its_end_is_made_anew(sources: list[Source], folder: Path) -> None:
    prepared_views(sources, PREPARATION, folder)
    (pack,) = packs(folder)
    with pack.open("r+b") as file:
        file.truncate(pack.stat().st_size // 2)
    np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), one_by_one(sources))


def test_what_earlier_versions_kept_is_removed_once_nobody_adds_to_it(sources: list[Source], folder: Path) -> None:
    array, used, other = folder / f"{'0' * 24}.npy", folder / "views-2-6", folder / "views-2-5"
    for outdated in (used, other):
        (outdated / "32px").mkdir(parents=True)
    array.write_bytes(b"")
    long_ago = time.time() - 2 * 24 * 3600
    for path in (array, other / "32px", other):
        os.utime(path, (long_ago, long_ago))
    prepared_views(sources, PREPARATION, folder)
    assert (array.exists(), used.exists(), other.exists()) == (False, True, False)


def test_packs_stay_below_the_largest_size(
    sources: list[Source], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "_LARGEST_PACK", 3 * 32 * 32)
    np.testing.assert_array_equal(prepared_views(sources, PREPARATION, folder), one_by_one(sources))
    assert len(packs(folder)) == 3
    assert all(path.stat().st_size < 4 * 32 * 32 for path in packs(folder))


def test_a_full_disk_is_one_sentence_and_what_was_prepared_is_kept(
    sources: list[Source], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_pack: NewPack, _key: bytes, _picture: NDArray[np.uint8]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    prepared_views(sources[:3], PREPARATION, folder)
    for portion in (1, 16):  # in loading processes, and in this one
        with monkeypatch.context() as patch:
            patch.setattr(NewPack, "add", full)
            patch.setattr(cache, "_LEAST_PORTION", portion)
            with pytest.raises(
                ConfigError, match=r"cannot be written \(No space left on device\)\. Make room"
            ) as error:
                prepared_views(sources, PREPARATION, folder)
        assert "\n" not in str(error.value)
    monkeypatch.setattr(filling, "decode_grey", None)
    np.testing.assert_array_equal(prepared_views(sources[:3], PREPARATION, folder), one_by_one(sources[:3]))


def test_the_pictures_cannot_be_written_to(sources: list[Source], folder: Path) -> None:
    with pytest.raises(ValueError, match="read-only"):
        prepared_views(sources, PREPARATION, folder)[0][0, 0] = 1


def test_a_loading_process_maps_the_pictures_instead_of_receiving_them(sources: list[Source], folder: Path) -> None:
    views = prepared_views(sources, PREPARATION, folder)
    sent = pickle.dumps(views)
    assert len(sent) < 32 * 32
    np.testing.assert_array_equal(pickle.loads(sent), views)


def test_all_unreadable_images_are_named_at_once_and_the_others_kept(
    sources: list[Source], folder: Path, old_files: None
) -> None:
    sources[2].path.write_bytes(b"no image")
    sources[5].path.unlink()
    faults = ViewCache(folder, PREPARATION).fill(sources[:4], [source.path for source in sources])
    assert list(faults) == [sources[2].path, sources[5].path]
    with pytest.raises(ImageError) as error:
        prepared_views(sources, PREPARATION, folder)
    for broken in (sources[2], sources[5]):
        assert broken.path.name in str(error.value)
    left = [source for place, source in enumerate(sources) if place not in (2, 5)]
    np.testing.assert_array_equal(prepared_views(left, PREPARATION, folder), one_by_one(left))


def test_a_file_that_is_only_checked_is_decoded_once_ever(
    sources: list[Source], folder: Path, old_files: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [source.path for source in sources]
    assert ViewCache(folder, PREPARATION).fill([], paths) == {}
    assert packs(folder) == []
    monkeypatch.setattr(filling, "read_content", None)
    assert ViewCache(folder, PREPARATION).fill([], paths) == {}


def test_a_line_that_a_killed_run_cut_off_spoils_no_other(
    sources: list[Source], folder: Path, reads: Reads, old_files: None
) -> None:
    prepared_views(sources[:4], PREPARATION, folder)
    (listed,) = folder.rglob("*.jsonl")
    listed.write_bytes(listed.read_bytes()[:-20])
    prepared_views(sources[4:], PREPARATION, folder)
    prepared_views(sources, PREPARATION, folder)
    assert sorted(reads.paths) == sorted([path for path, *_ in sources] + [sources[3].path])
