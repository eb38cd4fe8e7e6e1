from pathlib import Path

import pytest
from commands import call_verb, run_verb

from kium_lightning.phantom.actions import ACTIONS, with_action

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("given", "turned"),
    [
        ([], []),
        (["gallery"], ["action=gallery"]),
        (
            ["cohort=phantom_demo", "gallery", "cohort.seed=2"],
            ["cohort=phantom_demo", "action=gallery", "cohort.seed=2"],
        ),
        (["-m", "gallery", "cohort.seed=1,2"], ["-m", "action=gallery", "cohort.seed=1,2"]),
        (["--cfg", "job"], ["--cfg", "job"]),
        (["--cfg", "job", "gallery"], ["--cfg", "job", "action=gallery"]),
        (
            ["--config-dir", "conf", "--info", "all", "cohort"],
            ["--config-dir", "conf", "--info", "all", "action=cohort"],
        ),
        (["~cohort.film.sizes", "--help"], ["~cohort.film.sizes", "--help"]),
        (["gallery", "cohort"], ["action=gallery", "cohort"]),
    ],
)
def test_only_the_first_plain_word_becomes_the_action(given: list[str], turned: list[str]) -> None:
    assert with_action(given) == turned


def test_an_unknown_word_gives_one_clear_sentence(tmp_path: Path) -> None:
    done = run_verb("phantom", "galery", f"hydra.run.dir={tmp_path}", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        f"Error: There is no action galery. Say {', '.join(ACTIONS)}, or nothing to make the cohort."
    )


def test_the_command_writes_a_gallery(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "gallery.png"
    settings = ["cohort=phantom_tiny", "gallery.patients=1", "gallery.tile_px=300", f"gallery.file={file}"]
    done = call_verb(capsys, "phantom", "gallery", *settings, f"hydra.run.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"wrote {file}"
    assert file.stat().st_size > 100_000


@pytest.mark.parametrize("action", ACTIONS)
def test_help_explains_each_action(action: str, tmp_path: Path) -> None:
    done = run_verb("phantom", "--help", cwd=tmp_path)
    word = "" if action == "cohort" else f" {action}"
    assert f"python -m kium_lightning.phantom{word}" in done.stdout
