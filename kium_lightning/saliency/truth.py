"""What the truth of a phantom says a heat map should point at."""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from kium_lightning.anatomy import INDEX_COLUMN, LOCATION_COLUMNS, PRESENCE_COLUMN, Location, View
from kium_lightning.data.rows import Rows
from kium_lightning.errors import CohortError
from kium_lightning.images.reading import read_grey
from kium_lightning.saliency.pointing import Mask


class Sac(NamedTuple):
    """One of a patient's aneurysms.

    Attributes:
        location: where it sits.
        value: of its pixels in the masks.
        visible_in: the views that show it.
    """

    location: Location
    value: int
    visible_in: frozenset[View]


class PatientTruth:
    """What is known of a phantom's aneurysms.

    Args:
        folder: of the truth about a part of a cohort.
        patient: the patient's ``Index``.

    Attributes:
        sacs: the patient's aneurysms.
        lacks_outlines: whether a view shows an aneurysm whose outline was not written, as with ``cohort.truth=boxes``.

    Raises:
        CohortError: the file of the truth is missing or damaged.
    """

    def __init__(self, folder: Path, patient: int) -> None:
        self._folder = folder
        self._patient = patient
        path = folder / f"{patient}.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            self.sacs = tuple(
                Sac(
                    Location.from_column(sac["column"]),
                    1 + number,
                    frozenset(view for view in View if sac["views"][view.code]["visible"]),
                )
                for number, sac in enumerate(content["aneurysms"])
            )
            self._scales = {view: float(content["views"][view.code]["millimetres_per_pixel"]) for view in View}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CohortError(
                f"{path} does not tell the truth about a phantom ({error}). Make the cohort again."
            ) from error
        seen_in = {view for sac in self.sacs for view in sac.visible_in}
        self.lacks_outlines = not all(self._mask_file(view).is_file() for view in seen_in)

    def shows(self, view: View, locations: frozenset[Location]) -> bool:
        """Whether a view shows an aneurysm at one of these locations, and its outline is known."""
        is_seen = any(view in sac.visible_in and sac.location in locations for sac in self.sacs)
        return is_seen and self._mask_file(view).is_file()

    def outline(self, view: View, locations: frozenset[Location], shape: tuple[int, ...]) -> Mask:
        """The pixels of the aneurysms at these locations that a view shows.

        Args:
            view: which of the patient's views.
            locations: whose aneurysms.
            shape: (H, W) of the view's file.

        Raises:
            CohortError: the truth does not fit the file.
        """
        if not self.shows(view, locations):
            return np.zeros(shape, dtype=np.bool_)
        values = [sac.value for sac in self.sacs if view in sac.visible_in and sac.location in locations]
        mask = read_grey(self._mask_file(view))
        if mask.shape != shape:
            raise CohortError(
                f"{self._mask_file(view)} is {mask.shape[1]} x {mask.shape[0]} px, but the image {shape[1]} x "
                f"{shape[0]}. Make the cohort again."
            )
        outline: Mask = np.isin(mask, values)
        return outline

    def pixels(self, view: View, millimetres: float) -> float:
        """A length at the centre of the head in pixels of a view's file."""
        return millimetres / self._scales[view]

    def _mask_file(self, view: View) -> Path:
        return self._folder / f"{self._patient}{view.code}-aneurysm.png"


def label_locations(rows: Rows) -> list[list[frozenset[Location]]]:
    """Finds the locations that set each label of each sample, by asking with one location at a time.

    Returns:
        Per sample and label the locations.
    """
    table = pd.DataFrame(np.eye(len(Location), dtype=np.int64), columns=list(LOCATION_COLUMNS))
    table[INDEX_COLUMN], table[PRESENCE_COLUMN] = np.arange(len(table)), 1
    labels = rows.labels(table)
    return [
        [
            frozenset(location for location, is_set in zip(Location, labels[:, sample, label], strict=True) if is_set)
            for label in range(labels.shape[2])
        ]
        for sample in range(labels.shape[1])
    ]
