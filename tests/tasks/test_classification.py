from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import pytest
import torch
from tiny_task import tiny_model, tiny_trainer

from kium_lightning.data.datamodule import Angiograms
from kium_lightning.errors import ConfigError
from kium_lightning.settings import build
from kium_lightning.tasks.classification import Classification
from kium_lightning.tasks.rows import score_epoch


def test_an_epoch_is_scored_by_patient_on_every_validation_row(noise_data: Angiograms, tmp_path: Path) -> None:
    task: Classification = build(tiny_model())
    trainer = tiny_trainer(tmp_path, noise_data, 1)
    trainer.fit(task, datamodule=noise_data)
    scored = task.last_scored
    assert scored is not None
    np.testing.assert_array_equal(scored.rows, np.arange(len(noise_data.validation)))
    np.testing.assert_array_equal(scored.labels, noise_data.validation.labels)
    with torch.inference_mode():
        logits = task.eval()(
            torch.stack([noise_data.validation[row]["image"] for row in range(len(noise_data.validation))])
        )
    np.testing.assert_allclose(scored.scores, torch.sigmoid(logits), atol=1e-6)
    for name, value in score_epoch(scored, task.rows).items():
        assert trainer.callback_metrics[f"val/{name}"].item() == pytest.approx(value, nan_ok=True)


def test_scores_are_the_sigmoid_of_the_logits_and_float32() -> None:
    task: Classification = build(tiny_model()).eval()
    images = torch.randn(4, 1, 32, 32)
    batch: Any = {"image": images, "labels": torch.zeros(4, 6), "row": torch.arange(4)}
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        scores = task.predict_step(batch)
    assert scores.dtype == torch.float32
    with torch.inference_mode():
        torch.testing.assert_close(scores, torch.sigmoid(task(images)), atol=0.01, rtol=0)


def test_training_lowers_the_loss(noise_data: Angiograms, tmp_path: Path) -> None:
    L.seed_everything(0, verbose=False)
    task: Classification = build(tiny_model(loss="bce"))
    training = noise_data.training
    images = torch.stack([training[row]["image"] for row in range(len(training))])
    labels = torch.from_numpy(training.labels).float()
    before = task.loss(task(images), labels).item()
    tiny_trainer(tmp_path, noise_data, 3).fit(task, datamodule=noise_data)
    assert task.loss(task(images), labels).item() < before


def test_a_score_that_does_not_exist_cannot_be_watched(noise_data: Angiograms, tmp_path: Path) -> None:
    task: Classification = build(tiny_model() | {"monitor": "val/f1"})
    with pytest.raises(ConfigError, match=r"'val/f1' to watch.*val/auroc"):
        tiny_trainer(tmp_path, noise_data, 1).fit(task, datamodule=noise_data)


def test_frozen_parameters_are_not_optimized() -> None:
    task: Classification = build(tiny_model() | {"scheduler": None})
    task.get_parameter("net.classifier.weight").requires_grad_(False)
    optimizer: Any = task.configure_optimizers()
    (group,) = optimizer.param_groups
    assert [parameter.shape for parameter in group["params"]] == [torch.Size([6])]


def test_the_scheduler_watches_the_score_and_lowers_the_learning_rate() -> None:
    task: Classification = build(tiny_model())
    made: Any = task.configure_optimizers()
    scheduler = made["lr_scheduler"]["scheduler"]
    for _ in range(4):
        scheduler.step(0.5)
    assert made["lr_scheduler"]["monitor"] == "val/weighted_f1"
    assert made["optimizer"].param_groups[0]["lr"] == pytest.approx(0.005)
