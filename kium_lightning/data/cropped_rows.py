"""Rows of crops: each view cut to where one artery's aneurysms lie, labelled with that artery of that side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from kium_lightning.anatomy import Artery, Circulation, Location, View
from kium_lightning.data.crop_windows import WindowKey, checked_window, filmed
from kium_lightning.data.folding import unfolded_locations
from kium_lightning.data.rows import Labels, Sample, Scores
from kium_lightning.data.view_rows import shows_well
from kium_lightning.errors import ConfigError

LABEL_NAME = "aneurysm"  # of the artery that the crop is of


def cropped_views(circulation: Circulation) -> list[tuple[View, Artery]]:
    """The crops of a patient: every view with every artery of a circulation that it shows well, view by view.

    A view stands for the arteries of its own side, as in the folded rows. Where it stands in the report's table does
    not matter, but what it shows: the PCOM is judged with the vertebral circulation there, yet usually fills from the
    carotid artery and lies free in the lateral view, so that its crop is of the carotid lateral view.
    """
    return [
        (view, artery) for view in View for artery in circulation.arteries if shows_well(view, artery.at(view.side))
    ]


class CroppedRows:
    """One row per view and artery that the view shows well, cut to a window, with one label.

    Patients with and without an aneurysm are cropped alike, or the crop would tell the label. A location's score is
    the maximum over its crops, of both sides for the basilar artery.

    Args:
        circulation: ``anterior`` or ``posterior``: whose arteries.
        windows: edges left, top, right, bottom in fractions of a left-sided view, by view and artery as ``I-A MCA``.
            They are numbers and no path, so that a checkpoint keeps the windows that it was trained with.

    Raises:
        ConfigError: the circulation is unknown, or a window is missing or does not lie in the picture.
    """

    def __init__(self, circulation: str, windows: Mapping[str, Sequence[float]]) -> None:
        try:
            self.circulation = Circulation(circulation)
        except ValueError as error:
            raise ConfigError(
                f"data.rows.circulation is {circulation!r}. Choose {' or '.join(Circulation)}."
            ) from error
        crops = cropped_views(self.circulation)
        self._samples = tuple(_crop(view, artery, windows) for view, artery in crops)
        self._locations = [artery.at(view.side) for view, artery in crops]

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The crops, named as ``LI-A MCA``; those of one view follow each other."""
        return self._samples

    @property
    def locations(self) -> list[Location]:
        """The location that each crop is of."""
        return self._locations

    @property
    def label_names(self) -> list[str]:
        """Whether the crop's artery has an aneurysm."""
        return [LABEL_NAME]

    @property
    def columns(self) -> list[str]:
        """The locations of the circulation, as of its folded rows."""
        return [location.column for location in unfolded_locations(self.circulation)]

    @property
    def question(self) -> str:
        """Which artery of the circulation has an aneurysm, as of its folded rows."""
        return f"each {self.circulation} artery"

    def labels(self, table: pd.DataFrame) -> Labels:
        """Labels (patients, crops, 1)."""
        columns = [location.column for location in self.locations]
        return table[columns].to_numpy(np.int64)[:, :, None]

    def unfold_scores(self, scores: Scores) -> Scores:
        """The maximum over the crops of each location."""
        return np.stack([scores[:, crops, 0].max(axis=1) for crops in self._crops_of_columns()], axis=1)

    def unfold_labels(self, labels: Labels) -> Labels:
        """The patient's own labels (patients, columns)."""
        return np.stack([labels[:, crops, 0].max(axis=1) for crops in self._crops_of_columns()], axis=1)

    def plain(self) -> dict[str, Any]:
        """The settings as JSON values, with the windows as filmed."""
        windows = {sample.name: list(sample.window) for sample in self.samples if sample.window is not None}
        return {"kind": "cropped", "circulation": self.circulation.value, "windows": windows}

    def _crops_of_columns(self) -> list[list[int]]:
        return [
            [place for place, location in enumerate(self.locations) if location.column == column]
            for column in self.columns
        ]


def _crop(view: View, artery: Artery, windows: Mapping[str, Sequence[float]]) -> Sample:
    name = WindowKey.of(view, artery).name
    try:
        window = checked_window(windows[name])
    except KeyError:
        raise ConfigError(
            f"data.rows.windows has none for {name}. Make windows of more phantoms with "
            "python -m kium_lightning.phantom boxes."
        ) from None
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"data.rows.windows gives {name} {windows[name]} ({error}). Give it left, top, right and bottom."
        ) from error
    return Sample(f"{view.code} {artery}", (view,), filmed(window, view))
