"""Whether two answers about the same patients differ by more than chance, by swapping them."""

from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_EXACT_PATIENTS = 14  # 16,384 ways to swap, about as many as are drawn otherwise
_AT_ONCE = 1000


class PermutedDifference(NamedTuple):
    """A mean difference with its chance; both NaN without patients.

    Attributes:
        value: the first answer's mean minus the second's.
        p: two-sided, of a difference at least as large if it did not matter which answer is which.
    """

    value: float
    p: float


def paired_permutation(
    first: NDArray[np.generic], second: NDArray[np.generic], draws: int = 9999, *, rng: np.random.Generator
) -> PermutedDifference:
    """Tests a mean difference by swapping the two answers about patients at random.

    Each patient counts once, whatever number of locations the value is a share of. Where at most 14 patients differ,
    all ways to swap them are gone through and nothing is drawn; otherwise p counts the answers as they are as one of
    the draws, so that it is never 0 (Phipson and Smyth, Stat Appl Genet Mol Biol 2010; 9:39).

    Source: Fisher, "The Design of Experiments", 1935, section 21.

    Args:
        first: (n,) a value per patient, such as the share of locations that are right.
        second: (n,) the other answer's.
        draws: how many ways to swap are drawn, at least 1.
        rng: where they come from.

    Returns:
        The difference and its p, in (0, 1].

    Raises:
        ValueError: the arrays are not two vectors of one length, or draws is out of range.
    """
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(f"The answers {first.shape} and {second.shape} must be vectors of one length.")
    if draws < 1:
        raise ValueError(f"draws must be at least 1, not {draws}.")
    apart = first.astype(np.float64) - second.astype(np.float64)
    if len(apart) == 0 or np.isnan(apart).any():
        return PermutedDifference(float("nan"), float("nan"))
    differing = apart[apart != 0]
    least = abs(differing.sum()) - 1e-9 * np.abs(differing).sum()  # equal sums may differ by rounding
    if len(differing) <= _EXACT_PATIENTS:
        signs = np.array(list(product((1.0, -1.0), repeat=len(differing))))
        p = float(np.mean(np.abs(signs @ differing) >= least))
    else:
        as_large = 0
        for begin in range(0, draws, _AT_ONCE):
            drawn = 2.0 * rng.integers(2, size=(min(_AT_ONCE, draws - begin), len(differing)), dtype=np.int8) - 1.0
            as_large += int(np.count_nonzero(np.abs(drawn @ differing) >= least))
        p = (as_large + 1) / (draws + 1)
    return PermutedDifference(float(apart.mean()), p)
