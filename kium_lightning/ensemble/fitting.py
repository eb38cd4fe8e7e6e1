"""The check of scores and labels that calibrations and thresholds are fitted on."""

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.errors import ThresholdError


def check_fitting(scores: PatientScores, labels: NDArray[np.int64]) -> None:
    """Checks that scores can be fitted on, and that the labels are those of the same patients.

    Args:
        scores: of n patients.
        labels: (n, 22), presence and the 21 locations in the order of ``LABEL_COLUMNS``, 0 or 1.

    Raises:
        ThresholdError: there is no patient, a score is NaN, or the labels have another shape or other values.
    """
    patients = len(scores.presence)
    if patients == 0:
        raise ThresholdError("Thresholds cannot be fitted on no patients. Calibrate on a set that has some.")
    if labels.shape != (patients, len(LABEL_COLUMNS)):
        raise ThresholdError(
            f"Labels of shape {labels.shape} do not fit scores of {patients} patients. Give "
            f"{(patients, len(LABEL_COLUMNS))}: one row per patient with {LABEL_COLUMNS[0]} and the "
            f"{len(LOCATION_COLUMNS)} locations."
        )
    unknown = int(np.isnan(scores.presence).sum() + np.isnan(scores.locations).sum())
    if unknown:
        raise ThresholdError(
            f"{unknown} of the scores to fit thresholds on are NaN. Run all four members on every patient, without "
            "the gate, before fitting."
        )
    if not np.isin(labels, (0, 1)).all():
        raise ThresholdError("The labels to fit thresholds on must be 0 or 1. Fit on patients whose labels are known.")


def presence_labels(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Takes presence (n,) out of the labels (n, 22)."""
    return labels[:, LABEL_COLUMNS.index(PRESENCE_COLUMN)]


def location_labels(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Takes the 21 locations (n, 21), in the challenge's column order, out of the labels (n, 22)."""
    return labels[:, [LABEL_COLUMNS.index(column) for column in LOCATION_COLUMNS]]
