"""Rows of single views with the locations that these views show, each location under its own name."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from kium_lightning.anatomy import Filling, Location, View, filling, is_overlapped
from kium_lightning.data.rows import Labels, Sample, Scores, chosen_views
from kium_lightning.errors import ConfigError


def shows_well(view: View, location: Location) -> bool:
    """Whether a view usually fills a location and shows it neither end-on nor over its mirror image."""
    return filling(view, location) is Filling.USUAL and not is_overlapped(view, location)


class ViewRows:
    """One row per chosen view, labelled with chosen locations; a patient's score is the maximum over the views.

    With one view it is the report's training by view; with one location it is a net per artery and its best views.
    Where both are given, nothing is asked of what the views show: all 21 locations can be learnt from one view.

    Args:
        views: codes such as ``LI-A``; None for those that show every chosen location well.
        locations: column names such as ``L_MCA``; None for those that every chosen view shows well.

    Raises:
        ConfigError: neither is given, a name is unknown or given twice, or nothing is left.
    """

    def __init__(self, views: Sequence[str] | None, locations: Sequence[str] | None) -> None:
        if not views and not locations:
            raise ConfigError("Rows of views need data.rows.views or data.rows.locations, such as views=[LI-A].")
        _check_list("views", views, "[LI-A]")
        _check_list("locations", locations, "[L_MCA]")
        try:
            given_views = chosen_views(views or ())
            given_locations = tuple(Location.from_column(column) for column in locations or ())
        except ValueError as error:
            raise ConfigError(f"{error} Correct data.rows.") from error
        self.views = given_views or tuple(
            view for view in View if all(shows_well(view, location) for location in given_locations)
        )
        self.locations = given_locations or tuple(
            location for location in Location if all(shows_well(view, location) for view in given_views)
        )
        if not self.views or not self.locations:
            raise ConfigError(
                f"No {'view shows all of' if not self.views else 'location is shown by all of'} "
                f"{', '.join(locations or views or ())}. Choose fewer in data.rows, or give both views and locations."
            )

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The chosen views."""
        return tuple(Sample(view.code, (view,)) for view in self.views)

    @property
    def label_names(self) -> list[str]:
        """The columns of the chosen locations."""
        return [location.column for location in self.locations]

    @property
    def columns(self) -> list[str]:
        """The same: nothing is folded."""
        return self.label_names

    @property
    def question(self) -> str:
        """Which of the chosen locations has an aneurysm."""
        return self.label_names[0] if len(self.locations) == 1 else f"each of {', '.join(self.label_names)}"

    def labels(self, table: pd.DataFrame) -> Labels:
        """Labels (patients, views, locations): a patient's own, the same for every view."""
        of_patients = table[self.label_names].to_numpy(np.int64)
        return np.repeat(of_patients[:, None], len(self.views), axis=1)

    def unfold_scores(self, scores: Scores) -> Scores:
        """The maximum over the views."""
        joined: Scores = scores.max(axis=1)
        return joined

    def unfold_labels(self, labels: Labels) -> Labels:
        """The patient's own labels."""
        own: Labels = labels.max(axis=1)
        return own

    def plain(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return {"kind": "views", "views": [view.code for view in self.views], "locations": self.label_names}


def _check_list(key: str, names: Sequence[str] | None, example: str) -> None:
    if names is not None and not isinstance(names, list | tuple):
        raise ConfigError(f"data.rows.{key} is {names!r}. Give a list, such as 'data.rows.{key}={example}'.")
    twice = sorted({str(name) for name in names or () if names and names.count(name) > 1})
    if twice:
        raise ConfigError(f"data.rows.{key} names {', '.join(twice)} more than once. Name each of them once.")
