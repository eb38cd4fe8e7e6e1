"""The nearest of many unit vectors, each known in several variants: exact, a block at a time, no tree.

All pairs are looked at, so that the time is quadratic, but in 23 of the 256 dimensions: what is left of two vectors
beyond these adds at most the product of its lengths to their product (Cauchy and Schwarz), and only pairs that could
reach the least product, or a nearer one than those found, are multiplied out. It takes 0.8 ns a pair and
variant, two minutes for 80,000 pictures. Trees do not help: fingerprints of vessels fill so many dimensions that k-d
trees of 8 to 24 of them visited nearly all pairs of 80,000, at 2 to 12 ns each.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_LOW = 23  # dimensions that all pairs are compared in; with the length of the rest 24
_ROWS, _COLUMNS = 1024, 2048  # vectors at once: 8 MB of products, 2 MB for each variant
_MULTIPLIED = 16_384  # pairs that are multiplied out at once: 32 MB
_DENSE = 0.02  # of a block's pairs, from which multiplying all of them out is faster
_SLACK = 1e-5  # of sums in single precision


class Nearest(NamedTuple):
    """The nearest vectors of each of n, nearest first.

    Attributes:
        others: (n, k) positions; -1 where there are fewer.
        products: (n, k) with the nearest variant of the other.
        variants: (n, k) which of its variants that is.
    """

    others: NDArray[np.int64]
    products: Floats
    variants: NDArray[np.int8]


def nearest(queries: Floats, variants: Floats, least: float, count: int) -> Nearest:
    """Finds for each query the vectors with the greatest products, its own position left out.

    Args:
        queries: (n, d) of length 1, or 0 for those that are to be left out; may lie on a disk.
        variants: (v, n, d) likewise; the product with a vector is that with the nearest of its v variants.
        least: product, above 0.
        count: k, how many at most.
    """
    size = len(queries)
    found = Nearest(
        np.full((size, count), -1), np.full((size, count), -np.inf, np.float32), np.zeros((size, count), np.int8)
    )
    axes = _axes(variants[0])
    # writing into new memory would take three times as long as multiplying
    products, could = np.empty(_ROWS * _COLUMNS, np.float32), np.empty(_ROWS * _COLUMNS, np.bool_)
    for columns in _blocks(size, _COLUMNS):
        others = np.array(variants[:, columns])
        low_others = [_shortened(each, axes) for each in others]
        for rows in _blocks(size, _ROWS):
            own = np.array(queries[rows])
            low = _shortened(own, axes)
            for variant, (full, short) in enumerate(zip(others, low_others, strict=True)):
                limit = np.maximum(found.products[rows, -1], np.float32(least))
                cells, shape = len(own) * len(full), (len(own), len(full))
                at_most = np.matmul(low, short.T, out=products[:cells].reshape(shape))
                np.greater(at_most, (limit - _SLACK)[:, None], out=could[:cells].reshape(shape))
                share = np.count_nonzero(could[:cells]) / cells
                if share:
                    is_dense = share > _DENSE
                    # nonzero() of a matrix would take longer than all the rest
                    pairs = (
                        _all_pairs(own, full, count) if is_dense else divmod(np.flatnonzero(could[:cells]), len(full))
                    )
                    _keep(found, rows, columns, variant, *_multiplied(own, full, *pairs), least=least)
    return found


def _axes(vectors: Floats) -> Floats:
    """The directions (d, 23) in which vectors (n, d) are longest."""
    moments = np.zeros((vectors.shape[1], vectors.shape[1]))
    for block in _blocks(len(vectors), _COLUMNS):
        some = vectors[block].astype(np.float64)
        moments += some.T @ some
    _, directions = np.linalg.eigh(moments)
    return np.ascontiguousarray(directions[:, -_LOW:], np.float32)


def _shortened(vectors: Floats, axes: Floats) -> Floats:
    """The vectors (n, 24) in the directions of the axes, and the length of what is left of them."""
    along = vectors @ axes
    left = (vectors.astype(np.float64) ** 2).sum(axis=1) - (along.astype(np.float64) ** 2).sum(axis=1)
    return np.column_stack([along, np.sqrt(np.maximum(left, 0.0)).astype(np.float32)])


def _all_pairs(own: Floats, others: Floats, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs of each row (r, d) with those others (c, d) that may be among its nearest."""
    products = own @ others.T
    most = min(count + 1, len(others))  # one of them may be the row itself
    places = np.argpartition(-products, most - 1, axis=1)[:, :most]
    return np.repeat(np.arange(len(own)), most), places.ravel()


def _multiplied(
    own: Floats, others: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Rows and columns of pairs, and their products (m,)."""
    products = np.empty(len(rows), np.float32)
    for block in _blocks(len(rows), _MULTIPLIED):
        products[block] = np.einsum("md,md->m", own[rows[block]], others[columns[block]])
    return rows, columns, products


def _keep(
    found: Nearest,
    block: slice,
    others: slice,
    variant: int,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    products: Floats,
    *,
    least: float,
) -> None:
    """Puts pairs of a block among the nearest found so far, where they belong there."""
    rows, columns = rows + block.start, columns + others.start
    new = (products >= least) & (rows != columns)
    if not new.any():
        return
    touched = np.unique(rows[new])
    count = found.others.shape[1]
    rows = np.concatenate([np.repeat(touched, count), rows[new]])
    columns = np.concatenate([found.others[touched].ravel(), columns[new]])
    products = np.concatenate([found.products[touched].ravel(), products[new]])
    variants = np.concatenate([found.variants[touched].ravel(), np.full(int(new.sum()), variant, np.int8)])
    order = np.lexsort((-products, columns, rows))
    once = np.ones(len(order), bool)  # another of one row stands there with its nearest variant
    once[1:] = (np.diff(rows[order]) != 0) | (np.diff(columns[order]) != 0) | (columns[order][1:] < 0)
    order = order[once]
    order = order[np.lexsort((-products[order], rows[order]))]
    first = np.searchsorted(rows[order], touched)
    chosen = order[first[:, None] + np.arange(count)]
    found.others[touched], found.products[touched] = columns[chosen], products[chosen]
    found.variants[touched] = variants[chosen]


def _blocks(size: int, most: int) -> Iterator[slice]:
    return (slice(start, min(start + most, size)) for start in range(0, size, most))
