"""The image files of folded rows, and decoding them when they are asked for."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from kium_lightning.anatomy import Circulation, View
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.transforms import Preparation
from kium_lightning.images.reading import read_grey

Source = tuple[Path, View]


def view_sources(catalog: Catalog, circulation: Circulation) -> list[Source]:
    """Lists the image files of a circulation in folded row order."""
    return [(catalog.images[patient, view], view) for patient in catalog.patients for view in circulation.views]


class DecodedViews(Dataset[NDArray[np.uint8]]):
    """Prepared views that are decoded each time they are asked for; memory does not grow with their number.

    Args:
        sources: image files with their views.
        preparation: the steps up to the net's input size.
        cleaned: remembers what cleaning found; None looks for margins and text every time.
    """

    def __init__(
        self, sources: Sequence[Source], preparation: Preparation, cleaned: CleanedViews | None = None
    ) -> None:
        self._sources = sources
        self._preparation = preparation
        self._cleaned = cleaned

    def __len__(self) -> int:
        return len(self._sources)

    def __getitem__(self, position: int) -> NDArray[np.uint8]:
        path, view = self._sources[position]
        if self._cleaned is None:
            return self._preparation(read_grey(path), view)
        return self._preparation.after_cleaning(self._cleaned.read(path), view)


def use_one_thread(_worker: int) -> None:
    """Keeps OpenCV from starting threads in a loading process, where they compete and may wait for ever."""
    cv2.setNumThreads(0)
