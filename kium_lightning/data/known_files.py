"""Which image files were read before and found whole, so that a later run need not read gigabytes to know them."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from kium_lightning.files import replacing

_FORMAT = 1  # raised when reading accepts or refuses other files than before
_SETTLED_AFTER_S = 2.0  # a change within the clock's grain of an earlier one would not be seen


class FileState(NamedTuple):
    """What tells a file from its changed self without reading it.

    Attributes:
        size: bytes.
        modified: when its content changed, nanoseconds.
        changed: when anything of it changed, which no program sets back, nanoseconds.
        node: its number in the file system.
    """

    size: int
    modified: int
    changed: int
    node: int

    def is_settled(self, now: float) -> bool:
        """Whether the last change lies so far before a time (seconds) that a further one would show."""
        return max(self.modified, self.changed) / 1e9 < now - _SETTLED_AFTER_S


class KnownFile(NamedTuple):
    """A file that could be decoded.

    Attributes:
        path: of the file.
        state: of the file before it was read.
        digest: of its content, see ``content_digest``.
    """

    path: Path
    state: FileState
    digest: str


def content_digest(content: bytes) -> str:
    """The name of a file's content: 32 hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def state_of(path: Path) -> FileState:
    """Looks a file up.

    Raises:
        OSError: it is not there.
    """
    status = path.stat()
    return FileState(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


class KnownFiles:
    """Remembers on disk the content of the files of some image folders, one list per folder.

    Lines are only added, each at once, so that concurrent and killed runs lose at most what they were adding.

    Args:
        cache_folder: where the lists lie.
        folders: whose files are asked for.
    """

    def __init__(self, cache_folder: Path, folders: Iterable[Path]) -> None:
        self._lists = cache_folder / f"files-{_FORMAT}"
        self._states: dict[Path, tuple[FileState, str]] = {}
        for folder in dict.fromkeys(folders):
            self._read(folder)
        self._digests = {digest for _, digest in self._states.values()}

    def digest(self, path: Path) -> str | None:
        """The digest of a file that has not changed since it was read; None for any other."""
        state, digest = self._states.get(path, (None, None))
        if state is None:
            return None
        with contextlib.suppress(OSError):
            return digest if state_of(path) == state else None
        return None

    def has_content(self, digest: str) -> bool:
        """Whether some file with this content could be decoded."""
        return digest in self._digests

    def add(self, files: Sequence[KnownFile]) -> None:
        """Remembers files, except those that changed a moment ago."""
        now = time.time()
        lines: dict[Path, list[str]] = {}
        for path, state, digest in files:
            self._digests.add(digest)
            if state.is_settled(now):
                self._states[path] = (state, digest)
                lines.setdefault(path.parent, []).append(json.dumps([path.name, *state, digest]))
        for folder, of_folder in lines.items():
            path = self._list(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab", buffering=0) as file:  # an empty line first: a killed run may have left half of one
                file.write(("\n" + "\n".join(of_folder) + "\n").encode())

    def _list(self, folder: Path) -> Path:
        return self._lists / f"{hashlib.blake2b(os.fsencode(folder), digest_size=12).hexdigest()}.jsonl"

    def _read(self, folder: Path) -> None:
        path = self._list(folder)
        try:
            lines = path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        count = 0
        found: dict[str, tuple[FileState, str]] = {}
        for line in filter(None, lines):
            count += 1
            with contextlib.suppress(ValueError, TypeError):  # a line that was cut off
                name, size, modified, changed, node, digest = json.loads(line)
                found[name] = (FileState(size, modified, changed, node), digest)
        self._states |= {folder / name: known for name, known in found.items()}
        if count > 2 * len(found) + 64:  # mostly of files that changed since
            newest = [json.dumps([name, *state, digest]) for name, (state, digest) in found.items()]
            with replacing(path) as temporary:
                temporary.write_text("\n".join(newest) + "\n", encoding="utf-8")
