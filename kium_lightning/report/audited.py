"""What the newest audit of a cohort found, as far as its record says."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kium_lightning.records import Record, finished_runs
from kium_lightning.report.provenance import shown_path


@dataclass(frozen=True)
class Audited:
    """An audit in a few lines.

    Attributes:
        folder: of its run, below the outputs where it lies there.
        finished: when, ISO 8601.
        is_clean: whether it found nothing; None where its record does not say.
        findings: a line each: what was looked for, and what was found.
    """

    folder: str
    finished: str
    is_clean: bool | None
    findings: tuple[tuple[str, str], ...]

    def as_json(self) -> dict[str, Any]:
        """All values."""
        return asdict(self) | {"findings": dict(self.findings)}


def newest_audit(outputs: Path, cohort: Path) -> Audited | None:
    """Finds the newest finished audit of a cohort's folder; None where it was never audited."""
    for record in finished_runs(outputs, "audit"):
        about = record.facts.get("cohort")
        path = about.get("path") if isinstance(about, Mapping) else about
        if path is not None and Path(path) == cohort:
            return _audited(record, outputs)
    return None


def _audited(record: Record, outputs: Path) -> Audited:
    summary = record.facts.get("summary", {})
    lines = summary.items() if isinstance(summary, Mapping) else []
    return Audited(
        shown_path(record.folder, outputs),
        record.finished,
        record.facts.get("clean"),
        tuple((str(name).replace("_", " "), str(value)) for name, value in lines),
    )
