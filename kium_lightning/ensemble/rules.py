"""Rules that find thresholds from scores and, where they need them, labels."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS
from kium_lightning.ensemble.calibration import NO_CALIBRATION, ScoreCalibration, ScoreKind
from kium_lightning.ensemble.fitting import check_fitting, location_labels, presence_labels
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.gate import passes
from kium_lightning.ensemble.gate_rules import GateRule, QuantileGate
from kium_lightning.ensemble.location_rules import LocationRule, QuantileLocations
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import ConfigError

# Neither moves a score across 0.5, so that scores which are too high throughout stay so.
_NO_PROBABILITIES = (NO_CALIBRATION, "temperature")


class ThresholdRule(Protocol):
    """Something that finds thresholds; an option of the config group ``thresholds``."""

    @property
    def wants(self) -> ScoreKind:
        """What the scores have to be; see ``check_calibration``."""
        ...

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> Thresholds:
        """Finds thresholds.

        Args:
            scores: of n patients, every locator run on each of them; calibrated where there is a calibration.
            labels: (n, 22), presence and the 21 locations in the order of ``LABEL_COLUMNS``, 0 or 1.
        """
        ...


class TwoStageRule:
    """Finds the gate by one rule, then the locations by another; any two can be joined.

    Args:
        gate: the rule of presence.
        locations: the rule of the 21 locations.
    """

    def __init__(self, gate: GateRule, locations: LocationRule) -> None:
        self._gate = gate
        self._locations = locations

    @property
    def wants(self) -> ScoreKind:
        """Probabilities where one of the two needs them."""
        kinds: list[ScoreKind] = [self._gate.wants, self._locations.wants]
        return "probabilities" if "probabilities" in kinds else "any"

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> Thresholds:
        """Finds the thresholds.

        Raises:
            ThresholdError: there is no patient, a score is NaN, the labels are not those of these patients, or there
                are too few positives for the gate's rule.
        """
        check_fitting(scores, labels)
        gate = self._gate.fit(scores.presence, presence_labels(labels))
        passed = passes(scores.presence, gate.threshold)
        locations = self._locations.fit(scores.locations, location_labels(labels), passed)
        same = self._gate.name == self._locations.name
        return Thresholds(
            presence=gate.threshold,
            locations=dict(zip(LOCATION_COLUMNS, locations.values.tolist(), strict=True)),
            rule=self._gate.name if same else f"{self._gate.name} + {self._locations.name}",
            fitted_on={
                "patients": len(scores.presence),
                "gate": {"rule": self._gate.name, **gate.facts},
                "locations": {"rule": self._locations.name, **locations.facts},
            },
        )


class FixedRule:
    """A table that is given and not fitted, such as the published one; it is of scores as the nets give them.

    Args:
        name: what the table is called in reports.
        presence: the gate's threshold, in [0, 1].
        locations: one value in [0, 1] per location column.

    Raises:
        ThresholdError: the table is incomplete or out of range.
    """

    wants: ScoreKind = "raw"

    def __init__(self, name: str, presence: float, locations: Mapping[str, float]) -> None:
        self.thresholds = Thresholds(presence, dict(locations), name)

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> Thresholds:
        """Gives the table, whatever the scores and labels."""
        return self.thresholds


def fit_quantiles(
    presence_scores: NDArray[np.float64],
    location_scores: NDArray[np.float64],
    presence_quantile: float = 0.5,
    location_quantile: float = 0.9,
) -> Thresholds:
    """Sets each threshold to a quantile of its predictions, whatever the labels: the published report's rule.

    Args:
        presence_scores: (n,) in [0, 1].
        location_scores: (n, 21) in the challenge's column order, in [0, 1].
        presence_quantile: in [0, 1].
        location_quantile: in [0, 1].

    Returns:
        The thresholds, rounded as scores are.

    Raises:
        ThresholdError: there is no patient, or a score is NaN.
        ConfigError: a quantile lies outside [0, 1].
    """
    rule = TwoStageRule(QuantileGate(presence_quantile), QuantileLocations(location_quantile))
    unlooked_at = np.zeros((len(presence_scores), len(LABEL_COLUMNS)), np.int64)
    return rule.fit(PatientScores(presence_scores, location_scores), unlooked_at)


def check_calibration(rule: ThresholdRule, calibration: ScoreCalibration) -> None:
    """Checks that a rule makes sense for scores that were calibrated so.

    Raises:
        ConfigError: it does not.
    """
    if rule.wants == "raw" and calibration.name != NO_CALIBRATION:
        raise ConfigError(
            f"A given table of thresholds is of scores as the nets give them, but calibration={calibration.name} "
            f"changes them. Say calibration={NO_CALIBRATION}, or choose thresholds that are fitted."
        )
    if rule.wants == "probabilities" and calibration.name in _NO_PROBABILITIES:
        raise ConfigError(
            f"The rule accuracy calls what is positive more probably than not, but calibration={calibration.name} "
            "leaves each score on its side of 0.5, right or wrong. Add calibration=platt or calibration=isotonic."
        )
