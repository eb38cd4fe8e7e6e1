"""One picture under two names: patients who stand in a cohort twice, and views that were copied into others."""

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.audit.finding import Finding, Kind, Outcome, Severity, Shown
from kium_lightning.audit.likeness import Candidate, Likeness, candidates, compare
from kium_lightning.audit.parts import Folds
from kium_lightning.audit.survey import Surveyed
from kium_lightning.audit.view_file import Owner, ViewFile
from kium_lightning.console import track
from kium_lightning.workers import in_workers

CHECK = "Duplicate pictures"
_PAIRS_SHOWN = 4


@dataclass(frozen=True)
class SamePicture:
    """Two files that hold one picture.

    Attributes:
        first: the one file.
        second: the other.
        correlation: of the registered pictures; 1 where the files are equal.
        how: in words: ``the same file``, ``the same picture``, ``its mirror image``.
    """

    first: ViewFile
    second: ViewFile
    correlation: float
    how: str


@dataclass(frozen=True)
class LeastCorrelation:
    """From which correlation two registered pictures are one.

    Attributes:
        of_two: patients, in (0, 1).
        of_one: patient, whose left and right vertebral injections show the same arteries.
    """

    of_two: float
    of_one: float


def same_pictures(
    surveyed: Sequence[Surveyed], least: LeastCorrelation, workers: int | None = None, folder: Path | None = None
) -> list[SamePicture]:
    """Finds all pairs of files with one picture.

    Args:
        surveyed: the files.
        least: correlations from which pictures are one.
        workers: processes; None for one per core.
        folder: for what is kept of each picture while they are compared; None for the system's.
    """
    by_digest: dict[str, list[int]] = defaultdict(list)
    for place, each in enumerate(surveyed):
        by_digest[each.digest].append(place)
    found = {
        (group[0], other): Likeness(group[0], other, 1.0, False) for group in by_digest.values() for other in group[1:]
    }
    distinct = [group[0] for group in by_digest.values()]
    pictures = [surveyed[place].picture for place in distinct]
    jobs = _Comparisons(pictures, candidates(pictures, folder))
    compared = in_workers(_compared, jobs, workers or os.cpu_count() or 1)
    for likeness in track(compared, "comparing pictures", len(jobs)):
        pair = distinct[likeness.first], distinct[likeness.second]
        pair = min(pair), max(pair)
        is_of_one = surveyed[pair[0]].file.owner == surveyed[pair[1]].file.owner
        if likeness.correlation >= (least.of_one if is_of_one else least.of_two) and (
            pair not in found or found[pair].correlation < likeness.correlation
        ):
            found[pair] = likeness
    same = []
    for (first, second), likeness in sorted(found.items()):
        is_file = surveyed[first].digest == surveyed[second].digest
        how = "the same file" if is_file else "its mirror image" if likeness.is_mirrored else "the same picture"
        same.append(SamePicture(surveyed[first].file, surveyed[second].file, likeness.correlation, how))
    return same


class _Comparisons(Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8], Candidate]]):
    """The pairs to compare with their pictures, which are looked up when a pair is asked for."""

    def __init__(self, pictures: Sequence[NDArray[np.uint8]], proposed: Sequence[Candidate]) -> None:
        self._pictures = pictures
        self._proposed = proposed

    def __len__(self) -> int:
        return len(self._proposed)

    @overload
    def __getitem__(self, place: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Candidate]: ...
    @overload
    def __getitem__(self, place: slice) -> "_Comparisons": ...
    def __getitem__(
        self, place: int | slice
    ) -> "tuple[NDArray[np.uint8], NDArray[np.uint8], Candidate] | _Comparisons":
        if isinstance(place, slice):
            return _Comparisons(self._pictures, self._proposed[place])
        each = self._proposed[place]
        return self._pictures[each.first], self._pictures[each.second], each


def _compared(job: tuple[NDArray[np.uint8], NDArray[np.uint8], Candidate]) -> Likeness:
    cv2.setNumThreads(1)  # the pairs are what runs in parallel
    return compare(*job)


def check_duplicates(
    same: Sequence[SamePicture], files: int, folds: Folds, labels: dict[Owner, "pd.Series[int]"]
) -> Outcome:
    """Turns pairs of files into findings: one for two patients, one for one patient.

    Args:
        same: of `same_pictures`.
        files: how many were compared.
        folds: of the training patients.
        labels: of the patients whose labels are known.
    """
    of_two: dict[tuple[Owner, Owner], list[SamePicture]] = defaultdict(list)
    of_one: dict[Owner, list[SamePicture]] = defaultdict(list)
    for pair in same:
        if pair.first.owner == pair.second.owner:
            of_one[pair.first.owner].append(pair)
        else:
            of_two[pair.first.owner, pair.second.owner].append(pair)
    findings = []
    for owners, pairs in of_two.items():
        findings.append(_of_two(owners, pairs, folds))
        # one picture may only be misfiled
        is_patient = len(pairs) > 1 and owners[0] in labels and owners[1] in labels
        if is_patient and not labels[owners[0]].equals(labels[owners[1]]):
            findings.append(_other_labels(owners, pairs, folds, labels))
    findings += [_of_one(owner, pairs, folds) for owner, pairs in of_one.items()]
    said = f"{files} pictures compared with each other and with their mirror images."
    return Outcome.of(CHECK, findings, said)


def _of_two(owners: tuple[Owner, Owner], pairs: list[SamePicture], folds: Folds) -> Finding:
    places = folds.places(owners)
    first, second = owners
    is_patient = len(pairs) > 1
    count = f"{len(pairs)} pictures" if is_patient else "a picture"
    sentence = (
        f"Patients {first.patient} ({folds.place(first)}) and {second.patient} ({folds.place(second)}) share {count}"
    )
    sentence += f" ({_least(pairs)})."
    if len(places) > 1:
        severity, harm = Severity.SERIOUS, "A net is judged on what it has learnt by heart."
    else:
        severity, harm = Severity.MINOR, "The patient counts twice, and a new split may put the copies apart."
    remedy = (
        f"Are they one person? Keep one of {first.patient} and {second.patient}, and draw the split anew."
        if is_patient
        else f"Look which of {pairs[0].first.path.name} and {pairs[0].second.path.name} is in its right place."
    )
    kind = Kind.SHARED_PATIENT if is_patient else Kind.DUPLICATE_IMAGE
    return _finding(kind, severity, f"{sentence} {harm}", remedy, owners, pairs, places)


def _of_one(owner: Owner, pairs: list[SamePicture], folds: Folds) -> Finding:
    named = ", ".join(f"{pair.second.view.code} holds {pair.how} as {pair.first.view.code}" for pair in pairs)
    named = named.replace("its mirror image as", "the mirror image of")
    sentence = f"In patient {owner.patient} ({folds.place(owner)}) {named} ({_least(pairs)})."
    remedy = "Find the original of the copied views, or drop the patient."
    return _finding(
        Kind.REPEATED_VIEW, Severity.SERIOUS, sentence, remedy, (owner, owner), pairs, folds.places([owner])
    )


def _other_labels(
    owners: tuple[Owner, Owner], pairs: list[SamePicture], folds: Folds, labels: dict[Owner, "pd.Series[int]"]
) -> Finding:
    first, second = owners
    differing = [str(column) for column in labels[first].index if labels[first][column] != labels[second][column]]
    sentence = (
        f"Patients {first.patient} and {second.patient} share pictures, but their labels differ in "
        f"{', '.join(differing)}."
    )
    remedy = "If they are one person, at least one of the rows is wrong: look at the pictures."
    return _finding(
        Kind.COPY_WITH_OTHER_LABELS, Severity.SERIOUS, sentence, remedy, owners, pairs[:1], folds.places(owners)
    )


def _least(pairs: list[SamePicture]) -> str:
    hows = sorted({pair.how for pair in pairs})
    return f"{' and '.join(hows)}, correlation {min(pair.correlation for pair in pairs):.2f}" + (
        " or more" if len(pairs) > 1 else ""
    )


def _finding(
    kind: Kind,
    severity: Severity,
    sentence: str,
    remedy: str,
    owners: tuple[Owner, Owner],
    pairs: list[SamePicture],
    places: tuple[str, ...],
) -> Finding:
    shown = []
    for pair in pairs[:_PAIRS_SHOWN]:
        note = f"r = {pair.correlation:.3f}" + (", mirrored" if pair.how == "its mirror image" else "")
        shown += [Shown(pair.first, pair.first.name), Shown(pair.second, f"{pair.second.name}, {note}")]
    patients = tuple(dict.fromkeys(owner.patient for owner in owners))
    codes = {file.view.code for pair in pairs for file in (pair.first, pair.second)}
    return Finding(kind, severity, sentence, remedy, patients, tuple(sorted(codes)), places, tuple(shown))


def labels_by_owner(part: str, labels: pd.DataFrame | None) -> dict[Owner, "pd.Series[int]"]:
    """The row of labels of each patient of a part; none where they are not known."""
    if labels is None:
        return {}
    assert labels.index.name == INDEX_COLUMN
    return {Owner(part, int(str(patient))): row for patient, row in labels.iterrows()}
