"""The ensemble: two presence nets and two locators, each averaged over the folds that it was trained on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kium_lightning.anatomy import Circulation, Target
from kium_lightning.ensemble.fusion import FuseRules
from kium_lightning.ensemble.members import Member
from kium_lightning.errors import RunError
from kium_lightning.tasks.training_runs import TrainingRun


@dataclass(frozen=True)
class Ensemble:
    """Two presence nets, two locators and the rules that join their scores.

    Attributes:
        members: all four, presence nets first.
        rules: how folds, views, projections and sides are joined.
    """

    members: tuple[Member, ...]
    rules: FuseRules

    @property
    def presence(self) -> dict[Circulation, Member]:
        """Stage 1."""
        return {each.circulation: each for each in self.members if each.target is Target.BINARY}

    @property
    def locators(self) -> dict[Circulation, Member]:
        """Stage 2."""
        return {each.circulation: each for each in self.members if each.target is Target.MULTILABEL}

    @property
    def nets(self) -> list[TrainingRun]:
        """All nets of all members."""
        return [net for member in self.members for net in member.nets]

    @property
    def digests(self) -> dict[str, str]:
        """The content of each member, as written beside thresholds."""
        return {f"{member.target}_{member.circulation}": member.digest for member in self.members}

    def describe(self) -> list[dict[str, Any]]:
        """All nets as JSON values, for records."""
        return [facts for member in self.members for facts in member.describe()]

    def lines(self) -> list[str]:
        """One line per member, for terminals."""
        return [f"{member.target} {member.circulation}: {member.words}" for member in self.members]

    def cohort(self) -> tuple[str, Path]:
        """The name and folder of the cohort that all nets were trained on.

        Raises:
            RunError: a net has no run's record, or they were trained on different cohorts.
        """
        records = [net.known for net in self.nets]
        found = {(record.facts["cohort"]["name"], record.facts["cohort"]["path"]) for record in records}
        if len(found) > 1:
            paths = " and ".join(sorted(path for _, path in found))
            raise RunError(f"The members were trained on different cohorts: {paths}. Choose members of one cohort.")
        name, path = found.pop()
        return str(name), Path(path)

    @property
    def averaged(self) -> int:
        """How many nets are averaged in the place that has most."""
        return max(len(member.nets) for member in self.members)

    @property
    def is_chosen_by_held_out(self) -> bool:
        """Whether the held-out patients of a net chose its epoch, too."""
        return any(net.known.facts["split"].get("validation", "held_out") == "held_out" for net in self.nets)

    def trained_on(self) -> list[int]:
        """The patients that every net learnt from.

        Raises:
            RunError: a net has no run's record, or there is no such patient.
            SplitError: a split file is missing, or is no longer the one that a net was trained with.
        """
        patients = set.intersection(*(net.trained_on() for net in self.nets))
        if not patients:
            raise RunError(
                "There is no patient that every net of the ensemble learnt from: the nets of all folds together have "
                "none. Choose ensemble.folds=newest."
            )
        return sorted(patients)

    def by_fold(self) -> dict[int, tuple["Ensemble", list[int]]]:
        """For each fold the nets that held it out, and the patients whom none of these nets saw.

        Raises:
            RunError: a net has no run's record, or there is no fold that all members held out.
            SplitError: a split file is missing, or is no longer the one that a net was trained with.
        """
        unknown = [net for net in self.nets if net.record is None]
        folds = [] if unknown and unknown[0].known else [set(member.folds) for member in self.members]
        found: dict[int, tuple[Ensemble, list[int]]] = {}
        for fold in sorted(set.intersection(*folds)):
            alone = tuple(Member(each.circulation, each.target, each.folds[fold]) for each in self.members)
            patients = set.intersection(*(net.held_out() for each in alone for net in each.nets))
            patients -= {patient for _, others in found.values() for patient in others}
            if patients:
                found[fold] = Ensemble(alone, self.rules), sorted(patients)
        if not found:
            raise RunError(
                "There is no patient that none of the members saw in training: their folds differ. Choose members that "
                "were trained with one data.fold."
            )
        return found
