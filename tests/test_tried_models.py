"""What the report and other teams tried, each trained for a moment as a user would."""

import re
from pathlib import Path

import pandas as pd
import pytest
import torch
from commands import call_verb, smoke_settings
from fake_batch import fake_batch

from kium_lightning.anatomy import LOCATION_COLUMNS, View
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.errors import RunError
from kium_lightning.nets.backbone import TimmNet
from kium_lightning.nets.efficientnet_view import EfficientNetB0View
from kium_lightning.records import finished_runs, newest_run
from kium_lightning.settings import compose, conf_dir, run_name
from kium_lightning.tasks.checkpoint import load_task
from kium_lightning.tasks.task import Task
from kium_lightning.tasks.training_runs import find_training

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def own_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "outputs"
    monkeypatch.setenv("KIUM_OUTPUTS", str(folder))
    return folder


def trained_tasks(outputs: Path) -> dict[str, Task]:
    """The tasks that a multirun left, each of which must answer a batch of its rows by one number per label."""
    tasks = {}
    for record in finished_runs(outputs, "train"):
        task = load_task(record.folder / record.facts["checkpoint"]).task
        with torch.inference_mode():
            assert task.output(fake_batch(task.rows, 64)).shape == (2, len(task.rows.label_names))
        assert record.folder.name.endswith(f"-{record.name}")
        tasks[record.name] = task
    return tasks


def test_backbones_train_each_by_its_name(phantom_cohort: CohortFolder, own_outputs: Path, capsys: Capture) -> None:
    models = ["small_cnn", "resnet18_conv_head", "densenet121"]
    done = call_verb(capsys, "train", "-m", f"model={','.join(models)}", *smoke_settings(phantom_cohort))
    assert done.returncode == 0, done.stderr
    assert set(trained_tasks(own_outputs)) == set(models)


def test_any_net_of_timm_trains_on_whole_patients(
    phantom_cohort: CohortFolder, own_outputs: Path, capsys: Capture
) -> None:
    settings = ["model=densenet121", "model/net=timm", "model.net.name=test_vit", "data=patients"]
    done = call_verb(capsys, "train", *settings, *smoke_settings(phantom_cohort), "data.batch_size=4")
    assert done.returncode == 0, done.stderr
    net = load_task(newest_run(own_outputs, "train").folder / "checkpoints" / "best.ckpt").task.net
    assert isinstance(net, TimmNet)
    assert net.backbone.state_dict()["patch_embed.proj.weight"].shape[1] == 8


def test_views_are_trained_one_by_one_and_told_apart(
    phantom_cohort: CohortFolder, own_outputs: Path, capsys: Capture
) -> None:
    sweep = "data.rows.views=[LI-A],[RV-B]"
    done = call_verb(capsys, "train", "-m", "model=per_view", sweep, *smoke_settings(phantom_cohort))
    assert done.returncode == 0, done.stderr
    tasks = trained_tasks(own_outputs)
    assert set(tasks) == {"per_view-LI-A", "per_view-RV-B"}
    for name, task in tasks.items():
        assert name in done.stdout
        run = find_training(name, own_outputs)
        assert run.record is not None
        assert run.record.facts["rows"]["views"] == [name.removeprefix("per_view-")]
        weights = torch.load(run.checkpoint, weights_only=True)["kium_lightning"]["model"]["loss"]["positive_weights"]
        assert len(weights) == len(task.rows.label_names)
        assert set(pd.read_csv(run.record.folder / "held_out_scores.csv")["view"]) == set(
            run.record.facts["rows"]["views"]
        )


def test_arteries_are_trained_one_by_one_with_their_views_told_to_the_net(
    phantom_cohort: CohortFolder, own_outputs: Path, capsys: Capture
) -> None:
    sweep = "data.rows.locations=[L_ICA],[BA]"
    done = call_verb(capsys, "train", "-m", "model=efficientnet_b0_view", sweep, *smoke_settings(phantom_cohort))
    assert done.returncode == 0, done.stderr
    tasks = trained_tasks(own_outputs)
    assert set(tasks) == {"efficientnet_b0_view-L_ICA", "efficientnet_b0_view-BA"}
    for task in tasks.values():
        assert isinstance(task.net, EfficientNetB0View)
        assert len(task.rows.label_names) == 1


def test_an_artery_without_positives_trains_and_is_said_to_have_no_score(
    phantom_cohort: CohortFolder, own_outputs: Path, capsys: Capture
) -> None:
    table = pd.read_csv(phantom_cohort.train_csv)
    never = next(column for column in LOCATION_COLUMNS if not table[column].any())
    settings = ["model=small_cnn", "data=single_location", f"data.rows.locations=[{never}]", "model/loss=weighted_bce"]
    done = call_verb(capsys, "train", *settings, *smoke_settings(phantom_cohort), "trainer.max_epochs=3")
    assert done.returncode == 0, done.stderr
    assert "val/auroc cannot be known" in done.stdout
    folder = newest_run(own_outputs, "train", f"small_cnn-{never}").folder / "checkpoints"
    epochs = [torch.load(folder / name, weights_only=True)["epoch"] for name in ("best.ckpt", "last.ckpt")]
    assert epochs == [0, 2]


@pytest.mark.parametrize(("model", "key"), [("per_view", "views"), ("efficientnet_b0_view", "locations")])
def test_the_sweep_that_a_file_documents_names_all_there_are(model: str, key: str) -> None:
    comments = [
        line for line in (conf_dir() / "model" / f"{model}.yaml").read_text().splitlines() if line.startswith("#")
    ]
    swept = re.findall(r"\[([A-Za-z_-]+)\]", " ".join(comments))
    known = {"views": [view.code for view in View], "locations": list(LOCATION_COLUMNS)}[key]
    assert sorted(set(swept)) == sorted(known)


def test_per_view_training_weighs_draws_and_losses() -> None:
    """The report used both at once."""
    config = compose("train", ["model=per_view", "name=here", "folder=/unused"])
    assert config.data.sampler == "label_count"
    assert config.model.loss.positive_weights == "auto"


@pytest.mark.parametrize(
    ("choices", "name"),
    [
        ((None, None), "per_view"),
        ((["LI-A"], None), "per_view-LI-A"),
        ((["LI-A", "LI-B"], ["L_ICA"]), "per_view-LI-A+LI-B-L_ICA"),
        (([], None), "per_view"),
        (("LI-A", 5), "per_view-LI-A-5"),
    ],
)
def test_a_run_is_named_after_its_model_and_what_was_chosen_of_its_rows(choices: tuple[object, ...], name: str) -> None:
    assert run_name("per_view", *choices) == name


def test_a_run_over_rows_that_is_not_there_is_told_the_models_command(own_outputs: Path) -> None:
    with pytest.raises(RunError, match=r"Run `python -m kium_lightning\.train model=per_view` with rows of LI-A first"):
        find_training("per_view-LI-A", own_outputs)
