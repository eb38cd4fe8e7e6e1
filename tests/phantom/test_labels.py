import numpy as np
import pytest

from kium_lightning.anatomy import Location
from kium_lightning.phantom.labels import Sites, apportion, draw_labels

POSITIVES = (100, 100, 35, 34, 30, 18, 21, 13, 66, 30, 67, 96, 17, 11, 3, 2, 6, 4, 24, 3, 1)
BY_COUNT = {0: 604, 1: 402, 2: 92, 3: 23, 4: 4, 5: 2}


def test_a_cohort_of_the_challenges_size_has_its_frequencies() -> None:
    labels = draw_labels(1127, np.random.default_rng(0))
    assert tuple(sum(location in of_one for of_one in labels) for location in Location) == POSITIVES
    assert {count: sum(len(of_one) == count for of_one in labels) for count in BY_COUNT} == BY_COUNT


@pytest.mark.parametrize("patients", [24, 1127])
def test_even_sites_are_equally_frequent_and_keep_the_number_per_patient(patients: int) -> None:
    even = draw_labels(patients, np.random.default_rng(0), Sites.EVEN)
    usual = draw_labels(patients, np.random.default_rng(0))
    positives = [sum(location in of_one for of_one in even) for location in Location]
    assert max(positives) - min(positives) <= 1
    assert sorted(map(len, even)) == sorted(map(len, usual))


@pytest.mark.parametrize("patients", [1, 8, 24, 120, 480])
def test_small_cohorts_are_as_close_as_whole_patients_allow(patients: int) -> None:
    labels = draw_labels(patients, np.random.default_rng(1))
    assert len(labels) == patients
    assert sum(bool(of_one) for of_one in labels) == round(patients * 523 / 1127)
    total = sum(map(len, labels))
    for location, positives in zip(Location, POSITIVES, strict=True):
        assert abs(sum(location in of_one for of_one in labels) - total * positives / 681) < 1.0


def test_who_has_aneurysms_depends_on_the_seed() -> None:
    first, again, other = (draw_labels(50, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("total", [0, 1, 7, 100])
def test_apportioned_parts_sum_to_the_total(total: int) -> None:
    parts = apportion(total, [1.0, 2.0, 3.5])
    assert sum(parts) == total
    assert all(abs(part - total * weight / 6.5) < 1 for part, weight in zip(parts, (1.0, 2.0, 3.5), strict=True))
