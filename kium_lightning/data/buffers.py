"""Memory for batches that is used again, because memory fresh from the system takes longer to get than to fill."""

import math
import sys

import numpy as np
import torch
from numpy.typing import NDArray

_MOST = 4  # batches that are in use at once; beyond that memory is fresh
_UNUSED = 3  # references to a buffer of which no tensor holds one: the list's, the loop's and the count's own


class BatchBuffers:
    """Gives float32 tensors whose memory belonged to earlier ones that nobody refers to any more.

    A tensor, a view of it or what autograd keeps of it holds a reference to the buffer as long as it lives.
    """

    def __init__(self) -> None:
        self._buffers: list[NDArray[np.float32]] = []

    def tensor(self, *shape: int) -> torch.Tensor:
        """A float32 tensor of a shape, with arbitrary content."""
        length = math.prod(shape)
        for buffer in self._buffers:
            if len(buffer) >= length and sys.getrefcount(buffer) == _UNUSED:
                return _tensor(buffer, shape)
        fresh = np.empty(length, dtype=np.float32)
        self._buffers = [*self._buffers[-(_MOST - 1) :], fresh]
        return _tensor(fresh, shape)


def _tensor(buffer: NDArray[np.float32], shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(buffer[: math.prod(shape)]).view(shape)
