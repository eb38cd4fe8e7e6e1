"""Views that were exchanged, misfiled or mirrored, as their content tells."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kium_lightning.anatomy import Circulation, Projection, Side, View
from kium_lightning.audit.finding import Finding, Kind, Outcome, Severity, Shown, Verdict
from kium_lightning.audit.parts import Folds
from kium_lightning.audit.recognition import Answers, Recognition, recognise
from kium_lightning.audit.survey import Surveyed
from kium_lightning.audit.view_file import ViewFile

CHECK = "Views by content"
# An answer below the first number, and as many spreads below a usual one as the second, is evidence.
_ALONE = (-0.6, 5.0)
_TOGETHER = (-0.2, 3.5)  # where both pictures of an exchange say so; measured in docs/audit.md


@dataclass(frozen=True)
class _Wrong:
    """One picture, or two that were exchanged, and what is wrong with it."""

    kind: Kind
    files: tuple[ViewFile, ...]


def check_views(surveyed: Sequence[Surveyed], folds: Folds, least_patients: int, folder: Path | None = None) -> Outcome:
    """Finds pictures that look like another view than the one they are filed as.

    Args:
        surveyed: all pictures of the cohort.
        folds: of the training patients.
        least_patients: with fewer the check does not speak.
        folder: for what is kept of each picture meanwhile; None for the system's.
    """
    owners = sorted({each.file.owner for each in surveyed})
    if len(owners) < least_patients:
        said = f"Needs at least {least_patients} patients to learn what views look like; there are {len(owners)}."
        return Outcome(CHECK, Verdict.NOT_CHECKED, said)
    number = {owner: place for place, owner in enumerate(owners)}
    patients = np.array([number[each.file.owner] for each in surveyed])
    # neighbours in the order of Index may come from one hospital or one day
    order = np.random.default_rng(0).permutation(len(owners))
    answers = recognise(
        [each.picture for each in surveyed], [each.file.view for each in surveyed], order[patients], folder
    )
    if all(np.isnan(values.values).all() for values in _all(answers)):
        said = "These pictures are so unlike those of other patients that their views cannot be told apart."
        return Outcome(CHECK, Verdict.NOT_CHECKED, said)
    files = [each.file for each in surveyed]
    examples = _examples(files, answers)
    findings = [_finding(wrong, folds, examples, answers) for wrong in _wrong(files, answers)]
    return Outcome.of(CHECK, findings, _said(len(owners), answers))


def _wrong(files: Sequence[ViewFile], answers: Recognition) -> list[_Wrong]:
    place = {(file.owner, file.view): number for number, file in enumerate(files)}
    wrong: list[_Wrong] = []
    blamed: set[int] = set()
    for kind, values in (
        (Kind.EXCHANGED_CIRCULATIONS, answers.circulation),
        (Kind.EXCHANGED_PROJECTIONS, answers.projection),
        (Kind.EXCHANGED_SIDES, answers.way_round),
    ):
        doubtful = values.is_below(*_TOGETHER)
        for number, file in enumerate(files):
            other = place.get((file.owner, _partner(file.view, kind)))
            if other is None or other < number or {number, other} & blamed:
                continue
            if kind is Kind.EXCHANGED_SIDES and not _has_sides(file.view, answers):
                continue
            if doubtful[number] and doubtful[other]:
                wrong.append(_Wrong(kind, (file, files[other])))
                blamed |= {number, other}
    kinds = (Kind.OTHER_CIRCULATION, Kind.OTHER_PROJECTION, Kind.MIRRORED)
    alone = [values.is_below(*_ALONE) for values in _all(answers)]
    for number, file in enumerate(files):
        # a picture that is one thing wrong may look somewhat like another: the plainest answer speaks
        said = [
            (float(values.values[number]), kind)
            for kind, values, doubtful in zip(kinds, _all(answers), alone, strict=True)
            if doubtful[number]
        ]
        if said and number not in blamed:
            wrong.append(_Wrong(min(said)[1], (file,)))
    return sorted(wrong, key=lambda each: (each.files[0].owner, each.files[0].view.code))


def _partner(view: View, kind: Kind) -> View:
    """The view that an exchange would have put in a view's place."""
    side, circulation, projection = view.side, view.circulation, view.projection
    if kind is Kind.EXCHANGED_SIDES:
        side = side.mirrored
    elif kind is Kind.EXCHANGED_CIRCULATIONS:
        circulation = next(other for other in Circulation if other is not circulation)
    else:
        projection = next(other for other in Projection if other is not projection)
    return next(
        each for each in View if (each.side, each.circulation, each.projection) == (side, circulation, projection)
    )


def _has_sides(view: View, answers: Recognition) -> bool:
    return (view.circulation, view.projection) in answers.mirrored_sides


def _examples(files: Sequence[ViewFile], answers: Recognition) -> dict[View, ViewFile]:
    """The most usual picture of each view: the one whose answers lie nearest to 1."""
    off = np.nansum([np.abs(values.values - 1.0) for values in _all(answers)], axis=0)
    examples: dict[View, tuple[float, ViewFile]] = {}
    for file, distance in zip(files, off, strict=True):
        if file.view not in examples or distance < examples[file.view][0]:
            examples[file.view] = (float(distance), file)
    return {view: file for view, (_, file) in examples.items()}


def _all(answers: Recognition) -> tuple[Answers, Answers, Answers]:
    return answers.circulation, answers.projection, answers.way_round


_SENTENCES = {
    Kind.EXCHANGED_CIRCULATIONS: "{a} and {b} seem exchanged: each shows the other's circulation.",
    Kind.EXCHANGED_PROJECTIONS: "{a} and {b} seem exchanged: each shows the other's projection.",
    Kind.EXCHANGED_SIDES: "{a} and {b} seem exchanged: each looks like the other side (or each is mirrored).",
    Kind.OTHER_CIRCULATION: "{a} looks like {circulation}.",
    Kind.OTHER_PROJECTION: "{a} looks like {projection}.",
    Kind.MIRRORED: "{a} looks mirrored{side}.",
}


def _finding(wrong: _Wrong, folds: Folds, examples: dict[View, ViewFile], answers: Recognition) -> Finding:
    file = wrong.files[0]
    view, owner = file.view, file.owner
    has_sides = _has_sides(view, answers)
    words = {
        "a": view.code,
        "b": wrong.files[-1].view.code,
        "circulation": "a vertebral injection" if view.circulation is Circulation.ANTERIOR else "a carotid injection",
        "projection": "a lateral view" if view.projection is Projection.FRONTAL else "a frontal view",
        "side": f", or like one of the {_OTHER_SIDE[view.side]} side" if has_sides else "",
    }
    sentence = f"Patient {owner.patient} ({folds.place(owner)}): {_SENTENCES[wrong.kind].format(**words)}"
    remedy = "Look at the pictures; rename the files if it is so."
    if wrong.kind is Kind.EXCHANGED_SIDES:
        laterals = [
            each.code for each in View if each.circulation is view.circulation and not _has_sides(each, answers)
        ]
        if laterals:
            remedy = (
                f"Look at the pictures, and at {' and '.join(laterals)}, whose sides content does not tell; rename the "
                "files if it is so."
            )
    elif wrong.kind is Kind.MIRRORED:
        remedy = "Look at the picture; flip or replace it if it is so."
    shown = [Shown(each, f"{each.name}, doubtful") for each in wrong.files]
    shown += [Shown(examples[each.view], f"{examples[each.view].name}, a usual one") for each in wrong.files]
    codes = tuple(each.view.code for each in wrong.files)
    return Finding(
        wrong.kind, Severity.SERIOUS, sentence, remedy, (owner.patient,), codes, folds.places([owner]), tuple(shown)
    )


_OTHER_SIDE = {Side.LEFT: "right", Side.RIGHT: "left"}


def _said(patients: int, answers: Recognition) -> str:
    said = f"Models of {patients} patients' views, each patient judged by models of the others."
    alike = [
        f"{view.code} and {view.mirrored.code}"
        for view in View
        if view.side is Side.LEFT and not _has_sides(view, answers)
    ]
    if alike:
        said += f" An exchange of sides cannot be seen between {', or '.join(alike)}: both sides look alike."
    if answers.silent:
        said += f" Not answered by this cohort: {'; '.join(answers.silent)}."
    return said
