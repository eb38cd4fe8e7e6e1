"""Arrays that lie in a file and not in memory, for what is kept of every picture of a cohort."""

import math
import os
import tempfile
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from kium_lightning.errors import ConfigError

_Scalar = TypeVar("_Scalar", bound=np.generic)


def on_disk(shape: tuple[int, ...], dtype: type[_Scalar], folder: Path | None) -> NDArray[_Scalar]:
    """Makes an array of zeros in a temporary file that ends with the array.

    Its pages are in memory as long as there is room, and the system takes them back when it needs them.

    Args:
        shape: of the array; one without elements is not put on a disk.
        dtype: of its elements.
        folder: where the file lies; None for the system's, which may itself be memory.

    Raises:
        ConfigError: the disk has no room for it.
    """
    if 0 in shape:
        return np.zeros(shape, dtype)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:
        size = math.prod(shape) * np.dtype(dtype).itemsize
        try:  # now, as a page that finds no room later ends the process without a word
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise ConfigError(
                f"{folder or tempfile.gettempdir()} has no room for a temporary file of {size / 2**20:.0f} MiB "
                f"({error.strerror}). Make room there."
            ) from error
        # a plain array, as each row taken out of a memmap would be one of half a kilobyte
        return np.asarray(np.memmap(file, dtype, "w+", shape=shape))
