"""The explain verb end to end, on nets that were trained for a few steps."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from commands import Done, call_verb

from kium_lightning.data.cohort import CohortFolder
from kium_lightning.images.reading import read_grey
from kium_lightning.records import newest_run, read_record
from kium_lightning.tasks.checkpoint import load_task, untrained_task

Capture = pytest.CaptureFixture[str]


def explained(capsys: Capture, folder: Path, *arguments: str) -> Done:
    done = call_verb(capsys, "explain", f"hydra.run.dir={folder}", "controls=1", "draws=50", *arguments)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("run", ["mednet_anterior", "swin_anterior"])
def test_a_phantom_cohort_is_drawn_and_scored(
    run: str, trained: Path, phantom_cohort: CohortFolder, capsys: Capture, tmp_path: Path
) -> None:
    done = explained(capsys, tmp_path, f"run={run}", "part=train_set", "drawn=2")
    table = pd.read_csv(done.written["saliency.csv"])
    truth = {path.stem: json.loads(path.read_text()) for path in (phantom_cohort.truth / "train_set").glob("*.json")}
    scored = table.dropna(subset=["pointing"])
    assert len(scored) > 0
    for line in scored.to_dict("records"):
        sacs = [sac for sac in truth[str(line["Index"])]["aneurysms"] if sac["views"][line["view"]]["visible"]]
        of_side = [sac["column"] for sac in sacs if sac["column"][0] == line["view"][0]]
        assert of_side
        assert line["label"] in ("Aneurysm", *(column[2:] for column in of_side))
        assert line["labelled"] == 1
        assert 0 < line["chance_energy"] < line["chance_pointing"] < 1
    known = [f"{prefix}{name}" for prefix in ("", "random_", "chance_") for name in ("pointing", "energy")]
    assert ((scored[known] >= 0) & (scored[known] <= 1)).all(axis=None)

    facts = read_record(tmp_path).facts
    assert facts["scores"]["maps"] == len(scored)
    assert facts["scores"]["trained net"]["pointing"]["value"] == pytest.approx(scored["pointing"].mean(), abs=1e-5)
    assert "random weights" in done.stdout
    sheets = [path for name, path in done.written.items() if name.endswith(".png")]
    assert len(sheets) == 2


def test_maps_lie_on_the_original_files_and_the_table_gives_their_maxima(
    trained: Path, phantom_cohort: CohortFolder, capsys: Capture, tmp_path: Path
) -> None:
    patients = pd.read_csv(phantom_cohort.test_csv)["Index"].tolist()[:2]
    views = "views=[RV-A,LV-B]"
    done = explained(
        capsys,
        tmp_path,
        "run=resnet18_posterior",
        f"patients={patients}",
        views,
        "labels=[BA]",
        "layer=backbone.layer3",
    )
    table = pd.read_csv(done.written["saliency.csv"])
    drawn = table[table["label"] == "BA"]
    assert sorted(drawn["Index"].unique()) == sorted(patients)
    assert read_record(tmp_path).facts["layer"] == "backbone.layer3"
    for patient in patients:
        maps = np.load(done.written[f"{patient}.npz"])
        assert sorted(maps) == ["BA_LV-B", "BA_RV-A"]
        assert read_grey(done.written[f"{patient}.png"]).shape[1] > 600
        greatest = drawn[drawn["Index"] == patient]["maximum"].max()
        assert greatest > 0  # or nothing would be compared
        for name, heat in maps.items():
            image = read_grey(phantom_cohort.test_set / f"{patient}{name.removeprefix('BA_')}.jpg")
            assert heat.dtype == np.float16
            assert heat.shape == image.shape
            line = drawn[(drawn["Index"] == patient) & (drawn["view"] == name.removeprefix("BA_"))].iloc[0]
            if line["maximum"] > 0:
                assert np.nanmax(heat) == heat[int(line["y"]), int(line["x"])]
                assert np.nanmax(heat) == pytest.approx(line["maximum"] / greatest, rel=1e-3)


def test_without_a_truth_maps_are_drawn_but_not_scored(
    trained: Path, phantom_cohort: CohortFolder, capsys: Capture, tmp_path: Path
) -> None:
    folder = tmp_path / "cohort"
    folder.mkdir()
    (folder / "train_set").symlink_to(phantom_cohort.train_set)
    cohort = ["cohort=kium", f"cohort.folder={folder}", "part=train_set", "drawn=1"]
    done = explained(capsys, tmp_path / "run", "run=mednet_posterior", *cohort)
    assert "No truth is known: the heat maps are not scored." in done.stdout
    table = pd.read_csv(done.written["saliency.csv"])
    assert "pointing" not in table
    assert table["labelled"].notna().all()
    assert read_record(tmp_path / "run").facts["scores"] is None


def test_unknown_labels_are_no_zeros(
    trained: Path, phantom_cohort: CohortFolder, capsys: Capture, tmp_path: Path
) -> None:
    folder = tmp_path / "cohort"
    (folder / "test_set").mkdir(parents=True)
    for path in phantom_cohort.test_set.iterdir():
        if path != phantom_cohort.groundtruth_csv:
            (folder / "test_set" / path.name).symlink_to(path)
    done = explained(
        capsys, tmp_path / "run", "run=mednet_posterior", "cohort=kium", f"cohort.folder={folder}", "drawn=1"
    )
    assert pd.read_csv(done.written["saliency.csv"])["labelled"].isna().all()


def test_missing_outlines_are_told_apart_from_missing_aneurysms(
    trained: Path, phantom_cohort: CohortFolder, capsys: Capture, tmp_path: Path
) -> None:
    folder = tmp_path / "cohort"
    truth = folder / "truth" / "train_set"
    truth.mkdir(parents=True)
    (folder / "train_set").symlink_to(phantom_cohort.train_set)
    for path in (phantom_cohort.truth / "train_set").glob("*.json"):
        (truth / path.name).symlink_to(path)
    cohort = ["cohort=kium", f"cohort.folder={folder}", "part=train_set", "drawn=1"]
    done = explained(capsys, tmp_path / "run", "run=mednet_anterior", *cohort)
    assert "lacks the outlines of aneurysms, which cohort.truth=masks writes" in done.stdout


@pytest.mark.parametrize("run", ["mednet_anterior", "swin_anterior"])
def test_random_weights_are_others_in_every_parameter_that_training_moves(run: str, trained: Path) -> None:
    checkpoint = newest_run(trained, "train", run).folder / "checkpoints" / "best.ckpt"
    before = torch.random.get_rng_state()
    random = dict(untrained_task(checkpoint, 0).named_parameters())
    assert torch.equal(before, torch.random.get_rng_state())
    for name, parameter in load_task(checkpoint).task.named_parameters():
        assert parameter.shape == random[name].shape
        assert not torch.equal(parameter, random[name]), name
    again, other = (dict(untrained_task(checkpoint, seed).named_parameters()) for seed in (0, 1))
    assert all(torch.equal(parameter, again[name]) for name, parameter in random.items())
    assert all(not torch.equal(value, other[name]) for name, value in random.items() if value.ndim > 1)


WRONG = {
    "run": (["run=/gone"], "/gone"),
    "layer": (["layer=backbone.layer9"], r"layer=backbone\.layer9 is no module"),
    "labels": (["labels=[PCA]"], "labels=PCA is none of this net's. Choose from Aneurysm"),
    "label": (["labels=PCA"], "labels=PCA is none of this net's"),
    "views": (["views=[LV-A]"], r"looks at no view LV-A\. Choose views from LI-A, LI-B, RI-A, RI-B\."),
    "view": (["views=LV-A"], "looks at no view LV-A"),
    "patients": (["patients=[7]"], "not in the catalog"),
    "patient": (["patients=7"], "not in the catalog"),
    "a name for a patient": (["patients=first"], "patients is 'first'"),
    "a mapping": (["views={LI-A: 1}"], "views is .* Give it a list"),
    "no patients": (["patients=[]"], "patients is empty"),
    "part": (["part=validation_set"], "no part 'validation_set'"),
    "tolerance": (["tolerance_mm=-1"], "tolerance_mm is -1"),
    "drawn": (["drawn=0"], "drawn is 0"),
    "device": (["device=warp"], "no device 'warp'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_explained_is_told_in_one_message(case: str, trained: Path, capsys: Capture) -> None:
    arguments, expected = WRONG[case]
    done = call_verb(capsys, "explain", "run=mednet_anterior", *arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert re.search(expected, done.stderr), done.stderr


def test_plain_values_are_lists_of_one(
    trained: Path, phantom_cohort: CohortFolder, capsys: Capture, tmp_path: Path
) -> None:
    patient = pd.read_csv(phantom_cohort.test_csv)["Index"].tolist()[0]
    plain = [f"patients={patient}", "views=RV-A", "labels=BA"]
    done = explained(capsys, tmp_path, "run=resnet18_posterior", *plain)
    drawn = pd.read_csv(done.written["saliency.csv"])
    assert drawn[["Index", "view", "label"]].to_numpy().tolist() == [[patient, "RV-A", "BA"]]
    assert list(np.load(done.written[f"{patient}.npz"])) == ["BA_RV-A"]


def test_help_says_what_the_verb_does(capsys: Capture) -> None:
    done = call_verb(capsys, "explain", "--help")
    assert done.returncode == 0
    assert "python -m kium_lightning.explain" in done.stdout
