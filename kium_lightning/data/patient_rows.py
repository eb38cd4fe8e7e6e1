"""Rows of whole patients: all eight views at once."""

from typing import Any

import numpy as np
import pandas as pd

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN, Target, View
from kium_lightning.data.rows import Labels, Sample, Scores
from kium_lightning.errors import ConfigError

_COLUMNS = {
    Target.BINARY: (PRESENCE_COLUMN,),
    Target.MULTILABEL: LOCATION_COLUMNS,
    Target.ALL: LABEL_COLUMNS,
}
_QUESTIONS = {
    Target.BINARY: "any artery",
    Target.MULTILABEL: "each of 21 arteries",
    Target.ALL: "any and each of 21 arteries",
}


class PatientRows:
    """One row per patient with the eight views as channels, in the order of ``View``.

    Args:
        target: ``binary`` (is there an aneurysm), ``multilabel`` (the 21 locations) or ``all`` (both, presence first).

    Raises:
        ConfigError: the target is unknown.
    """

    def __init__(self, target: str) -> None:
        try:
            self.target = Target(target)
        except ValueError as error:
            raise ConfigError(f"data.rows.target is {target!r}. Choose one of {', '.join(Target)}.") from error

    @property
    def samples(self) -> tuple[Sample, ...]:
        """One sample that holds all views."""
        return (Sample("all", tuple(View)),)

    @property
    def label_names(self) -> list[str]:
        """``Aneurysm``, the columns of the locations, or both."""
        return list(_COLUMNS[self.target])

    @property
    def columns(self) -> list[str]:
        """The same: nothing is folded."""
        return self.label_names

    @property
    def question(self) -> str:
        """Whether any, or which, artery has an aneurysm."""
        return _QUESTIONS[self.target]

    def labels(self, table: pd.DataFrame) -> Labels:
        """Labels (patients, 1, columns)."""
        return table[self.label_names].to_numpy(np.int64)[:, None]

    def unfold_scores(self, scores: Scores) -> Scores:
        """A patient's one row."""
        return scores[:, 0]

    def unfold_labels(self, labels: Labels) -> Labels:
        """A patient's one row."""
        return labels[:, 0]

    def plain(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {"kind": "patients", "target": self.target.value}
