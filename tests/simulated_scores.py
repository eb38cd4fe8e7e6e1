"""Scores and labels of patients whose truth is known, for the tests of calibrations and thresholds."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from kium_lightning.ensemble.fusion import PatientScores


def simulated_patients(
    patients: int, signal: float, random: np.random.Generator, prevalence: float = 0.05
) -> tuple[PatientScores, NDArray[np.int64]]:
    """Draws scores of nets that call everything too high, and labels.

    Args:
        patients: how many.
        signal: by how many standard deviations a positive's logit lies above a negative's; 0 is noise.
        random: where they are drawn from.
        prevalence: of each location.
    """
    locations = (random.random((patients, 21)) < prevalence).astype(np.int64)
    presence = locations.any(axis=1).astype(np.int64)
    scores = PatientScores(
        expit(0.5 + random.normal(size=patients) + signal * presence),
        expit(random.normal(size=(patients, 21)) + signal * locations),
    )
    return scores, np.column_stack([presence, locations])


def shuffled(labels: NDArray[np.int64], random: np.random.Generator) -> NDArray[np.int64]:
    """The labels of the same patients, given to others."""
    return labels[random.permutation(len(labels))]
