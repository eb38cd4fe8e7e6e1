"""What can stand on a page beside the numbers of the answer itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.report.audited import Audited
from kium_lightning.report.paired import Against, Probe
from kium_lightning.report.provenance import Provenance
from kium_lightning.report.sizes import SizeBin
from kium_lightning.report.worst import Pictures, Worst

NO_SIZES = "The sizes of these patients' aneurysms are not known."
NO_PROBE = "What file metadata alone would reach was not looked at."
NO_AUDIT = (
    "These data were not audited, so that shared patients, doubled images or a shortcut in the files are not ruled "
    "out: run python -m kium_lightning.audit on their cohort."
)


@dataclass(frozen=True)
class Source:
    """Where the numbers on a page come from.

    Attributes:
        cohort: the cohort's name; empty where it is not known.
        answer: the answer file.
        groundtruth: the file of the truth.
        date: of the evaluation, in words.
        thresholds: that the calls were made with; None where they are not known.
    """

    cohort: str
    answer: Path
    groundtruth: Path
    date: str
    thresholds: Thresholds | None


@dataclass(frozen=True)
class Context:
    """Everything a page can show beside the numbers; each part may be unknown.

    Attributes:
        sizes: sensitivity by size.
        probe: what file metadata alone reach.
        worst: the worst-judged patients.
        pictures: of these.
        audited: what the newest audit of the cohort found.
        against: another answer about the same patients.
        provenance: where the answer comes from.
        calibration_effect: a plot of what calibration changed, SVG.
        warnings: what a reader must know before any number, a sentence each.
        because: why ``sizes``, ``probe`` or ``audited`` is unknown, a sentence each, by its name.
    """

    sizes: tuple[SizeBin, ...] | None = None
    probe: Probe | None = None
    worst: Worst | None = None
    pictures: Pictures = field(default_factory=Pictures)
    audited: Audited | None = None
    against: Against | None = None
    provenance: Provenance | None = None
    calibration_effect: str | None = None
    warnings: tuple[str, ...] = ()
    because: Mapping[str, str] = field(default_factory=dict)

    def why(self, part: str) -> str:
        """Why a part is unknown."""
        return self.because.get(part, {"sizes": NO_SIZES, "probe": NO_PROBE, "audited": NO_AUDIT}[part])

    def as_json(self) -> dict[str, Any]:
        """All parts as JSON values; null for what is unknown."""
        return {
            "warnings": list(self.warnings),
            "metadata_probe": self.probe and self.probe.as_json(),
            "by_size": None if self.sizes is None else [each.as_json() for each in self.sizes],
            "worst": self.worst and self.worst.as_json(),
            "against": self.against and self.against.as_json(),
            "audit": self.audited and self.audited.as_json(),
            "provenance": self.provenance and self.provenance.as_json(),
        }
