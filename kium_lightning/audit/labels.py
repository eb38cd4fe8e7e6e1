"""Labels, tables and splits that contradict themselves or each other."""

from collections.abc import Sequence

from kium_lightning.anatomy import PRESENCE_COLUMN
from kium_lightning.audit.finding import Finding, Kind, Outcome, Severity
from kium_lightning.audit.parts import AuditedPart, Folds
from kium_lightning.audit.survey import Unreadable

FILES_CHECK = "Tables and files"
SPLIT_CHECK = "Parts of the cohort"


def check_tables(parts: Sequence[AuditedPart], unreadable: Sequence[Unreadable]) -> Outcome:
    """Lists every fault of the tables and files, and labels that are all equal."""
    findings = []
    for part in parts:
        for fault in part.faults:
            patients = () if fault.patient is None else (fault.patient,)
            views = (fault.view,) if fault.view else ()
            who = "" if fault.patient is None else f"Patient {fault.patient}{f' {fault.view}' if fault.view else ''}: "
            sentence = f"{who}{fault.fault}"
            findings.append(
                Finding(Kind.FAULT, Severity.SERIOUS, sentence, fault.remedy, patients, views, (part.name,))
            )
        findings += _constant(part)
    for bad in unreadable:
        file = bad.file
        remedy = "Put a complete 8-bit JPEG or PNG in its place."
        owner, views = file.owner, (file.view.code,)
        findings.append(
            Finding(Kind.FAULT, Severity.SERIOUS, bad.fault, remedy, (owner.patient,), views, (owner.part,))
        )
    counted = " and ".join(
        f"{len({file.owner for file in part.files})} patients of {part.name} with {len(part.files)} images"
        for part in parts
    )
    return Outcome.of(FILES_CHECK, findings, f"Labels, names and contents of {counted}.")


def _constant(part: AuditedPart) -> list[Finding]:
    """A finding where every known label of presence is equal: nothing can be learnt or measured."""
    if part.labels is None or len(part.labels) < 2 or part.labels[PRESENCE_COLUMN].nunique() > 1:
        return []
    value = int(part.labels[PRESENCE_COLUMN].iloc[0])
    sentence = f"{PRESENCE_COLUMN} is {value} for all {len(part.labels)} patients of {part.name}."
    remedy = "Give the labels of patients with and without an aneurysm."
    return [Finding(Kind.CONSTANT_LABELS, Severity.SERIOUS, sentence, remedy, (), (), (part.name,))]


def check_parts(parts: Sequence[AuditedPart], folds: Folds, unreadable: Sequence[Unreadable]) -> Outcome:
    """Finds patients who stand in two parts of the cohort, and a split that does not fit its patients."""
    findings = []
    owners = {part.name: {file.owner.patient for file in part.files} | set(part.catalog.patients) for part in parts}
    if len(owners) == 2:
        first, second = owners
        both = sorted(owners[first] & owners[second])
        if both:
            sentence = f"Both {first} and {second} hold patients with the Index {_some(both)}."
            remedy = "If they are the same people, take them out of one part; else number the others anew."
            findings.append(
                Finding(Kind.INDEX_IN_BOTH, Severity.SERIOUS, sentence, remedy, tuple(both), (), (first, second))
            )
    if folds.fault:
        remedy = "Delete the file to draw the folds anew, and train anew."
        findings.append(Finding(Kind.SPLIT_FAULT, Severity.SERIOUS, folds.fault, remedy, (), (), ("train_set",)))
    if folds.split is not None and "train_set" in owners:
        # patients with faults may have been left out when the split was drawn
        faulty = {bad.file.owner.patient for bad in unreadable if bad.file.owner.part == "train_set"}
        findings += _unfitting(folds, {part.name: part for part in parts}["train_set"], faulty)
    split = "No split was drawn yet" if folds.split is None else f"The split has {len(folds.split.folds)} folds"
    missing = "" if len(owners) == 2 else f" Only {next(iter(owners))} is there."
    return Outcome.of(
        SPLIT_CHECK, findings, f"{split}.{missing}" if not folds.fault else f"The split is at fault.{missing}"
    )


def _unfitting(folds: Folds, part: AuditedPart, unreadable: set[int]) -> list[Finding]:
    assert folds.split is not None
    dealt = {patient for fold in folds.split.folds for patient in fold}
    faulty = unreadable | {fault.patient for fault in part.faults if fault.patient is not None}
    alone = sorted((dealt ^ set(part.catalog.patients)) - faulty)
    if not alone:
        return []
    sentence = f"Only one of the split {folds.split.path.name} and the table holds: {_some(alone)}."
    remedy = "Delete the file to draw the folds anew, and train anew."
    return [Finding(Kind.SPLIT_FAULT, Severity.SERIOUS, sentence, remedy, tuple(alone), (), (part.name,))]


def _some(patients: Sequence[int], most: int = 8) -> str:
    listed = ", ".join(map(str, patients[:most]))
    return listed if len(patients) <= most else f"{listed} and {len(patients) - most} more"
