"""Finding the trained nets that an ensemble is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from kium_lightning.anatomy import Circulation, Target
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.fusion import FuseRules
from kium_lightning.ensemble.members import Member, check_place
from kium_lightning.errors import ConfigError
from kium_lightning.numbers import listed
from kium_lightning.tasks.fold_runs import fold_runs
from kium_lightning.tasks.training_runs import TrainingRun, find_training, is_name

Folds = Literal["all", "newest"]
Sources = Mapping[str, str | Sequence[str]]


def find_ensemble(outputs: str, presence: Sources, locators: Sources, folds: Folds, rules: FuseRules) -> Ensemble:
    """Finds two presence nets and two locators.

    Args:
        outputs: below it the newest finished runs are looked for.
        presence: for ``anterior`` and ``posterior`` a model's name, a run's folder or a checkpoint, or a list of these
            to average, each of which stands for one net.
        locators: likewise.
        folds: what a name stands for: ``newest`` its newest run; ``all`` also the newest runs of the same recipe on
            the other folds of its split, as far as all four members have them.
        rules: how folds, views, projections and sides are joined.

    Raises:
        ConfigError: a circulation is missing or unknown, or ``folds`` has another value.
        RunError: a member cannot be found, or was trained for another place.
    """
    if folds not in get_args(Folds):
        raise ConfigError(f"ensemble.folds is {folds!r}. Choose {' or '.join(get_args(Folds))}.")
    found = [
        _find(circulation, target, sources[circulation.value], Path(outputs), folds)
        for target, sources in ((Target.BINARY, presence), (Target.MULTILABEL, locators))
        for circulation in _circulations(sources, target)
    ]
    common = _common_folds([each.member for each in found])
    return Ensemble(tuple(each.with_folds(common) for each in found), rules)


@dataclass(frozen=True)
class _Found:
    """A member; and the net that its name stands for where other folds cannot be used, None where it has no name."""

    member: Member
    newest: TrainingRun | None

    def with_folds(self, folds: set[int]) -> Member:
        if self.newest is None:
            return self.member
        by_fold = self.member.folds
        nets = tuple(net for fold in by_fold if fold in folds for net in by_fold[fold]) or (self.newest,)
        return Member(self.member.circulation, self.member.target, nets)


def _common_folds(members: Sequence[Member]) -> set[int]:
    """The folds that every member holds a net of; none where the members come from different splits."""
    members = [member for member in members if member.folds]
    splits = {net.known.facts["split"]["digest"] for member in members for net in member.nets if net.record}
    return set.intersection(*(set(member.folds) for member in members)) if len(splits) == 1 else set()


def _circulations(sources: Sources, target: Target) -> list[Circulation]:
    if set(sources) != {circulation.value for circulation in Circulation}:
        raise ConfigError(
            f"An ensemble needs one {target} member for each of {', '.join(Circulation)}, but the configuration names "
            f"{', '.join(sources) or 'none'}."
        )
    return list(Circulation)


def _find(circulation: Circulation, target: Target, source: str | Sequence[str], outputs: Path, folds: Folds) -> _Found:
    runs = [find_training(each, outputs) for each in listed(f"the {target} member of {circulation}", source)]
    for run in runs:
        # The checkpoint is asked again when it is loaded, for a locator only once a patient has passed the gate.
        if run.record is not None:
            check_place(run.record.folder, run.record.facts["rows"], circulation, target)
    is_one_name = isinstance(source, str) and is_name(source)
    if folds == "newest" or not is_one_name or runs[0].record is None:
        return _Found(Member(circulation, target, tuple(runs)), None)
    nets = tuple(TrainingRun.of(record) for record in fold_runs(runs[0].record, outputs).values())
    return _Found(Member(circulation, target, nets), runs[0])
