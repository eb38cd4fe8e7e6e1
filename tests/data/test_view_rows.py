from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from plain_views import plain_views
from random_cohort import label_table, random_catalog, random_labels

from kium_lightning.anatomy import LOCATION_COLUMNS, Filling, Location, View, filling, is_overlapped
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.rows import row_table
from kium_lightning.data.sampling import label_count_weights
from kium_lightning.data.transforms import Preparation, normalize
from kium_lightning.data.view_rows import ViewRows, shows_well
from kium_lightning.data.views import row_sources
from kium_lightning.errors import ConfigError
from kium_lightning.losses.bce import WeightedBinaryCrossEntropy, positive_weights

# What an injection usually fills, without what lies end-on or over its mirror image in that projection: the PCOM seen
# from the front, the MCA and the ACOM seen from the side.
SHOWN_FROM_THE_LEFT = {
    "LI-A": {"L_ICA", "L_AntChor", "L_ACA", "L_ACOM", "R_ACOM", "L_MCA"},
    "LI-B": {"L_ICA", "L_PCOM", "L_AntChor", "L_ACA"},
    "LV-A": {"L_VA", "L_PICA", "L_SCA", "R_SCA", "BA", "L_PCA", "R_PCA"},
    "LV-B": {"L_VA", "L_PICA", "L_SCA", "R_SCA", "BA", "L_PCA", "R_PCA"},
}


def other_side(name: str) -> str:
    return {"L": "R", "R": "L"}.get(name[0], name[0]) + name[1:]


SHOWN = SHOWN_FROM_THE_LEFT | {
    other_side(view): {other_side(name) for name in names} for view, names in SHOWN_FROM_THE_LEFT.items()
}


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return label_table(random_labels(40, seed=0, rate=0.1))


@pytest.mark.parametrize("view", SHOWN)
def test_a_view_is_labelled_with_what_it_shows_in_the_order_of_the_columns(view: str) -> None:
    names = ViewRows([view], None).label_names
    assert set(names) == SHOWN[view]
    assert names == [column for column in LOCATION_COLUMNS if column in SHOWN[view]]


def test_what_is_shown_well_is_usually_filled_and_not_overlapped() -> None:
    for view in View:
        for location in Location:
            usual = filling(view, location) is Filling.USUAL
            assert shows_well(view, location) == (usual and not is_overlapped(view, location))


def test_the_eight_views_together_show_every_location() -> None:
    assert set.union(*(set(ViewRows([view.code], None).label_names) for view in View)) == set(LOCATION_COLUMNS)


@pytest.mark.parametrize("location", LOCATION_COLUMNS)
def test_a_location_is_looked_for_in_the_views_that_show_it(location: str) -> None:
    rows = ViewRows(None, [location])
    assert [sample.name for sample in rows.samples] == [view for view in sorted(SHOWN) if location in SHOWN[view]]
    assert all(sample.views == (View.from_code(sample.name),) for sample in rows.samples)
    assert rows.label_names == rows.columns == [location]


def test_several_views_are_labelled_with_what_all_of_them_show() -> None:
    assert ViewRows(["LI-B", "LI-A"], None).label_names == ["L_ICA", "L_AntChor", "L_ACA"]
    assert [sample.name for sample in ViewRows(["LI-B", "LI-A"], None).samples] == ["LI-B", "LI-A"]
    assert [sample.name for sample in ViewRows(None, ["L_ICA", "L_MCA"]).samples] == ["LI-A"]


def test_views_and_locations_that_are_both_given_are_taken_as_they_are() -> None:
    rows = ViewRows(["RV-A"], list(LOCATION_COLUMNS))
    assert rows.label_names == list(LOCATION_COLUMNS)
    assert rows.plain() == {"kind": "views", "views": ["RV-A"], "locations": list(LOCATION_COLUMNS)}


def test_settings_that_were_written_down_build_the_same_rows() -> None:
    rows = ViewRows(["LV-A", "RV-A"], None)
    plain = rows.plain()
    assert ViewRows(plain["views"], plain["locations"]).plain() == plain


def test_a_row_has_its_patients_own_labels(table: pd.DataFrame) -> None:
    rows = ViewRows(None, ["BA", "R_SCA"])
    listed = row_table(rows, table)
    assert list(listed.columns) == ["Index", "view", "BA", "R_SCA"]
    assert list(listed["view"]) == ["LV-A", "LV-B", "RV-A", "RV-B"] * len(table)
    by_patient = table.set_index("Index")
    for _, row in listed.iterrows():
        assert (row[["BA", "R_SCA"]] == by_patient.loc[row["Index"], ["BA", "R_SCA"]]).all()


@pytest.mark.parametrize("views", [["LI-A"], ["LI-A", "LI-B"], ["LV-B", "RV-A", "RV-B"]])
def test_unfolding_undoes_the_rows(table: pd.DataFrame, views: list[str]) -> None:
    rows = ViewRows(views, None)
    labels = rows.labels(table)
    assert labels.shape == (len(table), len(views), len(rows.label_names))
    np.testing.assert_array_equal(rows.unfold_labels(labels), table[rows.columns])
    np.testing.assert_array_equal(rows.unfold_scores(labels.astype(float)), table[rows.columns])


def test_a_patients_score_is_the_highest_of_its_views() -> None:
    scores = np.array([[[0.1, 0.9], [0.4, 0.2]]])
    np.testing.assert_array_equal(ViewRows(["LI-A", "LI-B"], ["L_ICA", "L_ACA"]).unfold_scores(scores), [[0.4, 0.9]])


def test_a_row_is_the_picture_of_its_view_and_says_which(tmp_path: Path) -> None:
    catalog = random_catalog(tmp_path, patients=2)
    rows = ViewRows(["RV-B", "LI-A"], ["BA"])
    preparation = Preparation.from_values(32, "as_filmed", 1, [])
    sources, positions = row_sources(catalog, rows)
    dataset = RowDataset(catalog, rows, plain_views(sources, preparation), positions)
    assert len(dataset) == 4
    for row, (patient, view, number) in enumerate(
        [(1001, "RV-B", 7), (1001, "LI-A", 0), (1002, "RV-B", 7), (1002, "LI-A", 0)]
    ):
        picture = cv2.imread(str(catalog.folder / f"{patient}{view}.jpg"), cv2.IMREAD_GRAYSCALE)
        assert picture is not None
        batch = dataset[row]
        assert batch["view"].tolist() == [number]
        expected = normalize(preparation(picture.astype(np.uint8), View.from_code(view)))
        assert torch.equal(batch["image"], expected)


@pytest.mark.parametrize(
    ("views", "locations", "expected"),
    [
        (None, None, r"need data\.rows\.views or data\.rows\.locations"),
        ([], [], r"need data\.rows\.views or data\.rows\.locations"),
        (["LX-A"], None, r"'LX-A' is no view.*LI-A.*Correct data\.rows"),
        (None, ["MCA"], r"'MCA' is no location.*L_MCA.*Correct data\.rows"),
        (["LI-A", "LV-A"], None, "No location is shown by all of LI-A, LV-A"),
        (None, ["L_MCA", "R_MCA"], "No view shows all of L_MCA, R_MCA"),
        (None, ["L_PCOM", "L_MCA"], "No view shows all of L_PCOM, L_MCA"),
        ("LI-A", None, r"data\.rows\.views is 'LI-A'\. Give a list, such as 'data\.rows\.views=\[LI-A\]'"),
        (None, "L_MCA", r"data\.rows\.locations is 'L_MCA'\. Give a list"),
        (["LI-A", "LI-B", "LI-A"], None, r"data\.rows\.views names LI-A more than once"),
        (["LI-A"], ["L_ICA", "L_ICA"], r"data\.rows\.locations names L_ICA more than once"),
    ],
)
def test_rows_that_cannot_be_are_told_why(views: list[str] | None, locations: list[str] | None, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        ViewRows(views, locations)


def test_a_label_without_positives_is_trained_by_its_negatives_alone() -> None:
    """Of one view's seven labels some have no positive among the training patients; weights must stay numbers."""
    rows = ViewRows(["LV-A"], None)
    locations = np.zeros((20, 21), np.int64)
    locations[:5, LOCATION_COLUMNS.index("BA")] = 1
    labels = rows.labels(label_table(locations)).reshape(20, -1)
    weights = dict(zip(rows.label_names, positive_weights(labels), strict=True))
    assert weights["BA"] == 3.0
    assert weights["L_PCA"] == 100.0  # the bound; there is nothing that it could multiply
    logits = torch.zeros(20, len(weights), requires_grad=True)
    loss = WeightedBinaryCrossEntropy(list(weights.values()), "sum")(logits, torch.from_numpy(labels))
    loss.backward()
    assert logits.grad is not None
    gradients = dict(zip(rows.label_names, logits.grad.sum(dim=0).tolist(), strict=True))
    assert gradients["L_PCA"] == pytest.approx(20 * 0.5)
    assert gradients["BA"] == pytest.approx(0.0, abs=1e-5)  # positives weigh as much as negatives


def test_rows_without_any_positive_are_drawn_equally_often() -> None:
    labels = ViewRows(None, ["R_PCA"]).labels(label_table(np.zeros((6, 21), np.int64))).reshape(-1, 1)
    np.testing.assert_allclose(label_count_weights(labels), 1 / len(labels))
