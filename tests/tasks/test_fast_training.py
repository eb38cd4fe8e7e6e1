"""What makes a training fast must leave what is learnt and what is kept as they were."""

from pathlib import Path
from typing import Any, NamedTuple

import lightning as L
import pandas as pd
import pytest
import torch
from tiny_task import tiny_model

from kium_lightning.data.datamodule import Angiograms
from kium_lightning.settings import build, compose

FAST = ["trainer.log_every_n_steps=4"]  # of the six that there are
PLAIN = ["trainer.log_every_n_steps=1", "trainer.plugins=null", "callbacks.progress.refresh_rate=1"]
EPOCHS = 3


class Trained(NamedTuple):
    """What a training left."""

    logged: pd.DataFrame
    best: dict[str, Any]
    last: dict[str, Any]


def train(data: Angiograms, folder: Path, overrides: list[str]) -> Trained:
    """Trains a tiny net with the trainer, callbacks and CSV log of the train verb."""
    settings = [
        "logger=csv",
        "name=tiny",
        f"folder={folder}",
        f"trainer.max_epochs={EPOCHS}",
        "trainer.precision=32-true",
    ]
    config = compose("train", [*settings, "trainer.accelerator=cpu", *overrides])
    L.seed_everything(0, verbose=False)
    task = build(tiny_model())
    callbacks = [build(node) for node in config.callbacks.values()]
    trainer = build(config.trainer, logger=[build(config.logger.csv)], callbacks=callbacks)
    try:
        trainer.fit(task, datamodule=data)
    finally:
        torch.use_deterministic_algorithms(False)  # what the trainer switched on for the whole process
    best, last = (torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True) for name in ("best", "last"))
    return Trained(pd.read_csv(folder / "logs" / "metrics.csv"), best, last)


@pytest.fixture(scope="module")
def both(noise_data: Angiograms, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Trained]:
    """The same training twice: as configured, and with nothing that makes it fast."""
    folders = tmp_path_factory.mktemp("fast"), tmp_path_factory.mktemp("plain")
    return train(noise_data, folders[0], FAST), train(noise_data, folders[1], PLAIN)


def test_epochs_are_logged_alike_however_often_a_step_is(both: tuple[Trained, Trained]) -> None:
    fast, plain = (each.logged for each in both)
    assert fast["train/loss_step"].notna().sum() < plain["train/loss_step"].notna().sum()
    for column in ("train/loss_epoch", "val/loss", "val/image_auroc"):
        assert fast[column].notna().sum() == EPOCHS
        assert fast[column].dropna().tolist() == plain[column].dropna().tolist()


def test_checkpoints_hold_the_same_weights_and_states(both: tuple[Trained, Trained]) -> None:
    fast, plain = both
    for ours, expected in ((fast.best, plain.best), (fast.last, plain.last)):
        assert ours.keys() == expected.keys()
        for name in ("state_dict", "optimizer_states"):
            torch.testing.assert_close(ours[name], expected[name], rtol=0, atol=0)
        for name in ("epoch", "global_step", "lr_schedulers"):
            assert ours[name] == expected[name]
    assert fast.last["epoch"] == EPOCHS - 1


def test_the_last_checkpoint_remembers_how_good_the_best_one_was(both: tuple[Trained, Trained]) -> None:
    remembered = [
        {name: state.get("best_model_score") for name, state in each.last["callbacks"].items() if "val/" in name}
        for each in both
    ]
    assert remembered[0] == remembered[1]
    assert remembered[0]
