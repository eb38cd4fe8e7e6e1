"""The four trained members of an ensemble: where they are, what they were trained on, loading them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kium_lightning.anatomy import Circulation, Target
from kium_lightning.data.folding import FoldedRows
from kium_lightning.data.splits import Split, read_split
from kium_lightning.ensemble.fusion import FuseRules
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.records import Record
from kium_lightning.tasks.checkpoint import LoadedTask, load_task
from kium_lightning.tasks.training_runs import find_training


@dataclass(frozen=True)
class Member:
    """One trained net in its place in the ensemble.

    Attributes:
        circulation: whose views it scores.
        target: binary for stage 1, multilabel for stage 2.
        name: the model's name, or the checkpoint's file name where no run is known.
        checkpoint: the file, absolute.
        record: the training run's; None for a bare checkpoint.
    """

    circulation: Circulation
    target: Target
    name: str
    checkpoint: Path
    record: Record | None

    @property
    def digest(self) -> str:
        """A hash of the checkpoint's content, by which thresholds know their members."""
        with self.checkpoint.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]

    def load(self) -> LoadedTask:
        """Rebuilds the trained task.

        Raises:
            RunError: the checkpoint is missing or damaged, or was trained for another task or place in the ensemble.
        """
        loaded = load_task(self.checkpoint)
        _check_place(self.checkpoint, loaded.task.rows.plain(), self.circulation, self.target)
        return loaded


class Ensemble:
    """Two presence nets, two locators and the rules that join their scores.

    Args:
        outputs: below it the newest finished runs are looked for.
        presence: for ``anterior`` and ``posterior`` a model's name, a run's folder or a checkpoint.
        locators: likewise.
        rules: how views, projections and sides are joined.

    Raises:
        ConfigError: a circulation is missing or unknown.
        RunError: a member cannot be found.
    """

    def __init__(
        self, outputs: str, presence: Mapping[str, str], locators: Mapping[str, str], rules: FuseRules
    ) -> None:
        self.rules = rules
        self.presence = _find_members(presence, Target.BINARY, Path(outputs))
        self.locators = _find_members(locators, Target.MULTILABEL, Path(outputs))

    @property
    def members(self) -> list[Member]:
        """All four, presence nets first."""
        return [*self.presence.values(), *self.locators.values()]

    @property
    def digests(self) -> dict[str, str]:
        """The content of each member, as written beside thresholds."""
        return {f"{member.target}_{member.circulation}": member.digest for member in self.members}

    def cohort(self) -> tuple[str, Path]:
        """The name and folder of the cohort that all members were trained on.

        Raises:
            RunError: a member has no run's record, or they were trained on different cohorts.
        """
        found = {(record.facts["cohort"]["name"], record.facts["cohort"]["path"]) for record in self._records()}
        if len(found) > 1:
            paths = " and ".join(sorted(path for _, path in found))
            raise RunError(f"The members were trained on different cohorts: {paths}. Choose members of one cohort.")
        name, path = found.pop()
        return str(name), Path(path)

    def patients(self, seen: bool) -> list[int]:
        """The patients that every member was trained on, or that none of them was.

        Raises:
            RunError: a member has no run's record, or there is no such patient.
            SplitError: a split file is missing, or is no longer the one that a member was trained with.
        """
        sets = []
        for record in self._records():
            split, fold = _split_of(record)
            sets.append(set(split.training(fold) if seen else split.validation(fold)))
        patients = sorted(set.intersection(*sets))
        if not patients:
            raise RunError(
                f"There is no patient that {'all' if seen else 'none'} of the members saw in training: their folds "
                "differ. Choose members that were trained with one data.fold."
            )
        return patients

    def _records(self) -> list[Record]:
        records = []
        for member in self.members:
            if member.record is None:
                raise RunError(
                    f"{member.checkpoint} is a bare checkpoint, so the patients it was trained on are unknown. Name "
                    "the folder of its training run instead."
                )
            records.append(member.record)
        return records

    def describe(self) -> list[dict[str, Any]]:
        """The members as JSON values, for records and terminals."""
        return [
            {
                "circulation": member.circulation.value,
                "target": member.target.value,
                "name": member.name,
                "checkpoint": str(member.checkpoint),
                "digest": member.digest,
                "finished": member.record.finished if member.record else None,
            }
            for member in self.members
        ]


def _split_of(record: Record) -> tuple[Split, int]:
    facts = record.facts["split"]
    split = read_split(Path(facts["path"]))
    if split.digest != facts["digest"]:
        raise RunError(
            f"{split.path} is not the split that {record.folder} was trained with any more. Restore the file, or "
            "train again."
        )
    return split, int(facts["fold"])


def _find_members(sources: Mapping[str, str], target: Target, outputs: Path) -> dict[Circulation, Member]:
    if set(sources) != {circulation.value for circulation in Circulation}:
        raise ConfigError(
            f"An ensemble needs one {target} member for each of {', '.join(Circulation)}, but the configuration names "
            f"{', '.join(sources) or 'none'}."
        )
    return {
        circulation: _find_member(circulation, target, sources[circulation.value], outputs)
        for circulation in Circulation
    }


def _find_member(circulation: Circulation, target: Target, source: str, outputs: Path) -> Member:
    run = find_training(source, outputs)
    if run.record is not None:
        # The checkpoint is asked again when it is loaded, for a locator only once a patient has passed the gate.
        _check_place(run.record.folder, run.record.facts["rows"], circulation, target)
    return Member(circulation, target, run.name, run.checkpoint, run.record)


def _check_place(source: Path, found: Mapping[str, Any], circulation: Circulation, target: Target) -> None:
    if found != FoldedRows(circulation, target).plain():
        kind = " ".join(str(value) for value in found.values())
        raise RunError(
            f"{source} was trained for rows of the kind {kind}, but the ensemble needs a member for folded "
            f"{circulation} {target} here. Name another model or run."
        )
