"""The image files of rows."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import View
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.rows import Rows, Window
from kium_lightning.errors import CohortError

MISSING = -1  # in place of a position, where a patient has no such view


class Source(NamedTuple):
    """One picture to prepare.

    Attributes:
        path: of the image file.
        view: what it shows.
        window: the part of the clean picture that is kept; None for all of it.
    """

    path: Path
    view: View
    window: Window | None = None


class RowSources(NamedTuple):
    """The pictures of some rows.

    Attributes:
        sources: every picture once, in the order of the rows.
        positions: (rows, views of a row), places in ``sources``; ``MISSING`` where there is no picture.
    """

    sources: list[Source]
    positions: NDArray[np.int64]


def row_sources(catalog: Catalog, rows: Rows) -> RowSources:
    """Lists the pictures of all patients' rows.

    Raises:
        CohortError: a row has no picture at all, because views were masked that it cannot do without.
    """
    sources: list[Source] = []
    positions = []
    for patient in catalog.patients:
        for sample in rows.samples:
            places = []
            for view in sample.views:
                path = catalog.images.get((patient, view))
                places.append(MISSING if path is None else len(sources))
                if path is not None:
                    sources.append(Source(path, view, sample.window))
            if all(place == MISSING for place in places):
                raise CohortError(
                    f"Patient {patient} has no picture for the row {sample.name}, so its views cannot be masked. Set "
                    "on_fault to stop or drop, or use rows that hold several views, such as data=patients."
                )
            positions.append(places)
    return RowSources(sources, np.array(positions, dtype=np.int64))


def wanted_sources(images: Mapping[tuple[int, View], Path], rows: Rows) -> list[Source]:
    """Lists every picture that the rows of some patients can hold, whichever of these patients are used in the end."""
    windows: dict[View, list[Window | None]] = defaultdict(list)
    for sample in rows.samples:
        for view in sample.views:
            windows[view].append(sample.window)
    return [Source(path, view, window) for (_, view), path in images.items() for window in windows[view]]


def use_one_thread(_worker: int) -> None:
    """Keeps OpenCV from starting threads in a loading process, where they compete and may wait for ever."""
    cv2.setNumThreads(0)
