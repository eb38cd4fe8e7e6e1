"""The gate: locations are called only in patients whose presence score passes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.rounding import rounded
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import RunError


def passes(presence: ArrayLike, threshold: float) -> NDArray[np.bool_]:
    """Tells which patients the gate lets through: those whose rounded presence score is above the threshold.

    Args:
        presence: (n,) presence scores in [0, 1].
        threshold: in [0, 1]; a score equal to it does not pass.

    Returns:
        (n,) True where a locator is to run.

    Raises:
        RunError: a presence score is NaN.
    """
    comparable = rounded(presence)
    unknown = np.flatnonzero(np.isnan(comparable))
    if unknown.size:
        raise RunError(
            f"The presence score of {unknown.size} of {comparable.size} patients is NaN (first in row {unknown[0]}), "
            "so the gate cannot be applied. Score all eight views of these patients, and check the presence nets' "
            "weights for NaN."
        )
    passed: NDArray[np.bool_] = comparable > rounded(threshold)
    return passed


def apply_gate(presence: ArrayLike, location_scores: ArrayLike, thresholds: Thresholds) -> NDArray[np.int64]:
    """Turns scores into calls: zeros below the gate, else 1 where a location's score reaches its threshold.

    Args:
        presence: (n,) presence scores in [0, 1].
        location_scores: (n, 21) in the challenge's column order; may be NaN for patients below the gate.
        thresholds: of presence (exclusive) and of the locations (inclusive).

    Returns:
        (n, 21) calls, 0 or 1.

    Raises:
        RunError: a presence score is NaN, or a location score of a patient who passes is, or the shapes do not fit.
    """
    passed = passes(presence, thresholds.presence)
    scores = rounded(location_scores)
    if scores.shape != (passed.size, len(LOCATION_COLUMNS)):
        raise RunError(
            f"Location scores of shape {scores.shape} do not fit {passed.size} patients. Give one row per patient "
            f"and {len(LOCATION_COLUMNS)} columns."
        )
    unknown = np.argwhere(np.isnan(scores) & passed[:, None])
    if unknown.size:
        row, column = unknown[0]
        raise RunError(
            f"Row {row} passes the gate, but its score of {LOCATION_COLUMNS[column]} is NaN. Run both locators on "
            "every patient that passes, and check their weights for NaN."
        )
    reached = scores >= rounded(thresholds.location_values)  # NaN >= x is False, so a gated patient stays at 0
    return (reached & passed[:, None]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Decision:
    """What an ensemble decides about n patients.

    Attributes:
        scores: calibrated; NaN locations where no locator ran.
        passed: (n,) True where the gate let the patient through.
        calls: (n, 21) in the challenge's column order, 0 or 1.
    """

    scores: PatientScores
    passed: NDArray[np.bool_]
    calls: NDArray[np.int64]


def lets_pass(presence: ArrayLike, thresholds: Thresholds) -> NDArray[np.bool_]:
    """Tells from raw presence scores, before any locator has run, for which patients the locators have to.

    Args:
        presence: (n,) raw, fused.
        thresholds: with the calibration that they were fitted after.

    Returns:
        (n,) True where a locator is to run, the same as ``decide(...).passed``.

    Raises:
        RunError: a presence score is NaN.
    """
    return passes(thresholds.calibration.presence(presence), thresholds.presence)


def decide(scores: PatientScores, thresholds: Thresholds) -> Decision:
    """Goes from raw fused scores to calls: calibrates, lets the gate decide, then the locations.

    Args:
        scores: raw, fused; locations may be NaN for patients whom the gate stops.
        thresholds: with the calibration that they were fitted after.

    Raises:
        RunError: a presence score is NaN, or a location score of a patient who passes is.
    """
    calibrated = thresholds.calibration.apply(scores)
    calls = apply_gate(calibrated.presence, calibrated.locations, thresholds)
    return Decision(calibrated, lets_pass(scores.presence, thresholds), calls)


def gate_hangs_on(presence: ArrayLike, thresholds: Thresholds, margin: float) -> NDArray[np.bool_]:
    """Tells for which patients the gate would decide differently if raw presence scores were off by up to a margin.

    Args:
        presence: (n,) raw, fused.
        thresholds: with the calibration that they were fitted after.
        margin: how far a score may be off.
    """
    scores = np.asarray(presence, dtype=np.float64)
    lowest, highest = (np.clip(scores + shift, 0.0, 1.0) for shift in (-margin, margin))
    differs: NDArray[np.bool_] = lets_pass(lowest, thresholds) != lets_pass(highest, thresholds)
    return differs


def calls_hang_on(scores: PatientScores, thresholds: Thresholds, margin: float) -> NDArray[np.bool_]:
    """Tells for which patients a call would differ if raw location scores were off by up to a margin.

    Args:
        scores: raw, fused; of patients who pass the gate.
        thresholds: with the calibration that they were fitted after.
        margin: how far a score may be off.

    Returns:
        (n,) True where at least one call hangs on it.
    """
    lowest, highest = (
        decide(PatientScores(scores.presence, np.clip(scores.locations + shift, 0.0, 1.0)), thresholds).calls
        for shift in (-margin, margin)
    )
    differs: NDArray[np.bool_] = (lowest != highest).any(axis=1)
    return differs
