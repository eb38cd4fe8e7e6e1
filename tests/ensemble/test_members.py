import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from kium_lightning.anatomy import Circulation, Target
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.splits import read_split
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.finding import find_ensemble
from kium_lightning.ensemble.fusion import FuseRules
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.nets import sources
from kium_lightning.records import RECORD_NAME, Record, newest_run

PRESENCE = {"anterior": "mednet_anterior", "posterior": "mednet_posterior"}
LOCATORS = {"anterior": "swin_anterior", "posterior": "resnet18_posterior"}


def ensemble(outputs: Path, **changed: Any) -> Ensemble:
    members: dict[str, Any] = {"presence": PRESENCE, "locators": LOCATORS, "folds": "all"} | changed
    return find_ensemble(str(outputs), rules=FuseRules(), **members)


def run_of(outputs: Path, name: str) -> Record:
    return newest_run(outputs, "train", name)


@pytest.fixture
def copy_of_run(trained: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copies a finished run, without its weights, and changes its record."""

    def copy(name: str, change: Callable[[dict[str, Any]], None]) -> Path:
        source = run_of(trained, name).folder
        folder = tmp_path / name
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "best.ckpt").symlink_to(source / "checkpoints" / "best.ckpt")
        content = json.loads((source / RECORD_NAME).read_text())
        change(content)
        (folder / RECORD_NAME).write_text(json.dumps(content))
        return folder

    return copy


def test_names_stand_for_their_newest_finished_runs(trained: Path) -> None:
    found = ensemble(trained)
    places = [(member.target, member.circulation, member.name) for member in found.members]
    assert places == [
        (Target.BINARY, Circulation.ANTERIOR, "mednet_anterior"),
        (Target.BINARY, Circulation.POSTERIOR, "mednet_posterior"),
        (Target.MULTILABEL, Circulation.ANTERIOR, "swin_anterior"),
        (Target.MULTILABEL, Circulation.POSTERIOR, "resnet18_posterior"),
    ]
    for member in found.members:
        (net,) = member.nets
        assert net.checkpoint.is_absolute()
        assert net.checkpoint == run_of(trained, member.name).folder / "checkpoints" / "best.ckpt"


def test_a_run_a_checkpoint_and_a_name_give_the_same_member(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_name = ensemble(trained).presence[Circulation.ANTERIOR]
    (net,) = by_name.nets
    folder = net.checkpoint.parents[1]
    monkeypatch.chdir(folder.parent)
    for source in (str(folder), folder.name, str(net.checkpoint)):
        named = ensemble(trained, presence=PRESENCE | {"anterior": source}).presence[Circulation.ANTERIOR]
        assert named.nets[0].checkpoint == net.checkpoint
        assert named.digest == by_name.digest
        assert (named.nets[0].record is None) == source.endswith(".ckpt")


def test_members_load_on_the_cpu_without_a_look_at_the_network(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("pretrained weights were looked for")

    for source in (sources.HubFile, sources.UrlFile):
        monkeypatch.setattr(source, "cached", refuse)
        monkeypatch.setattr(source, "fetch", refuse)
    for member in ensemble(trained).members:
        (loaded,) = member.load()
        checkpoint = torch.load(member.nets[0].checkpoint, weights_only=True)
        for name, value in loaded.task.state_dict().items():
            assert torch.equal(value, checkpoint["state_dict"][name])
        assert loaded.preparation.image_size == 64
        assert loaded.preparation.median_kernel == (3 if member.target is Target.BINARY else 1)


@pytest.mark.parametrize("place", ["presence", "locators"])
def test_a_net_trained_for_another_place_is_refused(trained: Path, place: str) -> None:
    expected = r"was trained for rows of the kind folded posterior multilabel, but the ensemble needs.*anterior"
    with pytest.raises(RunError, match=expected):
        ensemble(trained, **{place: {"anterior": "resnet18_posterior", "posterior": "resnet18_posterior"}})
    checkpoint = str(run_of(trained, "resnet18_posterior").folder / "checkpoints" / "best.ckpt")
    bare = ensemble(trained, **{place: {"anterior": checkpoint, "posterior": checkpoint}})
    with pytest.raises(RunError, match=expected):
        getattr(bare, place)[Circulation.ANTERIOR].load()


@pytest.mark.parametrize("wrong", [{"anterior": "x"}, {}, PRESENCE | {"lateral": "x"}])
def test_an_ensemble_needs_one_member_for_each_circulation(trained: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="one binary member for each of anterior, posterior"):
        ensemble(trained, presence=wrong)


def test_a_missing_run_is_told_with_the_command_that_makes_it(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"No finished train run of swin_posterior.*train model=swin_posterior"):
        ensemble(trained, locators=LOCATORS | {"posterior": "swin_posterior"})
    with pytest.raises(RunError, match=r"it is not the folder of a finished run"):
        ensemble(trained, locators=LOCATORS | {"posterior": str(tmp_path / "gone")})


def test_the_folder_of_another_verbs_run_is_refused(trained: Path, tmp_path: Path) -> None:
    (tmp_path / RECORD_NAME).write_text(json.dumps({"verb": "predict", "name": "", "finished": "2026"}))
    with pytest.raises(RunError, match=rf"{re.escape(str(tmp_path))} is the folder of a predict run"):
        ensemble(trained, locators=LOCATORS | {"posterior": str(tmp_path)})


def test_unseen_patients_were_in_no_members_training_and_seen_ones_in_all(
    trained: Path, phantom_cohort: CohortFolder
) -> None:
    split = read_split(Path(run_of(trained, "swin_anterior").facts["split"]["path"]))
    assert split.path.parent == phantom_cohort.train_set
    ((fold, (alone, patients)),) = ensemble(trained).by_fold().items()
    assert fold == 0
    assert patients == sorted(split.held_out(0))
    assert alone.digests == ensemble(trained).digests
    assert ensemble(trained).trained_on() == sorted(split.training(0, "next_fold"))


def test_members_of_different_folds_have_no_unseen_patient(trained: Path, copy_of_run: Callable[..., Path]) -> None:
    other = copy_of_run("mednet_anterior", lambda record: record["split"].update(fold=1))
    mixed = ensemble(trained, presence=PRESENCE | {"anterior": str(other)})
    with pytest.raises(RunError, match=r"none of the members saw in training.*data\.fold"):
        mixed.by_fold()
    split = read_split(Path(run_of(trained, "swin_anterior").facts["split"]["path"]))
    assert mixed.trained_on() == sorted({*split.training(0, "next_fold")} & {*split.training(1, "next_fold")})


@pytest.fixture
def two_folds(trained: Path, tmp_path: Path) -> Path:
    """An outputs folder whose runs look as if folds 0 and 1 had been trained, and fold 2 of one member."""
    outputs = tmp_path / "outputs"
    for name in (*PRESENCE.values(), *LOCATORS.values()):
        source = run_of(trained, name)
        for fold in (0, 1, 2) if name == "swin_anterior" else (0, 1):
            folder = outputs / "train" / name / str(fold)
            (folder / "checkpoints").mkdir(parents=True)
            (folder / "checkpoints" / "best.ckpt").symlink_to(source.folder / "checkpoints" / "best.ckpt")
            content = json.loads((source.folder / RECORD_NAME).read_text())
            content["split"]["fold"] = fold
            content["finished"] = f"2026-01-0{9 - fold}T00:00:00+00:00"
            (folder / RECORD_NAME).write_text(json.dumps(content))
    return outputs


def test_a_name_stands_for_the_nets_of_all_folds_that_the_four_have(two_folds: Path) -> None:
    found = ensemble(two_folds)
    assert [list(member.folds) for member in found.members] == [[0, 1]] * 4
    split = found.nets[0].split()
    for fold, (alone, patients) in found.by_fold().items():
        assert patients == sorted(split.held_out(fold))
        assert [net.fold for net in alone.nets] == [fold] * 4
    assert list(found.by_fold()) == [0, 1]
    assert found.trained_on() == sorted({*split.training(0, "next_fold")} & {*split.training(1, "next_fold")})
    assert [facts["fold"] for facts in found.describe()] == [0, 1] * 4
    assert "mean of 2 nets (folds 0, 1)" in found.lines()[0]
    newest = ensemble(two_folds, folds="newest")
    assert [list(member.folds) for member in newest.members] == [[0]] * 4


@pytest.mark.parametrize(
    "change",
    [
        lambda record: record.update(recipe="another"),
        lambda record: record["split"].update(digest="another"),
        lambda record: record["cohort"].update(path="/another"),
    ],
)
def test_runs_of_another_recipe_split_or_cohort_are_not_averaged(
    two_folds: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    path = two_folds / "train" / "mednet_anterior" / "1" / RECORD_NAME
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    assert [list(member.folds) for member in ensemble(two_folds).members] == [[0]] * 4


def test_a_list_of_runs_is_averaged_as_it_is_given(two_folds: Path) -> None:
    runs = [str(two_folds / "train" / "mednet_anterior" / fold) for fold in ("1", "0")]
    found = ensemble(two_folds, presence=PRESENCE | {"anterior": runs})
    assert [net.fold for net in found.presence[Circulation.ANTERIOR].nets] == [1, 0]
    same_fold = ensemble(two_folds, presence=PRESENCE | {"anterior": [runs[0], runs[0]]}, folds="all")
    ((alone, _),) = [each for fold, each in same_fold.by_fold().items() if fold == 1]
    assert [net.fold for net in alone.presence[Circulation.ANTERIOR].nets] == [1, 1]
    with pytest.raises(ConfigError, match=r"ensemble\.folds is 'some'.*all or newest"):
        ensemble(two_folds, folds="some")


def test_a_split_that_changed_since_the_training_is_refused(trained: Path, copy_of_run: Callable[..., Path]) -> None:
    other = copy_of_run("mednet_anterior", lambda record: record["split"].update(digest="0" * 16))
    with pytest.raises(RunError, match=r"is not the split that .* was trained with any more"):
        ensemble(trained, presence=PRESENCE | {"anterior": str(other)}).by_fold()


def test_members_of_different_cohorts_are_refused(trained: Path, copy_of_run: Callable[..., Path]) -> None:
    other = copy_of_run("mednet_anterior", lambda record: record["cohort"].update(path="/another/cohort"))
    with pytest.raises(RunError, match=r"different cohorts: .*/another/cohort"):
        ensemble(trained, presence=PRESENCE | {"anterior": str(other)}).cohort()


def test_a_bare_checkpoint_does_not_know_its_patients(trained: Path) -> None:
    checkpoint = run_of(trained, "mednet_anterior").folder / "checkpoints" / "best.ckpt"
    bare = ensemble(trained, presence=PRESENCE | {"anterior": str(checkpoint)})
    with pytest.raises(RunError, match=r"bare checkpoint.*Name the folder of its training run"):
        bare.by_fold()


def test_digests_go_by_content(trained: Path, tmp_path: Path) -> None:
    member = ensemble(trained).presence[Circulation.ANTERIOR]
    copied = tmp_path / "renamed.ckpt"
    shutil.copyfile(member.nets[0].checkpoint, copied)
    renamed = ensemble(trained, presence=PRESENCE | {"anterior": str(copied)})
    assert renamed.digests == ensemble(trained).digests
    with copied.open("ab") as file:
        file.write(b"\0")
    assert renamed.digests["binary_anterior"] != member.digest
    assert set(renamed.digests) == {
        "binary_anterior",
        "binary_posterior",
        "multilabel_anterior",
        "multilabel_posterior",
    }


def test_a_description_is_json(trained: Path) -> None:
    described = ensemble(trained).describe()
    assert json.loads(json.dumps(described)) == described
    assert [member["name"] for member in described] == [*PRESENCE.values(), *LOCATORS.values()]
