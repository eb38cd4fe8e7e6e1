"""Sensitivity against the size of aneurysms, where a cohort's truth knows it."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.errors import CohortError
from kium_lightning.report.estimates import Share
from kium_lightning.report.reading import Judged

SIZE_EDGES_MM = (0.0, 3.0, 5.0, 7.0, 10.0, 15.0, math.inf)


@dataclass(frozen=True)
class Aneurysm:
    """One aneurysm whose size is known.

    Attributes:
        patient: the patient's ``Index``.
        column: the location's.
        diameter_mm: the largest diameter.
    """

    patient: int
    column: str
    diameter_mm: float


@dataclass(frozen=True)
class SizeBin:
    """Aneurysms of about one size.

    Attributes:
        low_mm: the least diameter, included.
        high_mm: the greatest, excluded; infinite in the last bin.
        median_mm: of the diameters in it.
        passed: aneurysms whose patient passed the gate; None where the gate is not known.
        called: aneurysms whose location was called.
    """

    low_mm: float
    high_mm: float
    median_mm: float
    passed: Share | None
    called: Share

    @property
    def label(self) -> str:
        """The range in words."""
        if self.low_mm == 0:
            return f"below {self.high_mm:g}"
        return f"{self.low_mm:g} and above" if math.isinf(self.high_mm) else f"{self.low_mm:g} to {self.high_mm:g}"

    def as_json(self) -> dict[str, Any]:
        """All values; the open end of the last bin as infinity, which JSON files have as null."""
        return {
            "low_mm": self.low_mm,
            "high_mm": self.high_mm,
            "median_mm": self.median_mm,
            "gate_sensitivity": self.passed and self.passed.as_json(),
            "location_sensitivity": self.called.as_json(),
        }


def read_aneurysms(truth: Path, patients: Iterable[int]) -> list[Aneurysm]:
    """Reads the sizes of patients' aneurysms from the truth about a part of a phantom cohort.

    Args:
        truth: the folder of the part's truth, with a JSON file per patient.
        patients: whose.

    Raises:
        CohortError: a patient's file is missing or tells no sizes.
    """
    found = []
    for patient in patients:
        path = truth / f"{patient}.json"
        try:
            for sac in json.loads(path.read_text(encoding="utf-8"))["aneurysms"]:
                if sac["column"] not in LOCATION_COLUMNS:
                    raise ValueError(f"{sac['column']!r} is no location")
                found.append(Aneurysm(int(patient), sac["column"], float(sac["diameter_mm"])))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CohortError(
                f"{path} does not tell the sizes of aneurysms ({error}). Make the cohort again."
            ) from error
    return found


def sensitivity_by_size(judged: Judged, aneurysms: Sequence[Aneurysm], level: float) -> tuple[SizeBin, ...]:
    """Counts aneurysms that were found, by their size.

    Args:
        judged: the answer and the truth about at least these patients.
        aneurysms: with their sizes.
        level: of the Wilson intervals, in (0, 1).

    Returns:
        The bins between ``SIZE_EDGES_MM`` that hold aneurysms, smallest first.
    """
    rows = {int(patient): row for row, patient in enumerate(judged.patients)}
    row = np.array([rows[aneurysm.patient] for aneurysm in aneurysms], dtype=np.int64)
    column = np.array([LOCATION_COLUMNS.index(aneurysm.column) for aneurysm in aneurysms], dtype=np.int64)
    size = np.array([aneurysm.diameter_mm for aneurysm in aneurysms], dtype=np.float64)
    called = judged.calls[row, column] == 1
    bins = []
    for low, high in pairwise(SIZE_EDGES_MM):
        inside = (size >= low) & (size < high)
        if inside.any():
            passed = None if judged.passed is None else Share.of(judged.passed[row][inside], level)
            bins.append(SizeBin(low, high, float(np.median(size[inside])), passed, Share.of(called[inside], level)))
    return tuple(bins)
