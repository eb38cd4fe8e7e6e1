"""Heat maps of a net over whole patients, whose truth is known."""

from pathlib import Path

import numpy as np
import pytest
import torch
from test_feature_map import EachPresentView, EachView
from torch import nn

from kium_lightning.anatomy import View
from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.patient_rows import PatientRows
from kium_lightning.data.rows import Rows
from kium_lightning.data.transforms import Preparation
from kium_lightning.saliency.patient_sheet import patient_title, write_patient
from kium_lightning.saliency.running import cells_of, feature_map_of, row_scores, rows_at_once
from kium_lightning.saliency.subject import Subject
from kium_lightning.saliency.table import table_of_maps
from kium_lightning.settings import build, compose
from kium_lightning.tasks.classification import Classification

PART = "train_set"


def subject_of(net: nn.Module, rows: Rows, cohort: CohortFolder, cache: Path) -> Subject:
    """A net and the patients of a cohort's training set."""
    task = Classification(
        net=net,
        loss=nn.BCEWithLogitsLoss(),
        optimizer=torch.optim.AdamW,
        scheduler=None,
        rows=rows,
        monitor="val/auroc",
        mode="max",
        memory_format="contiguous",
        epochs=1,
        start_from=None,
    )
    catalog = read_catalog(cohort.train_set, cohort.train_csv, "mask")
    preparation = Preparation.from_values(64, "as_filmed", 1, ["A"])
    return Subject(task.eval(), preparation, catalog, cohort.truth / PART, cache)


@pytest.fixture
def subject(phantom_cohort: CohortFolder, tmp_path: Path) -> Subject:
    """A net that sees dark things, and the first patients."""
    net = EachView(is_volume=False)
    for parameter, value in zip(net.maps.parameters(), (-0.25, 0.0), strict=True):
        nn.init.constant_(parameter, value)
    return subject_of(net, PatientRows("binary"), phantom_cohort, tmp_path / "cache")


def test_every_view_of_a_patient_is_scored_where_it_shows_an_aneurysm(subject: Subject, tmp_path: Path) -> None:
    feature_map = feature_map_of(subject.task, subject.dataset, None)
    cases = subject.cases({patient: [0] for patient in subject.catalog.patients}, None)
    assert len(cases) == 8 * len(subject.catalog.patients)
    questions = list(dict.fromkeys(case.question for case in cases))
    assert questions == [(row, 0) for row in range(len(subject.catalog.patients))]
    cells = cells_of(subject.task, feature_map, subject.dataset, questions, 5, "maps")
    whole = cells_of(subject.task, feature_map, subject.dataset, questions, 64, "maps")
    assert all(torch.allclose(cells[question], whole[question]) for question in questions)

    scores = row_scores(subject.task, subject.dataset, 4)
    table = table_of_maps(subject, feature_map.grid, cases, scores, cells, [cells], 5.0)

    scored = table["pointing"].notna()
    seen = [any(case.view in sac.visible_in for sac in subject.truths[case.patient].sacs) for case in cases]
    assert scored.tolist() == seen
    assert table.loc[scored, "random_energy"].equals(table.loc[scored, "energy"].rename("random_energy"))
    backwards = table_of_maps(subject, feature_map.grid, cases[::-1], scores, cells, [cells], 5.0)[::-1]
    np.testing.assert_array_equal(backwards["other_energy"], table["other_energy"])
    assert not table.loc[scored, "other_energy"].equals(table.loc[scored, "energy"].rename("other_energy"))
    # Sacs are dark: a map of what is dark must lie on them more than chance does.
    assert table["energy"].mean() > 1.5 * table["chance_energy"].mean()

    patient = subject.catalog.patients[0]
    title = patient_title(subject, patient, are_labels_known=True)
    own = [case for case in cases if case.patient == patient]
    sheet, arrays = write_patient(tmp_path, subject, feature_map.grid, own, scores, cells, title, "a note")
    assert sheet.is_file()
    maps = np.load(arrays)
    assert sorted(maps) == sorted(f"Aneurysm_{view.code}" for view in View)
    assert max(np.nanmax(heat) for heat in maps.values()) == 1


def test_missing_views_leave_the_maps_of_the_others_where_they_are(
    phantom_cohort: CohortFolder, tmp_path: Path
) -> None:
    lossy = CohortFolder(tmp_path / "lossy", "lossy")
    lossy.train_set.mkdir(parents=True)
    patients = sorted({int(path.stem[:4]) for path in phantom_cohort.train_set.glob("*.jpg")})
    lost = [f"{patient}{list(View)[place % 8].code}.jpg" for place, patient in enumerate(patients)]
    for path in phantom_cohort.train_set.iterdir():
        if path.name not in lost:
            (lossy.train_set / path.name).symlink_to(path)
    net = EachPresentView()
    subject = subject_of(net, PatientRows("binary"), lossy, tmp_path / "cache")
    feature_map = feature_map_of(subject.task, subject.dataset, None)
    questions = [(row, 0) for row in range(len(patients))]
    together = cells_of(subject.task, feature_map, subject.dataset, questions, rows_at_once(subject.task, 40), "maps")
    for row, _ in questions:
        alone = cells_of(subject.task, feature_map, subject.dataset, [(row, 0)], 1, "maps")[row, 0]
        torch.testing.assert_close(together[row, 0], alone, equal_nan=True)
        assert alone.isnan().all((1, 2)).tolist() == [view == row % 8 for view in range(8)]


def test_a_batch_size_counts_pictures(subject: Subject) -> None:
    assert [rows_at_once(subject.task, pictures) for pictures in (1, 8, 15, 16)] == [1, 1, 1, 2]


def test_every_crop_of_a_view_has_its_own_name_row_and_map(phantom_cohort: CohortFolder, tmp_path: Path) -> None:
    rows = build(compose("train", ["data=cropped_anterior", "name=crops", "folder=/unused"]).data.rows)
    subject = subject_of(EachView(is_volume=False), rows, phantom_cohort, tmp_path / "cache")
    feature_map = feature_map_of(subject.task, subject.dataset, None)
    patient = subject.catalog.patients[0]
    cases = subject.cases({patient: [0]}, None)
    assert len(cases) == len(rows.samples) > len({case.view for case in cases})
    cells = cells_of(subject.task, feature_map, subject.dataset, [case.question for case in cases], 16, "maps")
    scores = row_scores(subject.task, subject.dataset, 16)
    table = table_of_maps(subject, feature_map.grid, cases, scores, cells, [], 5.0)
    assert table["sample"].tolist() == [sample.name for sample in rows.samples]
    _, arrays = write_patient(tmp_path, subject, feature_map.grid, cases, scores, cells, "a title", "a note")
    assert sorted(np.load(arrays)) == sorted(f"{subject.names[0]}_{sample.name}" for sample in rows.samples)
