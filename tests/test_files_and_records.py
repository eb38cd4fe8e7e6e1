import json
import math
import re
from pathlib import Path

import pytest

from kium_lightning import records
from kium_lightning.errors import RunError
from kium_lightning.files import json_list, replacing, write_json, write_text
from kium_lightning.records import RECORD_NAME, finished_runs, newest_run, read_record, write_record


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with replacing(path) as temporary:
        temporary.write_text("half")
        assert not path.exists()
        assert temporary.suffix == ".csv"
        assert temporary.parent == path.parent
    assert path.read_text() == "half"


@pytest.mark.parametrize("items", [[], [{"a": 1}], [{"a": [1.5, {"b": "é"}]}, {}, {"c": math.nan}]])
def test_a_list_written_by_item_is_the_one_written_at_once(items: list[dict[str, object]], tmp_path: Path) -> None:
    with json_list(tmp_path / "by_item.json") as add:
        for item in items:
            add(item)
        assert not (tmp_path / "by_item.json").exists()
    write_json(tmp_path / "at_once.json", items)
    assert (tmp_path / "by_item.json").read_text() == (tmp_path / "at_once.json").read_text()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the new")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # whoever ends last
    assert len(list(tmp_path.iterdir())) == 1


def test_json_keeps_letters_and_writes_nan_as_null(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_json(path, {"name": "동맥류", "score": math.nan, "nested": {"list": [1.5, math.nan], "pair": (1, 2)}})
    assert "동맥류" in path.read_text(encoding="utf-8")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content == {"name": "동맥류", "score": None, "nested": {"list": [1.5, None], "pair": [1, 2]}}


def test_a_record_gives_back_what_was_written(tmp_path: Path) -> None:
    path = write_record(tmp_path, "train", "swin_anterior", score=0.5, folds=[1, 2])
    record = read_record(tmp_path)
    assert path == tmp_path / RECORD_NAME
    assert (record.folder, record.verb, record.name) == (tmp_path, "train", "swin_anterior")
    assert record.facts == {"score": 0.5, "folds": [1, 2]}


def test_a_folder_without_a_record_is_no_finished_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"has no record\.json.*Name a finished run's folder"):
        read_record(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "null", '"text"', '{"verb": "train"}'])
def test_a_damaged_record_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD_NAME).write_text(content)
    with pytest.raises(RunError, match=re.escape(str(tmp_path / RECORD_NAME))):
        read_record(tmp_path)


def test_the_newest_run_is_found_by_verb_and_name_wherever_it_lies(tmp_path: Path) -> None:
    write_record(tmp_path / "train" / "z", "train", "swin_anterior")
    write_record(tmp_path / "sweeps" / "s" / "0", "train", "swin_anterior")
    write_record(tmp_path / "train" / "a", "train", "mednet_anterior")
    write_record(tmp_path / "predict" / "p", "predict")
    assert newest_run(tmp_path, "train", "swin_anterior").folder == tmp_path / "sweeps" / "s" / "0"
    assert newest_run(tmp_path, "train").name == "mednet_anterior"
    assert [record.folder.name for record in finished_runs(tmp_path, "train")] == ["a", "0", "z"]


def test_an_unfinished_or_damaged_run_does_not_hide_the_others(tmp_path: Path) -> None:
    write_record(tmp_path / "train" / "good", "train", "swin_anterior")
    (tmp_path / "train" / "unfinished").mkdir()
    (tmp_path / "train" / "damaged").mkdir()
    (tmp_path / "train" / "damaged" / records.RECORD_NAME).write_text('{"verb": "tra')
    assert [record.folder.name for record in finished_runs(tmp_path, "train")] == ["good"]


def test_a_missing_run_is_told_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"python -m kium_lightning\.train model=swin_anterior"):
        newest_run(tmp_path, "train", "swin_anterior")
    with pytest.raises(RunError, match=r"`python -m kium_lightning\.predict`"):
        newest_run(tmp_path / "absent", "predict")
