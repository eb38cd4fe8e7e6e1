"""The threshold table of an ensemble: one value for presence, one per location, and what they were fitted on."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, PRESENCE_COLUMN
from kium_lightning.errors import ThresholdError
from kium_lightning.files import write_json

_REFIT = "Fit a new table with `python -m kium_lightning.calibrate`, or use thresholds=published."


@dataclass(frozen=True)
class Thresholds:
    """Operating points of an ensemble.

    Attributes:
        presence: a patient passes the gate above it; in [0, 1].
        locations: per location column the score from which the location is called; in [0, 1], all 21.
        rule: the name of the rule that found them, such as ``quantile``.
        fitted_on: JSON facts about the predictions that they were fitted on (patients, split, members).

    Raises:
        ThresholdError: a location is missing or unknown, or a value is no number in [0, 1].
    """

    presence: float
    locations: Mapping[str, float]
    rule: str
    fitted_on: Mapping[str, Any] = field(default_factory=dict)

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
        for name, value in {PRESENCE_COLUMN: self.presence, **self.locations}.items():
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ThresholdError(f"The threshold of {name} is {value!r}, which is no number. {_REFIT}")
            if not 0 <= value <= 1:
                raise ThresholdError(f"The threshold of {name} is {value}, outside [0, 1]. {_REFIT}")

    @property
    def location_values(self) -> NDArray[np.float64]:
        """(21,) the locations' thresholds in the challenge's column order."""
        return np.array([self.locations[column] for column in LOCATION_COLUMNS], dtype=np.float64)

    def fitted_with(self, **facts: Any) -> "Thresholds":
        """The same values with further facts about what they were fitted on."""
        return Thresholds(self.presence, self.locations, self.rule, {**self.fitted_on, **facts})

    def as_dict(self) -> dict[str, Any]:
        """The table as JSON values, locations in the challenge's column order."""
        return {
            "rule": self.rule,
            "presence": self.presence,
            "locations": {column: self.locations[column] for column in LOCATION_COLUMNS},
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
        fitted_on = content.get("fitted_on", {})
        if not isinstance(fitted_on, dict):
            raise ThresholdError(f'{path} is damaged: its "fitted_on" is no mapping. {_REFIT}')
        try:
            return cls(content["presence"], content["locations"], str(content["rule"]), fitted_on)
        except ThresholdError as error:
            raise ThresholdError(f"{path}: {error}") from error
