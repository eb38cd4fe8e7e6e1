"""Memory for batches that is used again, because memory fresh from the system takes longer to get than to fill."""

import math
import sys
from threading import Lock

import numpy as np
from numpy.typing import NDArray

_MOST = 4  # batches that are in use at once; beyond that memory is fresh
_UNUSED = 3  # references to a buffer of which no batch holds one: the list's, the loop's and the count's own

_lock = Lock()
_buffers: list[NDArray[np.float32]] = []


def batch_array(*shape: int) -> NDArray[np.float32]:
    """Gives a float32 array with arbitrary content, in memory of an earlier one that nobody refers to any more.

    An array, a view of it, a tensor made of either or what autograd keeps of that tensor refers to the memory as long
    as it lives. At most four pieces of memory are kept, each as large as the largest batch that it has held.
    """
    length = math.prod(shape)
    with _lock:
        for buffer in _buffers:
            if len(buffer) >= length and sys.getrefcount(buffer) == _UNUSED:
                return buffer[:length].reshape(shape)
        fresh = np.empty(length, dtype=np.float32)
        _buffers.append(fresh)
        del _buffers[:-_MOST]
        return fresh[:length].reshape(shape)
