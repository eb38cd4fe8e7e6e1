"""Patient-level folds, stratified over the labels jointly, written once as JSON and read afterwards."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, PRESENCE_COLUMN
from kium_lightning.data.catalog import Catalog
from kium_lightning.errors import SplitError
from kium_lightning.files import write_json

ValidationBy = Literal["next_fold", "held_out"]
"""Which patients choose the epoch: those of the fold after the held-out one, or the held-out ones themselves."""


@dataclass(frozen=True)
class HeldOut:
    """The patients whom a training does not learn from.

    Attributes:
        cohort: folder of the cohort.
        split: digest of the split.
        fold: the fold that is held out.
        validation: which patients choose the epoch.
    """

    cohort: str
    split: str
    fold: int
    validation: ValidationBy

    def is_safe_from(self, other: "HeldOut") -> bool:
        """Whether a net that was trained with another fold held out saw none of these patients.

        Folds of other splits cannot be told apart, and count as seen; patients of other cohorts are others. Where these
        patients must not choose the epoch, they must not have chosen that of the other net either.
        """
        if other.cohort != self.cohort:
            return True
        is_same_fold = (other.split, other.fold) == (self.split, self.fold)
        return is_same_fold and (other.validation == self.validation or self.validation == "held_out")


@dataclass(frozen=True)
class Split:
    """Disjoint folds of patients; one is held out, one may choose the epoch, the others train.

    Attributes:
        folds: patients' ``Index`` per fold.
        seed: the seed that drew them.
        path: the JSON file they are kept in.
    """

    folds: tuple[tuple[int, ...], ...]
    seed: int
    path: Path

    def __post_init__(self) -> None:
        patients = [patient for fold in self.folds for patient in fold]
        if len(patients) != len(set(patients)):
            shared = sorted({patient for patient in patients if patients.count(patient) > 1})
            raise SplitError(
                f"{self.path} puts patient {shared[0]} (of {len(shared)}) into two folds, so validation would leak. "
                "Delete the file to draw the folds anew."
            )

    def held_out(self, fold: int) -> list[int]:
        """The patients of a fold, whom a training with this fold neither learns from nor, by default, chooses by.

        Raises:
            SplitError: there is no such fold.
        """
        if not 0 <= fold < len(self.folds):
            raise SplitError(f"There is no fold {fold}: {self.path} has folds 0 to {len(self.folds) - 1}.")
        return list(self.folds[fold])

    def validation(self, fold: int, by: ValidationBy) -> list[int]:
        """The patients who choose the best epoch of a training with this fold held out.

        Raises:
            SplitError: there is no such fold.
        """
        return self.held_out(fold if by == "held_out" else (fold + 1) % len(self.folds))

    def training(self, fold: int, by: ValidationBy) -> list[int]:
        """The patients of all folds that are neither held out nor choose the epoch.

        Raises:
            SplitError: there is no such fold, or none is left to train on.
        """
        others = {*self.held_out(fold), *self.validation(fold, by)}
        patients = [patient for each in self.folds for patient in each if patient not in others]
        if not patients:
            raise SplitError(
                f"{self.path} has {len(self.folds)} folds: with one held out and one to choose the epoch none is left "
                "to train on. Set data.folds to 3 or more, or data.validation=held_out."
            )
        return patients

    @property
    def digest(self) -> str:
        """A short hash that is equal for equal folds."""
        return hashlib.blake2b(json.dumps(self.folds).encode(), digest_size=8).hexdigest()


def stratified_folds(labels: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Assigns rows to folds so that every label is spread as evenly as it can be.

    The rarest label is dealt out first, each of its rows to the fold that lacks it most; ties go to the fold that
    lacks most of the row's labels together, then to the one that lacks most rows, then to chance (iterative
    stratification, Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011).

    Args:
        labels: (rows, labels), 0 or 1. Of labels that are equally rare the first is dealt out first, so that a label
            which others imply belongs behind them.
        folds: how many.
        seed: of the order in which rows are dealt and ties are broken.

    Returns:
        (rows,) the fold of each row.
    """
    random = np.random.default_rng(seed)
    wanted_rows = np.full(folds, len(labels) / folds)
    wanted = np.tile(labels.sum(axis=0) / folds, (folds, 1))
    assigned = np.full(len(labels), -1, dtype=np.int64)
    remaining = labels.astype(bool).copy()

    def deal(row: int, need: NDArray[np.float64]) -> None:
        candidates = np.arange(folds)
        for lack in (need, wanted @ labels[row], wanted_rows):
            candidates = candidates[lack[candidates] == lack[candidates].max()]
        fold = int(random.choice(candidates))
        assigned[row] = fold
        wanted_rows[fold] -= 1
        wanted[fold] -= labels[row]
        remaining[row] = False

    while remaining.any():
        counts = remaining.sum(axis=0)
        label = int(np.argmin(np.where(counts > 0, counts, len(labels) + 1)))
        for row in random.permutation(np.flatnonzero(remaining[:, label])):
            deal(int(row), wanted[:, label])
    for row in random.permutation(np.flatnonzero(assigned < 0)):
        deal(int(row), wanted_rows)
    return assigned


def read_or_make_split(path: Path, catalog: Catalog, folds: int, seed: int) -> Split:
    """Reads the split of a catalog, or draws it and writes it for every later run.

    Raises:
        SplitError: the file is unreadable, or was made for other patients, another number of folds or another seed.
    """
    if path.is_file():
        split = read_split(path)
        _check_fits(split, catalog, folds, seed)
        return split
    if folds < 2 or folds > len(catalog.table):
        raise SplitError(
            f"{len(catalog.table)} patients cannot be split into {folds} folds. Set data.folds between 2 and the "
            "number of patients."
        )
    # Healthy patients carry no location; the presence column keeps them as evenly spread as the others.
    labels = catalog.table[[*LOCATION_COLUMNS, PRESENCE_COLUMN]].to_numpy(np.int64)
    assigned = stratified_folds(labels, folds, seed)
    patients = np.asarray(catalog.patients)
    split = Split(tuple(tuple(int(p) for p in patients[assigned == fold]) for fold in range(folds)), seed, path)
    try:
        write_json(path, {"seed": seed, "folds": [list(fold) for fold in split.folds]})
    except OSError as error:
        raise SplitError(
            f"The split cannot be written to {path} ({error.strerror}). Name a place that can be written to as "
            "data.split_file=PATH."
        ) from error
    return split


def read_split(path: Path) -> Split:
    """Reads a split.

    Raises:
        SplitError: the file is missing or is no split.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Split(tuple(tuple(map(int, fold)) for fold in content["folds"]), int(content["seed"]), path)
    except FileNotFoundError as error:
        raise SplitError(f"There is no split {path}. Training writes it beside the catalog.") from error
    except (json.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise SplitError(f"{path} is not a split ({error}). Delete the file to draw the folds anew.") from error


def _check_fits(split: Split, catalog: Catalog, folds: int, seed: int) -> None:
    known, wanted = {patient for fold in split.folds for patient in fold}, set(catalog.patients)
    if known != wanted:
        example = sorted(known ^ wanted)[0]
        raise SplitError(
            f"{split.path} was made for other patients than {catalog.folder} holds (patient {example} is in only one "
            "of them). Delete the file, or name another as data.split_file=PATH."
        )
    if len(split.folds) != folds or split.seed != seed:
        raise SplitError(
            f"{split.path} has {len(split.folds)} folds drawn with seed {split.seed}, but data.folds={folds} and "
            f"data.split_seed={seed} are asked for. Name another file as data.split_file=PATH."
        )
