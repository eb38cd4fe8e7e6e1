"""The one LightningModule: any net, any loss, any of the four folded datasets."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import lightning as L
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from kium_lightning.anatomy import Circulation, Target
from kium_lightning.data.dataset import Batch
from kium_lightning.errors import ConfigError
from kium_lightning.tasks.rows import RowScores, ScoredRows, score_epoch

_MEMORY_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


class Classification(L.LightningModule):
    """Trains a net on folded rows and scores it by patient.

    Args:
        net: maps images (B, 1, S, S) to logits (B, K).
        loss: maps logits and labels, both (B, K), to a scalar.
        optimizer: makes an optimizer from parameters.
        scheduler: makes a learning-rate scheduler from an optimizer, stepped after every validation; None for none.
        circulation: ``anterior`` or ``posterior``.
        target: ``multilabel`` or ``binary``.
        monitor: the validation metric watched by scheduler, early stopping and best checkpoint, higher is better.
        memory_format: ``channels_last`` is faster for convolutions on most hardware, or ``contiguous``.
    """

    def __init__(
        self,
        net: nn.Module,
        loss: nn.Module,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler | ReduceLROnPlateau] | None,
        circulation: str,
        target: str,
        monitor: str,
        memory_format: Literal["channels_last", "contiguous"],
    ) -> None:
        super().__init__()
        self.net = net.to(memory_format=_MEMORY_FORMATS[memory_format])
        self.loss = loss
        self.circulation = Circulation(circulation)
        self.target = Target(target)
        self.monitor = monitor
        self.last_validation: ScoredRows | None = None
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._memory_format = _MEMORY_FORMATS[memory_format]
        self._validation = RowScores()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Maps images (B, 1, S, S) to logits (B, K)."""
        logits: torch.Tensor = self.net(images.contiguous(memory_format=self._memory_format))
        return logits

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Returns the loss of a batch."""
        loss: torch.Tensor = self.loss(self(batch["image"]), batch["labels"])
        self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=len(batch["row"]))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Collects the scores of a batch."""
        logits = self(batch["image"])
        rows = len(batch["row"])
        self.log("val/loss", self.loss(logits, batch["labels"]), batch_size=rows, sync_dist=True)
        self._validation.update(batch["row"], torch.sigmoid(logits.float()), batch["labels"])

    def on_validation_epoch_end(self) -> None:
        """Scores the epoch by image and by patient; all processes have the same rows by now."""
        self.last_validation = self._validation.compute()
        self._validation.reset()
        results = score_epoch(self.last_validation, self.circulation, self.target)
        if self.monitor.removeprefix("val/") not in results:
            raise ConfigError(
                f"There is no validation score {self.monitor!r} to watch. Set model.monitor to one of "
                f"{', '.join(f'val/{name}' for name in results)}."
            )
        for name, value in results.items():
            self.log(f"val/{name}", torch.tensor(value), prog_bar=f"val/{name}" == self.monitor)

    def predict_step(self, batch: Batch, _: int = 0) -> torch.Tensor:
        """Returns scores (B, K), 0..1, float32."""
        return torch.sigmoid(self(batch["image"]).float())

    def configure_optimizers(self) -> Any:
        """Builds the optimizer and, where there is one, the scheduler that watches ``monitor``."""
        optimizer = self._optimizer(parameter for parameter in self.parameters() if parameter.requires_grad)
        if self._scheduler is None:
            return optimizer
        scheduler = {"scheduler": self._scheduler(optimizer), "monitor": self.monitor, "interval": "epoch"}
        return {"optimizer": optimizer, "lr_scheduler": scheduler}
