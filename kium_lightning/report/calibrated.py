"""How good fitted operating points are: the nested answer as one that can be judged, and what calibration changed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.ensemble.calibration import NO_CALIBRATION
from kium_lightning.ensemble.fitting import location_labels, presence_labels
from kium_lightning.ensemble.nested import NestedAnswer
from kium_lightning.ensemble.out_of_fold import ScoredPatients
from kium_lightning.metrics.calibration import Reliability, brier_score, expected_calibration_error, reliability
from kium_lightning.report.reading import Judged

_BINS = 10


@dataclass(frozen=True, eq=False)
class Probabilities:
    """Scores of one kind held against the truth as probabilities.

    Attributes:
        error: the expected calibration error.
        brier: the Brier score.
        bins: of equally many scores.
    """

    error: float
    brier: float
    bins: Reliability

    @classmethod
    def of(cls, labels: NDArray[np.int64], scores: NDArray[np.float64], bins: int) -> "Probabilities":
        """Judges scores (n,) by labels (n,)."""
        return cls(
            expected_calibration_error(labels, scores, bins),
            brier_score(labels, scores),
            reliability(labels, scores, bins),
        )

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON values."""
        return {"expected_calibration_error": self.error, "brier": self.brier}


@dataclass(frozen=True, eq=False)
class CalibrationEffect:
    """What a calibration changes about patients who had no part in fitting it.

    Attributes:
        name: of the calibration.
        presence: raw, and calibrated.
        locations: of all patients and the 21 locations together, raw, and calibrated.
    """

    name: str
    presence: tuple[Probabilities, Probabilities]
    locations: tuple[Probabilities, Probabilities]

    @property
    def changes_nothing(self) -> bool:
        """Whether scores stay as they are."""
        return self.name == NO_CALIBRATION

    def as_json(self) -> dict[str, Any]:
        """The numbers as JSON values."""
        parts = {"presence": self.presence, "locations": self.locations}
        return {
            "calibration": self.name,
            **{name: {"raw": raw.as_json(), "calibrated": done.as_json()} for name, (raw, done) in parts.items()},
        }

    def sentence(self) -> str:
        """Says what it changes, for terminals and pages."""
        (presence, calibrated), (locations, of_locations) = self.presence, self.locations
        if self.changes_nothing:
            return (
                f"Expected calibration error: presence {presence.error:.3f}, locations {locations.error:.3f}. The "
                "thresholds carry no calibration."
            )
        return (
            f"Expected calibration error, raw and after {self.name}: presence {presence.error:.3f} and "
            f"{calibrated.error:.3f}, locations {locations.error:.3f} and {of_locations.error:.3f}."
        )


def judged_nested(scored: ScoredPatients, answer: NestedAnswer) -> Judged:
    """The nested answer beside its truth.

    The raw scores rank the patients: probabilities of different folds come from different curves.
    """
    return Judged(
        patients=scored.patients,
        labels=scored.labels,
        presence=scored.fused.presence,
        calls=answer.calls,
        passed=answer.passed,
        location_scores=scored.fused.locations,
        probabilities=answer.scores.presence,
        one_gate=False,
    )


def calibration_effect(name: str, scored: ScoredPatients, answer: NestedAnswer) -> CalibrationEffect:
    """Holds raw and calibrated scores against the truth.

    Args:
        name: of the calibration.
        scored: raw scores of n patients.
        answer: about the same, calibrated by other patients.
    """
    presence, locations = presence_labels(scored.labels), location_labels(scored.labels).ravel()
    bins = max(1, min(_BINS, len(presence) // 8))
    return CalibrationEffect(
        name,
        (
            Probabilities.of(presence, scored.fused.presence, bins),
            Probabilities.of(presence, answer.scores.presence, bins),
        ),
        (
            Probabilities.of(locations, scored.fused.locations.ravel(), _BINS),
            Probabilities.of(locations, answer.scores.locations.ravel(), _BINS),
        ),
    )
