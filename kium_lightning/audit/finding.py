"""What an audit says: findings, and for each check whether it found something or could not speak."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kium_lightning.audit.view_file import ViewFile


class Kind(StrEnum):
    """What was found."""

    FAULT = "fault"
    INDEX_IN_BOTH = "index in both parts"
    CONSTANT_LABELS = "constant labels"
    COPY_WITH_OTHER_LABELS = "copy with other labels"
    SPLIT_FAULT = "split fault"
    COVERED = "covered picture"
    SHARED_PATIENT = "shared patient"
    DUPLICATE_IMAGE = "duplicate image"
    REPEATED_VIEW = "one picture in two views"
    SHORTCUT = "shortcut"
    EXCHANGED_SIDES = "exchanged sides"
    EXCHANGED_CIRCULATIONS = "exchanged circulations"
    EXCHANGED_PROJECTIONS = "exchanged projections"
    OTHER_CIRCULATION = "other circulation"
    OTHER_PROJECTION = "other projection"
    MIRRORED = "mirrored picture"


class Severity(StrEnum):
    """Serious is what makes a result untrue; minor is what a person should look at."""

    SERIOUS = "serious"
    MINOR = "minor"


class Verdict(StrEnum):
    """How a check ended."""

    CLEAN = "clean"
    FOUND = "found"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class Shown:
    """A picture that the page shows with a finding, and the words below it."""

    file: ViewFile
    caption: str


@dataclass(frozen=True)
class Finding:
    """Something that a person has to look at.

    Attributes:
        kind: what it is.
        severity: how much it matters.
        sentence: what was found and where.
        remedy: what to do, a sentence.
        patients: the patients' ``Index`` concerned; may be empty.
        views: the codes of the views concerned; may be empty.
        parts: of the cohort, with the fold where there is a split, such as ``train_set, fold 2``.
        shown: pictures that let a person judge.
    """

    kind: Kind
    severity: Severity
    sentence: str
    remedy: str
    patients: tuple[int, ...] = ()
    views: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The finding as JSON values."""
        return {
            "kind": self.kind.value,
            "severity": self.severity.value,
            "sentence": self.sentence,
            "remedy": self.remedy,
            "patients": list(self.patients),
            "views": list(self.views),
            "parts": list(self.parts),
            "files": [str(shown.file.path) for shown in self.shown],
        }


@dataclass(frozen=True)
class Outcome:
    """How one check ended.

    Attributes:
        check: its name.
        verdict: found something, clean, or not checked.
        said: what was looked at, or why it could not be; a sentence or two.
        findings: empty unless something was found.
    """

    check: str
    verdict: Verdict
    said: str
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, check: str, findings: list[Finding], said: str) -> "Outcome":
        """The outcome of a check that was able to speak."""
        return cls(check, Verdict.FOUND if findings else Verdict.CLEAN, said, tuple(findings))

    @property
    def words(self) -> str:
        """The verdict in words, such as ``3 findings``."""
        if self.verdict is not Verdict.FOUND:
            return self.verdict.value
        return "1 finding" if len(self.findings) == 1 else f"{len(self.findings)} findings"

    def plain(self) -> dict[str, Any]:
        """The outcome as JSON values, without its findings."""
        return {
            "check": self.check,
            "verdict": self.verdict.value,
            "findings": len(self.findings),
            "said": self.said,
        }
