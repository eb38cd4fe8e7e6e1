from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from omegaconf import OmegaConf

from kium_lightning.errors import ConfigError, SettingError
from kium_lightning.numbers import Checked, Normal, Probability, Range, listed, pair, share, single, triple, whole


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


@pytest.mark.parametrize(
    ("rule", "fitting", "wrong", "remedy"),
    [
        (single(), [-3, 0.5], ["1", None, True, float("nan"), float("inf")], "a number"),
        (single(0.0, 1.0), [0, 1, 0.5], [-0.1, 1.1], "a number from 0 to 1"),
        (single(above=1.0), [1.1], [1, 0], "a number above 1"),
        (single(1, whole=True), [1, 7], [0, 1.0], "a whole number of at least 1"),
        (pair(), [[-2, 3], (1, 1)], [[3, 1], [1], [1, 2, 3], 1, "12", ["1", 2]], "two numbers, the smaller first"),
        (
            pair(1, 100, whole=True),
            [[1, 100]],
            [[0, 5], [1, 5.0]],
            "two whole numbers from 1 to 100, the smaller first",
        ),
        (triple(), [[3, 1, 2]], [[1, 2], 4], "three numbers"),
    ],
)
def test_a_rule_tells_what_fits_and_what_to_give(rule: Any, fitting: list[Any], wrong: list[Any], remedy: str) -> None:
    assert all(rule.fits(value) for value in fitting)
    assert not any(rule.fits(value) for value in wrong)
    assert rule.remedy == remedy


@dataclass(frozen=True)
class Rain(Checked):
    """Numbers with rules, and one without."""

    chance: Probability
    hours: Range
    amount: Annotated[Normal, pair(0.0, 9.0)]
    snow: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.at_most_one("chance", "snow")


def test_a_dataclass_is_held_against_the_rules_of_its_fields() -> None:
    assert Rain(0.5, (1.0, 2.0), (1.0, 2.0)).chance == 0.5
    with pytest.raises(SettingError, match=r"^hours is \[2\.0, 1\.0\]\. Give it two numbers, the smaller first\.$"):
        Rain(0.5, (2.0, 1.0), (1.0, 2.0))
    with pytest.raises(SettingError, match=r"^amount is \[0\.0, 1\.0\]\. Give it a mean above 0 and"):
        Rain(0.5, (1.0, 2.0), (0.0, 1.0))
    with pytest.raises(SettingError, match=r"^chance adds up with snow to 1\.1\."):
        Rain(0.5, (1.0, 2.0), (1.0, 2.0), 0.6)


def test_a_fault_inside_a_node_has_the_whole_key() -> None:
    fault = SettingError("chance", "is 2. Give it a number from 0 to 1.")
    assert str(fault.inside("cohort.rain")) == "cohort.rain.chance is 2. Give it a number from 0 to 1."


def test_a_plain_value_is_a_list_of_one() -> None:
    assert listed("labels", "MCA") == ["MCA"]
    assert listed("patients", 1301) == [1301]
    assert listed("labels", OmegaConf.create(["MCA", "ICA"])) == listed("labels", ("MCA", "ICA")) == ["MCA", "ICA"]
    assert listed("labels", None) == listed("labels", []) == []


def test_what_is_no_list_is_named() -> None:
    with pytest.raises(ConfigError, match=r"labels is \{'MCA': 1\}\. Give it a list, such as labels=\[\.\.\.\]"):
        listed("labels", {"MCA": 1})
