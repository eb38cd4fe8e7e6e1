"""Collecting what stands on a page beside the numbers: sizes, probe, pictures, audit, another answer, provenance."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import PRESENCE_COLUMN
from kium_lightning.audit.metadata import MetadataProbe, metadata_table
from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.errors import KiumError
from kium_lightning.records import Record
from kium_lightning.report.pictures import first_sentence
from kium_lightning.report.sizes import Aneurysm, read_aneurysms

TRAINED_ON = "These patients trained nets of this ensemble: every number here is too high."
NO_PROBE_WANTED = "The metadata probe was switched off."


@dataclass(frozen=True)
class Origin:
    """The cohort that a predict run answered for, as far as its record says.

    Attributes:
        cohort: its folder.
        part: ``test_set`` or ``train_set``.
        truth: the folder of what is known beyond the labels; None where there is none.
        members: of the ensemble.
    """

    cohort: CohortFolder
    part: str
    truth: Path | None
    members: tuple[Mapping[str, Any], ...]


def origin_of(record: Record | None) -> Origin | None:
    """Reads where a predict run's patients come from; None where that is not known."""
    about = {} if record is None else record.facts.get("cohort", {})
    if record is None or not about.get("path"):
        return None
    truth = record.facts.get("truth")
    part = str(about.get("part", "test_set"))
    return Origin(
        CohortFolder(Path(about["path"]), str(about.get("name", ""))),
        part,
        None if truth is None else Path(truth) / part,
        tuple(record.facts.get("members", ())),
    )


def warnings_of(origin: Origin | None) -> tuple[str, ...]:
    """What a reader must know before any number: that the patients are those of the training set."""
    return (TRAINED_ON,) if origin is not None and origin.part == "train_set" else ()


def training_prevalence(origin: Origin | None) -> float | None:
    """The share of patients with an aneurysm in a cohort's training set.

    None where that is not known, or where it is that of the judged patients and so was not known before them.
    """
    if origin is None or origin.part == "train_set":
        return None
    try:
        labels = pd.read_csv(origin.cohort.train_csv)[PRESENCE_COLUMN]
    except (OSError, ValueError, KeyError):
        return None
    share = float(labels.mean()) if len(labels) else float("nan")
    return share if 0 <= share <= 1 else None


def known_sizes(origin: Origin | None, patients: NDArray[np.int64]) -> tuple[list[Aneurysm] | None, str | None]:
    """The patients' aneurysms with their sizes, or None and, where something went wrong, why."""
    if origin is None or origin.truth is None or not origin.truth.is_dir():
        return None, None
    try:
        return read_aneurysms(origin.truth, patients.tolist()), None
    except KiumError as error:
        return None, f"The sizes of these patients' aneurysms are not known: {first_sentence(error)}"


def probe_scores(
    origin: Origin | None, patients: NDArray[np.int64], cache_folder: Path
) -> tuple[NDArray[np.float64] | None, int, str | None]:
    """Fits the metadata probe on a cohort's training set and scores the patients of an answer.

    Returns:
        Their scores (n,), how many patients it was fitted on, and None; or None, 0 and why it cannot be.
    """
    if origin is None:
        return None, 0, None
    if origin.part == "train_set":
        return None, 0, "These patients are of the training set, which the metadata probe would be fitted on."
    try:
        train, judged = origin.cohort.part("train_set"), origin.cohort.part(origin.part)
        learned = read_catalog(train.images, train.labels, "drop", images="listed")
        asked = read_catalog(judged.images, judged.table, "drop", images="listed").subset(patients.tolist())
        probe = MetadataProbe().fit(
            metadata_table(learned, cache_folder), learned.table[PRESENCE_COLUMN].to_numpy(np.int64)
        )
        by_patient = dict(zip(asked.patients, probe.scores(metadata_table(asked, cache_folder)), strict=True))
    except (KiumError, OSError) as error:
        return None, 0, f"What file metadata alone would reach is not known: {first_sentence(error)}"
    return np.array([by_patient[int(patient)] for patient in patients]), len(learned.patients), None
