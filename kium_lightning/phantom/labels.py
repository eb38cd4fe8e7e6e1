"""Who has aneurysms, and where: the challenge's frequencies, kept as closely as whole patients allow."""

from enum import StrEnum

import numpy as np

from kium_lightning.anatomy import LOCATION_COLUMNS, Location

_PATIENTS = 1127
_PATIENTS_BY_COUNT = {1: 402, 2: 92, 3: 23, 4: 4, 5: 2}
_POSITIVES = {
    "L_ICA": 100, "R_ICA": 100, "L_PCOM": 35, "R_PCOM": 34, "L_AntChor": 30, "R_AntChor": 18, "L_ACA": 21, "R_ACA": 13,
    "L_ACOM": 66, "R_ACOM": 30, "L_MCA": 67, "R_MCA": 96, "L_VA": 17, "R_VA": 11, "L_PICA": 3, "R_PICA": 2, "L_SCA": 6,
    "R_SCA": 4, "BA": 24, "L_PCA": 3, "R_PCA": 1,
}  # fmt: skip
CHALLENGE_SHARES = {column: positives / _PATIENTS for column, positives in _POSITIVES.items()}
"""The share of the challenge's patients that have an aneurysm at each location."""


class Sites(StrEnum):
    """How often each location carries an aneurysm: as in the challenge, or each as often as the others."""

    CHALLENGE = "challenge"
    EVEN = "even"


def apportion(total: int, weights: list[float]) -> list[int]:
    """Splits a total into whole parts in proportion to weights, by largest remainder.

    >>> apportion(10, [1, 1, 2])
    [3, 2, 5]
    """
    shares = total * np.asarray(weights, dtype=np.float64) / sum(weights)
    parts = np.floor(shares).astype(int)
    order = np.argsort(-(shares - parts), kind="stable")
    parts[order[: total - int(parts.sum())]] += 1
    return [int(part) for part in parts]


def draw_labels(patients: int, rng: np.random.Generator, sites: Sites = Sites.CHALLENGE) -> list[frozenset[Location]]:
    """Draws where each patient of a cohort has aneurysms.

    The number of patients with each count of aneurysms and the number of aneurysms of each location are those of the
    challenge's training set, scaled to the cohort and rounded; who gets which is random.

    Args:
        patients: how many.
        rng: the source of randomness.
        sites: ``even`` gives every location as many aneurysms as the others, for training on the rare ones.

    Returns:
        For each patient the labelled locations, none for most.
    """
    positives = round(patients * sum(_PATIENTS_BY_COUNT.values()) / _PATIENTS)
    by_count = apportion(positives, [float(count) for count in _PATIENTS_BY_COUNT.values()])
    counts = [count for count, of_this in zip(_PATIENTS_BY_COUNT, by_count, strict=True) for _ in range(of_this)]
    even = sites is Sites.EVEN
    frequencies = [1.0 if even else float(_POSITIVES[column]) for column in LOCATION_COLUMNS]
    left = np.array(apportion(sum(counts), frequencies))
    drawn: list[frozenset[Location]] = []
    locations = list(Location)
    for count in sorted(counts, reverse=True):  # patients with many first, while there is still choice
        chosen = _draw_distinct(left, count, rng)
        left[chosen] -= 1
        drawn.append(frozenset(locations[index] for index in chosen))
    drawn += [frozenset()] * (patients - positives)
    return [drawn[index] for index in rng.permutation(patients)]


def _draw_distinct(left: np.ndarray, count: int, rng: np.random.Generator) -> list[int]:
    """Draws distinct locations in proportion to how many of each are left to give out."""
    available = np.flatnonzero(left)
    weights = left[available] / left[available].sum()
    size = min(count, len(available))
    return [int(index) for index in rng.choice(available, size=size, replace=False, p=weights)]
