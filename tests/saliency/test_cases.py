from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kium_lightning.anatomy import CSV_COLUMNS, View
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.folding import FoldedRows
from kium_lightning.data.patient_rows import PatientRows
from kium_lightning.errors import ConfigError
from kium_lightning.saliency.cases import chosen_labels, list_cases, patients_to_draw, telling_labels


def catalog(*patients: int, without: tuple[int, View] | None = None) -> Catalog:
    table = pd.DataFrame(0, index=range(len(patients)), columns=list(CSV_COLUMNS)).assign(Index=list(patients))
    images = {(patient, view): Path(f"{patient}{view.code}.jpg") for patient in patients for view in View}
    images = {key: path for key, path in images.items() if key != without}
    return Catalog(Path(), table, images)


def test_every_view_of_a_folded_net_is_a_case_of_its_own_row() -> None:
    cases = list_cases(catalog(1001, 1004), FoldedRows("anterior", "multilabel"), {1004: [3]}, None)
    assert [case.row for case in cases] == [4, 5, 6, 7]
    assert [case.view.code for case in cases] == ["LI-A", "LI-B", "RI-A", "RI-B"]
    assert all(case.path.name == f"1004{case.view.code}.jpg" for case in cases)
    assert {(case.label, case.channel, case.views) for case in cases} == {(3, 0, 1)}


def test_the_views_of_a_patients_row_are_cases_of_one_row_and_missing_ones_are_none() -> None:
    lost = View.LEFT_ANTERIOR_LATERAL
    found = list_cases(catalog(1001, 1004, without=(1004, lost)), PatientRows("binary"), {1004: [0]}, None)
    assert [case.view for case in found] == [view for view in View if view is not lost]
    assert [case.channel for case in found] == [0, 2, 3, 4, 5, 6, 7]
    assert {case.row for case in found} == {1}


def test_chosen_views_are_kept() -> None:
    cases = list_cases(catalog(1001), FoldedRows("anterior", "binary"), {1001: [0]}, [View.RIGHT_ANTERIOR_LATERAL])
    assert [case.row for case in cases] == [3]


def test_labels_are_named_as_people_do() -> None:
    assert chosen_labels(["sum"], ["Aneurysm"]) == chosen_labels(["sum"], ["sum"]) == [0]
    assert chosen_labels(["ICA", "MCA"], ["MCA", "ICA", "MCA"]) == [1, 0]
    with pytest.raises(ConfigError, match=r"labels=PCA is none of this net's\. Choose from ICA, MCA"):
        chosen_labels(["ICA", "MCA"], ["PCA"])


def test_true_labels_and_the_highest_score_are_told() -> None:
    scores = np.array([[0.1, 0.2, 0.9, 0.3], [0.4, 0.2, 0.1, 0.3]])
    nothing = np.zeros((2, 4), np.int64)
    assert telling_labels(nothing, scores) == [2]
    true = nothing.copy()
    true[1, 0] = true[0, 3] = 1
    assert telling_labels(true, scores) == [0, 2, 3]
    assert telling_labels(np.ones((2, 4), np.int64), scores) == [0, 2, 3]  # no more than three, the highest


def test_patients_with_the_highest_scores_are_drawn_first() -> None:
    scores = np.array([[0.1, 0.5], [0.9, 0.0], [0.2, 0.3], [0.9, 0.9]])
    assert patients_to_draw([1001, 1002, 1004, 1005], scores, 3) == [1002, 1005, 1001]
