from pathlib import Path

import pytest
from rich.table import Table

from kium_lightning.console import say, say_written, show, track


def test_track_yields_every_item_and_keeps_its_bar_out_of_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(track(iter("abc"), "reading", 3)) == ["a", "b", "c"]
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "reading" in printed.err


def test_a_line_is_printed_as_it_is_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    text = "[bold]not markup[/bold] " + "x" * 300
    say(text)
    assert capsys.readouterr().out == text + "\n"


def test_written_files_stand_on_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [Path("/outputs") / ("deep" * 40) / name for name in ("a.csv", "b.json")]
    say_written(paths)
    assert capsys.readouterr().out.splitlines() == [f"wrote {path}" for path in paths]


def test_a_table_is_not_folded_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table()
    for number in range(10):
        table.add_column(f"column{number}")
    table.add_row(*(f"cell{number}" for number in range(10)))
    show(table)
    assert any("column0" in line and "column9" in line for line in capsys.readouterr().out.splitlines())
