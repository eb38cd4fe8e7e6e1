import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from altered_files import write_altered
from commands import Done, call_verb

from kium_lightning.anatomy import View
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.records import read_record

Capture = pytest.CaptureFixture[str]


def audit(capsys: Capture, cohort: Path, folder: Path) -> Done:
    return call_verb(
        capsys, "audit", "cohort=kium", f"cohort.folder={cohort}", f"folder={folder}", f"hydra.run.dir={folder}",
        "workers=1",
    )  # fmt: skip


def test_an_untouched_cohort_is_clean_and_what_could_not_be_checked_is_said(
    phantom_cohort: CohortFolder, tmp_path: Path, capsys: Capture
) -> None:
    done = audit(capsys, phantom_cohort.path, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(done.written) == {"audit.json", "audit.html", "record.json"}
    summary = read_record(tmp_path).facts["summary"]
    assert summary["findings"] == 0
    verdicts = {check["check"]: check["verdict"] for check in summary["checks"]}
    assert verdicts["Duplicate pictures"] == "clean"
    assert verdicts["Views by content"] == verdicts["Shortcuts in the files"] == "not checked"
    assert "Not checked: views by content, shortcuts in the files." in summary["verdict"]


def test_a_patient_copied_under_a_new_number_ends_the_command_with_status_3_and_all_files(
    phantom_cohort: CohortFolder, tmp_path: Path, capsys: Capture
) -> None:
    sick = CohortFolder(tmp_path / "sick", "sick")
    for part in ("train_set", "test_set"):
        shutil.copytree(phantom_cohort.path / part, sick.path / part)
    source = int(pd.read_csv(sick.train_csv)["Index"].iloc[0])
    for view in View:
        write_altered(sick.train_set / f"{source}{view.code}.jpg", sick.test_set / f"7001{view.code}.jpg")
    for table in (sick.test_csv, sick.groundtruth_csv):
        rows = pd.read_csv(table)
        pd.concat([rows, rows.iloc[:1].assign(Index=7001)]).to_csv(table, index=False)
    done = audit(capsys, sick.path, tmp_path / "out")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Error" not in done.stderr
    found = json.loads(done.written["audit.json"].read_text("utf-8"))["findings"]
    leaks = [finding for finding in found if finding["kind"] == "shared patient"]
    assert [(leak["severity"], leak["patients"]) for leak in leaks] == [("serious", [source, 7001])]
    summary = read_record(tmp_path / "out").facts["summary"]
    assert summary["kinds"]["shared patient"] == 1
    page = done.written["audit.html"].read_text("utf-8")
    assert leaks[0]["sentence"] in page
    assert page.count('src="data:image/jpeg;base64,') >= 8
    assert not re.search(r"https?://|<script|<link|@import", page)


def test_a_cohort_that_is_not_there_is_an_error_and_no_finding(tmp_path: Path, capsys: Capture) -> None:
    done = audit(capsys, tmp_path / "nowhere", tmp_path / "out")
    assert done.returncode == 1
    assert "There is no cohort folder" in done.stderr
    assert not (tmp_path / "out" / "audit.json").exists()


def test_a_threshold_out_of_range_is_an_error(phantom_cohort: CohortFolder, tmp_path: Path, capsys: Capture) -> None:
    settings = ["cohort=kium", f"cohort.folder={phantom_cohort.path}", f"hydra.run.dir={tmp_path}", "shortcuts.p=2"]
    done = call_verb(capsys, "audit", *settings)
    assert done.returncode == 1
    assert "shortcuts.p is 2" in done.stderr
