"""The threshold table of an ensemble: one value for presence, one per location, and what they were fitted on."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, PRESENCE_COLUMN
from kium_lightning.ensemble.calibration import IDENTITY, ScoreCalibration
from kium_lightning.errors import ThresholdError
from kium_lightning.files import write_json

NEVER = math.inf  # the threshold of a location that is never called, whatever its score; null in the file
_REFIT = "Fit a new table with `python -m kium_lightning.calibrate`, or use thresholds=published."


@dataclass(frozen=True)
class Thresholds:
    """Operating points of an ensemble.

    Attributes:
        presence: a patient passes the gate above it; in [0, 1].
        locations: per location column the score from which the location is called; in [0, 1] or ``NEVER``, all 21.
        rule: the name of the rule that found them, such as ``quantile``.
        fitted_on: JSON facts about the predictions that they were fitted on (patients, split, members).
        calibration: what the scores go through before they are compared with the thresholds.

    Raises:
        ThresholdError: a location is missing or unknown, or a value is no number in [0, 1].
    """

    presence: float
    locations: Mapping[str, float]
    rule: str
    fitted_on: Mapping[str, Any] = field(default_factory=dict)
    calibration: ScoreCalibration = IDENTITY

    def __post_init__(self) -> None:
        missing = [column for column in LOCATION_COLUMNS if column not in self.locations]
        unknown = [column for column in self.locations if column not in LOCATION_COLUMNS]
        if missing or unknown:
            faults = [f"lacks {', '.join(missing)}"] if missing else []
            faults += [f"has the unknown {', '.join(map(str, unknown))}"] if unknown else []
            raise ThresholdError(
                f"The threshold table {' and '.join(faults)}; it needs one value for each of the "
                f"{len(LOCATION_COLUMNS)} locations. {_REFIT}"
            )
        called = {column: value for column, value in self.locations.items() if value != NEVER}
        for name, value in {PRESENCE_COLUMN: self.presence, **called}.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ThresholdError(f"The threshold of {name} is {value!r}, which is no number. {_REFIT}")
            if not 0 <= value <= 1:
                raise ThresholdError(f"The threshold of {name} is {value}, outside [0, 1]. {_REFIT}")

    @property
    def location_values(self) -> NDArray[np.float64]:
        """(21,) the locations' thresholds in the challenge's column order; infinite where never called."""
        return np.array([self.locations[column] for column in LOCATION_COLUMNS], dtype=np.float64)

    @property
    def never_called(self) -> tuple[str, ...]:
        """The locations that are never called, in the challenge's column order."""
        return tuple(column for column in LOCATION_COLUMNS if self.locations[column] == NEVER)

    def fitted_with(self, **facts: Any) -> "Thresholds":
        """The same values with further facts about what they were fitted on."""
        return replace(self, fitted_on={**self.fitted_on, **facts})

    def calibrated_by(self, calibration: ScoreCalibration) -> "Thresholds":
        """The same values, for scores that go through a calibration first."""
        return replace(self, calibration=calibration)

    def as_dict(self) -> dict[str, Any]:
        """The table as JSON values, locations in the challenge's column order."""
        return {
            "rule": self.rule,
            "presence": self.presence,
            "locations": {
                column: None if column in self.never_called else self.locations[column] for column in LOCATION_COLUMNS
            },
            "never_called": list(self.never_called),
            "calibration": self.calibration.as_dict(),
            "fitted_on": dict(self.fitted_on),
        }

    def save(self, path: Path) -> None:
        """Writes the table as JSON."""
        write_json(path, self.as_dict())

    @classmethod
    def load(cls, path: Path) -> "Thresholds":
        """Reads a table that ``save`` wrote.

        Raises:
            ThresholdError: the file is missing, is no JSON, or its table is incomplete or out of range.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise ThresholdError(f"There is no threshold table {path}. {_REFIT}") from error
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ThresholdError(f"{path} cannot be read as a threshold table ({error}). {_REFIT}") from error
        if not isinstance(content, dict) or not isinstance(content.get("locations"), dict):
            raise ThresholdError(f'{path} is not a threshold table: it has no "locations". {_REFIT}')
        absent = [key for key in ("presence", "rule") if key not in content]
        if absent:
            raise ThresholdError(f'{path} is not a whole threshold table: it has no "{absent[0]}". {_REFIT}')
        fitted_on, never_called = content.get("fitted_on", {}), content.get("never_called", [])
        if not isinstance(fitted_on, dict):
            raise ThresholdError(f'{path} is damaged: its "fitted_on" is no mapping. {_REFIT}')
        if not isinstance(never_called, list):
            raise ThresholdError(f'{path} is damaged: its "never_called" is no list. {_REFIT}')
        # Neither a null that is not said to be meant nor an infinity, which json reads, is a threshold.
        locations: dict[str, Any] = {
            column: NEVER if value is None and column in never_called else None if value == NEVER else value
            for column, value in content["locations"].items()
        }
        try:
            # Tables of before there were calibrations have none.
            calibration = ScoreCalibration.from_dict(content.get("calibration", IDENTITY.as_dict()))
            return cls(content["presence"], locations, str(content["rule"]), fitted_on, calibration)
        except ThresholdError as error:
            raise ThresholdError(f"{path}: {error}") from error
