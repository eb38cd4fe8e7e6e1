"""The order in which training rows are drawn, with a seed for each draw's augmentation."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler


class Draw(NamedTuple):
    """A row to load and the seed of its augmentation."""

    row: int
    seed: int


def label_count_weights(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Weights rows so that every number of positive labels is drawn equally often (the report team's sampler).

    Args:
        labels: (rows, labels), 0 or 1.

    Returns:
        (rows,) weights that sum to 1: each row's is inverse to how many rows have as many positives.
    """
    positives = labels.sum(axis=1)
    frequency = np.bincount(positives)
    weights = 1.0 / frequency[positives]
    normalized: NDArray[np.float64] = weights / weights.sum()
    return normalized


class SeededDraws(Sampler[Draw]):
    """Draws as many rows as there are, by weight with replacement, or all of them shuffled.

    Args:
        rows: how many rows there are.
        weights: (rows,) chances that sum to 1; None draws every row once.
        seed: of the order and of the augmentations; the epoch is added to it.
    """

    def __init__(self, rows: int, weights: NDArray[np.float64] | None, seed: int) -> None:
        self._rows = rows
        self._weights = weights
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch's own draws; the trainer calls this."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._rows

    def __iter__(self) -> Iterator[Draw]:
        random = np.random.default_rng((self._seed, self._epoch))
        if self._weights is None:
            order = random.permutation(self._rows)
        else:
            order = random.choice(self._rows, size=self._rows, replace=True, p=self._weights)
        seeds = random.integers(0, 2**31, size=self._rows)
        return (Draw(int(row), int(seed)) for row, seed in zip(order, seeds, strict=True))
