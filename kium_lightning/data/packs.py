"""Files of prepared pictures: each holds some pictures and their names, appears when complete and never changes."""

import contextlib
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from kium_lightning.files import replacing

KEY_BYTES = 16
_NO_KEY = bytes(KEY_BYTES)  # of a slot that was left free
_ABANDONED_AFTER_S = 3600.0  # a pack is written in seconds


class Place(NamedTuple):
    """Where a picture lies."""

    pack: Path
    slot: int


def _layout(slots: int, size: int) -> np.dtype[np.void]:
    """What a pack holds: keys (slots, 16) and pictures (slots, size, size). The keys together are read in one go."""
    return np.dtype([("keys", "u1", (slots, KEY_BYTES)), ("pictures", "u1", (slots, size, size))])


class NewPack:
    """A pack that is being written: not made where no picture is added, and only one picture in memory.

    Args:
        stack: at its end the pack appears, or is removed where something was raised.
        path: its name once it is complete.
        slots: the most pictures that it will hold.
        size: side of the pictures, pixels.
    """

    def __init__(self, stack: contextlib.ExitStack, path: Path, slots: int, size: int) -> None:
        self._stack, self._path = stack, path
        self._layout = _layout(slots, size)
        self._room = slots * KEY_BYTES
        self._keys = b""
        self._file: IO[bytes] | None = None
        self._start = 0

    def add(self, key: bytes, picture: NDArray[np.uint8]) -> None:
        """Puts a picture (size, size) into the next slot.

        Raises:
            OSError: the disk is full.
        """
        if self._file is None:
            self._file = self._begun()
        self._keys += key
        self._file.write(np.ascontiguousarray(picture).data)

    def finish(self) -> None:
        """Writes the keys; free slots stay holes in the file.

        Raises:
            OSError: the disk is full.
        """
        if self._file is not None:
            self._file.seek(self._start)
            self._file.write(self._keys.ljust(self._room, b"\0"))
            self._file.truncate(self._start + self._layout.itemsize)
            self._file.flush()
            os.fsync(self._file.fileno())  # or a power cut could leave keys without their pictures

    def _begun(self) -> IO[bytes]:
        file = self._stack.enter_context(replacing(self._path)).open("wb")
        self._stack.callback(_close, file)
        header = {"descr": np.lib.format.dtype_to_descr(self._layout), "fortran_order": False, "shape": (1,)}
        np.lib.format.write_array_header_1_0(file, header)
        self._start = file.tell()
        file.seek(self._start + self._room)
        return file


def _close(file: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # what could not be written was told already
        file.close()


class Packs:
    """The packs of a folder, whose pictures were all prepared alike.

    Args:
        folder: need not be there yet.
        size: side of the pictures, pixels.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.size = size
        self._seen: set[Path] = set()
        self._places: dict[bytes, Place] = {}

    @property
    def places(self) -> Mapping[bytes, Place]:
        """Where each picture lies, by key, as of the last ``look``."""
        return self._places

    def look(self) -> None:
        """Sees the packs that have appeared since the last time."""
        for path in sorted(self.folder.glob("[!.]*.npy")):
            if path not in self._seen:
                self._seen.add(path)
                self._read_keys(path)

    def _read_keys(self, path: Path) -> None:
        try:
            keys = np.array(np.load(path, mmap_mode="r")["keys"][0])
        except FileNotFoundError:
            return
        except (ValueError, IndexError, KeyError, EOFError):  # damaged by something else than a killed run
            path.unlink(missing_ok=True)
            return
        for slot, key in enumerate(map(bytes, keys)):
            if key != _NO_KEY:
                self._places[key] = Place(path, slot)

    @contextlib.contextmanager
    def writing(self, slots: int) -> Iterator[NewPack]:
        """Yields a new pack for some pictures, which appears once the block ends well."""
        with contextlib.ExitStack() as stack:
            pack = NewPack(stack, self.folder / f"{uuid4().hex}.npy", slots, self.size)
            yield pack
            pack.finish()

    def remove_abandoned(self) -> None:
        """Removes what killed runs left half written."""
        for leftover in self.folder.glob(".*.npy"):
            with contextlib.suppress(FileNotFoundError):  # another run was quicker
                if time.time() - leftover.stat().st_mtime > _ABANDONED_AFTER_S:
                    leftover.unlink()


class PreparedViews:
    """Prepared pictures, memory-mapped from packs: memory does not grow with their number.

    Args:
        places: where each picture lies.
        size: side of the pictures, pixels.
    """

    def __init__(self, places: Sequence[Place], size: int) -> None:
        self._packs = sorted({place.pack for place in places})
        number = {pack: position for position, pack in enumerate(self._packs)}
        self._pack_of = np.array([number[place.pack] for place in places], dtype=np.int32)
        self._slot_of = np.array([place.slot for place in places], dtype=np.int32)
        self._size = size
        self._maps = self._mapped()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(pictures, S, S)."""
        return len(self), self._size, self._size

    def __len__(self) -> int:
        return len(self._pack_of)

    def __getitem__(self, position: int) -> NDArray[np.uint8]:
        """A picture (S, S) uint8 that cannot be written to."""
        picture: NDArray[np.uint8] = self._maps[self._pack_of[position]][self._slot_of[position]]
        return picture

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """All pictures in memory, (pictures, S, S)."""
        pictures = np.empty(self.shape, dtype=np.uint8)
        for position in range(len(self)):
            pictures[position] = self[position]
        return pictures if dtype is None else pictures.astype(dtype)

    def _mapped(self) -> list[NDArray[np.uint8]]:
        return [np.asarray(np.load(pack, mmap_mode="r")["pictures"][0]) for pack in self._packs]

    def __getstate__(self) -> dict[str, Any]:
        """Without the maps, which a loading process makes for itself instead of receiving their content."""
        return {name: value for name, value in self.__dict__.items() if name != "_maps"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._maps = self._mapped()
