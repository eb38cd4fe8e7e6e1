from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from altered_files import sketch

from kium_lightning.anatomy import View
from kium_lightning.audit.file_facts import FileFacts
from kium_lightning.audit.finding import Finding, Kind, Verdict
from kium_lightning.audit.parts import Folds
from kium_lightning.audit.survey import Surveyed
from kium_lightning.audit.swaps import check_views
from kium_lightning.audit.view_file import Owner, ViewFile

PATIENTS = 60
UNKNOWN = FileFacts(*[float("nan")] * len(FileFacts._fields))


@pytest.fixture(scope="module")
def sketches() -> list[Surveyed]:
    """Simple drawings of the eight views of patients 0 to 59."""
    rng = np.random.default_rng(0)
    return [
        Surveyed(
            ViewFile(Owner("train_set", patient), view, Path(f"{patient}{view.code}.jpg")),
            UNKNOWN,
            "",
            sketch(view, rng),
        )
        for patient in range(PATIENTS)
        for view in View
    ]


def with_pictures(read: list[Surveyed], patient: int, pictures: dict[str, np.ndarray]) -> list[Surveyed]:
    """The pictures with some of one patient replaced."""
    return [
        replace(each, picture=pictures[each.file.view.code])
        if each.file.owner.patient == patient and each.file.view.code in pictures
        else each
        for each in read
    ]


def exchanged(read: list[Surveyed], patient: int, *pairs: tuple[str, str]) -> list[Surveyed]:
    own = {each.file.view.code: each.picture for each in read if each.file.owner.patient == patient}
    pictures = {name: own[other] for pair in pairs for name, other in (pair, pair[::-1])}
    return with_pictures(read, patient, pictures)


def found(read: list[Surveyed]) -> list[tuple[int, Kind, tuple[str, ...]]]:
    def key(finding: Finding) -> tuple[int, Kind, tuple[str, ...]]:
        return finding.patients[0], finding.kind, finding.views

    return [key(finding) for finding in check_views(read, Folds(), 50).findings]


def test_an_untouched_cohort_is_clean(sketches: list[Surveyed]) -> None:
    outcome = check_views(sketches, Folds(), 50)
    assert outcome.verdict is Verdict.CLEAN
    assert "LI-B and RI-B" in outcome.said  # whose sides look alike here


def test_too_few_patients_are_not_checked_and_never_called_clean(sketches: list[Surveyed]) -> None:
    outcome = check_views(sketches, Folds(), PATIENTS + 1)
    assert outcome.verdict is Verdict.NOT_CHECKED
    assert f"at least {PATIENTS + 1} patients" in outcome.said


@pytest.mark.parametrize(
    ("pair", "kind"),
    [
        (("LI-A", "RI-A"), Kind.EXCHANGED_SIDES),
        (("LV-A", "RV-A"), Kind.EXCHANGED_SIDES),
        (("LI-A", "LV-A"), Kind.EXCHANGED_CIRCULATIONS),
        (("RI-B", "RV-B"), Kind.EXCHANGED_CIRCULATIONS),
        (("RV-A", "RV-B"), Kind.EXCHANGED_PROJECTIONS),
    ],
)
def test_an_exchange_of_two_views_is_one_finding_that_names_both(
    pair: tuple[str, str], kind: Kind, sketches: list[Surveyed]
) -> None:
    assert found(exchanged(sketches, 7, pair)) == [(7, kind, pair)]


def test_an_exchange_of_whole_sides_asks_for_a_look_at_the_lateral_views(sketches: list[Surveyed]) -> None:
    findings = check_views(exchanged(sketches, 7, ("LI-A", "RI-A"), ("LI-B", "RI-B")), Folds(), 50).findings
    assert [finding.kind for finding in findings] == [Kind.EXCHANGED_SIDES]
    assert "LI-B and RI-B" in findings[0].remedy


@pytest.mark.parametrize("code", ["LI-A", "RV-A", "LI-B"])
def test_a_mirrored_picture_is_found(code: str, sketches: list[Surveyed]) -> None:
    own = next(e.picture for e in sketches if e.file.owner.patient == 9 and e.file.view.code == code)
    flipped = np.ascontiguousarray(own[:, ::-1])
    assert found(with_pictures(sketches, 9, {code: flipped})) == [(9, Kind.MIRRORED, (code,))]


def test_a_carotid_picture_copied_into_a_vertebral_view_is_found(sketches: list[Surveyed]) -> None:
    own = next(e.picture for e in sketches if e.file.owner.patient == 9 and e.file.view.code == "LI-A")
    assert found(with_pictures(sketches, 9, {"LV-A": own})) == [(9, Kind.OTHER_CIRCULATION, ("LV-A",))]


def test_pictures_without_content_leave_the_questions_open(sketches: list[Surveyed]) -> None:
    rng = np.random.default_rng(1)
    noise = [replace(e, picture=rng.normal(195, 3, (128, 128)).astype(np.uint8)) for e in sketches]
    outcome = check_views(noise, Folds(), 50)
    assert not outcome.findings
    assert outcome.verdict is Verdict.NOT_CHECKED
