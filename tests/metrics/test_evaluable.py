import numpy as np
import pytest

from kium_lightning.metrics.evaluable import evaluable


@pytest.mark.parametrize(
    ("positives", "negatives", "reason"),
    [
        (5, 5, ""),
        (4, 100, "not evaluable (4 positives < 5)"),
        (100, 1, "not evaluable (1 negative < 5)"),
        (3, 0, "not evaluable (0 negatives < 5)"),
        (0, 0, "not evaluable (0 negatives < 5)"),
    ],
)
def test_both_classes_need_enough_patients(positives: int, negatives: int, reason: str) -> None:
    found = evaluable(np.repeat([1, 0], [positives, negatives]))
    assert (found.positives, found.negatives) == (positives, negatives)
    assert found.holds == (reason == "")
    assert found.reason == reason


def test_the_least_can_be_chosen() -> None:
    labels = np.repeat([True, False], [3, 9])
    assert evaluable(labels, 3).holds
    assert not evaluable(labels, 4).holds


def test_malformed_labels_are_an_error() -> None:
    with pytest.raises(ValueError, match="0 and 1"):
        evaluable(np.array([0, 2]))
    with pytest.raises(ValueError, match="at least 1"):
        evaluable(np.array([0, 1]), 0)
