"""Finding what a finished training left: by the model's name, the run's folder or the checkpoint's path."""

from dataclasses import dataclass
from pathlib import Path

from kium_lightning.errors import RunError
from kium_lightning.records import RECORD_NAME, Record, newest_run, read_record


@dataclass(frozen=True)
class TrainingRun:
    """A trained checkpoint and where it comes from.

    Attributes:
        name: the model's name, or the checkpoint's file name where no run is known.
        checkpoint: the file, absolute.
        record: the run's; None for a bare checkpoint.
    """

    name: str
    checkpoint: Path
    record: Record | None


def is_name(source: str) -> bool:
    """Whether a source is a model's name and no path; a folder of that name counts only if it is a run's."""
    path = Path(source).expanduser().absolute()
    return "/" not in source and not path.is_file() and not (path / RECORD_NAME).is_file()


def find_training(source: str, outputs: Path) -> TrainingRun:
    """Finds a trained checkpoint.

    Args:
        source: a checkpoint's path, a run's folder, or a model's name for its newest finished run.
        outputs: below it runs are looked for.

    Raises:
        RunError: there is no such run, or it is no training run.
    """
    path = Path(source).expanduser().absolute()
    if path.is_file():
        return TrainingRun(path.stem, path, None)
    record = newest_run(outputs, "train", source) if is_name(source) else read_record(path)
    if record.verb != "train":
        raise RunError(f"{record.folder} is the folder of a {record.verb} run. Name a train run's folder.")
    return TrainingRun(record.name, record.folder / record.facts["checkpoint"], record)
