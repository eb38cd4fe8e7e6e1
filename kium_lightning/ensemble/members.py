"""A member of an ensemble: its place there, and the trained nets whose scores are averaged in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kium_lightning.anatomy import Circulation, Target
from kium_lightning.data.folding import FoldedRows
from kium_lightning.errors import RunError
from kium_lightning.tasks.checkpoint import LoadedTask, load_task
from kium_lightning.tasks.training_runs import TrainingRun


@dataclass(frozen=True)
class Member:
    """A place in the ensemble, and the nets whose scores are averaged there.

    Attributes:
        circulation: whose views it scores.
        target: binary for stage 1, multilabel for stage 2.
        nets: at least one; several are of different folds.
    """

    circulation: Circulation
    target: Target
    nets: tuple[TrainingRun, ...]

    @property
    def name(self) -> str:
        """The model's name; several where its nets are of different models."""
        return ", ".join(dict.fromkeys(net.name for net in self.nets))

    @property
    def words(self) -> str:
        """Its nets in a line: the one checkpoint, or the folds that are averaged."""
        if len(self.nets) == 1:
            return f"{self.name} ({self.nets[0].checkpoint})"
        folds = ", ".join("?" if net.fold is None else str(net.fold) for net in self.nets)
        return f"{self.name}, mean of {len(self.nets)} nets (folds {folds})"

    @property
    def digest(self) -> str:
        """A hash of the content of all its checkpoints, by which thresholds know their members."""
        return "+".join(net.digest for net in self.nets)

    @property
    def folds(self) -> dict[int, tuple[TrainingRun, ...]]:
        """Its nets by the fold that they held out; without bare checkpoints."""
        found: dict[int, tuple[TrainingRun, ...]] = {}
        for net in self.nets:
            if net.fold is not None:
                found[net.fold] = (*found.get(net.fold, ()), net)
        return found

    def load(self) -> list[LoadedTask]:
        """Rebuilds the trained tasks.

        Raises:
            RunError: a checkpoint is missing or damaged, or was trained for another task or place in the ensemble, or
                the nets look at differently prepared images.
        """
        loaded = [load_task(net.checkpoint) for net in self.nets]
        for net, each in zip(self.nets, loaded, strict=True):
            check_place(net.checkpoint, each.task.rows.plain(), self.circulation, self.target)
            if each.preparation != loaded[0].preparation:
                raise RunError(
                    f"{net.checkpoint} looks at images prepared in another way than {self.nets[0].checkpoint}. Average "
                    "nets of one recipe."
                )
        return loaded

    def describe(self) -> list[dict[str, Any]]:
        """Its nets as JSON values, for records and terminals."""
        return [
            {
                "circulation": self.circulation.value,
                "target": self.target.value,
                "name": net.name,
                "fold": net.fold,
                "checkpoint": str(net.checkpoint),
                "digest": net.digest,
                "finished": net.record.finished if net.record else None,
            }
            for net in self.nets
        ]


def check_place(source: Path, found: Mapping[str, Any], circulation: Circulation, target: Target) -> None:
    """Checks that a net was trained for a place in the ensemble.

    Args:
        source: its run or checkpoint, for the message.
        found: the rows it was trained on.
        circulation: of the place.
        target: of the place.

    Raises:
        RunError: it was trained for another.
    """
    if found != FoldedRows(circulation, target).plain():
        kind = " ".join(str(value) for value in found.values())
        raise RunError(
            f"{source} was trained for rows of the kind {kind}, but the ensemble needs a member for folded "
            f"{circulation} {target} here. Name another model or run."
        )
