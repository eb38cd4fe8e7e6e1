"""Work in several processes, which ends cleanly when a user stops it with Ctrl-C or kills the parent."""

import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context, parent_process, resource_tracker
from threading import Thread
from typing import TypeVar

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


_AHEAD = 64  # tasks of each worker that are handed out before their results are asked for


def in_workers(work: Callable[[_Task], _Result], tasks: Sequence[_Task], workers: int) -> Iterator[_Result]:
    """Does tasks in worker processes and yields their results in order; one worker is this process itself.

    On Ctrl-C tasks that have begun are finished, so that no file is left half written, the others are dropped, and
    KeyboardInterrupt is raised here alone. Close the iterator where it is left early for another reason. Some
    tasks are taken from the sequence at a time, and only their results are in memory.

    Raises:
        BrokenProcessPool: a worker was killed.
    """
    count = min(workers, len(tasks))
    if count <= 1:
        yield from map(work, tasks)
        return
    # spawn: forking a process that has threads, as torch's and OpenCV's, can deadlock
    pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent)
    try:
        resource_tracker.ensure_running()  # which would let interrupts through when it starts
        with _interrupts_wait():  # workers are started here and never hear of them
            left = iter(tasks)
            waiting = deque(pool.submit(work, task) for task in islice(left, _AHEAD * count))
        while waiting:
            result = waiting.popleft().result()
            waiting.extend(pool.submit(work, task) for task in islice(left, 1))
            yield result
    finally:
        with _interrupts_wait():
            pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Lets Ctrl-C wait until the block ends; processes that are started in it never receive it."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Lets a worker end when its parent is killed; else it would wait for more work for ever."""
    parent = parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os._exit(1)

    Thread(target=wait, daemon=True).start()
