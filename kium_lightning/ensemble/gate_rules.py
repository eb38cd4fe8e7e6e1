"""Rules that find the gate's threshold; each is an option of the config group ``thresholds/gate``."""

import math
from fractions import Fraction
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kium_lightning.ensemble.calibration import ScoreKind
from kium_lightning.ensemble.cuts import CRITERIA, cuts_of
from kium_lightning.ensemble.gate import passes
from kium_lightning.ensemble.rounding import rounded
from kium_lightning.errors import ConfigError, ThresholdError
from kium_lightning.numbers import share


class GateFit(NamedTuple):
    """A gate's threshold in [0, 1], which a patient has to exceed, and JSON facts about the fit."""

    threshold: float
    facts: dict[str, Any]


class GateRule(Protocol):
    """Something that finds the threshold of the gate."""

    @property
    def name(self) -> str:
        """The rule's name in tables."""
        ...

    @property
    def wants(self) -> ScoreKind:
        """What the scores have to be."""
        ...

    def fit(self, presence: NDArray[np.float64], labels: NDArray[np.int64]) -> GateFit:
        """Finds the threshold.

        Args:
            presence: (n,) presence scores in [0, 1].
            labels: (n,) 1 for a patient with an aneurysm, else 0.

        Raises:
            ThresholdError: there are too few patients of a kind.
        """
        ...


class QuantileGate:
    """Sets the gate to a quantile of the presence scores, whatever the labels; the published report takes the median.

    Between two scores it is interpolated linearly (type 7 of Hyndman and Fan, as NumPy and pandas do).

    Args:
        quantile: in [0, 1].

    Raises:
        ConfigError: it is not.
    """

    name = "quantile"
    wants: ScoreKind = "any"

    def __init__(self, quantile: float) -> None:
        self._quantile = checked_quantile("thresholds.gate.quantile", quantile)

    def fit(self, presence: NDArray[np.float64], labels: NDArray[np.int64]) -> GateFit:
        """Finds the quantile; the labels are not looked at."""
        return GateFit(float(rounded(np.quantile(presence, self._quantile))), {"quantile": self._quantile})


class OptimalGate:
    """Sets the gate where a criterion is greatest for presence; of equally good thresholds the lowest.

    Args:
        criterion: ``max_f1`` or ``youden`` (sensitivity + specificity - 1).

    Raises:
        ConfigError: there is no such criterion.
    """

    wants: ScoreKind = "any"

    def __init__(self, criterion: str) -> None:
        self.name = checked_criterion("thresholds.gate.criterion", criterion)

    def fit(self, presence: NDArray[np.float64], labels: NDArray[np.int64]) -> GateFit:
        """Finds the optimum.

        Raises:
            ThresholdError: all patients have, or none has, an aneurysm, or all scores are 0.
        """
        positives, negatives = int(labels.sum()), int((1 - labels).sum())
        if not positives or not negatives:
            raise ThresholdError(
                f"The gate's {self.name} needs patients with and without an aneurysm, but of {len(labels)} patients "
                f"{positives} have one. Calibrate on others, or say thresholds/gate=quantile."
            )
        cuts = cuts_of(presence, labels)
        value = np.where(cuts.steps > 0, CRITERIA[self.name](cuts.true, cuts.false, positives, negatives), -np.inf)
        best = int(np.argmax(value))
        if not cuts.steps[best]:
            raise ThresholdError("All presence scores are 0, so that no gate can be set. Check the presence nets.")
        return GateFit(
            cuts.exclusive(best),
            {
                "positives": positives,
                self.name: round(float(value[best]), 6),
                "share_passed": round(float(cuts.true[best] + cuts.false[best]) / len(labels), 6),
            },
        )


class AccuracyGate:
    """Lets those pass who have an aneurysm more probably than not; needs calibrated probabilities."""

    name = "accuracy"
    wants: ScoreKind = "probabilities"

    def fit(self, presence: NDArray[np.float64], labels: NDArray[np.int64]) -> GateFit:
        """Gives 0.5, whatever the scores and labels."""
        return GateFit(0.5, {"share_passed": round(float(passes(presence, 0.5).mean()), 6)})


class SensitivityFloorGate:
    """Lets as few pass as it can while a new patient with an aneurysm passes with at least a given probability.

    Conformal risk control of the share of missed aneurysms (Angelopoulos, Bates, Fisch, Lei and Schuster, ICLR 2024):
    of all thresholds with (missed + 1) / (n + 1) <= 1 - floor, n the patients with an aneurysm that it is fitted on
    and missed those of them who do not exceed the threshold, the highest; it is then lowered to the middle of its gap,
    which lets no other of the fitting patients pass.

    What is guaranteed: P(a new patient with an aneurysm passes) >= floor, for any scores whatever, if this patient and
    the n are exchangeable. Patients without an aneurysm have no part in it, so that another prevalence does no harm. A
    calibration may be fitted on the same patients: the bound stands for any function of the score that never falls.

    What is not: the probability is over the drawing of the n as well, so that for one given table the sensitivity on
    endless new patients is above the floor or below (distributed as Beta(n - missed, missed + 1) without ties). It
    holds for patients with an aneurysm in general and for no sort of them, such as those with small ones. And it holds
    for the nets that gave the scores: where each of the n was scored by the one of K folds' nets that did not see it,
    and a new patient is scored by the mean of all K, the new score is of another kind, and nothing is guaranteed; the
    floor is then only what can be expected as far as the mean ranks no worse than one net.

    Args:
        floor: the sensitivity that is kept, between 0 and 1.

    Raises:
        ConfigError: it is not.
    """

    name = "sensitivity_floor"
    wants: ScoreKind = "any"

    def __init__(self, floor: float) -> None:
        self._floor = share("thresholds.gate.floor", floor)

    def fit(self, presence: NDArray[np.float64], labels: NDArray[np.int64]) -> GateFit:
        """Finds the threshold.

        Raises:
            ThresholdError: there are too few patients with an aneurysm for the floor, or too many of them score 0.
        """
        positives = int(labels.sum())
        allowed = misses_allowed(positives, self._floor)
        if allowed < 0:
            needed = math.ceil(1 / (1 - _exact(self._floor))) - 1
            lower = f"set thresholds.gate.floor to at most {math.floor(1e4 * positives / (positives + 1)) / 1e4:g}, or "
            raise ThresholdError(
                f"A sensitivity floor of {self._floor:g} needs at least {needed} patients with an aneurysm to fit on, "
                f"but there are {positives}. Calibrate on more patients, {lower if positives else 'or '}say "
                "thresholds/gate=quantile."
            )
        cuts = cuts_of(presence, labels)
        # Letting everybody at or above a cut pass misses the positives below it; fewer the lower the cut.
        kept = np.flatnonzero((positives - cuts.true <= allowed) & (cuts.steps > 0))
        if not kept.size:
            raise ThresholdError(
                f"More than {allowed} of {positives} patients with an aneurysm have a presence score of 0, which no "
                f"gate lets pass, so that a sensitivity floor of {self._floor:g} cannot be kept. Lower "
                "thresholds.gate.floor."
            )
        cut = int(kept[-1])
        threshold = cuts.exclusive(cut)
        median = float(np.median(rounded(presence)))
        return GateFit(
            threshold,
            {
                "floor": self._floor,
                "positives": positives,
                "missed": positives - int(cuts.true[cut]),
                "share_passed": round(float(passes(presence, threshold).mean()), 6),
                "share_passed_by_median": round(float(passes(presence, median).mean()), 6),
            },
        )


def misses_allowed(positives: int, floor: float) -> int:
    """The greatest number of missed positives with (missed + 1) / (positives + 1) <= 1 - floor.

    Args:
        positives: how many there are.
        floor: between 0 and 1, taken as the decimal number that it is written as.

    Returns:
        At least -1, which means that there are too few positives.
    """
    return math.floor((positives + 1) * (1 - _exact(floor))) - 1


def checked_quantile(name: str, value: float) -> float:
    """Checks a quantile.

    Raises:
        ConfigError: it is no number from 0 to 1.
    """
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not 0 <= value <= 1:
        raise ConfigError(f"{name}={value} is no quantile. Give a number from 0 to 1.")
    return float(value)


def checked_criterion(name: str, value: str) -> str:
    """Checks the name of a criterion.

    Raises:
        ConfigError: there is none of that name.
    """
    if value not in CRITERIA:
        raise ConfigError(f"{name}={value} does not exist. Choose one of {', '.join(CRITERIA)}.")
    return value


def _exact(floor: float) -> Fraction:
    # 1 - 0.9 is a little less than a tenth in binary, which would cost one patient.
    return Fraction(repr(floor))
