"""Checks of numbers that a user gives, each with one sentence where it does not fit."""

from typing import Any

from kium_lightning.errors import ConfigError


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
