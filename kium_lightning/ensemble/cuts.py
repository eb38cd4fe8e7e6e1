"""All the ways to cut scores in two, how good each is, and the threshold in the middle of the gap that makes it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.ensemble.rounding import SCORE_DECIMALS, rounded

Counts = NDArray[np.int64]
_STEPS = 10**SCORE_DECIMALS  # scores are compared as multiples of one of these steps


@dataclass(frozen=True, eq=False)
class Cuts:
    """The c ways to divide n scores into those of at least some score, which are called, and those below.

    Attributes:
        steps: (c,) the least score that is called, rising, in rounding steps: from 0 to 1,000,000.
        lower: (c,) the greatest score that is not called, likewise; 0 where all are called.
        true: (c,) how many positives are called.
        false: (c,) how many negatives are called.
    """

    steps: Counts
    lower: Counts
    true: Counts
    false: Counts

    def exclusive(self, cut: int) -> float:
        """The threshold that exactly the called scores are above, midway between the two scores of the gap.

        The lowest cut has none if it calls a score of 0.
        """
        # Of two neighbouring steps the middle is rounded to the lower one, which the upper one is still above.
        return float(rounded((self.lower[cut] + self.steps[cut]) // 2 / _STEPS))

    def inclusive(self, cut: int) -> float:
        """The threshold that exactly the called scores reach, midway between the two scores of the gap."""
        return float(rounded((self.lower[cut] + self.steps[cut] + 1) // 2 / _STEPS))


def cuts_of(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Cuts:
    """Lists all cuts.

    Args:
        scores: (n,) in [0, 1], at least one; rounded before they are compared.
        labels: (n,) 0 or 1.
    """
    in_steps = np.rint(rounded(scores) * _STEPS).astype(np.int64)
    steps, of_step = np.unique(in_steps, return_inverse=True)

    def at_least(weights: NDArray[np.int64]) -> Counts:
        counts = np.bincount(of_step, weights=weights, minlength=len(steps)).astype(np.int64)
        return np.cumsum(counts[::-1])[::-1]

    return Cuts(steps, np.concatenate([[0], steps[:-1]]), at_least(labels), at_least(1 - labels))


def f1_of(true: Counts, false: Counts, positives: int, negatives: int) -> NDArray[np.float64]:
    """Computes F1 from the numbers of true and false calls (c,) and of all positives."""
    values: NDArray[np.float64] = 2 * true / np.maximum(true + false + positives, 1)
    return values


def youden_of(true: Counts, false: Counts, positives: int, negatives: int) -> NDArray[np.float64]:
    """Computes Youden's index, sensitivity + specificity - 1 (Cancer, 1950), from the numbers of calls (c,)."""
    return true / max(positives, 1) - false / max(negatives, 1)


CRITERIA: dict[str, Callable[[Counts, Counts, int, int], NDArray[np.float64]]] = {
    "max_f1": f1_of,
    "youden": youden_of,
}
