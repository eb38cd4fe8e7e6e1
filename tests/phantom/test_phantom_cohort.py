import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_type_hints

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from kium_lightning.anatomy import CSV_COLUMNS, LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN, View
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.errors import CohortError, ConfigError
from kium_lightning.numbers import Checked, Rule
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


def living_of_group(group: int) -> list[str]:
    """The processes of a process group, without those that have ended and only wait to be noticed."""
    living = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            state, _, own, *_ = path.read_text().rpartition(")")[2].split()
            living += [path.parent.name] if int(own) == group and state != "Z" else []
    return living


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_stopped_says_so_in_a_sentence_and_leaves_nothing_half_done(workers: int, tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    settings = ["cohort=phantom_tiny", "cohort.film.sizes=[[100,100]]", f"cohort.folder={folder}"]
    settings += ["cohort.train_patients=60", f"cohort.workers={workers}", f"hydra.run.dir={tmp_path / 'run'}"]
    command = [sys.executable, "-m", "kium_lightning.phantom", *settings]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(folder.glob("truth/*/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    sentence = f"Stopped. {folder} is not complete. Run the same command again: it continues where it stopped."
    assert said.splitlines()[-1] == sentence
    assert "Traceback" not in said
    assert process.returncode == 130
    while living_of_group(process.pid) and time.monotonic() < deadline:  # Python's resource tracker takes a moment
        time.sleep(0.02)
    assert not living_of_group(process.pid)
    assert 0 < len(list(folder.glob("truth/*/*.json"))) < 68
    assert not [path for path in folder.rglob(".*") if path.is_file()]
    assert (folder / "truth" / "unfinished.json").is_file()


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
    ("override", "sentence"),
    [
        ("anatomy.variants.a1_absent=1.4", "is 1.4. Give it a number from 0 to 1."),
        ("film.rgb=often", "is 'often'. Give it a number from 0 to 1."),
        ("film.rgb=null", "is None. Give it a number from 0 to 1."),
        ("film.fog=inf", "is inf. Give it a number from 0 to 1."),
        ("anatomy.size_sd=-0.1", "is -0.1. Give it a number of at least 0."),
        ("anatomy.mca.bifurcating_tortuosity=1", "is 1. Give it a number above 1."),
        (
            "anatomy.aca.terminals=[13,-1]",
            "is [13, -1]. Give it a mean above 0 and a standard deviation of at least 0.",
        ),
        ("anatomy.diameters_mm.m1=3.1", "is 3.1. Give it a mean above 0 and a standard deviation of at least 0."),
        ("xray.field_mm=[265,205]", "is [265, 205]. Give it two numbers above 0, the smaller first."),
        ("xray.photons=[0,1000]", "is [0, 1000]. Give it two numbers above 0, the smaller first."),
        ("film.quality=[82,101]", "is [82, 101]. Give it two whole numbers from 1 to 100, the smaller first."),
        ("film.text_lines=[2,2.5]", "is [2, 2.5]. Give it two whole numbers of at least 1, the smaller first."),
        ("film.lettering.height=[0,0.02]", "is [0, 0.02]. Give it two numbers above 0 and of at most 0.2, the smaller"),
        ("xray.centres_mm.carotid_frontal=[14,-5]", "is [14, -5]. Give it three numbers."),
        ("skull.teeth=[[1.2,1]]", "is [[1.2, 1]]. Give it pairs of a share from 0 to 1 and its weight."),
        ("film.lettering.words=[]", "is []. Give it a list of words, not empty."),
        ("film.forms.clean=-1", "a probability for each of clean, margins, text, such as"),
        ("+film.forms.torn=1", "a probability for each of clean, margins, text, such as"),
        ("film.sizes=[]", "is []. Give it at least one [width, height] in whole pixels, 64 or more, such as"),
        ("film.sizes=[[12,700]]", "is [[12, 700]]. Give it at least one [width, height] in whole pixels, 64 or more"),
        (
            "xray.attenuation_per_mm=[[70,0.2],[70,0.1]]",
            "pairs of a voltage and a number above 0, the voltages rising.",
        ),
        ("xray.tube_kvp=[60,90]", "is [60, 90], but attenuation_per_mm knows voltages from 70 to 90 alone."),
        ("aneurysms.smallest_mm=30", "is 30, more than largest_mm, which is 20.0. Give it at most that."),
        ("film.margin_least=0.3", "is 0.3, more than margin, which is 0.16. Give it at most that."),
        ("train_patients=-3", "is -3. Give it a whole number of at least 0."),
        ("test_patients=few", "is 'few'. Give it a whole number of at least 0."),
    ],
)
def test_an_impossible_number_is_one_sentence_with_its_key(override: str, sentence: str, tmp_path: Path) -> None:
    key = override.lstrip("+").split("=")[0].removesuffix(".clean").removesuffix(".torn")
    sign = "+" if override.startswith("+") else ""
    with pytest.raises(ConfigError) as caught:
        cohort_in(tmp_path, f"{sign}cohort.{override.lstrip('+')}")
    assert str(caught.value).startswith(f"cohort.{key} ")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("fetal_pca_partial=0.95", "fetal_pca_complete adds up with fetal_pca_partial to 1.045."),
        ("pica_absent=0.7", "pica_absent adds up with pica_duplicate, pica_from_basilar and pica_with_aica to 1.061."),
        ("antchor_from_pcom=0.8", "antchor_at_bifurcation adds up with antchor_from_pcom to 1.01."),
        ("ba_convex_left=0.6", "ba_convex_right adds up with ba_convex_left to 1.08."),
    ],
)
def test_shares_that_exclude_each_other_leave_room_for_the_rest(override: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        cohort_in(tmp_path, f"cohort.anatomy.variants.{override}")
    assert str(caught.value) == f"cohort.anatomy.variants.{sentence} Give them at most 1 together."


def test_a_cohort_that_a_stream_points_to_is_named_by_its_own_key() -> None:
    with pytest.raises(ConfigError, match=r"^cohort\.film\.rgb is 3\. Give it a number from 0 to 1\.$"):
        build(compose("phantom", ["stream=views", "cohort.film.rgb=3"]).stream)


def test_a_cohort_without_patients_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Give at least one of them patients"):
        cohort_in(tmp_path, "cohort.train_patients=0", "cohort.test_patients=0")


def test_every_number_of_the_cohorts_has_a_rule() -> None:
    distributions = cohort_in(None).distributions
    waiting: list[object] = [getattr(distributions, each.name) for each in fields(distributions)]
    assert waiting
    while waiting:
        node = waiting.pop()
        assert isinstance(node, Checked)
        hints = get_type_hints(type(node), include_extras=True)
        for name, hint in hints.items():
            value = getattr(node, name)
            if is_dataclass(value):
                waiting.append(value)
            else:
                assert any(isinstance(rule, Rule) for rule in getattr(hint, "__metadata__", ())), f"{node}: {name}"


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
