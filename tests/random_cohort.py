"""Cohorts of noise in the challenge's form, made in a fraction of a second, for tests that do not look at pictures."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import CSV_COLUMNS, LOCATION_COLUMNS, View
from kium_lightning.data.catalog import Catalog, read_catalog
from kium_lightning.data.cohort import CohortFolder

# reference: positives per column among the challenge's 1,127 patients
POSITIVES = (100, 100, 35, 34, 30, 18, 21, 13, 66, 30, 67, 96, 17, 11, 3, 2, 6, 4, 24, 3, 1)
PATIENTS = 1127


def random_labels(patients: int, seed: int, rate: float | None = None) -> NDArray[np.int64]:
    """Labels (patients, 21): each location at one rate, or each at the challenge's."""
    random = np.random.default_rng(seed)
    rates = np.array(POSITIVES) / PATIENTS if rate is None else np.full(len(LOCATION_COLUMNS), rate)
    return (random.random((patients, len(LOCATION_COLUMNS))) < rates).astype(np.int64)


def label_table(locations: NDArray[np.int64], first_index: int = 1001) -> pd.DataFrame:
    """The challenge's table around labels (patients, 21)."""
    index = first_index + np.arange(len(locations))
    presence = locations.any(axis=1).astype(np.int64)
    return pd.DataFrame(np.column_stack([index, presence, locations]), columns=list(CSV_COLUMNS))


def plain_view(seed: int, height: int = 72, width: int = 80) -> NDArray[np.uint8]:
    """A clean grey picture with a dark blob whose place depends on the seed."""
    random = np.random.default_rng(seed)
    picture = random.normal(195, 2.5, (height, width))
    x, y = random.integers(20, width - 20), random.integers(20, height - 20)
    rows, columns = np.mgrid[:height, :width]
    picture -= 120 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / 60)
    return picture.clip(0, 255).astype(np.uint8)


def write_random_cohort(folder: Path, patients: int, seed: int = 0, rate: float = 0.15) -> CohortFolder:
    """Writes the labelled part of a cohort: images that differ in content, labels at one rate."""
    cohort = CohortFolder(folder, "random")
    cohort.train_set.mkdir(parents=True)
    table = label_table(random_labels(patients, seed, rate))
    table.to_csv(cohort.train_csv, index=False)
    for number, patient in enumerate(table["Index"]):
        for place, view in enumerate(View):
            picture = plain_view(seed * 100_003 + number * len(View) + place)
            cv2.imwrite(str(cohort.train_set / f"{patient}{view.code}.jpg"), picture)
    return cohort


def random_catalog(folder: Path, patients: int, seed: int = 0, rate: float = 0.15) -> Catalog:
    """Writes a cohort and reads its catalog."""
    cohort = write_random_cohort(folder, patients, seed, rate)
    return read_catalog(cohort.train_set, cohort.train_csv)
