"""The task of telling labels from images: any net, any loss, any kind of rows."""

import torch

from kium_lightning.data.dataset import Batch
from kium_lightning.tasks.rows import ScoredRows, score_epoch
from kium_lightning.tasks.task import Task


class Classification(Task):
    """Trains a net on labelled rows and scores it by patient.

    The net maps images to logits (B, K), the loss maps logits and labels, both (B, K), to a scalar.
    """

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Returns the loss of a batch."""
        loss: torch.Tensor = self.loss(self.output(batch), batch["labels"])
        self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=len(batch["row"]))
        return loss

    def judge(self, batch: Batch, part: str) -> None:
        """Keeps the scores of a batch."""
        logits = self.output(batch)
        self.log(f"{part}/loss", self.loss(logits, batch["labels"]), batch_size=len(batch["row"]), sync_dist=True)
        self.gather(batch, torch.sigmoid(logits.float()))

    def results(self, scored: ScoredRows) -> tuple[ScoredRows, dict[str, float]]:
        """Scores by image and by patient."""
        return scored, score_epoch(scored, self.rows)

    def predict_step(self, batch: Batch, _: int = 0) -> torch.Tensor:
        """Returns scores (B, K), 0..1, float32."""
        return torch.sigmoid(self.output(batch).float())
