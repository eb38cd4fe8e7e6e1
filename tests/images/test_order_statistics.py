import numpy as np
import pytest

from kium_lightning.images.order_statistics import column_quantiles, profile_quantile


@pytest.mark.parametrize("lines", [1, 2, 3, 50, 95, 96, 255])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.65, 1.0])
def test_quantiles_by_counting_are_those_of_numpy_to_the_last_bit(lines: int, share: float) -> None:
    random = np.random.default_rng(lines)
    for high in (2, 30, 256):
        values = random.integers(0, high, (lines, 200)).astype(np.uint8)
        values[:, 0] = 255
        np.testing.assert_array_equal(column_quantiles(values, share), np.quantile(values, share, axis=0))


def test_the_quantile_of_a_profile_is_that_of_numpy_to_the_last_bit() -> None:
    random = np.random.default_rng(0)
    for length in range(1, 60):
        values = random.normal(size=length) * 100
        assert profile_quantile(values, 0.65) == np.quantile(values, 0.65)
