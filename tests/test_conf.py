"""Every YAML file below conf/ composes, and what it describes can be built."""

from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from fake_batch import fake_batch
from lightning.pytorch.loggers import CSVLogger, WandbLogger
from numpy.typing import NDArray
from torch import nn

from kium_lightning.anatomy import Circulation
from kium_lightning.data.cohort import CohortFolder, FolderCohort
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.data.stream import PhantomStream
from kium_lightning.data.transforms import Augmentation
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.fusion import REPORT_RULES, PatientScores
from kium_lightning.ensemble.nested import fit_operating_points
from kium_lightning.ensemble.predictor import Predictor
from kium_lightning.losses.bce import BinaryCrossEntropy
from kium_lightning.losses.contrastive import ContrastiveLoss
from kium_lightning.nets.resnet18 import ResNet18
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.settings import Config, build, compose, conf_dir, plain
from kium_lightning.tasks.classification import Classification
from kium_lightning.tasks.task import Task
from kium_lightning.tracking.weights_and_biases import finish_wandb

FILES = sorted(path.relative_to(conf_dir()) for path in conf_dir().rglob("*.yaml"))

# Which primary config a group belongs to, and what else must be said to compose an option of it.
PRIMARY = {
    "predictor": "predict",
    "ensemble": "predict",
    "calibration": "calibrate",
    "thresholds": "calibrate",
    "stream": "phantom",
}
PACKAGED = {"model/task": "model/task@model", "model/data": "+model/data@data"}
SHARED_PARTS = {
    "data/views": ["+data.rows={_target_: kium_lightning.data.patient_rows.PatientRows, target: all}"],
}


def options(group: str) -> list[str]:
    return sorted(path.stem for path in (conf_dir() / group).glob("*.yaml"))


def composed(primary: str, *overrides: str) -> Config:
    """Composes without what only a running job knows."""
    job = ["folder=/runs/here"] if primary != "phantom" else []
    return compose(primary, [*job, *(["name=here"] if primary == "train" else []), *overrides])


def random_start(settings: Any) -> Any:
    """Settings whose nets, and nets in nets, do not look for published weights."""
    if not isinstance(settings, dict):
        return settings
    return {key: False if key == "pretrained" else random_start(value) for key, value in settings.items()}


def random_patients() -> tuple[PatientScores, NDArray[np.int64]]:
    """Scores and labels of patients to fit thresholds on."""
    random = np.random.default_rng(0)
    return PatientScores(random.random(60), random.random((60, 21))), random.integers(0, 2, (60, 22))


def trained_net(config: Config) -> dict[str, Any]:
    """The model's node with random weights and with numbers where the train verb would fill them in."""
    model: dict[str, Any] = random_start(plain(config)["model"])
    if model["loss"].get("positive_weights") == "auto":
        model["loss"]["positive_weights"] = [2.0] * model["net"]["outputs"]
    return model


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_begins_with_the_command_that_uses_it(file: Path) -> None:
    lines = (conf_dir() / file).read_text(encoding="utf-8").splitlines()
    said = [line for line in lines[:2] if line.startswith("# ")]
    assert said
    assert any("kium_lightning." in line or "see conf/" in line or "every verb" in line for line in said)


@pytest.mark.parametrize("file", FILES, ids=str)
def test_every_file_composes_without_a_loose_end(file: Path) -> None:
    group, option = file.parent.as_posix(), file.stem
    if group == ".":
        config = composed(option)
    elif group.startswith("hydra"):
        config = composed("train")  # every primary config names them
    else:
        primary = PRIMARY.get(group.split("/")[0], "train")
        group = PACKAGED.get(group, group)
        config = composed(primary, f"{group}={option}", *SHARED_PARTS.get(f"{group}/{option}", []))
    if "cohort" in config and config.cohort is not None and config.cohort.get("name") == "kium":
        config.cohort.folder = "/cohort"
    assert plain(config)


@pytest.mark.parametrize("option", options("cohort"))
def test_every_cohort_builds(option: str, tmp_path: Path) -> None:
    needed = [f"cohort.folder={tmp_path}"] if option == "kium" else []
    cohort = build(composed("phantom", f"cohort={option}", *needed).cohort)
    assert isinstance(cohort, FolderCohort if option == "kium" else PhantomCohort)


@pytest.mark.parametrize("option", options("stream"))
def test_every_stream_builds(option: str) -> None:
    assert isinstance(build(composed("phantom", f"stream={option}").stream), PhantomStream)


@pytest.mark.parametrize("option", sorted(set(options("data")) - {"views"}))
def test_every_dataset_builds(option: str) -> None:
    data = build(composed("train", f"data={option}").data)
    assert isinstance(data, Angiograms)
    rows = data.rows.plain()
    if rows["kind"] == "folded":
        named = "_".join([rows["circulation"], *(["binary"] if rows["target"] == "binary" else [])])
        assert option.removesuffix("_as_filmed") == named
        if option.endswith("_as_filmed"):
            assert (data.preparation.polarity, data.preparation.median_kernel) == ("as_filmed", 1)


@pytest.mark.parametrize("option", options("transforms"))
def test_every_augmentation_builds_and_works(option: str) -> None:
    augment = build(composed("train", f"transforms={option}").transforms)
    assert isinstance(augment, Augmentation)
    assert augment(np.full((48, 48), 128, np.uint8), 0).shape == (48, 48)


@pytest.mark.parametrize("option", options("model"))
def test_every_model_builds_with_its_own_dataset(option: str) -> None:
    config = composed("train", f"model={option}", "data.image_size=64")
    task: Task = build(trained_net(config))
    data: Angiograms = build(config.data)
    assert data.rows.plain() == task.rows.plain()
    for circulation in Circulation:
        if option.endswith(f"_{circulation}"):
            assert data.rows.plain()["circulation"] == circulation
    with torch.inference_mode():
        output = task.eval().output(fake_batch(data.rows, 64))
    if isinstance(task, Classification):
        assert output.shape == (2, len(data.label_names))
    optimizers: Any = task.configure_optimizers()
    assert optimizers["lr_scheduler"]["monitor"] == task.monitor == config.callbacks.early_stopping.monitor
    assert config.callbacks.early_stopping.mode == task.mode
    assert config.trainer.max_epochs == task.epochs


def test_models_have_the_reports_settings() -> None:
    """The report and the facts about its submission that stand beside it."""
    sizes = {"mednet_anterior": 724, "mednet_posterior": 724, "swin_anterior": 224, "resnet18_posterior": 224}
    for option, size in sizes.items():
        config = composed("train", f"model={option}")
        binary = option.startswith("mednet")
        assert config.data.image_size == size
        assert (config.data.polarity, config.data.median_kernel) == (("inverted", 3) if binary else ("as_filmed", 1))
        assert (config.model.optimizer.lr, config.model.optimizer.weight_decay) == (1e-4 if binary else 1e-3, 1e-5)
        assert config.model.monitor == ("val/auroc" if binary else "val/weighted_f1")
        assert config.data.batch_size == 32
        assert config.callbacks.early_stopping.patience == 5
        assert config.trainer.max_epochs == 100


@pytest.mark.parametrize("net", options("model/net"))
@pytest.mark.parametrize("data", ["posterior", "anterior_binary"])
def test_every_net_fits_every_dataset(net: str, data: str) -> None:
    config = composed("train", f"model/net={net}", f"data={data}", "data.image_size=64")
    model = trained_net(config)
    built: nn.Module = build(model["net"])
    rows = build(config.data.rows)
    batch: dict[str, Any] = {**fake_batch(rows, 64, count=1)}
    with torch.inference_mode():
        output = built.eval()(*(batch[name] for name in getattr(built, "inputs", ("image",))))
    outputs = {"autoencoder": (1, 64, 64), "embedding": (128,), "reconstruction_classifier": (len(rows.label_names),)}
    assert output.shape == (1, *outputs.get(net, (model["net"].get("outputs"),)))


@pytest.mark.parametrize("option", options("model"))
def test_every_part_of_a_model_can_be_exchanged(option: str) -> None:
    """A part's settings stand in its own file, so that they do not meet the part that takes its place."""
    exchanged = ["model/net=resnet18", "model/loss=bce", "model/optimizer=adam", "model/scheduler=plateau"]
    model = trained_net(composed("train", f"model={option}", *exchanged))
    assert isinstance(build(model["net"]), ResNet18)
    assert isinstance(build(model["loss"]), BinaryCrossEntropy)
    assert build(model["optimizer"])([nn.Parameter(torch.zeros(1))])


@pytest.mark.parametrize("loss", options("model/loss"))
@pytest.mark.parametrize("data", ["posterior", "anterior_binary"])
def test_every_loss_fits_every_dataset(loss: str, data: str) -> None:
    model = trained_net(composed("train", f"model/loss={loss}", f"data={data}"))
    shape = (3, model["net"]["outputs"])
    built = build(model["loss"])
    targets = torch.ones(3) if isinstance(built, ContrastiveLoss) else torch.ones(shape)
    value = built(torch.zeros(shape, requires_grad=True), targets)
    assert value.ndim == 0
    value.backward()


@pytest.mark.parametrize("option", options("model/optimizer"))
@pytest.mark.parametrize("scheduler", options("model/scheduler"))
def test_every_optimizer_and_scheduler_works_on_parameters(option: str, scheduler: str) -> None:
    model = composed("train", f"model/optimizer={option}", f"model/scheduler={scheduler}").model
    optimizer = build(model.optimizer)([nn.Parameter(torch.zeros(1))])
    assert build(model.scheduler)(optimizer).optimizer is optimizer


@pytest.mark.parametrize("option", options("trainer"))
def test_every_trainer_builds(option: str, tmp_path: Path) -> None:
    config = compose("train", [f"trainer={option}", "name=here", f"folder={tmp_path}"])
    assert isinstance(build(config.trainer, logger=False), L.Trainer)


@pytest.mark.parametrize("option", options("callbacks"))
def test_every_set_of_callbacks_builds(option: str) -> None:
    config = composed("train", f"callbacks={option}")
    assert all(isinstance(build(node), L.Callback) for node in config.callbacks.values())


@pytest.mark.parametrize("option", options("logger"))
def test_every_set_of_loggers_builds_and_none_asks(option: str, tmp_path: Path) -> None:
    config = compose("train", [f"logger={option}", "name=here", f"folder={tmp_path}"])
    try:
        loggers = [build(node) for node in config.logger.values()]
    finally:
        finish_wandb()
    assert [type(logger) for logger in loggers] == [CSVLogger, WandbLogger][: len(loggers)]
    assert len(list(tmp_path.glob("wandb/offline-run-*"))) == (option == "wandb")


@pytest.mark.parametrize("option", options("experiment"))
def test_every_experiment_composes_with_every_model(option: str) -> None:
    for model in options("model"):
        config = plain(composed("train", f"experiment={option}", f"model={model}"))
        assert config["model"]["rows"] == config["data"]["rows"]


def test_the_demo_asks_no_hub_for_weights() -> None:
    for model in options("model"):
        net = composed("train", "experiment=demo", f"model={model}").model.net
        assert "'auto'" not in str(plain(net))


@pytest.mark.parametrize("option", options("predictor"))
def test_every_predictor_builds(option: str) -> None:
    assert isinstance(build(composed("predict", f"predictor={option}").predictor), Predictor)


@pytest.mark.parametrize("option", options("calibration"))
@pytest.mark.parametrize("rule", ["quantile", "sensitivity_floor"])
def test_every_calibration_builds_and_fits_before_a_rule(option: str, rule: str) -> None:
    config = composed("calibrate", f"calibration={option}", f"thresholds={rule}")
    table = fit_operating_points(*random_patients(), build(config.calibration), build(config.thresholds))
    assert table.calibration.name == option


@pytest.mark.parametrize("option", options("thresholds"))
def test_every_threshold_rule_builds_and_gives_a_whole_table(option: str) -> None:
    config = composed("calibrate", f"thresholds={option}")
    table = fit_operating_points(*random_patients(), build(config.calibration), build(config.thresholds))
    assert table.location_values.shape == (21,)


@pytest.mark.parametrize("gate", options("thresholds/gate"))
@pytest.mark.parametrize("locations", options("thresholds/locations"))
def test_every_rule_of_the_gate_joins_every_rule_of_the_locations(gate: str, locations: str) -> None:
    config = composed("calibrate", f"thresholds/gate={gate}", f"thresholds/locations={locations}")
    table = fit_operating_points(*random_patients(), build(config.calibration), build(config.thresholds))
    assert table.rule == (gate if gate == locations else f"{gate} + {locations}")
    assert table.calibration.name == ("platt" if "accuracy" in (gate, locations) else "none")


@pytest.mark.parametrize("option", options("ensemble"))
def test_every_ensemble_builds_from_the_newest_runs(option: str, trained: Path, phantom_cohort: CohortFolder) -> None:
    ensemble = build(composed("predict", f"ensemble={option}").ensemble)
    assert isinstance(ensemble, Ensemble)
    assert ensemble.rules == REPORT_RULES
    assert ensemble.cohort() == ("phantom_tiny", phantom_cohort.path)
