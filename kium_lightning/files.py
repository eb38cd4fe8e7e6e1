"""Writing files so that a reader never meets a half-written one."""

import json
import logging
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import indent
from typing import Any
from uuid import uuid4

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LOG = logging.getLogger(__name__)

_TEMPORARY = re.compile(r"\.\d+\.[0-9a-f]{8}$")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside ``path`` and renames it to ``path`` once the block ends well.

    The temporary name keeps the suffix, for writers that choose a format by it. If the block raises, the temporary
    file is removed and an existing ``path`` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{uuid4().hex[:8]}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes the temporary files that a process left in a folder when it was killed inside ``replacing``."""
    for path in folder.glob(".*"):
        if _TEMPORARY.search(path.stem):
            path.unlink(missing_ok=True)


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[None]:
    """Holds the lock of a file, which the system gives back when the process ends, even when it is killed.

    Only spares work: on a file system that knows no locks the block runs at once.

    Args:
        path: of the lock file; its folder must be there.
        waiting: what is logged where another process holds the lock.
    """
    with path.open("ab") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _LOG.warning(waiting)
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:
                _LOG.debug("%s cannot be locked (%s)", path, error.strerror)
        try:
            yield
        finally:
            if fcntl is not None:  # closing would not do: processes that were started meanwhile hold the file too
                with suppress(OSError):
                    fcntl.flock(file, fcntl.LOCK_UN)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text under its final name only when complete."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: dict[str, Any] | list[Any]) -> None:
    """Writes indented JSON under its final name only when complete; NaN and infinity are written as null."""
    write_text(path, json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def json_list(path: Path) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Yields a function that adds an item to a JSON list, for lists that are too long to be held.

    The file is the one that ``write_json`` would write, and stands under its final name only when complete.
    """
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        separator = ""
        file.write("[")

        def add(item: dict[str, Any]) -> None:
            nonlocal separator
            text = json.dumps(_finite(item), indent=2, ensure_ascii=False, allow_nan=False)
            file.write(separator + "\n" + indent(text, "  "))
            separator = ","

        yield add
        file.write("\n]\n" if separator else "]\n")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
