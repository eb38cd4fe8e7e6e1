"""What every task shares: a net, a loss, and how the net's parameters are fitted."""

from collections.abc import Callable, Iterable
from typing import Any, Literal

import lightning as L
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from kium_lightning.data.dataset import Batch
from kium_lightning.data.rows import Rows
from kium_lightning.errors import ConfigError
from kium_lightning.numbers import whole
from kium_lightning.tasks.rows import RowScores, ScoredRows

DESCRIPTION_KEY = "kium_lightning"  # of a checkpoint
MemoryFormat = Literal["channels_last", "contiguous"]

_MEMORY_FORMATS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


class Task(L.LightningModule):
    """A net and how it is fitted; subclasses say what a step is.

    A net takes the parts of a batch that its ``inputs`` name, ``("image",)`` where it names none.

    Args:
        net: maps images (B, V, S, S), and whatever else it names, to what the task needs.
        loss: what is made small.
        optimizer: makes an optimizer from parameters.
        scheduler: makes a learning-rate scheduler from an optimizer, stepped after every validation; None for none.
        rows: how patients are cut into samples.
        monitor: the validation metric watched by scheduler, early stopping and best checkpoint.
        mode: whether ``max`` or ``min`` of it is best.
        memory_format: ``channels_last`` is faster for 2D convolutions on most hardware, or ``contiguous``.
        epochs: how many the recipe trains for at most; the trainer's configuration reads it.
        start_from: a training run whose net gives parts of itself to this one before training, see
            ``starting.start_net``; None for none. Only the train verb follows it.

    Attributes:
        last_scored: what the rows of the last validation or test gave; None before.

    Raises:
        ConfigError: a value lies outside its range.
    """

    last_scored: ScoredRows | None = None

    def __init__(
        self,
        net: nn.Module,
        loss: nn.Module,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        scheduler: Callable[[Optimizer], LRScheduler | ReduceLROnPlateau] | None,
        rows: Rows,
        monitor: str,
        mode: Literal["max", "min"],
        memory_format: MemoryFormat,
        epochs: int,
        start_from: str | None,
    ) -> None:
        super().__init__()
        if mode not in ("max", "min"):
            raise ConfigError(f"model.mode is {mode!r}. Choose max or min.")
        if memory_format not in _MEMORY_FORMATS:
            raise ConfigError(f"model.memory_format is {memory_format!r}. Choose {' or '.join(_MEMORY_FORMATS)}.")
        if memory_format == "channels_last" and any(parameter.ndim == 5 for parameter in net.parameters()):
            raise ConfigError(f"{type(net).__name__} has 3D kernels. Set model.memory_format=contiguous.")
        self.epochs = whole("model.epochs", epochs, 1)
        self.start_from = start_from
        self.description: dict[str, Any] | None = None
        self.net = net.to(memory_format=_MEMORY_FORMATS[memory_format])
        self.loss = loss
        self.rows = rows
        self.monitor = monitor
        self.mode = mode
        self.inputs: tuple[str, ...] = getattr(net, "inputs", ("image",))
        self._optimizer = optimizer
        self._scheduler = scheduler
        self._memory_format = _MEMORY_FORMATS[memory_format]

    def forward(self, images: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        """Maps images (B, V, S, S), and whatever else the net takes, to the net's output."""
        output: torch.Tensor = self.net(images.contiguous(memory_format=self._memory_format), *others)
        return output

    def output(self, batch: Batch) -> torch.Tensor:
        """Gives the net what it takes of a batch."""
        parts: dict[str, Any] = {**batch}
        output: torch.Tensor = self(*(parts[name] for name in self.inputs))
        return output

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Adds what rebuilds the task without its run, where that is known."""
        if self.description is not None:
            checkpoint[DESCRIPTION_KEY] = self.description

    def check_monitor(self, known: Iterable[str]) -> None:
        """Tells a user who watches a score that is not there.

        Raises:
            ConfigError: ``monitor`` is none of the known scores.
        """
        names = [f"val/{name}" for name in known]
        if self.monitor not in names:
            raise ConfigError(
                f"There is no validation score {self.monitor!r} to watch. Set model.monitor to one of "
                f"{', '.join(names)}."
            )

    def setup(self, stage: str) -> None:
        """Makes room for what the rows of a part give."""
        self._gathered = RowScores()

    def on_train_start(self) -> None:
        """Sees to it that optimizers are fused where they were built so, and that this goes with the trainer.

        A resumed optimizer has the settings of its checkpoint, among them whether it was fused.

        Raises:
            ConfigError: gradients are to be clipped in mixed precision, which Lightning cannot with a fused optimizer.
        """
        for optimizer in self.trainer.optimizers:
            fused = optimizer.defaults.get("fused")
            if fused and self.trainer.gradient_clip_val is not None and "mixed" in str(self.trainer.precision):
                raise ConfigError(
                    "Gradients cannot be clipped with a fused optimizer in mixed precision. Set "
                    "model.optimizer.fused=false."
                )
            for group in optimizer.param_groups:
                if "fused" in group:
                    group["fused"] = fused

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Looks at a batch of the patients who choose the epoch."""
        self.judge(batch, "val")

    def test_step(self, batch: Batch, batch_index: int) -> None:
        """Looks at a batch of the patients who are held out."""
        self.judge(batch, "held_out")

    def on_validation_epoch_end(self) -> None:
        """Scores the patients who choose the epoch; all processes have the same rows by now."""
        self._conclude("val")

    def on_test_epoch_end(self) -> None:
        """Scores the patients who are held out; all processes have the same rows by now."""
        self._conclude("held_out")

    def judge(self, batch: Batch, part: str) -> None:
        """Keeps with ``gather`` what a batch of a part, ``val`` or ``held_out``, gives."""
        raise NotImplementedError

    def gather(self, batch: Batch, values: torch.Tensor) -> None:
        """Keeps the values (B, K) of a batch until the end of the part."""
        self._gathered.update(batch["row"], values, batch["labels"])

    def results(self, scored: ScoredRows) -> tuple[ScoredRows, dict[str, float]]:
        """Sums up all distinct rows of a part: what is kept of them, and numbers by name."""
        raise NotImplementedError

    def _conclude(self, part: str) -> None:
        gathered = self._gathered.compute()
        self._gathered.reset()
        self.last_scored, results = self.results(gathered)
        self.check_monitor(dict.fromkeys(["loss", *results]))
        for name, value in results.items():
            self.log(f"{part}/{name}", torch.tensor(value), prog_bar=f"{part}/{name}" == self.monitor)

    def configure_optimizers(self) -> Any:
        """Builds the optimizer and, where there is one, the scheduler that watches ``monitor``."""
        optimizer = self._optimizer(parameter for parameter in self.parameters() if parameter.requires_grad)
        if self._scheduler is None:
            return optimizer
        scheduler = {"scheduler": self._scheduler(optimizer), "monitor": self.monitor, "interval": "epoch"}
        return {"optimizer": optimizer, "lr_scheduler": scheduler}
