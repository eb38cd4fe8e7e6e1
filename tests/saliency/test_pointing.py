import numpy as np
import pandas as pd
import pytest

from kium_lightning.saliency.pointing import area_share, energy_inside, grown, peak, pointing
from kium_lightning.saliency.scores import COMPARED, MEASURES, Judge, summarize


def heat_with(*spots: tuple[int, int, float]) -> np.ndarray:
    heat = np.full((10, 12), np.nan, np.float32)
    heat[:, 2:] = 0  # 100 pixels that the net saw
    for row, column, value in spots:
        heat[row, column] = value
    return heat


def mask_of(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((10, 12), bool)
    mask[rows, columns] = True
    return mask


MASK = mask_of(slice(4, 6), slice(5, 10))  # 10 pixels


def test_a_map_points_at_what_its_maximum_lies_in() -> None:
    assert pointing(heat_with((4, 5, 2.0), (0, 3, 1.0)), MASK) == 1
    assert pointing(heat_with((4, 5, 1.0), (0, 3, 2.0)), MASK) == 0


def test_of_equal_maxima_the_share_inside_counts() -> None:
    assert pointing(heat_with((4, 5, 2.0), (0, 3, 2.0), (9, 9, 2.0), (5, 9, 2.0)), MASK) == 0.5


def test_energy_is_the_share_of_the_map_inside() -> None:
    assert energy_inside(heat_with((4, 5, 3.0), (5, 9, 3.0), (0, 3, 2.0)), MASK) == pytest.approx(0.75)


def test_a_map_without_evidence_gets_the_chance_level() -> None:
    for score in (pointing, energy_inside, area_share):
        assert score(heat_with(), MASK) == pytest.approx(0.1)
    assert peak(heat_with())[0] == 0
    assert np.isnan(peak(heat_with())[1:]).all()


def test_a_miss_within_the_tolerance_is_a_hit_and_farther_is_none() -> None:
    heat = heat_with((1, 5, 1.0))  # 3 pixels above the mask
    assert Judge(MASK, 3).score(heat) == {"pointing": 1, "energy": 0}
    assert Judge(MASK, 2.9).score(heat) == {"pointing": 0, "energy": 0}
    np.testing.assert_array_equal(grown(MASK, 0), MASK)
    assert Judge(MASK, 1).chance(heat) == pytest.approx({"pointing": 0.24, "energy": 0.1})


def test_the_peak_is_in_columns_and_rows() -> None:
    assert peak(heat_with((7, 3, 1.5))) == (1.5, 3, 7)


def test_means_are_over_maps_and_intervals_over_patients() -> None:
    columns = {prefix + measure: np.nan for prefix in COMPARED for measure in MEASURES}
    table = pd.DataFrame({"Index": [1, 1, 1, 2], **columns})
    table["pointing"] = [1.0, 1.0, 1.0, 0.0]
    table["energy"] = 0.25
    trained, random, *_ = summarize(table, 0.95, 200, 0)
    assert trained.pointing.value == 0.75
    assert (trained.pointing.low, trained.pointing.high) == (0, 1)  # two patients: either may be drawn twice
    assert (trained.energy.value, trained.energy.low, trained.energy.high) == (0.25, 0.25, 0.25)
    assert np.isnan(random.pointing.value)
