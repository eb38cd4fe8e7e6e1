from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.metrics.at_once import at_once
from kium_lightning.metrics.calibration import brier_score
from kium_lightning.metrics.calls import sensitivity, specificity
from kium_lightning.metrics.drawn import bootstrap_counts
from kium_lightning.metrics.official import accuracy_gain, all_zero_accuracy, location_accuracy, official_auroc
from kium_lightning.metrics.ranking import auroc, average_precision

PATIENTS = 23
RNG = np.random.default_rng(0)
LABELS, SCORES = RNG.integers(0, 2, PATIENTS), RNG.random(PATIENTS)
TIED = RNG.integers(0, 4, PATIENTS) / 4
TRUTH, CALLS = (RNG.random((PATIENTS, 21)) < 0.1).astype(np.int64), (RNG.random((PATIENTS, 21)) < 0.1).astype(np.int64)
RARE = np.eye(1, PATIENTS, dtype=np.int64)[0]  # a third of the draws has no positive

ASKED: list[tuple[Callable[..., float], tuple[NDArray[Any], ...]]] = [
    *((metric, (labels, scores)) for metric in (auroc, official_auroc, average_precision, brier_score)
      for labels in (LABELS, RARE, LABELS == 1, LABELS.astype(np.float32)) for scores in (SCORES, TIED, TIED > 0.2)),
    *((metric, given) for metric in (sensitivity, specificity)
      for given in ((LABELS, 1 - RARE), (RARE, LABELS), (TRUTH, CALLS), (TRUTH == 1, CALLS == 1))),
    (location_accuracy, (TRUTH, CALLS)), (location_accuracy, (TRUTH == 1, CALLS == 1)),
    (accuracy_gain, (TRUTH, CALLS)), (accuracy_gain, (TRUTH.astype(np.uint8), CALLS.astype(np.uint8))),
    (all_zero_accuracy, (TRUTH,)), (all_zero_accuracy, (TRUTH == 1,)),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "arrays"), ASKED)
def test_all_cohorts_at_once_give_what_each_gives_alone(
    metric: Callable[..., float], arrays: tuple[NDArray[Any], ...]
) -> None:
    counts = bootstrap_counts(PATIENTS, 60, np.random.default_rng(1))
    cohorts = [np.repeat(np.arange(PATIENTS), row) for row in counts]
    together = at_once(metric)
    assert together is not None
    alone = [metric(*(array[rows] for array in arrays)) for rows in cohorts]
    np.testing.assert_allclose(together(counts, *arrays), alone, atol=1e-12)


@pytest.mark.parametrize("metric", [auroc, average_precision])
def test_an_unknown_score_makes_every_cohort_unknown(metric: Callable[..., float]) -> None:
    together = at_once(metric)
    assert together is not None
    scores = np.where(np.arange(PATIENTS) == 3, np.nan, SCORES)
    assert np.isnan(together(np.ones((2, PATIENTS), int), LABELS, scores)).all()
