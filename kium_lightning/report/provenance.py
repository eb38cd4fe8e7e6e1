"""Where an answer comes from: its nets, what they were trained on, code, versions, hardware and time."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kium_lightning.errors import RunError
from kium_lightning.records import RECORD_NAME, Record, read_record

_SHOWN_DIGITS = 12  # of a revision


@dataclass(frozen=True)
class Net:
    """One trained net of an ensemble; what is not known is None or empty.

    Attributes:
        place: what it does in the ensemble, such as ``anterior presence``.
        name: the model's name.
        checkpoint: the file, below the outputs where it lies there.
        digest: of its content.
        fold: the fold that it was not trained on.
        split: digest of the split that the folds belong to.
        patients: how many it was trained on.
        weights: where its first weights came from.
        epochs: of its training.
        seconds: of its training.
        revision: of the code that trained it.
        overrides: what was set on the command line.
        hardware: in words.
        versions: of Python and packages.
        finished: when its training ended, ISO 8601.
    """

    place: str
    name: str
    checkpoint: str
    digest: str
    fold: int | None = None
    split: str = ""
    patients: int | None = None
    weights: str = ""
    epochs: int | None = None
    seconds: float | None = None
    revision: str = ""
    overrides: tuple[str, ...] = ()
    hardware: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    finished: str = ""


@dataclass(frozen=True)
class Provenance:
    """Everything that is known of how an answer came about.

    Attributes:
        nets: of the ensemble, in the order of the predict run's record.
        facts: of the prediction and the evaluation, name and value.
    """

    nets: tuple[Net, ...]
    facts: tuple[tuple[str, str], ...]

    @property
    def averaged(self) -> int:
        """How many nets stand in one place and are averaged; 0 without nets."""
        return max(Counter(net.place for net in self.nets).values(), default=0)

    @property
    def overrides(self) -> tuple[str, ...]:
        """The settings that all trainings share, apart from the model."""
        given = [net.overrides for net in self.nets if net.overrides]
        if not given:
            return ()
        return tuple(each for each in given[0] if all(each in others for others in given))

    def shared(self, fact: str) -> str:
        """A fact of the nets in words: each value that occurs, once."""
        return ", ".join(dict.fromkeys(str(getattr(net, fact)) for net in self.nets if getattr(net, fact)))

    @property
    def finished(self) -> str:
        """When the first and the last training ended."""
        times = sorted(net.finished[:16].replace("T", " ") for net in self.nets if net.finished)
        if not times:
            return ""
        return f"{times[0]} UTC" if times[0] == times[-1] else f"{times[0]} to {times[-1]} UTC"

    @property
    def versions(self) -> str:
        """Of Python and the packages that the nets were trained with."""
        each = dict.fromkeys(", ".join(" ".join(pair) for pair in net.versions) for net in self.nets if net.versions)
        return "; ".join(each)

    def as_json(self) -> dict[str, Any]:
        """Everything as JSON values."""
        nets = [asdict(net) | {"versions": dict(net.versions), "overrides": list(net.overrides)} for net in self.nets]
        return {"members": nets, **dict(self.facts)}


def shown_path(path: Path | str, outputs: Path) -> str:
    """A path as pages show it: below the outputs folder where it lies there, which keeps a machine's folders out."""
    absolute = Path(path)
    return str(absolute.relative_to(outputs)) if absolute.is_relative_to(outputs) else str(absolute)


def provenance_of(record: Record, outputs: Path, own: Iterable[tuple[str, str]]) -> Provenance:
    """Collects what a predict run and the trainings of its members left in their records.

    Args:
        record: of the predict run.
        outputs: the folder that paths are shown below.
        own: name and value of what is known of the evaluation itself.
    """
    facts = record.facts
    known = [
        ("predicted", f"{record.finished[:16].replace('T', ' ')} UTC, in {shown_path(record.folder, outputs)}"),
        ("prediction took", f"{facts['seconds']:g} s on {facts.get('device', '?')}" if "seconds" in facts else ""),
        ("precision", str(facts.get("precision", ""))),
        ("code that predicted", shown_revision(facts.get("revision"))),
        ("hardware that predicted", shown_hardware(facts.get("hardware", {}))),
        ("versions that predicted", ", ".join(" ".join(pair) for pair in facts.get("versions", {}).items())),
        ("settings of the prediction", " ".join(map(str, facts.get("overrides", ())))),
        ("patients left out for faults", str(len(facts.get("dropped", [])))),
    ]
    nets = tuple(_net(member, outputs) for member in facts.get("members", []))
    return Provenance(nets, tuple((name, value) for name, value in (*known, *own) if value))


def shown_revision(revision: Any) -> str:
    """A git revision, shortened; empty where it is not known."""
    if not revision:
        return ""
    short, _, changed = str(revision).partition("+")
    return short[:_SHOWN_DIGITS] + (" with uncommitted changes" if changed else "")


def shown_hardware(hardware: Mapping[str, Any]) -> str:
    """Devices in words; empty where they are not known."""
    if not hardware:
        return ""
    gpu = f"{hardware['gpus']} × {hardware['gpu']}, " if "gpu" in hardware else ""
    threads = hardware.get("cpu_threads", "?")
    return f"{gpu}{hardware.get('architecture', '')}, {threads} CPU thread{'' if threads == 1 else 's'}"


def _net(member: Mapping[str, Any], outputs: Path) -> Net:
    role = "presence" if member["target"] == "binary" else "locations"
    place = f"{member['circulation']} {role}"
    checkpoint = str(member.get("checkpoint", ""))
    shown = shown_path(checkpoint, outputs)
    fold = member.get("fold")
    record = _training(Path(checkpoint))
    if record is None:
        return Net(place, str(member["name"]), shown, str(member.get("digest", "")), fold)
    facts = record.facts
    split, weights = facts.get("split", {}), facts.get("weights", {})
    return Net(
        place=place,
        name=str(member["name"]),
        checkpoint=shown,
        digest=str(member.get("digest", "")),
        fold=split.get("fold", fold),
        split=str(split.get("digest", "")),
        patients=facts.get("patients", {}).get("training"),
        weights=_shown_weights(weights, outputs),
        epochs=facts.get("epochs"),
        seconds=facts.get("seconds"),
        revision=shown_revision(facts.get("revision")),
        overrides=tuple(map(str, facts.get("overrides", ()))),
        hardware=shown_hardware(facts.get("hardware", {})),
        versions=tuple((name, str(version)) for name, version in facts.get("versions", {}).items()),
        finished=record.finished,
    )


def _training(checkpoint: Path) -> Record | None:
    """The record of the run that a checkpoint lies in; None for a bare one, or where the run is gone."""
    for folder in list(checkpoint.parents)[:3]:
        if (folder / RECORD_NAME).is_file():
            try:
                return read_record(folder)
            except RunError:
                return None
    return None


def _shown_weights(weights: Mapping[str, Any], outputs: Path) -> str:
    """Where first weights came from; empty where it is not known."""
    source, name = str(weights.get("source", "")), str(weights.get("name", ""))
    if source == "none":
        return "random"
    return f"{source} {shown_path(name, outputs)}".strip()
