import resource
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from kium_lightning.memory import keep_freed_memory, return_freed_memory

_BLOCK = 64 * 2**20  # bytes
_PAGES = _BLOCK // resource.getpagesize()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    return_freed_memory()


def pages_touched_anew() -> int:
    """How many pages the system has to clear for a large block that is made, filled and freed."""
    for _ in range(2):  # the first may be the one that is kept
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        np.ones(_BLOCK, np.uint8)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return after - before


def test_kept_memory_is_not_cleared_again_and_returned_memory_is() -> None:
    if not keep_freed_memory():
        pytest.skip(f"the C library of {sys.platform} cannot be told")
    assert pages_touched_anew() < _PAGES / 100
    assert return_freed_memory()
    assert pages_touched_anew() > 16  # few where the system gives huge pages


def test_no_library_is_told_anything_where_it_is_not_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
