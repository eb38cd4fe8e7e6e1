"""Folding patients to one row per view with side-less labels, and unfolding rows back to patients.

This is the report's table: a patient gives four rows per circulation in the order L-A, L-B, R-A, R-B; the labels of a
row are those of its side, without the side's letter; the basilar artery's label stands on both sides.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN, LOCATION_COLUMNS, Circulation, Location, Side, Target

VIEW_COLUMN = "view"
ANY_COLUMN = "sum"  # the report's name of the binary label: whether any artery of the row has an aneurysm
VIEWS_PER_PATIENT = 4  # of one circulation

Reduction = Callable[..., NDArray[np.float64]]


def _folded_columns(circulation: Circulation) -> list[list[int]]:
    """For every view of a circulation the positions of its side's labels among the 21 location columns."""
    return [
        [LOCATION_COLUMNS.index(artery.at(view.side).column) for artery in circulation.arteries]
        for view in circulation.views
    ]


def fold_labels(labels: NDArray[np.int64], circulation: Circulation) -> NDArray[np.int64]:
    """Folds patients' labels to the rows of one circulation.

    Args:
        labels: (patients, 21) in the challenge's column order, 0 or 1.
        circulation: whose views and arteries.

    Returns:
        (patients, 4, arteries): views in the order L-A, L-B, R-A, R-B, arteries as in ``circulation.arteries``.
    """
    return labels[:, _folded_columns(circulation)]


def fold_table(table: pd.DataFrame, circulation: Circulation, target: Target) -> pd.DataFrame:
    """Builds one of the report's four tables from the challenge's.

    Args:
        table: one row per patient with ``Index`` and the 21 location columns.
        circulation: whose views and arteries.
        target: one column per artery, or the one column ``sum`` that is 1 where any artery is.

    Returns:
        Four rows per patient with ``Index``, ``view`` (a code such as ``LI-A``) and the label columns of the target.
    """
    labels = fold_labels(table[list(LOCATION_COLUMNS)].to_numpy(np.int64), circulation).reshape(
        -1, len(circulation.arteries)
    )
    folded = pd.DataFrame(
        {
            INDEX_COLUMN: np.repeat(table[INDEX_COLUMN].to_numpy(np.int64), VIEWS_PER_PATIENT),
            VIEW_COLUMN: [view.code for view in circulation.views] * len(table),
        }
    )
    if target is Target.BINARY:
        folded[ANY_COLUMN] = (labels.sum(axis=1) > 0).astype(np.int64)
    else:
        for position, artery in enumerate(circulation.arteries):
            folded[artery.value] = labels[:, position]
    return folded


def label_names(circulation: Circulation, target: Target) -> list[str]:
    """The label columns of a folded table, in the order of a net's outputs."""
    return [ANY_COLUMN] if target is Target.BINARY else [artery.value for artery in circulation.arteries]


def unfolded_locations(circulation: Circulation) -> list[Location]:
    """The locations that a circulation's rows unfold to, in the challenge's column order."""
    return [location for location in Location if location.circulation is circulation]


def unfold(
    values: NDArray[np.float64],
    circulation: Circulation,
    join_projections: Reduction = np.max,
    join_sides: Reduction = np.max,
) -> NDArray[np.float64]:
    """Unfolds rows of one circulation to its locations; ``unfold(fold_labels(x))`` gives back x's columns.

    Args:
        values: (patients, 4, arteries), as ``fold_labels`` returns; scores, labels or NaN where unknown.
        circulation: whose rows they are.
        join_projections: joins the frontal and the lateral view of a side; called with ``axis=1``.
        join_sides: joins the two sides' values of a midline artery; called with ``axis=1``.

    Returns:
        (patients, locations) in the order of ``unfolded_locations``.
    """
    rows = {side: [position for position, view in enumerate(circulation.views) if view.side is side] for side in Side}
    by_side = {side: join_projections(values[:, rows[side]], axis=1) for side in Side}
    columns = []
    for location in unfolded_locations(circulation):
        artery = circulation.arteries.index(location.artery)
        if location.side is None:
            columns.append(join_sides(np.stack([by_side[side][:, artery] for side in Side], axis=1), axis=1))
        else:
            columns.append(by_side[location.side][:, artery])
    return np.stack(columns, axis=1)
