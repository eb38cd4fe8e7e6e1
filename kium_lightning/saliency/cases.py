"""What there is to explain: a view and a label of a patient."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import PRESENCE_COLUMN, Location, View
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.folding import ANY_COLUMN
from kium_lightning.data.rows import Rows, Sample, Window
from kium_lightning.errors import ConfigError
from kium_lightning.saliency.running import Question
from kium_lightning.saliency.truth import label_locations

_MOST_LABELS = 3  # on a sheet, unless the user names them


class Case(NamedTuple):
    """One heat map to make.

    Attributes:
        patient: the patient's ``Index``.
        row: of the dataset.
        label: place among the net's outputs.
        sample: the sample's name.
        view: what the heat map lies over.
        channel: the view's place in the row.
        views: how many views the row has.
        window: the part of the clean picture that the net saw; None for all of it.
        path: of the image file.
        locations: those that the label stands for in this view.
    """

    patient: int
    row: int
    label: int
    sample: str
    view: View
    channel: int
    views: int
    window: Window | None
    path: Path
    locations: frozenset[Location]

    @property
    def name(self) -> str:
        """What tells the map from the patient's others with this label: the sample's name, or the view's code."""
        return self.sample if self.views == 1 else self.view.code

    @property
    def question(self) -> Question:
        """What the net is asked."""
        return self.row, self.label


def list_cases(
    catalog: Catalog, rows: Rows, labels: Mapping[int, Sequence[int]], views: Iterable[View] | None
) -> list[Case]:
    """Lists the heat maps of patients.

    Args:
        catalog: all patients of the dataset.
        rows: how they are cut into samples.
        labels: for each patient wanted the labels.
        views: the views wanted; None for all.
    """
    wanted = set(View if views is None else views)
    locations = label_locations(rows)
    places = {patient: place for place, patient in enumerate(catalog.patients)}
    cases = []
    for patient, chosen in labels.items():
        for label in chosen:
            for number, sample in enumerate(rows.samples):
                row = places[patient] * len(rows.samples) + number
                for channel, view in enumerate(sample.views):
                    path = catalog.images.get((patient, view))
                    if path is not None and view in wanted:
                        cases.append(_case(patient, row, label, sample, channel, path, locations[number][label]))
    return cases


def _case(
    patient: int, row: int, label: int, sample: Sample, channel: int, path: Path, locations: frozenset[Location]
) -> Case:
    views = sample.views
    return Case(patient, row, label, sample.name, views[channel], channel, len(views), sample.window, path, locations)


def chosen_labels(names: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """The places of labels among a net's outputs; ``Aneurysm`` also names the one output of a binary net.

    Raises:
        ConfigError: the net has no such label.
    """
    known = {shown_name(name): place for place, name in enumerate(names)} | {
        name: place for place, name in enumerate(names)
    }
    for name in wanted:
        if name not in known:
            raise ConfigError(f"labels={name} is none of this net's. Choose from {', '.join(map(shown_name, names))}.")
    return list(dict.fromkeys(known[name] for name in wanted))


def shown_name(label: str) -> str:
    """What a label is called to people: the report's name of the binary label says nothing."""
    return PRESENCE_COLUMN if label == ANY_COLUMN else label


def telling_labels(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> list[int]:
    """Chooses what to explain of a patient: the labels that are true, and the one with the highest score.

    Args:
        labels: (samples, labels), 0 or 1; zeros where they are not known.
        scores: (samples, labels), 0..1.

    Returns:
        At most three labels, in their order.
    """
    highest = scores.max(axis=0)
    best = int(np.argmax(highest))
    true = sorted(set(np.flatnonzero(labels.max(axis=0)).tolist()) - {best}, key=lambda label: -highest[label])
    return sorted([best, *true[: _MOST_LABELS - 1]])


def patients_to_draw(patients: Sequence[int], scores: NDArray[np.float64], count: int) -> list[int]:
    """The patients with the highest scores, highest first.

    Args:
        patients: their ``Index`` numbers.
        scores: (patients, columns), 0..1.
        count: how many at most.
    """
    order = np.argsort(-scores.max(axis=1), kind="stable")[:count]
    return [patients[place] for place in order]
