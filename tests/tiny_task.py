"""A task whose net is a few numbers, and trainers for it, for tests of what surrounds a net."""

from pathlib import Path
from typing import Any

import lightning as L
import torch
from torch import nn

from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.settings import build, compose, plain
from kium_lightning.tasks.checkpoint import TRUSTED, Describe

TRUSTED.append("tiny_task.")


class TinyNet(nn.Module):
    """Averages patches of the image and maps them to logits; refuses to look for pretrained weights."""

    def __init__(self, outputs: int, pretrained: bool | str) -> None:
        super().__init__()
        if pretrained == "auto":
            raise AssertionError("pretrained weights were looked for")
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.classifier = nn.Linear(16, outputs)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(self.pool(images).flatten(1))
        return logits


def tiny_model(loss: str = "asymmetric") -> dict[str, Any]:
    """The composed model of a training, with a tiny net in place of the report's."""
    settings = ["model=resnet18_posterior", f"model/loss={loss}", "name=tiny", "folder=/unused"]
    node: dict[str, Any] = plain(compose("train", [*settings, "model.optimizer.lr=0.05"]))["model"]
    return node | {"net": {"_target_": "tiny_task.TinyNet", "outputs": 6, "pretrained": False}}


def tiny_data(cohort: CohortFolder, cache_folder: Path) -> Angiograms:
    """The posterior multilabel dataset of a cohort, small enough to train on in a moment."""
    settings = ["data=posterior", "cohort=kium", f"cohort.folder={cohort.path}", "name=tiny", "folder=/unused"]
    settings += ["data.image_size=32", "data.workers=0", "data.batch_size=8", "data.folds=3", "data.sampler=shuffled"]
    data: Angiograms = build(compose("train", [*settings, f"data.cache_folder={cache_folder}"]).data)
    data.prepare_data()
    data.setup("fit")
    return data


def tiny_trainer(folder: Path, data: Angiograms, epochs: int) -> L.Trainer:
    """A trainer that keeps self-describing checkpoints below a folder as the train verb does."""
    model = tiny_model()
    # A file whose net was asked for pretrained weights must be rebuilt without looking for them.
    described = model | {"net": model["net"] | {"pretrained": "auto"}}
    describe = Describe(described, data.preparation.plain(), {"source": "none", "cause": "no network"}, data.held_out)
    nodes = compose("train", ["name=tiny", f"folder={folder}"]).callbacks
    checkpoints = [build(node) for node in nodes.values() if node._target_.endswith("ModelCheckpoint")]
    return L.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        callbacks=[describe, *checkpoints],
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
