from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from altered_files import write_altered

from kium_lightning.anatomy import LABEL_COLUMNS, View
from kium_lightning.audit.duplicates import LeastCorrelation, check_duplicates, same_pictures
from kium_lightning.audit.finding import Finding, Kind, Severity, Verdict
from kium_lightning.audit.parts import Folds, read_parts
from kium_lightning.audit.survey import Surveyed, survey
from kium_lightning.audit.view_file import Owner, ViewFile
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.splits import Split

LEAST = LeastCorrelation(0.92, 0.95)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def untouched(phantom_cohort: CohortFolder, cache: Path) -> list[Surveyed]:
    """All pictures of 18 phantoms."""
    files = [file for part in read_parts(phantom_cohort) for file in part.files]
    read, unreadable = survey(files, cache, 1)
    assert not unreadable
    return read


def copied(
    sources: list[Surveyed], owner: Owner, folder: Path, cache: Path, is_mirrored: bool = False
) -> list[Surveyed]:
    """Altered copies of some pictures under another owner."""
    files = []
    for source in sources:
        path = folder / f"{owner.patient}{source.file.view.code}.jpg"
        write_altered(source.file.path, path, is_mirrored)
        files.append(ViewFile(owner, source.file.view, path))
    return survey(files, cache, 1)[0]


def found(read: list[Surveyed], folds: Folds | None = None) -> tuple[Finding, ...]:
    return check_duplicates(same_pictures(read, LEAST, 1), len(read), folds or Folds(), {}).findings


def test_different_phantoms_are_no_copies_of_each_other(untouched: list[Surveyed]) -> None:
    outcome = check_duplicates(same_pictures(untouched, LEAST, 1), len(untouched), Folds(), {})
    assert outcome.verdict is Verdict.CLEAN


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_a_patient_copied_into_the_other_part_is_one_serious_finding(
    is_mirrored: bool, untouched: list[Surveyed], tmp_path: Path, cache: Path
) -> None:
    own = [each for each in untouched if each.file.owner == untouched[0].file.owner]
    other = Owner("test_set", 7001)
    findings = found([*untouched, *copied(own, other, tmp_path, cache, is_mirrored)])
    assert [finding.kind for finding in findings] == [Kind.SHARED_PATIENT]
    assert findings[0].severity is Severity.SERIOUS
    assert set(findings[0].patients) == {own[0].file.owner.patient, 7001}
    assert findings[0].views == tuple(sorted(view.code for view in View))
    assert findings[0].parts == ("test_set", "train_set")


@pytest.mark.parametrize(("folds", "severity"), [([0, 1], Severity.SERIOUS), ([0, 0], Severity.MINOR)])
def test_a_copy_is_serious_only_where_it_crosses_folds(
    folds: list[int], severity: Severity, untouched: list[Surveyed], tmp_path: Path, cache: Path
) -> None:
    own = [each for each in untouched if each.file.owner == untouched[0].file.owner][:2]
    owner, other = own[0].file.owner, Owner("train_set", 7001)
    members: list[list[int]] = [[], []]
    for patient, fold in zip((owner.patient, other.patient), folds, strict=True):
        members[fold].append(patient)
    split = Split(tuple(map(tuple, members)), 0, tmp_path / "split.json")
    findings = found([*own, *copied(own, other, tmp_path, cache)], Folds(split))
    assert [(finding.kind, finding.severity) for finding in findings] == [(Kind.SHARED_PATIENT, severity)]


def test_one_shared_picture_is_a_duplicate_image(untouched: list[Surveyed], tmp_path: Path, cache: Path) -> None:
    findings = found([*untouched, *copied(untouched[5:6], Owner("train_set", 7001), tmp_path, cache)])
    assert [finding.kind for finding in findings] == [Kind.DUPLICATE_IMAGE]


def test_a_carotid_picture_in_a_vertebral_view_of_the_same_patient_is_found(untouched: list[Surveyed]) -> None:
    owner = untouched[0].file.owner
    of_view = {each.file.view: each for each in untouched if each.file.owner == owner}
    carotid, vertebral = of_view[View.LEFT_ANTERIOR_FRONTAL], of_view[View.LEFT_POSTERIOR_FRONTAL]
    read = [replace(carotid, file=vertebral.file) if each is vertebral else each for each in untouched]
    findings = found(read)
    assert [(finding.kind, finding.views) for finding in findings] == [(Kind.REPEATED_VIEW, ("LI-A", "LV-A"))]


def test_copies_whose_labels_differ_contradict_each_other(
    untouched: list[Surveyed], tmp_path: Path, cache: Path
) -> None:
    own = [each for each in untouched if each.file.owner == untouched[0].file.owner]
    owner, other = own[0].file.owner, Owner("train_set", 7001)
    read = [*own, *copied(own, other, tmp_path, cache)]
    label = pd.Series(0, index=list(LABEL_COLUMNS))
    same = same_pictures(read, LEAST, 1)
    agreeing = check_duplicates(same, len(read), Folds(), {owner: label, other: label})
    assert {finding.kind for finding in agreeing.findings} == {Kind.SHARED_PATIENT}
    contrary = check_duplicates(same, len(read), Folds(), {owner: label, other: label.where(label.index != "R_MCA", 1)})
    said = [f.sentence for f in contrary.findings if f.kind is Kind.COPY_WITH_OTHER_LABELS]
    assert len(said) == 1
    assert "R_MCA" in said[0]


def test_empty_pictures_are_not_compared(untouched: list[Surveyed]) -> None:
    blank = [
        replace(each, picture=np.full_like(each.picture, 195), digest=str(number))
        for number, each in enumerate(untouched[:20])
    ]
    assert not found(blank)
