"""The order in which training rows are drawn, with a seed for each draw's augmentation."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from kium_lightning.errors import ConfigError

SEEDS = 2**31  # augmentations have seeds below it


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


def down_sampled_rows(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Chooses as many rows without a positive label as there are rows with one; the rest are thrown away.

    Where rows with a positive label are the majority, they are thinned out instead.

    Args:
        labels: (rows, labels), 0 or 1.
        seed: of the choice.

    Returns:
        Row numbers, sorted.

    Raises:
        ConfigError: all rows are of one kind, so that nothing would be left.
    """
    positive = labels.any(axis=1)
    kinds = [np.flatnonzero(positive), np.flatnonzero(~positive)]
    count = min(len(kind) for kind in kinds)
    if count == 0:
        raise ConfigError(
            f"data.sampler=down_sampled needs rows of both kinds, but of the training rows {len(kinds[0])} have a "
            f"positive label and {len(kinds[1])} have none. Choose shuffled, or take more patients."
        )
    random = np.random.default_rng(seed)
    return np.sort(np.concatenate([random.choice(kind, size=count, replace=False) for kind in kinds]))


class SeededDraws(Sampler[Draw]):
    """Draws as many rows as there are, by weight with replacement, or all of them shuffled.

    Args:
        rows: how many rows there are, or the numbers of those that are drawn.
        weights: (rows,) chances that sum to 1; None draws every row once.
        seed: of the order and of the augmentations; the epoch is added to it.
    """

    def __init__(self, rows: int | NDArray[np.int64], weights: NDArray[np.float64] | None, seed: int) -> None:
        self._rows = np.arange(rows) if isinstance(rows, int) else rows
        self._weights = weights
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch's own draws; the trainer calls this."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Draw]:
        random = np.random.default_rng((self._seed, self._epoch))
        if self._weights is None:
            order = random.permutation(len(self))
        else:
            order = random.choice(len(self), size=len(self), replace=True, p=self._weights)
        seeds = random.integers(0, SEEDS, size=len(self))
        return (Draw(int(row), int(seed)) for row, seed in zip(self._rows[order], seeds, strict=True))
