"""Finding what a finished training left: by the model's name, the run's folder or the checkpoint's path."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from kium_lightning.data.splits import Split, read_split
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

    @classmethod
    def of(cls, record: Record) -> "TrainingRun":
        """What a training's record says that it left."""
        return cls(record.name, record.folder / record.facts["checkpoint"], record)

    @property
    def digest(self) -> str:
        """A hash of the checkpoint's content."""
        with self.checkpoint.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]

    @property
    def fold(self) -> int | None:
        """The fold that was held out; None where no run is known."""
        return None if self.record is None else int(self.record.facts["split"]["fold"])

    @property
    def known(self) -> Record:
        """The run's record.

        Raises:
            RunError: this is a bare checkpoint.
        """
        if self.record is None:
            raise RunError(
                f"{self.checkpoint} is a bare checkpoint, so the patients it was trained on are unknown. Name the "
                "folder of its training run instead."
            )
        return self.record

    def split(self) -> Split:
        """The split that it was trained with.

        Raises:
            RunError: this is a bare checkpoint, or the file holds another split by now.
            SplitError: the file is missing.
        """
        facts = self.known.facts["split"]
        split = read_split(Path(facts["path"]))
        if split.digest != facts["digest"]:
            raise RunError(
                f"{split.path} is not the split that {self.known.folder} was trained with any more. Restore the file, "
                "or train again."
            )
        return split

    def trained_on(self) -> set[int]:
        """The patients it learnt from; raises as ``split``."""
        facts = self.known.facts["split"]
        if "validation" not in facts:
            raise RunError(
                f"{self.known.folder} was trained by a version that did not record which patients chose its epoch. "
                "Train again."
            )
        return set(self.split().training(int(facts["fold"]), facts["validation"]))

    def held_out(self) -> set[int]:
        """The patients who were held out; raises as ``split``."""
        return set(self.split().held_out(int(self.known.facts["split"]["fold"])))


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
    return TrainingRun.of(record)
