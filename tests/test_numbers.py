from typing import Any

import pytest

from kium_lightning.errors import ConfigError
from kium_lightning.numbers import share, whole


@pytest.mark.parametrize("value", [0, -1, 9, 2.0, "4", "abc", None, True])
def test_what_is_no_whole_number_in_its_range_is_named(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"data.fold is .* Give it a whole number from 1 to 8\."):
        whole("data.fold", value, 1, 8)


def test_a_whole_number_in_its_range_passes() -> None:
    assert [whole("fold", value, 1, 8) for value in (1, 8)] == [1, 8]
    assert whole("batch_size", 10**6, 1) == 10**6


@pytest.mark.parametrize("value", [0, 1, 1.5, -0.1, float("nan"), "abc", None])
def test_what_is_no_share_is_named(value: Any) -> None:
    with pytest.raises(ConfigError, match=r"level is .* Give it a number between 0 and 1\."):
        share("level", value)


def test_a_share_passes() -> None:
    assert share("level", 0.95) == 0.95
