import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.metrics.calibration import brier_score
from kium_lightning.metrics.calls import f1, sensitivity, specificity
from kium_lightning.metrics.drawn import bootstrap_counts, bootstrap_values, left_out_values
from kium_lightning.metrics.intervals import bootstrap_interval
from kium_lightning.metrics.official import accuracy_gain, all_zero_accuracy, location_accuracy, official_auroc
from kium_lightning.metrics.ranking import auroc, average_precision

PATIENTS = 31
RNG = np.random.default_rng(0)
LABELS, SCORES = RNG.integers(0, 2, PATIENTS), RNG.random(PATIENTS)
TIED = RNG.integers(0, 4, PATIENTS) / 4
TRUTH, CALLS = (RNG.random((PATIENTS, 21)) < 0.1).astype(np.int64), (RNG.random((PATIENTS, 21)) < 0.1).astype(np.int64)
RARE, PAIR = np.eye(1, PATIENTS, 4, dtype=np.int64)[0], np.eye(2, PATIENTS, 4, dtype=np.int64).sum(axis=0)
NOBODY = np.zeros(PATIENTS, np.int64)

ASKED: list[tuple[Callable[..., float], tuple[NDArray[Any], ...]]] = [
    *((metric, (labels, scores)) for metric in (auroc, official_auroc, average_precision)
      for labels in (LABELS, RARE, PAIR, 1 - RARE, NOBODY, 1 - NOBODY, LABELS == 1)
      for scores in (SCORES, TIED, np.zeros(PATIENTS))),
    *((metric, given) for metric in (sensitivity, specificity)
      for given in ((LABELS, 1 - RARE), (RARE, LABELS), (NOBODY, LABELS), (TRUTH, CALLS), (TRUTH == 1, CALLS == 1))),
    (location_accuracy, (TRUTH, CALLS)), (accuracy_gain, (TRUTH, CALLS)), (all_zero_accuracy, (TRUTH == 1,)),
    (brier_score, (LABELS, SCORES)), (f1, (LABELS, 1 - RARE)),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "arrays"), ASKED)
def test_all_left_out_in_one_pass_give_what_each_gives_alone(
    metric: Callable[..., float], arrays: tuple[NDArray[Any], ...]
) -> None:
    others = [np.delete(np.arange(PATIENTS), patient) for patient in range(PATIENTS)]
    alone = [metric(*(array[rows] for array in arrays)) for rows in others]
    np.testing.assert_allclose(left_out_values(metric, *arrays), alone, atol=1e-12)


@pytest.mark.parametrize("metric", [auroc, average_precision])
def test_an_unknown_score_makes_every_left_out_unknown(metric: Callable[..., float]) -> None:
    scores = np.where(np.arange(PATIENTS) == 3, np.nan, SCORES)
    assert np.isnan(left_out_values(metric, LABELS, scores)).all()


def test_what_a_metric_refuses_is_refused_here() -> None:
    with pytest.raises(ValueError, match="0 or 1"):
        left_out_values(auroc, LABELS + 1, SCORES)
    with pytest.raises(ValueError, match="lengths"):
        left_out_values(auroc, LABELS, SCORES[1:])
    assert len(left_out_values(auroc, LABELS[:0], SCORES[:0])) == 0


def test_blocks_of_draws_are_the_draws_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = bootstrap_counts(PATIENTS, 100, np.random.default_rng(1))
    rows = np.random.default_rng(1).integers(PATIENTS, size=(100, PATIENTS))
    np.testing.assert_array_equal(counts, [np.bincount(row, minlength=PATIENTS) for row in rows])
    for metric, arrays in ((average_precision, (LABELS, TIED)), (accuracy_gain, (TRUTH, CALLS)), (f1, (LABELS, RARE))):
        whole, without = bootstrap_values(metric, *arrays, counts=counts), left_out_values(metric, *arrays)
        with monkeypatch.context() as patch:
            patch.setattr("kium_lightning.metrics.drawn._CELLS", 7 * PATIENTS)
            np.testing.assert_array_equal(bootstrap_counts(PATIENTS, 100, np.random.default_rng(1)), counts)
            np.testing.assert_allclose(bootstrap_values(metric, *arrays, counts=counts), whole, rtol=1e-12)
            np.testing.assert_allclose(left_out_values(metric, *arrays), without, rtol=1e-12)


def test_an_interval_of_eight_times_the_patients_takes_no_more_than_twice_their_share() -> None:
    def seconds(patients: int) -> float:
        labels, scores = np.arange(patients) % 2, np.random.default_rng(0).random(patients)
        begin = time.process_time()
        bootstrap_interval(average_precision, labels, scores, draws=20, rng=np.random.default_rng(1))
        return time.process_time() - begin

    seconds(4000)
    assert min(seconds(32_000) for _ in range(3)) < 16 * min(seconds(4000) for _ in range(3))
