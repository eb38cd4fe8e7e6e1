import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from kium_lightning.anatomy import CSV_COLUMNS, LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN, View
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.errors import CohortError, ConfigError
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.settings import build, compose, conf_dir

SMALL = ("cohort.train_patients=4", "cohort.test_patients=2", "cohort.film.sizes=[[120,96],[100,100]]")


def cohort_in(folder: Path | None, *overrides: str, workers: int = 1) -> PhantomCohort:
    place = "null" if folder is None else str(folder)
    settings = ["cohort=phantom_tiny", *SMALL, f"cohort.workers={workers}", f"cohort.folder={place}", *overrides]
    cohort: PhantomCohort = build(compose("phantom", settings).cohort)
    return cohort


def grey(path: Path) -> NDArray[np.uint8]:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> CohortFolder:
    folder = tmp_path_factory.mktemp("cohort") / "made"
    return cohort_in(folder, "cohort.film.forms={clean:0.3,margins:0.3,text:0.4}").ensure()


def test_same_seed_gives_the_same_bytes_with_any_number_of_workers(made: CohortFolder, tmp_path: Path) -> None:
    again = cohort_in(tmp_path / "again", "cohort.film.forms={clean:0.3,margins:0.3,text:0.4}", workers=2).ensure()
    assert contents(again.path) == contents(made.path)


def test_another_seed_gives_other_images(made: CohortFolder, tmp_path: Path) -> None:
    other = cohort_in(tmp_path / "other", "cohort.seed=1", "cohort.train_patients=1", "cohort.test_patients=0").ensure()
    assert not set(contents(other.train_set).values()) & set(contents(made.train_set).values())


def test_an_interrupted_cohort_continues_to_the_same_bytes(made: CohortFolder, tmp_path: Path) -> None:
    cohort = cohort_in(tmp_path / "stopped", "cohort.film.forms={clean:0.3,margins:0.3,text:0.4}")
    stopped = cohort.ensure()
    (stopped.truth / "cohort.json").rename(stopped.truth / "unfinished.json")
    lost = cohort.jobs()[1]
    lost.record.unlink()
    (lost.images / f"{lost.index}LI-A.jpg").unlink()
    stopped.train_csv.unlink()
    untouched = cohort.jobs()[0].record.stat().st_mtime_ns
    cohort.ensure()
    assert contents(stopped.path) == contents(made.path)
    assert cohort.jobs()[0].record.stat().st_mtime_ns == untouched


def test_a_killed_run_continues_to_the_same_bytes(tmp_path: Path) -> None:
    settings = ["cohort=phantom_tiny", "cohort.train_patients=14", "cohort.test_patients=2", "cohort.workers=2"]
    settings += ["cohort.film.sizes=[[100,100]]"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-m", "kium_lightning.phantom", *settings, f"hydra.run.dir={tmp_path / 'run'}"]
    process = subprocess.Popen([*command, f"cohort.folder={killed}"], stderr=subprocess.DEVNULL, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not list(killed.glob("truth/*/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (killed / "train_set" / ".1001LI-A.77.0123abcd.jpg").write_bytes(b"half an image")  # what a killed writer leaves
    done = len(list(killed.glob("truth/*/*.json")))
    assert 0 < done < 16
    assert not (killed / "truth" / "cohort.json").exists()
    for folder in (killed, whole):
        build(compose("phantom", [*settings, "cohort.workers=1", f"cohort.folder={folder}"]).cohort).ensure()
    assert contents(killed) == contents(whole)


def test_a_finished_cohort_is_left_alone(made: CohortFolder) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.path.rglob("*")}
    cohort_in(made.path, "cohort.film.forms={clean:0.3,margins:0.3,text:0.4}").ensure()
    assert {path: path.stat().st_mtime_ns for path in made.path.rglob("*")} == before


def test_other_settings_in_the_same_folder_are_refused(made: CohortFolder) -> None:
    with pytest.raises(CohortError, match=r"other settings \(film, seed\).*cohort\.folder=PATH"):
        cohort_in(made.path, "cohort.seed=5").ensure()


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("precious")
    with pytest.raises(CohortError, match="is not empty and no phantom cohort"):
        cohort_in(tmp_path).ensure()
    assert (tmp_path / "train.csv").read_text() == "precious"


@pytest.mark.parametrize(
    ("override", "remedy"),
    [
        ("cohort.film.forms.clean=-1", "cohort.film.forms="),
        ("+cohort.film.forms.torn=1", "cohort.film.forms="),
        ("cohort.film.sizes=[]", "cohort.film.sizes="),
        ("cohort.film.sizes=[[12,700]]", "cohort.film.sizes="),
        ("cohort.train_patients=-3", "cohort.train_patients"),
    ],
)
def test_impossible_settings_are_refused_with_a_remedy(override: str, remedy: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=remedy):
        cohort_in(tmp_path, override)


def test_without_a_folder_the_settings_name_it(tmp_path: Path) -> None:
    first = cohort_in(None, f"cohort.outputs={tmp_path}").cohort
    other = cohort_in(None, f"cohort.outputs={tmp_path}", "cohort.seed=5").cohort
    more_workers = cohort_in(None, f"cohort.outputs={tmp_path}", workers=3).cohort
    assert first.path.parent == tmp_path / "cohorts"
    assert first.path.name.startswith("phantom_tiny-")
    assert other.path != first.path == more_workers.path


def test_tables_have_the_challenges_form(made: CohortFolder) -> None:
    train, test, truth = (pd.read_csv(path) for path in (made.train_csv, made.test_csv, made.groundtruth_csv))
    for table in (train, test, truth):
        assert tuple(table.columns) == CSV_COLUMNS
        assert all(dtype == "int64" for dtype in table.dtypes)
        assert table["Index"].is_monotonic_increasing
    for table in (train, truth):
        locations = table[list(LOCATION_COLUMNS)]
        assert np.array_equal(table[PRESENCE_COLUMN], locations.max(axis=1))
    assert test[list(LABEL_COLUMNS)].to_numpy().max() == 0
    assert train["Index"].iloc[0] == 1001
    assert train["Index"].iloc[-1] < test["Index"].iloc[0]
    assert list(test["Index"]) == list(truth["Index"])


def test_every_image_and_its_truth_are_there_and_agree(made: CohortFolder) -> None:
    for folder, table in ((made.train_set, made.train_csv), (made.test_set, made.groundtruth_csv)):
        labels = pd.read_csv(table).set_index("Index")
        names = {f"{index}{view.code}.jpg" for index in labels.index for view in View}
        assert {path.name for path in folder.glob("*.jpg")} == names
        for index, row in labels.iterrows():
            truth = json.loads((made.truth / folder.name / f"{index}.json").read_text())
            assert truth["index"] == index
            columns = [column for column in LOCATION_COLUMNS if row[column]]
            assert [aneurysm["column"] for aneurysm in truth["aneurysms"]] == columns
            assert set(truth["views"]) == {view.code for view in View}
            for code, view in truth["views"].items():
                image = grey(folder / f"{index}{code}.jpg")
                assert image.shape == (view["height"], view["width"])
                assert (view["text_mask"] is not None) == (view["form"] == "text")
                if view["text_mask"]:
                    assert grey(made.truth / folder.name / view["text_mask"]).shape == image.shape


def test_indices_have_gaps_and_do_not_depend_on_labels(tmp_path: Path) -> None:
    jobs = cohort_in(tmp_path, "cohort.train_patients=200").jobs()
    steps = np.diff([job.index for job in jobs])
    assert set(steps) == {1, 2}


@pytest.mark.parametrize("name", sorted(path.stem for path in (conf_dir() / "cohort").glob("phantom*.yaml")))
def test_every_cohort_config_composes_and_builds(name: str, tmp_path: Path) -> None:
    cohort: PhantomCohort = build(compose("phantom", [f"cohort={name}", f"cohort.outputs={tmp_path}"]).cohort)
    assert cohort.cohort.name == name
    assert not cohort.cohort.path.exists()


def test_the_command_says_what_it_wrote(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "kium_lightning.phantom", "cohort=phantom_tiny", *SMALL]
    arguments = ["cohort.train_patients=1", "cohort.test_patients=0", f"cohort.folder={tmp_path / 'made'}"]
    where = f"hydra.run.dir={tmp_path / 'run'}"
    done = subprocess.run([*command, *arguments, where], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == f"wrote {tmp_path / 'made' / 'truth'}"
    again = [*command, *arguments, where, "cohort.seed=4"]
    refused = subprocess.run(again, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert refused.returncode == 1
    assert "other settings (seed)" in refused.stderr
    assert "Traceback" not in refused.stderr
