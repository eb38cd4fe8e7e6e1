"""The task of telling labels from images: any net, any loss, any kind of rows."""

import torch

from kium_lightning.data.dataset import Batch
from kium_lightning.tasks.rows import RowScores, ScoredRows, score_epoch
from kium_lightning.tasks.task import Task


class Classification(Task):
    """Trains a net on labelled rows and scores it by patient.

    The net maps images to logits (B, K), the loss maps logits and labels, both (B, K), to a scalar.
    """

    last_validation: ScoredRows | None = None

    def setup(self, stage: str) -> None:
        """Makes room for the scores of a validation."""
        self._validation = RowScores()

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Returns the loss of a batch."""
        loss: torch.Tensor = self.loss(self.output(batch), batch["labels"])
        self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=len(batch["row"]))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Collects the scores of a batch."""
        logits = self.output(batch)
        rows = len(batch["row"])
        self.log("val/loss", self.loss(logits, batch["labels"]), batch_size=rows, sync_dist=True)
        self._validation.update(batch["row"], torch.sigmoid(logits.float()), batch["labels"])

    def on_validation_epoch_end(self) -> None:
        """Scores the epoch by image and by patient; all processes have the same rows by now."""
        self.last_validation = self._validation.compute()
        self._validation.reset()
        results = score_epoch(self.last_validation, self.rows)
        self.check_monitor(results)
        for name, value in results.items():
            self.log(f"val/{name}", torch.tensor(value), prog_bar=f"val/{name}" == self.monitor)

    def predict_step(self, batch: Batch, _: int = 0) -> torch.Tensor:
        """Returns scores (B, K), 0..1, float32."""
        return torch.sigmoid(self.output(batch).float())
