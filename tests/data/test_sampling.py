import numpy as np
import pytest
from random_cohort import random_labels

from kium_lightning.data.sampling import SeededDraws, down_sampled_rows, label_count_weights
from kium_lightning.errors import ConfigError


def test_weights_are_inverse_to_how_many_rows_have_as_many_positives() -> None:
    labels = np.array([[0, 0], [0, 0], [0, 0], [1, 0], [0, 1], [1, 1]])
    np.testing.assert_allclose(label_count_weights(labels), np.array([1 / 3, 1 / 3, 1 / 3, 1 / 2, 1 / 2, 1]) / 3)


@pytest.mark.parametrize("seed", range(3))
def test_every_number_of_positives_has_the_same_chance(seed: int) -> None:
    labels = random_labels(500, seed)
    weights, positives = label_count_weights(labels), labels.sum(axis=1)
    chances = [weights[positives == count].sum() for count in np.unique(positives)]
    np.testing.assert_allclose(chances, 1 / len(chances))


def test_weighted_draws_come_as_often_as_their_weights_say() -> None:
    weights = np.array([0.5, 0.3, 0.2, 0.0])
    draws = SeededDraws(4, weights, seed=0)
    rows = []
    for epoch in range(3000):
        draws.set_epoch(epoch)
        rows += [draw.row for draw in draws]
    np.testing.assert_allclose(np.bincount(rows, minlength=4) / len(rows), weights, atol=0.015)


def test_without_weights_every_row_is_drawn_once_in_a_shuffled_order() -> None:
    rows = [draw.row for draw in SeededDraws(50, None, seed=0)]
    assert sorted(rows) == list(range(50))
    assert rows != sorted(rows)


@pytest.mark.parametrize("weighted", [True, False])
def test_the_same_seed_and_epoch_give_the_same_draws(weighted: bool) -> None:
    weights = np.full(50, 1 / 50) if weighted else None
    first, second = SeededDraws(50, weights, seed=3), SeededDraws(50, weights, seed=3)
    for epoch in (0, 4):
        first.set_epoch(epoch)
        second.set_epoch(epoch)
        assert list(first) == list(second) == list(first)


@pytest.mark.parametrize("weighted", [True, False])
def test_epochs_and_seeds_give_other_rows_and_other_augmentations(weighted: bool) -> None:
    weights = np.full(50, 1 / 50) if weighted else None
    seen = []
    for seed, epoch in [(0, 0), (0, 1), (1, 0)]:
        draws = SeededDraws(50, weights, seed)
        draws.set_epoch(epoch)
        seen.append(list(draws))
    for first, second in [(0, 1), (0, 2), (1, 2)]:
        assert [draw.row for draw in seen[first]] != [draw.row for draw in seen[second]]
        assert not {draw.seed for draw in seen[first]} & {draw.seed for draw in seen[second]}


def test_repeated_draws_of_a_row_are_augmented_differently() -> None:
    draws = list(SeededDraws(20, np.eye(20)[0], seed=0))
    assert {draw.row for draw in draws} == {0}
    assert len({draw.seed for draw in draws}) == 20


def test_there_are_as_many_draws_as_rows() -> None:
    assert len(SeededDraws(7, None, seed=0)) == len(list(SeededDraws(7, None, seed=0))) == 7


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rate", [0.05, 0.8])
def test_down_sampling_keeps_the_rarer_kind_whole_and_as_many_of_the_other(rate: float, seed: int) -> None:
    labels = (np.random.default_rng(seed).random((200, 3)) < rate / 3).astype(np.int64)
    positive = labels.max(axis=1) == 1
    rare = positive if positive.sum() <= 100 else ~positive
    rows = down_sampled_rows(labels, seed)
    assert len(np.unique(rows)) == len(rows) == 2 * rare.sum()
    assert set(np.flatnonzero(rare)) <= set(rows)
    assert (~rare)[rows].sum() == rare.sum()


def test_down_sampling_is_chosen_once_by_the_seed() -> None:
    labels = random_labels(200, 0)
    first, again, other = (list(down_sampled_rows(labels, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    drawn = []
    for epoch in (0, 1):
        draws = SeededDraws(np.array(first), None, seed=1)
        draws.set_epoch(epoch)
        drawn.append([draw.row for draw in draws])
    assert sorted(drawn[0]) == sorted(drawn[1]) == first
    assert drawn[0] != drawn[1]


@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_one_kind_cannot_be_down_sampled(label: int) -> None:
    with pytest.raises(ConfigError, match=f"{5 * label} have a positive label and {5 * (1 - label)} have none"):
        down_sampled_rows(np.full((5, 2), label), 0)
