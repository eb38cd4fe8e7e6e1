"""What turns scores into calibrated probabilities: the fitted curves, one per output, as they stand in a JSON file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from kium_lightning.anatomy import LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.rounding import SCORE_DECIMALS, rounded
from kium_lightning.errors import ThresholdError

LEAST_SLOPE = 0.01
NO_CALIBRATION = "none"
ScoreKind = Literal[
    "any", "raw", "probabilities"
]  # what thresholds can be of: ranks, the nets' own scores, or calibrated ones
_EDGE = 0.5 * 10**-SCORE_DECIMALS
_REFIT = "Fit it anew with `python -m kium_lightning.calibrate`."


def logits(scores: ArrayLike) -> NDArray[np.float64]:
    """Computes the logits of scores as calibrations see them.

    Scores are rounded first, so that calibrated scores can be recomputed from the files. They are kept half a rounding
    step away from 0 and 1, so that every rounded score has a finite logit of its own.

    Args:
        scores: any shape, in [0, 1]; NaN stays NaN.

    Returns:
        float64 of the same shape, within 14.51 of 0.
    """
    kept: NDArray[np.float64] = np.asarray(logit(np.clip(rounded(scores), _EDGE, 1 - _EDGE)), np.float64)
    return kept


class Curve(Protocol):
    """A function that never falls, from a score to a probability."""

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrates scores of any shape in [0, 1]; NaN stays NaN."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """The curve as JSON values."""
        ...


@dataclass(frozen=True)
class LogitLine:
    """A straight line from a score's logit to the probability's: Platt's curve and, without intercept, a temperature.

    Attributes:
        slope: at least 0.01, so that the order of scores survives (down to the rounding of scores).
        intercept: of the logit of the probability.

    Raises:
        ThresholdError: a value is no number, or the slope is less.
    """

    slope: float
    intercept: float = 0.0

    def __post_init__(self) -> None:
        for name, value in {"slope": self.slope, "intercept": self.intercept}.items():
            if not _is_number(value):
                raise ThresholdError(f"A calibration's {name} is {value!r}, which is no number. {_REFIT}")
        if self.slope < LEAST_SLOPE:
            raise ThresholdError(
                f"A calibration's slope is {self.slope}, but below {LEAST_SLOPE} the order of the scores would be "
                f"lost. {_REFIT}"
            )

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrates scores of any shape in [0, 1]; NaN stays NaN."""
        return np.asarray(expit(self.slope * logits(scores) + self.intercept), np.float64)

    def as_dict(self) -> dict[str, Any]:
        """The line as JSON values."""
        return {"slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True)
class Knots:
    """Straight pieces between knots, level beyond the first and the last: what isotonic regression finds.

    Scores on a level piece become equal, so that ties arise where the order was not borne out; none is turned round.

    Attributes:
        scores: the knots' scores, rising, in [0, 1]; at least one.
        probabilities: of the same number, never falling, in [0, 1].

    Raises:
        ThresholdError: they are not so.
    """

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.scores) != len(self.probabilities) or not self.scores:
            raise ThresholdError(
                f"A calibration has {len(self.scores)} scores and {len(self.probabilities)} probabilities, but needs "
                f"one of each per knot. {_REFIT}"
            )
        for name, values in {"scores": self.scores, "probabilities": self.probabilities}.items():
            if not all(_is_number(value) and 0 <= value <= 1 for value in values):
                raise ThresholdError(f"A calibration's {name} are not all numbers in [0, 1]. {_REFIT}")
        if (np.diff(self.scores) <= 0).any() or (np.diff(self.probabilities) < 0).any():
            raise ThresholdError(f"A calibration's knots are not in rising order. {_REFIT}")

    def apply(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrates scores of any shape in [0, 1]; NaN stays NaN."""
        return np.asarray(np.interp(rounded(scores), self.scores, self.probabilities), np.float64)

    def as_dict(self) -> dict[str, Any]:
        """The knots as JSON values."""
        return {"scores": list(self.scores), "probabilities": list(self.probabilities)}


@dataclass(frozen=True)
class ScoreCalibration:
    """Fitted curves that make probabilities of an ensemble's fused scores; without curves they stay as they are.

    Attributes:
        name: of the kind of calibration, such as ``platt``; ``none`` where scores stay as they are.
        curves: one for presence and each of the 21 locations, by column; none at all for the identity.
        shared: groups of locations that got one curve together.

    Raises:
        ThresholdError: a curve is missing, or a column is unknown.
    """

    name: str = NO_CALIBRATION
    curves: Mapping[str, Curve] = field(default_factory=dict)
    shared: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        wanted = () if self.name == NO_CALIBRATION else LABEL_COLUMNS
        missing = [column for column in wanted if column not in self.curves]
        unknown = [column for column in self.curves if column not in wanted]
        unknown += [column for group in self.shared for column in group if column not in LOCATION_COLUMNS]
        if missing or unknown:
            faults = [f"lacks a curve for {missing[0]}"] if missing else []
            faults += [f"has the unknown {unknown[0]}"] if unknown else []
            raise ThresholdError(f"The calibration {self.name!r} {' and '.join(faults)}. {_REFIT}")

    def presence(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Calibrates presence scores alone, for the gate, before any locator has run.

        Args:
            scores: (n,) fused presence scores in [0, 1].

        Returns:
            (n,) calibrated; NaN stays NaN.
        """
        return self._apply(PRESENCE_COLUMN, np.asarray(scores, np.float64))

    def apply(self, scores: PatientScores) -> PatientScores:
        """Calibrates presence and each location by itself.

        Args:
            scores: fused scores of n patients.

        Returns:
            Probabilities of the same patients; NaN stays NaN.
        """
        columns = enumerate(LOCATION_COLUMNS)
        locations = [self._apply(column, scores.locations[:, position]) for position, column in columns]
        return PatientScores(self.presence(scores.presence), np.stack(locations, axis=1))

    def _apply(self, column: str, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        curve = self.curves.get(column)
        return scores if curve is None else curve.apply(scores)

    def as_dict(self) -> dict[str, Any]:
        """The calibration as JSON values, columns in the challenge's order."""
        return {
            "name": self.name,
            "curves": {column: self.curves[column].as_dict() for column in LABEL_COLUMNS if column in self.curves},
            "shared": [list(group) for group in self.shared],
        }

    @classmethod
    def from_dict(cls, content: Any) -> "ScoreCalibration":
        """Reads what ``as_dict`` gave.

        Raises:
            ThresholdError: it is no calibration, or is incomplete or damaged.
        """
        if not isinstance(content, dict) or not isinstance(content.get("name"), str):
            raise ThresholdError(f'The "calibration" is no mapping with a "name". {_REFIT}')
        curves, shared = content.get("curves"), content.get("shared", [])
        if not isinstance(curves, dict):
            raise ThresholdError(f'The calibration {content["name"]!r} has no "curves". {_REFIT}')
        if not isinstance(shared, list) or not all(isinstance(group, list) for group in shared):
            raise ThresholdError(
                f'The calibration {content["name"]!r} has a "shared" that is no list of lists. {_REFIT}'
            )
        read = {column: _curve(column, curve) for column, curve in curves.items()}
        return cls(content["name"], read, tuple(tuple(map(str, group)) for group in shared))


IDENTITY = ScoreCalibration()


class Calibrator(Protocol):
    """Something that fits calibrations; an option of the config group ``calibration``."""

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> ScoreCalibration:
        """Fits a calibration.

        Args:
            scores: fused scores of n patients, every locator run on each of them.
            labels: (n, 22), presence and the 21 locations in the order of ``LABEL_COLUMNS``, 0 or 1.

        Raises:
            ThresholdError: the scores cannot be fitted on.
        """
        ...


def _curve(column: str, content: Any) -> Curve:
    keys = set(content) if isinstance(content, dict) else set()
    if keys == {"slope", "intercept"}:
        return LogitLine(content["slope"], content["intercept"])
    if keys == {"scores", "probabilities"} and all(isinstance(values, list) for values in content.values()):
        return Knots(tuple(content["scores"]), tuple(content["probabilities"]))
    raise ThresholdError(
        f"The calibration's curve of {column} has neither a slope and an intercept nor lists of scores and "
        f"probabilities. {_REFIT}"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
