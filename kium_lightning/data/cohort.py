"""Where a cohort's files lie: the challenge's folder form, whoever made it."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from kium_lightning.errors import CohortError, ConfigError


class Part(NamedTuple):
    """The patients of a cohort to train on, or to answer for.

    Attributes:
        images: the folder of their images.
        table: their csv file, with zeros for labels of patients to answer for.
        labels: the csv file of their labels; not there where these are not known.
    """

    images: Path
    table: Path
    labels: Path


@dataclass(frozen=True)
class CohortFolder:
    """A folder in the challenge's form.

    Attributes:
        path: the folder that holds ``train_set`` and ``test_set``, absolute.
        name: a short name for logs and pages, such as ``phantom`` or ``kium``.
    """

    path: Path
    name: str

    @property
    def train_set(self) -> Path:
        """Images and ``train.csv`` of the labelled patients."""
        return self.path / "train_set"

    @property
    def test_set(self) -> Path:
        """Images and ``test.csv`` of the patients to answer for."""
        return self.path / "test_set"

    @property
    def train_csv(self) -> Path:
        """The labels."""
        return self.train_set / "train.csv"

    @property
    def test_csv(self) -> Path:
        """The test patients, with zeros for labels."""
        return self.test_set / "test.csv"

    @property
    def groundtruth_csv(self) -> Path:
        """The true labels of the test patients, where they are known."""
        return self.test_set / "groundtruth.csv"

    @property
    def truth(self) -> Path:
        """What a phantom knows beyond the labels; only code that is asked to reads it."""
        return self.path / "truth"

    def part(self, name: str) -> Part:
        """The part with a name, ``test_set`` or ``train_set``.

        Raises:
            ConfigError: there is no such part.
        """
        parts = {
            "test_set": Part(self.test_set, self.test_csv, self.groundtruth_csv),
            "train_set": Part(self.train_set, self.train_csv, self.train_csv),
        }
        if name not in parts:
            raise ConfigError(f"A cohort has no part {name!r}. Choose part={' or part='.join(parts)}.")
        return parts[name]


class Cohort(Protocol):
    """Something that can put a cohort on disk, or knows that it is there."""

    def ensure(self) -> CohortFolder:
        """Makes the cohort unless it is there already, and says where it lies."""
        ...


class FolderCohort:
    """A cohort that somebody put on disk, such as the challenge's own.

    Args:
        folder: holds ``train_set`` and ``test_set``.
        name: a short name for logs and pages.
    """

    def __init__(self, folder: str, name: str) -> None:
        self._cohort = CohortFolder(Path(folder).expanduser().absolute(), name)

    def ensure(self) -> CohortFolder:
        """Says where the cohort lies.

        Raises:
            CohortError: the folder does not exist or holds neither ``train_set`` nor ``test_set``.
        """
        cohort = self._cohort
        if not cohort.path.is_dir():
            raise CohortError(
                f"There is no cohort folder {cohort.path}. Give the folder that holds train_set and test_set as "
                "cohort.folder=PATH, or use cohort=phantom for synthetic patients."
            )
        if not cohort.train_set.is_dir() and not cohort.test_set.is_dir():
            raise CohortError(
                f"{cohort.path} holds neither train_set nor test_set. Give the folder above them as cohort.folder=PATH."
            )
        return cohort
