from pathlib import Path

import cv2
import pandas as pd
import pytest
from random_cohort import plain_view, write_random_cohort

from kium_lightning.anatomy import LABEL_COLUMNS, View
from kium_lightning.audit.finding import Kind, Outcome, Verdict
from kium_lightning.audit.labels import check_parts, check_tables
from kium_lightning.audit.parts import Folds, read_folds, read_parts
from kium_lightning.audit.survey import Unreadable, survey
from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.splits import read_or_make_split


@pytest.fixture
def cohort(tmp_path: Path) -> CohortFolder:
    return write_random_cohort(tmp_path / "cohort", patients=8, seed=3, rate=0.04)


def rewritten(cohort: CohortFolder, patient: int, **labels: int) -> None:
    table = pd.read_csv(cohort.train_csv).set_index("Index")
    table.loc[patient, list(labels)] = list(labels.values())
    table.reset_index().to_csv(cohort.train_csv, index=False)


def add_test_part(cohort: CohortFolder, patients: list[int]) -> None:
    cohort.test_set.mkdir()
    blank = pd.DataFrame(0, index=pd.Index(patients, name="Index"), columns=list(LABEL_COLUMNS))
    blank.reset_index().to_csv(cohort.test_csv, index=False)
    for patient in patients:
        for view in View:
            cv2.imwrite(str(cohort.test_set / f"{patient}{view.code}.jpg"), plain_view(patient))


def tables(cohort: CohortFolder) -> Outcome:
    return check_tables(read_parts(cohort), [])


def parts(cohort: CohortFolder, folds: Folds | None = None) -> Outcome:
    return check_parts(read_parts(cohort), folds or Folds(), [])


def test_an_untouched_cohort_is_clean(cohort: CohortFolder) -> None:
    assert tables(cohort).verdict is parts(cohort).verdict is Verdict.CLEAN


def test_all_faults_are_findings_and_the_files_of_faulty_patients_are_audited(cohort: CohortFolder) -> None:
    first, second, *_ = pd.read_csv(cohort.train_csv)["Index"]
    rewritten(cohort, first, **(dict.fromkeys(LABEL_COLUMNS, 0) | {"Aneurysm": 1}))
    (cohort.train_set / f"{second}RV-B.jpg").unlink()
    outcome = tables(cohort)
    assert [(f.kind, f.patients, f.views) for f in outcome.findings] == [
        (Kind.FAULT, (first,), ()),
        (Kind.FAULT, (second,), ("RV-B",)),
    ]
    audited = [file.name for part in read_parts(cohort) for file in part.files]
    assert f"{first} LI-A" in audited
    assert f"{second} LI-A" in audited
    assert len(audited) == 8 * len(View) - 1


def test_an_unreadable_file_is_a_finding(cohort: CohortFolder, tmp_path: Path) -> None:
    (part,) = read_parts(cohort)
    part.files[3].path.write_bytes(b"nothing")
    read, unreadable = survey(part.files, tmp_path / "cache", 1)
    assert len(read) == len(part.files) - 1
    assert [bad.file for bad in unreadable] == [part.files[3]]
    assert "neither a JPEG nor a PNG" in check_tables([part], unreadable).findings[0].sentence


def test_labels_that_are_all_equal_are_a_finding(cohort: CohortFolder) -> None:
    for patient in pd.read_csv(cohort.train_csv)["Index"]:
        rewritten(cohort, patient, **dict.fromkeys(LABEL_COLUMNS, 0))
    assert [finding.kind for finding in tables(cohort).findings] == [Kind.CONSTANT_LABELS]


def test_a_number_in_both_parts_is_a_finding(cohort: CohortFolder) -> None:
    first = int(pd.read_csv(cohort.train_csv)["Index"].iloc[0])
    add_test_part(cohort, [first, 9001])
    assert [(f.kind, f.patients) for f in parts(cohort).findings] == [(Kind.INDEX_IN_BOTH, (first,))]


def test_zeros_of_a_test_part_are_no_labels(cohort: CohortFolder) -> None:
    add_test_part(cohort, [9001, 9002])
    assert tables(cohort).verdict is Verdict.CLEAN
    assert read_parts(cohort)[1].labels is None


def test_truth_of_other_patients_than_the_test_table_is_a_fault(cohort: CohortFolder) -> None:
    add_test_part(cohort, [9001, 9002])
    truth = pd.read_csv(cohort.test_csv)
    truth.iloc[:1].to_csv(cohort.groundtruth_csv, index=False)
    assert {9002} == {patient for finding in tables(cohort).findings for patient in finding.patients}


def test_a_split_is_read_and_never_drawn(cohort: CohortFolder) -> None:
    path = cohort.train_set / "split-2-folds.json"
    assert read_folds(path) == Folds()
    assert not path.exists()
    read_or_make_split(path, read_catalog(cohort.train_set, cohort.train_csv), 2, 0)
    folds = read_folds(path)
    assert parts(cohort, folds).verdict is Verdict.CLEAN
    (part,) = read_parts(cohort)
    assert folds.places(file.owner for file in part.files) == ("train_set, fold 0", "train_set, fold 1")


def test_a_split_with_one_patient_in_two_folds_is_a_finding(cohort: CohortFolder) -> None:
    path = cohort.train_set / "split-2-folds.json"
    path.write_text('{"seed": 0, "folds": [[1001, 1002], [1002]]}')
    assert [finding.kind for finding in parts(cohort, read_folds(path)).findings] == [Kind.SPLIT_FAULT]


def test_a_split_of_other_patients_is_a_finding_unless_their_files_are_at_fault(cohort: CohortFolder) -> None:
    path = cohort.train_set / "split-2-folds.json"
    read_or_make_split(path, read_catalog(cohort.train_set, cohort.train_csv), 2, 0)
    folds = read_folds(path)
    table = pd.read_csv(cohort.train_csv)
    gone = int(table["Index"].iloc[0])
    all_parts = read_parts(cohort)
    bad = [Unreadable(all_parts[0].files[0], "It is cut off.")]
    table.iloc[1:].to_csv(cohort.train_csv, index=False)
    for view in View:
        (cohort.train_set / f"{gone}{view.code}.jpg").unlink()
    assert [(f.kind, f.patients) for f in parts(cohort, folds).findings] == [(Kind.SPLIT_FAULT, (gone,))]
    assert check_parts(read_parts(cohort), folds, bad).verdict is Verdict.CLEAN
