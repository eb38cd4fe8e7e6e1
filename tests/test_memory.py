import subprocess
import sys

import pytest

from kium_lightning.memory import keep_freed_memory

# In a process of its own: what this one has freed before would answer for what is asked for now.
_PAGES_TOUCHED_ANEW = """
import resource
import numpy as np
from kium_lightning.memory import keep_freed_memory, return_freed_memory

def touched_anew():
    for _ in range(2):  # the first may be the one that is kept
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        np.ones(64 * 2**20, np.uint8)
        after = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    return after - before

assert keep_freed_memory()
kept = touched_anew()
assert return_freed_memory()
print(kept, touched_anew())
"""
_PAGES = 64 * 2**20 // 4096


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc can be told")
def test_kept_memory_is_not_cleared_again_and_returned_memory_is() -> None:
    done = subprocess.run([sys.executable, "-c", _PAGES_TOUCHED_ANEW], capture_output=True, text=True, check=True)
    kept, returned = map(int, done.stdout.split())
    assert kept < _PAGES / 100
    assert returned > 16  # few where the system gives huge pages


def test_no_library_is_told_anything_where_it_is_not_glibc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()
