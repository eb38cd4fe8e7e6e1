from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation, Location, Side
from kium_lightning.ensemble.fusion import FuseRules, PatientScores, fuse_locations, fuse_presence, fuse_views
from kium_lightning.errors import ConfigError, RunError

PATIENTS = 7
Views = dict[Circulation, NDArray[np.float64]]


@pytest.fixture
def presence_views() -> Views:
    random = np.random.default_rng(3)
    return {circulation: random.random((PATIENTS, 4)) for circulation in Circulation}


@pytest.fixture
def location_views() -> Views:
    random = np.random.default_rng(4)
    return {circulation: random.random((PATIENTS, 4, len(circulation.arteries))) for circulation in Circulation}


def test_presence_is_the_larger_of_the_two_circulations_means(presence_views: Views) -> None:
    fused = fuse_presence(presence_views)

    for patient in range(PATIENTS):
        anterior, posterior = (sum(presence_views[circulation][patient]) / 4 for circulation in Circulation)
        assert fused[patient] == pytest.approx(max(anterior, posterior))


def test_each_location_is_the_maximum_over_the_views_of_its_side_in_fold_order(location_views: Views) -> None:
    fused = fuse_locations(location_views)

    rows = {Side.LEFT: (0, 1), Side.RIGHT: (2, 3), None: (0, 1, 2, 3)}  # folded order: L-A, L-B, R-A, R-B
    for column, location in enumerate(Location):
        artery = location.circulation.arteries.index(location.artery)
        views = location_views[location.circulation]
        for patient in range(PATIENTS):
            assert fused[patient, column] == max(views[patient, row, artery] for row in rows[location.side])


def test_every_location_gets_its_own_score() -> None:
    location_views = {circulation: np.zeros((21, 4, len(circulation.arteries))) for circulation in Circulation}
    for patient, location in enumerate(Location):
        row = 2 if location.side is Side.RIGHT else 0
        location_views[location.circulation][patient, row, location.circulation.arteries.index(location.artery)] = 1

    np.testing.assert_array_equal(fuse_locations(location_views), np.eye(21))


@pytest.mark.parametrize(
    ("rule", "statistic"), [("mean", np.mean), ("max", np.max), ("min", np.min), ("median", np.median)]
)
def test_rules_are_the_statistics_they_are_named_after(
    presence_views: Views, location_views: Views, rule: str, statistic: Callable[..., float]
) -> None:
    rules = FuseRules(presence_views=rule, presence_circulations=rule, projections=rule, basilar=rule)
    anterior, posterior = presence_views[Circulation.ANTERIOR][0], presence_views[Circulation.POSTERIOR][0]
    assert fuse_presence(presence_views, rules)[0] == pytest.approx(
        statistic([statistic(anterior), statistic(posterior)])
    )

    basilar = location_views[Circulation.POSTERIOR][0, :, 3]
    fused = fuse_locations(location_views, rules)[0, LOCATION_COLUMNS.index("BA")]
    assert fused == pytest.approx(statistic([statistic(basilar[:2]), statistic(basilar[2:])]))


def test_a_patient_no_locator_saw_is_unknown_everywhere_and_alone(location_views: Views) -> None:
    for views in location_views.values():
        views[2] = np.nan

    unknown = np.isnan(fuse_locations(location_views))

    assert unknown[2].all()
    assert not np.delete(unknown, 2, axis=0).any()


@pytest.mark.parametrize("rule", ["mean", "max", "min", "median"])
def test_one_view_without_a_score_makes_its_patient_unknown(presence_views: Views, rule: str) -> None:
    presence_views[Circulation.POSTERIOR][1, 3] = np.nan

    fused = fuse_presence(presence_views, FuseRules(presence_views=rule))

    assert np.flatnonzero(np.isnan(fused)).tolist() == [1]


def test_scores_in_float32_are_joined_in_float64(presence_views: Views) -> None:
    single = {circulation: views.astype(np.float32) for circulation, views in presence_views.items()}
    double = {circulation: views.astype(np.float64) for circulation, views in single.items()}

    np.testing.assert_array_equal(fuse_presence(single), fuse_presence(double))  # type: ignore[arg-type]


def test_no_patients_give_no_rows() -> None:
    assert fuse_presence({circulation: np.zeros((0, 4)) for circulation in Circulation}).shape == (0,)
    nobody = {circulation: np.zeros((0, 4, len(circulation.arteries))) for circulation in Circulation}
    assert fuse_locations(nobody).shape == (0, 21)


def test_an_unknown_rule_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigError, match=r"projections='sum' does not exist. Choose one of mean, max, min, median"):
        FuseRules(projections="sum")


def test_missing_circulation_and_wrong_shapes_are_refused(presence_views: Views, location_views: Views) -> None:
    with pytest.raises(RunError, match="no scores of the posterior circulation"):
        fuse_views({Circulation.ANTERIOR: presence_views[Circulation.ANTERIOR]})
    with pytest.raises(RunError, match=r"posterior scores have the shape \(6, 4\), but \(7, 4\) is needed"):
        fuse_views({**presence_views, Circulation.POSTERIOR: presence_views[Circulation.POSTERIOR][1:]})
    with pytest.raises(RunError, match="anterior scores have the shape"):
        fuse_locations({**location_views, Circulation.ANTERIOR: location_views[Circulation.POSTERIOR]})
    with pytest.raises(RunError, match="do not belong together"):
        PatientScores(np.zeros(3), np.zeros((4, 21)))
