"""All checks of a cohort, one after the other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.audit.covered import check_cleaning, is_covered
from kium_lightning.audit.duplicates import LeastCorrelation, check_duplicates, labels_by_owner, same_pictures
from kium_lightning.audit.finding import Finding, Outcome, Severity, Verdict
from kium_lightning.audit.labels import check_parts, check_tables
from kium_lightning.audit.metadata import summarised
from kium_lightning.audit.parts import AuditedPart, read_folds, read_parts
from kium_lightning.audit.shortcuts import Probe, ProbeSettings, check_shortcuts, probe_files
from kium_lightning.audit.survey import Surveyed, survey
from kium_lightning.audit.swaps import check_views
from kium_lightning.data.cohort import CohortFolder


@dataclass(frozen=True)
class AuditSettings:
    """How a cohort is audited.

    Attributes:
        split_file: of the training patients; it need not exist.
        cache_folder: where what cleaning finds is remembered.
        workers: processes; None for one per core.
        least: correlations from which pictures are one.
        least_patients: that the check of views needs.
        probes: how labels are probed.
    """

    split_file: Path
    cache_folder: Path
    workers: int | None
    least: LeastCorrelation
    least_patients: int
    probes: ProbeSettings


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes:
        outcomes: of each check, in the order in which they are told.
        probes: what classifiers made of the files.
        patients: per part.
        images: that were read, per part.
    """

    outcomes: tuple[Outcome, ...]
    probes: tuple[Probe, ...]
    patients: dict[str, int]
    images: dict[str, int]

    @property
    def findings(self) -> list[Finding]:
        """All findings, the serious ones first."""
        found = [finding for outcome in self.outcomes for finding in outcome.findings]
        return sorted(found, key=lambda finding: finding.severity is not Severity.SERIOUS)

    @property
    def verdict(self) -> str:
        """One sentence for whoever reads nothing else."""
        found = self.findings
        silent = [outcome.check.lower() for outcome in self.outcomes if outcome.verdict is Verdict.NOT_CHECKED]
        unchecked = f" Not checked: {', '.join(silent)}." if silent else ""
        if not found:
            return f"Nothing was found.{unchecked}"
        serious = sum(finding.severity is Severity.SERIOUS for finding in found)
        count = "1 finding" if len(found) == 1 else f"{len(found)} findings"
        return f"{count}, {serious} of them serious.{unchecked}"

    def summary(self) -> dict[str, Any]:
        """What a record keeps and other pages quote, as JSON values."""
        return {
            "verdict": self.verdict,
            "findings": len(self.findings),
            "serious": sum(finding.severity is Severity.SERIOUS for finding in self.findings),
            "kinds": dict(Counter(finding.kind.value for finding in self.findings)),
            "checks": [outcome.plain() for outcome in self.outcomes],
            "patients": self.patients,
            "images": self.images,
        }

    def plain(self) -> dict[str, Any]:
        """Everything, as JSON values."""
        found = [
            {"check": outcome.check, **finding.plain()} for outcome in self.outcomes for finding in outcome.findings
        ]
        return {"summary": self.summary(), "findings": found, "probes": [probe.plain() for probe in self.probes]}


def audit_cohort(cohort: CohortFolder, settings: AuditSettings) -> Audit:
    """Does all checks.

    Raises:
        CohortError: a table is missing or is none, or no patient of a part is without a fault.
    """
    parts, folds = read_parts(cohort), read_folds(settings.split_file)
    files = [file for part in parts for file in part.files]
    surveyed, unreadable = survey(files, settings.cache_folder, settings.workers)
    labels = {owner: row for part in parts for owner, row in labels_by_owner(part.name, part.labels).items()}
    probes = _probes(parts, surveyed, settings.probes)
    same = same_pictures(surveyed, settings.least, settings.workers, settings.cache_folder)
    seen = [each for each in surveyed if not is_covered(each)]
    outcomes = (
        check_tables(parts, unreadable),
        check_parts(parts, folds, unreadable),
        check_duplicates(same, len(surveyed), folds, labels),
        check_cleaning(surveyed, folds),
        check_views(seen, folds, settings.least_patients, settings.cache_folder),
        check_shortcuts(probes, settings.probes),
    )
    patients = {part.name: len({file.owner for file in part.files}) for part in parts}
    images = {part.name: sum(each.file.owner.part == part.name for each in surveyed) for part in parts}
    return Audit(outcomes, tuple(probes), patients, images)


def _probes(parts: Sequence[AuditedPart], surveyed: Sequence[Surveyed], settings: ProbeSettings) -> list[Probe]:
    """Probes the training patients who have no fault."""
    for part in parts:
        if part.name == "train_set" and part.labels is not None:
            facts = {
                (each.file.owner.patient, each.file.view): each.facts
                for each in surveyed
                if each.file.owner.part == part.name
            }
            features = summarised(part.catalog.patients, facts)
            return probe_files(features, part.labels.loc[features[INDEX_COLUMN]], settings)
    return []
