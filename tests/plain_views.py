"""Prepared views the plain way: each file read, cleaned and prepared by itself, nothing remembered."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import Source
from kium_lightning.images.reading import read_grey


def plain_views(sources: Sequence[Source], preparation: Preparation) -> NDArray[np.uint8]:
    """The pictures (n, S, S) that every quicker way must give."""
    return np.stack([preparation(read_grey(path), view, window) for path, view, window in sources])
