import signal
import time
from collections.abc import Iterator

import pytest

from kium_lightning.workers import in_workers


def tenfold(number: int) -> int:
    time.sleep(0.01 * (number % 3))
    return 10 * number


def test_results_come_in_order_with_any_number_of_workers() -> None:
    for workers in (1, 2):
        assert list(in_workers(tenfold, range(7), workers)) == [10 * number for number in range(7)]


def test_work_that_is_left_early_ends() -> None:
    results = in_workers(tenfold, range(500), 2)
    assert next(results) == 0
    started = time.monotonic()
    results.close()  # type: ignore[attr-defined]
    assert time.monotonic() - started < 2.0
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_ctrl_c_while_workers_start_is_not_lost() -> None:
    def tasks_that_interrupt() -> Iterator[int]:
        for number in range(40):
            if number == 3:
                signal.raise_signal(signal.SIGINT)
            yield number

    class Tasks(list[int]):
        def __iter__(self) -> Iterator[int]:
            return tasks_that_interrupt()

    with pytest.raises(KeyboardInterrupt):
        list(in_workers(tenfold, Tasks(range(40)), 2))
