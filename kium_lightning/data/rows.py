"""What one sample is: which views it holds, its labels, and how the scores of samples become those of patients."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN, View

VIEW_COLUMN = "view"

Scores = NDArray[np.float64]
Labels = NDArray[np.int64]


class Window(NamedTuple):
    """A part of a clean picture, in fractions of its width and height; right and bottom exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def mirrored(self) -> "Window":
        """The window of the same place in the picture's mirror image."""
        return Window(1.0 - self.right, self.top, 1.0 - self.left, self.bottom)

    def slices(self, height: int, width: int) -> tuple[slice, slice]:
        """The rows and columns of a picture (height, width) that lie inside, at least one pixel of each."""
        top, left = min(round(self.top * height), height - 1), min(round(self.left * width), width - 1)
        bottom, right = max(round(self.bottom * height), top + 1), max(round(self.right * width), left + 1)
        return slice(top, bottom), slice(left, right)


class Sample(NamedTuple):
    """One of the rows that each patient gives.

    Attributes:
        name: what tells it from the patient's other rows, such as ``LI-A``.
        views: the views that it holds, in the order of the image's channels.
        window: the part of the picture that is kept; None for all of it.
    """

    name: str
    views: tuple[View, ...]
    window: Window | None = None


class Rows(Protocol):
    """How patients are cut into samples and put together again.

    Row ``i`` of a dataset is the sample ``i % len(samples)`` of the patient ``i // len(samples)``.
    """

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The rows of one patient, in order."""
        ...

    @property
    def label_names(self) -> list[str]:
        """The labels of a row, in the order of a net's outputs."""
        ...

    @property
    def columns(self) -> list[str]:
        """What the rows of a patient unfold to: location columns, ``Aneurysm``, or both."""
        ...

    @property
    def question(self) -> str:
        """What is asked of each patient, in words; scores are comparable where it is the same."""
        ...

    def labels(self, table: pd.DataFrame) -> Labels:
        """Labels (patients, samples, labels) from the challenge's table, one row per patient."""
        ...

    def unfold_scores(self, scores: Scores) -> Scores:
        """Joins scores (patients, samples, labels) to (patients, columns)."""
        ...

    def unfold_labels(self, labels: Labels) -> Labels:
        """Joins labels (patients, samples, labels) to (patients, columns)."""
        ...

    def plain(self) -> dict[str, Any]:
        """The settings as JSON values, with the name of the kind."""
        ...


def row_table(rows: Rows, table: pd.DataFrame) -> pd.DataFrame:
    """Lists the rows of patients.

    Args:
        rows: how patients are cut into samples.
        table: one row per patient with the challenge's columns.

    Returns:
        A row per sample with ``Index``, ``view`` (the sample's name) and the label columns.
    """
    names = [sample.name for sample in rows.samples]
    labels = rows.labels(table).reshape(len(table) * len(names), len(rows.label_names))
    listed = pd.DataFrame(
        {
            INDEX_COLUMN: np.repeat(table[INDEX_COLUMN].to_numpy(np.int64), len(names)),
            VIEW_COLUMN: names * len(table),
        }
    )
    return listed.assign(**{name: labels[:, place] for place, name in enumerate(rows.label_names)})


def chosen_views(codes: Sequence[str]) -> tuple[View, ...]:
    """The views with these codes, in the order given.

    Raises:
        ValueError: a code is unknown.
    """
    return tuple(View.from_code(code) for code in codes)
