"""Checks of numbers and lists that a user gives, each with one sentence where it does not fit."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

from kium_lightning.errors import ConfigError, SettingError


def whole(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Checks a whole number.

    Args:
        name: the key that gives it, for the message.
        value: what was given.
        least: the least value allowed.
        most: the greatest; None for any.

    Raises:
        ConfigError: it is no whole number, or lies outside.
    """
    fits = isinstance(value, int) and not isinstance(value, bool)
    if not fits or value < least or (most is not None and value > most):
        room = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise ConfigError(f"{name} is {value!r}. Give it a whole number {room}.")
    return int(value)


def share(name: str, value: Any) -> float:
    """Checks a number that lies between 0 and 1, exclusively.

    Args:
        name: the key that gives it, for the message.
        value: what was given.

    Raises:
        ConfigError: it is no number, or lies outside.
    """
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not 0 < value < 1:
        raise ConfigError(f"{name} is {value!r}. Give it a number between 0 and 1.")
    return float(value)


def listed(name: str, value: Any) -> list[Any]:
    """Takes a list, or a plain value as a list of one: ``labels=MCA`` means ``labels=[MCA]``.

    Args:
        name: the key that gives it, for the message.
        value: what was given; None is an empty list.

    Raises:
        ConfigError: it is neither.
    """
    if value is None:
        return []
    if isinstance(value, str | int | float):
        return [value]
    if not isinstance(value, Sequence):
        raise ConfigError(f"{name} is {value!r}. Give it a list, such as {name}=[...].")
    return list(value)


def _is_number(value: Any, least: float, most: float, above: float, whole: bool) -> bool:
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and least <= value <= most and value > above


def _are_numbers(
    value: Any, count: int, least: float, most: float = math.inf, above: float = -math.inf, whole: bool = False
) -> bool:
    is_list = isinstance(value, list | tuple) and len(value) == count
    return is_list and all(_is_number(each, least, most, above, whole) for each in value)


def _room(least: float, most: float, above: float) -> str:
    if math.isfinite(most):
        return f" from {least:g} to {most:g}" if least > above else f" above {above:g} and of at most {most:g}"
    if math.isfinite(above):
        return f" above {above:g}"
    return f" of at least {least:g}" if math.isfinite(least) else ""


def _shown(value: Any) -> str:
    """A value as it is written in YAML."""
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, list | tuple) else repr(value)


@dataclass(frozen=True)
class Rule:
    """What a setting has to be; stands in the annotation of a dataclass's field, ``Annotated[float, single(0, 1)]``.

    Attributes:
        fits: tells whether a value is so.
        remedy: what to give instead, for the message: "a number from 0 to 1".
    """

    fits: Callable[[Any], bool]
    remedy: str


def single(
    least: float = -math.inf, most: float = math.inf, above: float = -math.inf, *, whole: bool = False
) -> Rule:  # fmt: skip
    """The rule of one number within limits.

    Args:
        least: the least value allowed.
        most: the greatest.
        above: the value has to be above this.
        whole: whether it has to be a whole number.
    """
    kind = "a whole number" if whole else "a number"
    return Rule(lambda value: _is_number(value, least, most, above, whole), kind + _room(least, most, above))


def pair(
    least: float = -math.inf, most: float = math.inf, above: float = -math.inf, *, whole: bool = False
) -> Rule:  # fmt: skip
    """The rule of a range: two numbers within limits, as of ``single``, the smaller first."""

    def fits(value: Any) -> bool:
        return _are_numbers(value, 2, least, most, above, whole) and value[0] <= value[1]

    kind = "two whole numbers" if whole else "two numbers"
    return Rule(fits, f"{kind}{_room(least, most, above)}, the smaller first")


def triple(least: float = -math.inf, most: float = math.inf, above: float = -math.inf) -> Rule:
    """The rule of three numbers within limits, as of ``single``, in any order."""
    return Rule(
        lambda value: _are_numbers(value, 3, least, most, above, False), f"three numbers{_room(least, most, above)}"
    )


Probability = Annotated[float, single(0.0, 1.0)]
Positive = Annotated[float, single(above=0.0)]
NotNegative = Annotated[float, single(0.0)]
Range = Annotated[tuple[float, float], pair()]
PositiveRange = Annotated[tuple[float, float], pair(above=0.0)]
ShareRange = Annotated[tuple[float, float], pair(0.0, 1.0)]
WholeRange = Annotated[tuple[int, int], pair(0, whole=True)]
Normal = Annotated[  # mean and standard deviation; or median, and standard deviation of the logarithm
    tuple[float, float],
    Rule(
        lambda value: _are_numbers(value, 2, least=0.0) and value[0] > 0.0,
        "a mean above 0 and a standard deviation of at least 0",
    ),
]


class Checked:
    """A dataclass whose fields are held against the rules in their annotations when it is made.

    Raises:
        SettingError: a field breaks its rule.
    """

    def __post_init__(self) -> None:
        for name, hint in get_type_hints(type(self), include_extras=True).items():
            value = getattr(self, name)
            for rule in getattr(hint, "__metadata__", ()):
                if isinstance(rule, Rule) and not rule.fits(value):
                    raise SettingError(name, f"is {_shown(value)}. Give it {rule.remedy}.")

    def at_most_one(self, *names: str) -> None:
        """Checks that shares which exclude each other leave room for the rest.

        Raises:
            SettingError: together they are more than 1.
        """
        total = sum(getattr(self, name) for name in names)
        if total > 1.0 + 1e-9:
            others = " and ".join([", ".join(names[1:-1]), names[-1]] if len(names) > 2 else names[1:])
            raise SettingError(names[0], f"adds up with {others} to {total:.6g}. Give them at most 1 together.")

    def in_order(self, smaller: str, larger: str) -> None:
        """Checks that one field is not above another.

        Raises:
            SettingError: it is.
        """
        low, high = getattr(self, smaller), getattr(self, larger)
        if low > high:
            raise SettingError(smaller, f"is {low!r}, more than {larger}, which is {high!r}. Give it at most that.")
