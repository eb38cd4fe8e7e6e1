"""The record that every finished run leaves in its folder, and finding the newest run of a kind."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kium_lightning.errors import RunError
from kium_lightning.files import write_json

RECORD_NAME = "record.json"
PATIENTS_NAME = "held_out_patients.csv"  # a training's scores by patient, which runs are compared by


@dataclass(frozen=True)
class Record:
    """What a finished run says of itself.

    Attributes:
        folder: the run's folder, absolute.
        verb: the command that ran, such as ``train``.
        name: what was made, such as the model's name ``swin_anterior``; empty where a verb makes only one thing.
        finished: the time of completion, ISO 8601 with offset.
        facts: everything else, JSON values only.
    """

    folder: Path
    verb: str
    name: str
    finished: str
    facts: dict[str, Any]


def write_record(folder: Path, verb: str, name: str = "", **facts: Any) -> Path:
    """Marks a run as finished by writing its record; returns the record's path. Call it last."""
    path = folder / RECORD_NAME
    write_json(path, {"verb": verb, "name": name, "finished": datetime.now(UTC).isoformat(), **facts})
    return path


def read_record(folder: Path) -> Record:
    """Reads the record of a run's folder.

    Raises:
        RunError: the folder has no record, so the run is unfinished or the folder is not a run's.
    """
    path = folder / RECORD_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Record(folder.resolve(), content.pop("verb"), content.pop("name"), content.pop("finished"), content)
    except FileNotFoundError as error:
        raise RunError(
            f"{folder} has no {RECORD_NAME}: it is not the folder of a finished run. Name a finished run's folder."
        ) from error
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise RunError(f"{path} is not the record of a run ({error}). Name another run's folder.") from error


def finished_runs(outputs: Path, verb: str, name: str = "") -> list[Record]:
    """Lists the finished runs of a verb below the outputs folder, newest first; an empty name matches all."""
    records = []
    # Cohorts and the cache hold many thousand files and no runs.
    folders = [folder for folder in outputs.glob("*/") if folder.name not in ("cache", "cohorts")]
    for path in (path for folder in folders for path in folder.rglob(RECORD_NAME)):
        try:
            record = read_record(path.parent)
        except RunError:
            continue  # a damaged record must not hide the other runs
        if record.verb == verb and name in ("", record.name):
            records.append(record)
    return sorted(records, key=lambda record: record.finished, reverse=True)


def newest_run(outputs: Path, verb: str, name: str = "") -> Record:
    """Finds the newest finished run of a verb.

    Raises:
        RunError: there is none; the message says which command makes one.
    """
    records = finished_runs(outputs, verb, name)
    if not records:
        model, _, rows = name.partition("-")  # as in per_view-LI-A
        command = f"python -m kium_lightning.{verb}" + (f" model={model}" if name and verb == "train" else "")
        of_rows = f" with rows of {rows}" if rows else ""
        raise RunError(
            f"No finished {verb} run{f' of {name}' if name else ''} below {outputs}. Run `{command}`{of_rows} first."
        )
    return records[0]
