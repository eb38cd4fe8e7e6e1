import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from random_cohort import label_table, random_labels

from kium_lightning.anatomy import Circulation, Location, Target, View
from kium_lightning.data.folding import FoldedRows, fold_labels, unfold, unfolded_locations
from kium_lightning.data.rows import row_table

SEEDS = range(5)


def report_table(data: pd.DataFrame, circulation: Circulation) -> pd.DataFrame:
    """The report's listing, with today's pandas where its own no longer runs (``fillna(method='ffill')``)."""
    if circulation is Circulation.ANTERIOR:
        left = data[["Index", "L_ICA", "L_AntChor", "L_ACA", "L_ACOM", "L_MCA"]].rename(
            columns={"L_ICA": "ICA", "L_AntChor": "AntChor", "L_ACA": "ACA", "L_ACOM": "ACOM", "L_MCA": "MCA"}
        )
        right = data[["Index", "R_ICA", "R_AntChor", "R_ACA", "R_ACOM", "R_MCA"]]
    else:
        left = data[["Index", "L_VA", "L_PICA", "L_SCA", "BA", "L_PCA", "L_PCOM"]].rename(
            columns={"L_VA": "VA", "L_PICA": "PICA", "L_SCA": "SCA", "L_PCA": "PCA", "L_PCOM": "PCOM"}
        )
        right = data[["Index", "R_VA", "R_PICA", "R_SCA", "BA", "R_PCA", "R_PCOM"]]
    folded = pd.DataFrame(index=range(4 * len(data)), columns=left.columns, dtype=float)
    folded.iloc[::4, :] = left.to_numpy()
    folded.iloc[2::4, :] = right.to_numpy()
    folded = folded.ffill()
    folded["sum"] = folded.iloc[:, 1:].sum(axis=1)
    names = sorted(f"{index}{view.code}.jpg" for index in data["Index"] for view in View)
    letter = "I" if circulation is Circulation.ANTERIOR else "V"
    folded["path"] = [name for name in names if name[5] == letter]
    return folded


def report_binary(folded: pd.DataFrame) -> pd.Series:
    """The report's one column of its binary tables."""
    return folded["sum"].map(lambda total: 1 if total > 0 else 0)


def patients_with_gaps(seed: int) -> pd.DataFrame:
    table = label_table(random_labels(60, seed, rate=0.2))
    table["Index"] = 1001 + np.cumsum(np.random.default_rng(seed).integers(1, 4, len(table)))
    return table


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("circulation", Circulation)
def test_folded_labels_and_rows_are_those_of_the_reports_listing(circulation: Circulation, seed: int) -> None:
    data = patients_with_gaps(seed)
    reference, folded = report_table(data, circulation), row_table(FoldedRows(circulation, Target.MULTILABEL), data)
    names = FoldedRows(circulation, Target.MULTILABEL).label_names
    assert names == [column for column in reference.columns if column not in ("Index", "sum", "path")]
    np.testing.assert_array_equal(folded[["Index", *names]].to_numpy(), reference[["Index", *names]].to_numpy())
    files = [f"{index}{view}.jpg" for index, view in zip(folded["Index"], folded["view"], strict=True)]
    assert files == list(reference["path"])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("circulation", Circulation)
def test_binary_labels_are_those_of_the_reports_listing(circulation: Circulation, seed: int) -> None:
    data = patients_with_gaps(seed)
    folded = row_table(FoldedRows(circulation, Target.BINARY), data)
    assert FoldedRows(circulation, Target.BINARY).label_names == ["sum"]
    np.testing.assert_array_equal(folded["sum"], report_binary(report_table(data, circulation)))


@pytest.mark.parametrize("seed", SEEDS)
def test_unfold_undoes_fold(seed: int) -> None:
    labels = random_labels(200, seed, rate=0.3)
    unfolded = np.full(labels.shape, -1)
    for circulation in Circulation:
        columns = [list(Location).index(location) for location in unfolded_locations(circulation)]
        unfolded[:, columns] = unfold(fold_labels(labels, circulation).astype(np.float64), circulation)
    np.testing.assert_array_equal(unfolded, labels)


def test_both_circulations_together_unfold_to_every_location_once() -> None:
    locations = [location for circulation in Circulation for location in unfolded_locations(circulation)]
    assert sorted(location.column for location in locations) == sorted(location.column for location in Location)


def test_a_side_keeps_its_labels_and_the_basilar_artery_stands_on_both() -> None:
    labels = np.zeros((1, 21), dtype=np.int64)
    labels[0, list(Location).index(Location.RIGHT_SCA)] = 1
    labels[0, list(Location).index(Location.BA)] = 1
    folded = fold_labels(labels, Circulation.POSTERIOR)[0]
    names = FoldedRows(Circulation.POSTERIOR, Target.MULTILABEL).label_names
    np.testing.assert_array_equal(folded[:, names.index("SCA")], [0, 0, 1, 1])
    np.testing.assert_array_equal(folded[:, names.index("BA")], [1, 1, 1, 1])


def scores(seed: int, circulation: Circulation) -> NDArray[np.float64]:
    return np.random.default_rng(seed).random((30, 4, len(circulation.arteries)))


@pytest.mark.parametrize("circulation", Circulation)
def test_scores_are_joined_within_a_side_and_the_basilar_artery_over_both(circulation: Circulation) -> None:
    values = scores(0, circulation)
    table = pd.DataFrame(
        values.reshape(-1, values.shape[2]), columns=FoldedRows(circulation, Target.MULTILABEL).label_names
    )
    table["patient"] = np.arange(len(table)) // 4
    table["side"] = np.where(np.arange(len(table)) % 4 < 2, "L", "R")
    sides = table.groupby(["patient", "side"]).max().unstack("side")
    unfolded = unfold(values, circulation)
    for position, location in enumerate(unfolded_locations(circulation)):
        of_artery = sides[location.artery.value].to_numpy()
        expected = of_artery.max(axis=1) if location.side is None else of_artery[:, "LR".index(location.side)]
        np.testing.assert_array_equal(unfolded[:, position], expected)


def test_an_unknown_score_makes_its_location_unknown_and_no_other() -> None:
    values = scores(1, Circulation.POSTERIOR)
    values[7, 0, Circulation.POSTERIOR.arteries.index(Location.LEFT_VA.artery)] = np.nan
    unknown = np.isnan(unfold(values, Circulation.POSTERIOR))
    assert np.argwhere(unknown).tolist() == [[7, unfolded_locations(Circulation.POSTERIOR).index(Location.LEFT_VA)]]
