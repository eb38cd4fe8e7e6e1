import os
from pathlib import Path

import pytest

from kium_lightning.data import known_files
from kium_lightning.data.known_files import KnownFile, KnownFiles, content_digest, state_of


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "cohort" / "1001LI-A.jpg"
    path.parent.mkdir()
    path.write_bytes(b"content")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def read(path: Path) -> KnownFile:
    return KnownFile(path, state_of(path), content_digest(path.read_bytes()))


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets time pass since the last change."""
    monkeypatch.setattr(known_files, "_SETTLED_AFTER_S", -10.0)


def test_a_file_is_known_until_it_changes(image: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    known = read(image)
    KnownFiles(folder, [image.parent]).add([known])
    assert KnownFiles(folder, [image.parent]).digest(image) == known.digest
    assert KnownFiles(folder, [image.parent]).has_content(known.digest)
    status = image.stat()
    image.write_bytes(b"CONTENT")
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert KnownFiles(folder, [image.parent]).digest(image) is None
    image.unlink()
    assert KnownFiles(folder, [image.parent]).digest(image) is None


def test_a_file_that_changed_a_moment_ago_is_not_trusted(image: Path, folder: Path) -> None:
    KnownFiles(folder, [image.parent]).add([read(image)])
    assert KnownFiles(folder, [image.parent]).digest(image) is None


def test_folders_do_not_know_of_each_other(image: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    other = image.parent.parent / "other" / image.name
    other.parent.mkdir()
    other.write_bytes(b"other")
    KnownFiles(folder, [image.parent]).add([read(image)])
    known = KnownFiles(folder, [other.parent])
    assert known.digest(other) is None
    assert known.digest(image) is None


def test_a_list_does_not_grow_with_every_change(image: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    for change in range(200):
        image.write_bytes(b"content %d" % change)
        KnownFiles(folder, [image.parent]).add([read(image)])
    (listed,) = folder.rglob("*.jsonl")
    assert listed.read_bytes().count(b"jpg") <= 67
    assert KnownFiles(folder, [image.parent]).digest(image) == content_digest(b"content 199")


def test_nanoseconds_are_kept(image: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(monkeypatch)
    KnownFiles(folder, [image.parent]).add([read(image)])
    status = image.stat()
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert KnownFiles(folder, [image.parent]).digest(image) is None
