"""What the newest audit of a cohort found, as far as its record says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kium_lightning.records import Record, finished_runs
from kium_lightning.report.provenance import shown_path


@dataclass(frozen=True)
class Check:
    """One thing that was looked for.

    Attributes:
        name: what.
        findings: how many.
        said: what there is to say, in a sentence.
    """

    name: str
    findings: int
    said: str


@dataclass(frozen=True)
class Audited:
    """An audit in a few lines.

    Attributes:
        folder: of its run, below the outputs where it lies there.
        finished: when, ISO 8601.
        verdict: a sentence.
        findings: how many there are in all.
        checks: what was looked for.
    """

    folder: str
    finished: str
    verdict: str
    findings: int
    checks: tuple[Check, ...]

    def as_json(self) -> dict[str, Any]:
        """All values."""
        return asdict(self)


def newest_audit(outputs: Path, cohort: Path) -> Audited | None:
    """Finds the newest finished audit of a cohort's folder; None where it was never audited."""
    for record in finished_runs(outputs, "audit"):
        about = record.facts.get("cohort", {})
        if about.get("folder") == str(cohort):
            return _audited(record, outputs)
    return None


def _audited(record: Record, outputs: Path) -> Audited:
    summary: Mapping[str, Any] = record.facts["summary"]
    checks = tuple(_check(check) for check in summary["checks"])
    folder = shown_path(record.folder, outputs)
    return Audited(folder, record.finished, str(summary["verdict"]), int(summary["findings"]), checks)


def _check(told: Mapping[str, Any]) -> Check:
    said = f"{str(told['verdict']).capitalize()}. {told['said']}"
    return Check(str(told["check"]), int(told["findings"]), said.strip())
