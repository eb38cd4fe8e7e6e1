"""How the C library deals with memory that is freed, which a step of training frees and asks for again."""

import ctypes
import sys

# Of mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_NEVER = -1
_MOST_MAPPED = 65536  # glibc's own default, as are the next two once large blocks have been freed
_LARGE_BLOCK = 32 * 2**20  # bytes
_TRIMMED_FROM = 64 * 2**20  # bytes


def keep_freed_memory() -> bool:
    """Lets the process keep memory that it frees, for what it asks for next.

    Otherwise glibc gives blocks above 32 MiB back to the system at once, and the system clears each page anew when it
    is touched again: 5 to 16 % of the processor time of a training step, most for large images. The process then holds
    what it needed at its peak until it ends. Child processes inherit it.

    Returns:
        Whether the C library could be told; false where it is not glibc.
    """
    return _told((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER))


def return_freed_memory() -> bool:
    """Undoes ``keep_freed_memory``: large blocks go back to the system as soon as they are freed.

    Returns:
        Whether the C library could be told; false where it is not glibc.
    """
    return _told((_MMAP_MAX, _MOST_MAPPED), (_MMAP_THRESHOLD, _LARGE_BLOCK), (_TRIM_THRESHOLD, _TRIMMED_FROM))


def _told(*options: tuple[int, int]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):  # musl has a mallopt that does nothing
        return False
    return all(library.mallopt(option, value) == 1 for option, value in options)
