"""One pass over all files of a cohort: what each tells as a file, and a small clean picture of it."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.audit.file_facts import FileFacts, read_facts
from kium_lightning.audit.view_file import ViewFile
from kium_lightning.console import track
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.errors import ImageError
from kium_lightning.images.reading import REMEDY
from kium_lightning.on_disk import on_disk
from kium_lightning.workers import in_workers

SIDE = 128  # pixels of a small picture


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A file that was read.

    Attributes:
        file: which one.
        facts: its numbers.
        digest: of its bytes.
        picture: the clean picture, shrunk to (SIDE, SIDE) uint8 whatever its shape was.
    """

    file: ViewFile
    facts: FileFacts
    digest: str
    picture: NDArray[np.uint8]


@dataclass(frozen=True)
class Unreadable:
    """A file that could not be read, and why."""

    file: ViewFile
    fault: str


def survey(
    files: Sequence[ViewFile], cache_folder: Path, workers: int | None
) -> tuple[list[Surveyed], list[Unreadable]]:
    """Reads and cleans every file once; the small pictures lie on the disk, 16 KB each.

    Args:
        files: the files.
        cache_folder: where what cleaning finds is remembered, so that a second audit only decodes. The small
            pictures lie there until they are forgotten.
        workers: processes; None for one per core.

    Returns:
        What was read, in the order of the files, and what could not be.
    """
    jobs = [(file, cache_folder) for file in files]
    pictures = on_disk((len(jobs), SIDE, SIDE), np.uint8, cache_folder)
    read: list[Surveyed] = []
    unreadable: list[Unreadable] = []
    for outcome in track(in_workers(_surveyed, jobs, workers or os.cpu_count() or 1), "reading images", len(jobs)):
        if isinstance(outcome, Unreadable):
            unreadable.append(outcome)
        else:
            pictures[len(read)] = outcome.picture
            read.append(replace(outcome, picture=pictures[len(read)]))
    return read, unreadable


def _surveyed(job: tuple[ViewFile, Path]) -> Surveyed | Unreadable:
    cv2.setNumThreads(1)  # the files are what runs in parallel
    file, folder = job
    try:
        facts, clean = read_facts(file.path, CleanedViews(folder))
    except ImageError as error:
        return Unreadable(file, str(error).removesuffix(REMEDY).rstrip().replace(str(file.path), file.path.name))
    digest = hashlib.blake2b(file.path.read_bytes(), digest_size=16).hexdigest()
    return Surveyed(file, facts, digest, small(clean))


def small(clean: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrinks a clean picture (H, W) to (SIDE, SIDE)."""
    return np.asarray(cv2.resize(clean, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
