"""Prepared views kept on disk as one memory-mapped array, so that no later epoch or run decodes them again."""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from kium_lightning.console import track
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import DecodedFiles, Source, use_one_thread
from kium_lightning.files import replacing
from kium_lightning.images.cleaning import CLEANING_VERSION

_FORMAT = 2  # raised when the meaning of a cached array changes, so that no old one is read
_ABANDONED_AFTER_S = 24 * 3600.0


def prepared_views(sources: Sequence[Source], preparation: Preparation, folder: Path) -> NDArray[np.uint8]:
    """Returns the prepared views of some images, from the cache or by filling it.

    The cache's key is the content of the images and the preparation's settings. An array appears under its name only
    when complete, so that concurrent and killed runs do no harm.

    Args:
        sources: the pictures, in the order wanted.
        preparation: the steps up to the net's input size.
        folder: where cached arrays lie.

    Returns:
        (images, S, S) uint8, memory-mapped read-only.

    Raises:
        ImageError: a file cannot be read.
    """
    paths = list(dict.fromkeys(source.path for source in sources))
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        of_path = dict(zip(paths, threads.map(_content_digest, paths), strict=True))
    digests = [of_path[source.path] for source in sources]
    path = folder / f"{_key(digests, sources, preparation)}.npy"
    if not path.is_file():
        _remove_abandoned(folder)
        with replacing(path) as temporary:
            _fill(temporary, sources, preparation, folder)
    cached: NDArray[np.uint8] = np.load(path, mmap_mode="r")
    return cached


def _content_digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _key(digests: list[str], sources: Sequence[Source], preparation: Preparation) -> str:
    of_each = [[preparation.mirrors(source.view), source.window] for source in sources]
    content = [_FORMAT, CLEANING_VERSION, digests, of_each, preparation.plain()]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=12).hexdigest()


def _fill(path: Path, sources: Sequence[Source], preparation: Preparation, folder: Path) -> None:
    size = preparation.image_size
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(sources), size, size))
    # Cleaning spends its time in many small steps that hold the interpreter lock: threads would wait for each other.
    groups = _by_file(sources)
    loader = DataLoader(
        DecodedFiles(groups, preparation, CleanedViews(folder)),
        batch_size=None,
        num_workers=min(len(groups), os.cpu_count() or 1),
        worker_init_fn=use_one_thread,
    )
    done = 0
    for views in track(loader, f"preparing views at {size} px", total=len(groups)):
        array[done : done + len(views)] = views
        done += len(views)
    array.flush()


def _by_file(sources: Sequence[Source]) -> list[list[Source]]:
    """Sources that follow each other and are windows of one file, together, so that it is decoded once."""
    return [list(group) for _, group in groupby(sources, key=lambda source: source.path)]


def _remove_abandoned(folder: Path) -> None:
    """Removes what killed runs left half written."""
    for leftover in folder.glob(".*.npy"):
        try:
            if time.time() - leftover.stat().st_mtime > _ABANDONED_AFTER_S:
                leftover.unlink()
        except FileNotFoundError:  # another run was quicker
            continue
