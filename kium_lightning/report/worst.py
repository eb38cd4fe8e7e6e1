"""The patients in whom an answer was most wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation, View
from kium_lightning.report.reading import Judged


@dataclass(frozen=True)
class WrongPatient:
    """One patient on whom the answer and the truth differ.

    Attributes:
        patient: the ``Index``.
        presence: the presence score.
        rank: of the presence score among all patients, 1 for the highest.
        truth: the locations with an aneurysm.
        called: the locations that were called.
    """

    patient: int
    presence: float
    rank: int
    truth: tuple[str, ...]
    called: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """All values."""
        return {
            "patient": self.patient,
            "presence": self.presence,
            "rank": self.rank,
            "truth": list(self.truth),
            "called": list(self.called),
        }


@dataclass(frozen=True)
class Worst:
    """The worst-judged patients.

    Attributes:
        missed: with an aneurysm and yet negative, lowest presence score first.
        missed_in_all: how many such patients there are.
        alarmed: without an aneurysm and yet positive, highest presence score first.
        alarmed_in_all: how many such patients there are.
    """

    missed: tuple[WrongPatient, ...]
    missed_in_all: int
    alarmed: tuple[WrongPatient, ...]
    alarmed_in_all: int

    @property
    def patients(self) -> list[int]:
        """All of them."""
        return [wrong.patient for wrong in (*self.missed, *self.alarmed)]

    def as_json(self) -> dict[str, Any]:
        """All values."""
        return {
            "false_negatives": {"all": self.missed_in_all, "worst": [wrong.as_json() for wrong in self.missed]},
            "false_positives": {"all": self.alarmed_in_all, "worst": [wrong.as_json() for wrong in self.alarmed]},
        }


@dataclass(frozen=True)
class Pictures:
    """How patients are shown.

    Attributes:
        views: for each patient and view the clean picture as a data URI.
        maps: for each patient and view the picture under its heat map, likewise; empty without heat maps.
        notes: what is to be said of them: how the maps were made, or why some are not there.
    """

    views: Mapping[tuple[int, View], str] = field(default_factory=dict)
    maps: Mapping[tuple[int, View], str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def rows(self, patient: int) -> list[tuple[str, list[tuple[View, str | None]]]]:
        """The pictures of a patient as they are laid out: four views of a circulation a row, heat maps below.

        Returns:
            What the pictures of a row are, and each view with its data URI or None; no row without any.
        """
        laid = []
        for circulation in Circulation:
            for kind, uris in (("", self.views), ("heat map", self.maps)):
                row = [(view, uris.get((patient, view))) for view in circulation.views]
                if any(uri is not None for _, uri in row):
                    laid.append((kind, row))
        return laid


def find_worst(judged: Judged, count: int) -> Worst:
    """Finds the worst false negatives and false positives.

    A patient counts as positive who passed the gate; where the gate is not known, in whom any location was called.

    Args:
        judged: an answer and the truth.
        count: how many of each at most.
    """
    positive = judged.calls.any(axis=1) if judged.passed is None else judged.passed
    sick = judged.has_aneurysm == 1
    missed, alarmed = np.flatnonzero(sick & ~positive), np.flatnonzero(~sick & positive)
    missed = missed[np.argsort(judged.presence[missed], kind="stable")]
    alarmed = alarmed[np.argsort(-judged.presence[alarmed], kind="stable")]
    return Worst(
        tuple(_wrong(judged, row) for row in missed[:count]),
        len(missed),
        tuple(_wrong(judged, row) for row in alarmed[:count]),
        len(alarmed),
    )


def _wrong(judged: Judged, row: int) -> WrongPatient:
    score = float(judged.presence[row])
    return WrongPatient(
        int(judged.patients[row]),
        score,
        1 + int(np.count_nonzero(judged.presence > score)),
        _named(judged.locations[row]),
        _named(judged.calls[row]),
    )


def _named(cells: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(column for column, cell in zip(LOCATION_COLUMNS, cells, strict=True) if cell == 1)
