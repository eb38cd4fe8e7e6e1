"""Folding patients to one row per view with side-less labels, and unfolding rows back to patients.

This is the report's table: a patient gives four rows per circulation in the order L-A, L-B, R-A, R-B; the labels of a
row are those of its side, without the side's letter; the basilar artery's label stands on both sides.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, PRESENCE_COLUMN, Circulation, Location, Side, Target
from kium_lightning.data.rows import Labels, Sample, Scores
from kium_lightning.errors import ConfigError

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


class FoldedRows:
    """The report's folded rows: each view of a circulation with the side-less labels of its side.

    Args:
        circulation: ``anterior`` or ``posterior``.
        target: ``multilabel`` labels each artery, ``binary`` any of them.

    Raises:
        ConfigError: circulation or target is unknown.
    """

    def __init__(self, circulation: str, target: str) -> None:
        try:
            self.circulation, self.target = Circulation(circulation), Target(target)
        except ValueError as error:
            raise ConfigError(
                f"data.rows.circulation is {circulation!r} and data.rows.target is {target!r}. Choose "
                f"{' or '.join(Circulation)}, and {Target.MULTILABEL} or {Target.BINARY}."
            ) from error
        if self.target is Target.ALL:
            raise ConfigError(f"Folded rows are {Target.MULTILABEL} or {Target.BINARY}. Set data.rows.target to one.")

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The four views L-A, L-B, R-A, R-B."""
        return tuple(Sample(view.code, (view,)) for view in self.circulation.views)

    @property
    def label_names(self) -> list[str]:
        """The arteries' names, or the report's name of the one binary label."""
        if self.target is Target.BINARY:
            return [ANY_COLUMN]
        return [artery.value for artery in self.circulation.arteries]

    @property
    def columns(self) -> list[str]:
        """The locations of the circulation, or ``Aneurysm``."""
        if self.target is Target.BINARY:
            return [PRESENCE_COLUMN]
        return [location.column for location in unfolded_locations(self.circulation)]

    @property
    def question(self) -> str:
        """Whether any, or which, artery of the circulation has an aneurysm."""
        return f"{'any' if self.target is Target.BINARY else 'each'} {self.circulation} artery"

    def labels(self, table: pd.DataFrame) -> Labels:
        """Labels (patients, 4, arteries), or (patients, 4, 1) where any artery of the row's side has an aneurysm."""
        folded = fold_labels(table[list(LOCATION_COLUMNS)].to_numpy(np.int64), self.circulation)
        return folded.max(axis=2, keepdims=True) if self.target is Target.BINARY else folded

    def unfold_scores(self, scores: Scores) -> Scores:
        """The report's rules: the mean of a patient's views (binary), the maximum of the two projections."""
        return scores.mean(axis=1) if self.target is Target.BINARY else unfold(scores, self.circulation)

    def unfold_labels(self, labels: Labels) -> Labels:
        """The patient's own labels (patients, columns)."""
        if self.target is Target.BINARY:
            present: Labels = labels.max(axis=1)
            return present
        return unfold(labels.astype(np.float64), self.circulation).astype(np.int64)

    def plain(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {"kind": "folded", "circulation": self.circulation.value, "target": self.target.value}
