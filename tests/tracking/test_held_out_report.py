from pathlib import Path

import lightning as L
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from PIL import Image
from plain_views import plain_views
from random_cohort import write_random_cohort
from sklearn.metrics import average_precision_score, roc_auc_score
from tiny_task import tiny_model, tiny_trainer

from kium_lightning.anatomy import Location, View
from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.patient_rows import PatientRows
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import row_sources
from kium_lightning.settings import build
from kium_lightning.tasks.classification import Classification
from kium_lightning.tasks.rows import ScoredRows, UnfoldedScores
from kium_lightning.tracking.held_out import draw_worst_views, location_table, report_held_out, worst_rows


def test_the_location_table_agrees_with_scikit_learn_and_leaves_out_what_is_unknown() -> None:
    random = np.random.default_rng(0)
    labels = (random.random((40, 3)) < 0.3).astype(np.int64)
    labels[:, 1] = 0
    scores = random.random((40, 3))
    table = location_table(UnfoldedScores(np.arange(40), ["L_ICA", "R_ICA", "BA"], scores, labels))
    assert list(table["location"]) == ["L_ICA", "R_ICA", "BA"]
    assert list(table["positives"]) == list(labels.sum(axis=0))
    for k in (0, 2):
        assert table["auroc"][k] == pytest.approx(roc_auc_score(labels[:, k], scores[:, k]))
        assert table["average_precision"][k] == pytest.approx(average_precision_score(labels[:, k], scores[:, k]))
    assert table[["auroc", "average_precision"]].iloc[1].isna().all()


def test_the_worst_rows_are_those_farthest_from_their_labels() -> None:
    labels = np.array([[0, 0], [1, 0], [0, 1], [0, 0]])
    scores = np.array([[0.1, 0.3], [0.1, 0.0], [0.2, 0.6], [0.0, 0.8]])
    assert worst_rows(ScoredRows(np.arange(4), scores, labels), 3) == [(1, 0), (3, 1), (2, 1)]


def test_a_finished_net_leaves_tables_that_can_be_recomputed_and_a_picture(
    noise_data: Angiograms, tmp_path: Path
) -> None:
    L.seed_everything(0, verbose=False)
    task: Classification = build(tiny_model())
    trainer = tiny_trainer(tmp_path, noise_data, 1)
    trainer.test(task, datamodule=noise_data, verbose=False)
    written = report_held_out(task, noise_data, tmp_path, trainer)
    assert all(path.is_file() for path in written)
    tables = {path.name: pd.read_csv(path) for path in written if path.suffix == ".csv"}

    rows = tables["held_out_scores.csv"]
    assert list(rows["Index"]) == list(np.repeat(noise_data.held_out_rows.patients, 4))
    np.testing.assert_array_equal(rows[noise_data.label_names], noise_data.held_out_rows.labels)
    locations = tables["held_out_locations.csv"].set_index("location")
    assert list(locations.index) == task.rows.columns
    side = rows[rows["view"].str.startswith("R")].groupby("Index")[["VA", "score_VA"]].max()
    assert 0 < side["VA"].sum() < len(side)
    assert locations["auroc"][Location.RIGHT_VA.column] == pytest.approx(roc_auc_score(side["VA"], side["score_VA"]))

    picture = np.asarray(Image.open(tmp_path / "worst_views.png").convert("L"))
    assert picture.shape[1] > 1000
    assert picture.std() > 10


def test_a_picture_of_whole_patients_names_each_view_and_says_which_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = write_random_cohort(tmp_path / "cohort", patients=3, rate=0.3)
    (cohort.train_set / "1002RI-A.jpg").unlink()
    catalog = read_catalog(cohort.train_set, cohort.train_csv, "mask")
    rows = PatientRows("all")
    sources, positions = row_sources(catalog, rows)
    views = plain_views(sources, Preparation.from_values(32, "as_filmed", 1, []))
    dataset = RowDataset(catalog, rows, views, positions)
    scores = dataset.labels.astype(np.float64) * 0.5 + 0.25
    scores[:, 0] = np.abs(dataset.labels[:, 0] - [0.9, 0.8, 0.7])  # presence is the farthest from the truth
    figures: list[Figure] = []
    monkeypatch.setattr(plt, "close", figures.append)
    draw_worst_views(ScoredRows(np.arange(3), scores, dataset.labels), dataset, rows.label_names, tmp_path / "p.png")
    monkeypatch.undo()
    axes = figures[0].axes[:3]
    for patient, axis in zip(catalog.patients, axes, strict=True):
        codes = [view.code for view in View]
        texts = [f"{code} missing" if (patient, code) == (1002, "RI-A") else code for code in codes]
        assert [text.get_text() for text in axis.texts] == texts
        assert axis.get_title().startswith(f"patient {patient}: aneurysm ")
    plt.close(figures[0])


def test_reporting_before_testing_is_told(noise_data: Angiograms, tmp_path: Path) -> None:
    trainer = tiny_trainer(tmp_path, noise_data, 1)
    with pytest.raises(RuntimeError, match="Test the task"):
        report_held_out(build(tiny_model()), noise_data, tmp_path, trainer)
