"""What a verb shows in the terminal: a progress bar for long work, and what it wrote as its last lines."""

import sys
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

# rich itself waits until something is shown: every verb imports this module, also for --help and --cfg.
if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

_Item = TypeVar("_Item")

_DEFAULT_WIDTH = 120  # where the output is no terminal, rich would wrap at 80


def console() -> "Console":
    """The console of standard output; wide enough for tables where there is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _DEFAULT_WIDTH, highlight=False, soft_wrap=True)


def track(items: Iterable[_Item], description: str, total: int) -> Iterator[_Item]:
    """Yields the items while a progress bar on standard error counts them."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(description, total=total)
        try:
            for item in items:
                yield item
                progress.advance(task)
        finally:  # ends what works for them, also when it is left early
            if isinstance(items, Generator):
                items.close()


def say(text: str) -> None:
    """Prints one line to standard output, without markup."""
    console().print(text, markup=False)


def show(table: "Table") -> None:
    """Prints a table to standard output."""
    console().print(table)


def say_written(paths: Iterable[Path]) -> None:
    """Prints what a verb wrote and where, as its last lines."""
    for path in paths:
        say(f"wrote {path}")
