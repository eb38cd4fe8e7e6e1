"""A cohort of synthetic patients in the challenge's folder form, with its truth beside it."""

import hashlib
import json
import os
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from kium_lightning.anatomy import CSV_COLUMNS, Location
from kium_lightning.console import track
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.errors import CohortError, ConfigError
from kium_lightning.files import sweep, write_json, write_text
from kium_lightning.numbers import whole
from kium_lightning.phantom.aneurysms import Aneurysms
from kium_lightning.phantom.film import Film
from kium_lightning.phantom.labels import Sites, draw_labels
from kium_lightning.phantom.lookalikes import Lookalikes
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.population import Anatomy
from kium_lightning.phantom.skull_shape import SkullShape
from kium_lightning.phantom.truth import Detail, legend
from kium_lightning.phantom.writing import Job, write_patient
from kium_lightning.phantom.xray import Xray
from kium_lightning.workers import in_workers

_Choice = TypeVar("_Choice", bound=StrEnum)

_FORMAT = 3  # raise it when the same settings make other files, so that old cohorts are not taken for new ones
_FIRST_INDEX = 1001
_GAP = 0.12  # probability that a number is skipped, as in the challenge's tables
_FINISHED = "cohort.json"
_UNFINISHED = "unfinished.json"


class PhantomCohort:
    """A cohort of synthetic patients, made when it is first asked for.

    The same settings give the same bytes, whatever the number of workers and however often the work was interrupted.

    Args:
        folder: where to write; None for ``<outputs>/cohorts/<name>-<hash of the settings>``.
        outputs: the folder for what runs write; used where ``folder`` is None.
        name: a short name for logs and pages.
        train_patients: labelled patients.
        test_patients: patients to answer for; their true labels go to ``groundtruth.csv``.
        seed: of everything random.
        workers: processes; None for one per core.
        anatomy: how patients differ.
        sites: ``challenge`` or ``even``: how often each location carries an aneurysm.
        truth: ``full``, ``masks`` or ``boxes``: how much is written beside the images.
        aneurysms: how large aneurysms are.
        lookalikes: how often other things look like one.
        skull: how skulls differ.
        xray: how runs differ.
        film: how image files differ.

    Raises:
        ConfigError: there is no patient to make.
    """

    def __init__(
        self,
        folder: str | None,
        outputs: str,
        name: str,
        train_patients: int,
        test_patients: int,
        seed: int,
        workers: int | None,
        sites: str,
        truth: str,
        anatomy: Anatomy,
        aneurysms: Aneurysms,
        lookalikes: Lookalikes,
        skull: SkullShape,
        xray: Xray,
        film: Film,
    ) -> None:
        whole("cohort.train_patients", train_patients, 0)
        whole("cohort.test_patients", test_patients, 0)
        if train_patients + test_patients == 0:
            raise ConfigError(
                "cohort.train_patients and cohort.test_patients are both 0. Give at least one of them patients."
            )
        self._patients = {"train_set": train_patients, "test_set": test_patients}
        self._seed = whole("cohort.seed", seed, 0)
        self._workers = os.cpu_count() or 1 if workers is None else whole("cohort.workers", workers, 1)
        self.distributions = Distributions(anatomy, aneurysms, lookalikes, skull, xray, film)
        self.sites, self._detail = _chosen(Sites, "sites", sites), _chosen(Detail, "truth", truth)
        self.settings: dict[str, Any] = json.loads(
            json.dumps(
                {
                    "format": _FORMAT,
                    "name": name,
                    "train_patients": train_patients,
                    "test_patients": test_patients,
                    "seed": seed,
                    "sites": sites,
                    "truth": truth,
                    **asdict(self.distributions),
                }
            )
        )
        digest = hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:8]
        path = Path(outputs) / "cohorts" / f"{name}-{digest}" if folder is None else Path(folder)
        self.cohort = CohortFolder(path.expanduser().absolute(), name)

    def ensure(self) -> CohortFolder:
        """Makes the cohort unless it is there already; continues where an interrupted run stopped.

        Raises:
            CohortError: the folder holds something else, or a cohort made with other settings.
        """
        cohort = self.cohort
        finished, unfinished = cohort.truth / _FINISHED, cohort.truth / _UNFINISHED
        self._check(finished if finished.is_file() else unfinished)
        if finished.is_file():
            return cohort
        again = "Run the same command again: it continues where it stopped."
        try:
            self._make(unfinished)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"{cohort.path} is not complete. {again}") from None
        except BrokenProcessPool as error:
            raise CohortError(
                f"A worker process ended while it made {cohort.path}, perhaps for want of memory. {again} "
                "cohort.workers=1 needs the least memory."
            ) from error
        write_json(finished, self.settings)
        unfinished.unlink(missing_ok=True)
        return cohort

    def _make(self, marker: Path) -> None:
        """Writes what is missing, after a marker that tells a later run what was begun here."""
        jobs, cohort = self.jobs(), self.cohort
        for folder in {cohort.path, cohort.truth} | {job.images for job in jobs} | {job.truth for job in jobs}:
            sweep(folder)
        write_json(marker, self.settings)
        missing = [job for job in jobs if not job.record.is_file()]
        written = in_workers(write_patient, missing, self._workers)
        for _ in track(written, f"Making the cohort {cohort.name}", len(missing)):
            pass
        self._write_tables()
        if self._detail is Detail.FULL:
            write_json(cohort.truth / "arteries.json", legend())

    def jobs(self) -> list[Job]:
        """One job for each patient, train before test, numbered upwards with gaps."""
        generator = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(0,)))
        steps = 1 + (generator.uniform(size=sum(self._patients.values())) < _GAP)
        indices = iter(_FIRST_INDEX + np.cumsum(steps) - steps[0])
        jobs = []
        for part, (folder, patients) in enumerate(self._patients.items(), start=1):
            stream = np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=(part,)))
            for place, labels in enumerate(draw_labels(patients, stream, self.sites)):
                images, truth = self.cohort.path / folder, self.cohort.truth / folder
                seed = (self._seed, part, place)
                jobs.append(Job(int(next(indices)), labels, seed, images, truth, self.distributions, self._detail))
        return jobs

    def _check(self, marker: Path) -> None:
        path = self.cohort.path
        if not marker.is_file():
            if path.is_dir() and any(path.iterdir()):
                raise CohortError(
                    f"{path} is not empty and no phantom cohort has been started there. "
                    "Give an empty or a new folder as cohort.folder=PATH."
                )
            return
        try:
            found = json.loads(marker.read_text(encoding="utf-8"))
        except ValueError as error:
            raise CohortError(f"{marker} is not readable ({error}). Remove the folder {path} and run again.") from error
        if found != self.settings:
            keys = sorted(
                key for key in self.settings.keys() | found.keys() if self.settings.get(key) != found.get(key)
            )
            raise CohortError(
                f"{path} holds a cohort made with other settings ({', '.join(keys)}). Give another cohort.folder=PATH, "
                "or remove this folder to make it anew."
            )

    def _write_tables(self) -> None:
        jobs = self.jobs()
        train = [job for job in jobs if job.images == self.cohort.train_set]
        test = [job for job in jobs if job.images == self.cohort.test_set]
        write_text(self.cohort.train_csv, _table(train))
        write_text(self.cohort.groundtruth_csv, _table(test))
        write_text(self.cohort.test_csv, _table(test, blank=True))


def _chosen(kind: type[_Choice], key: str, value: str) -> _Choice:
    """The choice that a setting names."""
    try:
        return kind(value)
    except ValueError:
        known = ", ".join(kind)
        raise ConfigError(f"cohort.{key}={value} is not known. Write one of {known}.") from None


def _table(jobs: list[Job], blank: bool = False) -> str:
    """The challenge's CSV of labels; blank gives zeros for all of them."""
    rows = [",".join(CSV_COLUMNS)]
    for job in jobs:
        labels = frozenset() if blank else job.labels
        values = [job.index, int(bool(labels)), *(int(location in labels) for location in Location)]
        rows.append(",".join(map(str, values)))
    return "\n".join(rows) + "\n"
