"""Three ways to train a net for an epoch; benchmarks/training.py times them against each other."""

import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import lightning as L
import numpy as np
import torch
from published import PublishedImages, PublishedSteps, published_epoch, published_loader, published_scores

from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.data.dataset import Batch
from kium_lightning.data.views import row_sources
from kium_lightning.memory import keep_freed_memory, return_freed_memory
from kium_lightning.settings import Config, build, plain

TRAINING_BATCHES = 4
VALIDATION_BATCHES = 2


class _OverError(Exception):
    """No turn follows."""


@dataclass
class Clock:
    """Seconds of the training part of each epoch, of the wall and of the processor."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def start(self) -> None:
        """An epoch begins."""
        self._started = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        """Its last step is done."""
        self.wall.append(time.perf_counter() - self._started[0])
        self.processor.append(time.process_time() - self._started[1])


@dataclass
class Bare:
    """A loop without a framework.

    Attributes:
        config: of the train verb, for net, loss and optimizer.
        data: ready to load from.
        precision: ``torch.bfloat16`` computes in it what is safe in it.
        memory_format: of the net and its images.
        ends_with: whether a look at the validation rows belongs to an epoch.
        freed_memory: whether the process keeps it for the next step, as the train verb does.
    """

    config: Config
    data: Angiograms
    precision: torch.dtype = torch.bfloat16
    memory_format: torch.memory_format = torch.channels_last
    ends_with: Literal["validation", "training"] = "validation"
    freed_memory: Literal["kept", "returned"] = "kept"
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        torch.manual_seed(0)
        self._net = build(self.config.model.net).to(memory_format=self.memory_format)
        self._loss = build(self.config.model.loss)
        self._optimizer = build(self.config.model.optimizer)(self._net.parameters())
        self._training, self._validation = self.data.train_dataloader(), self.data.val_dataloader()
        self._epoch = 0

    def epoch(self) -> None:
        """Trains for an epoch, then scores the validation rows."""
        (keep_freed_memory if self.freed_memory == "kept" else return_freed_memory)()
        self.clock.start()
        self._training.sampler.set_epoch(self._epoch)  # type: ignore[attr-defined]
        self._epoch += 1
        self._net.train()
        for batch in islice(self._training, TRAINING_BATCHES):
            self._optimizer.zero_grad()
            self._loss(self._logits(batch).float(), batch["labels"]).backward()
            self._optimizer.step()
        self.clock.stop()
        if self.ends_with == "validation":
            self._net.eval()
            with torch.no_grad():
                for batch in islice(self._validation, VALIDATION_BATCHES):
                    torch.sigmoid(self._logits(batch).float())

    def _logits(self, batch: Batch) -> torch.Tensor:
        with self._autocast():
            logits: torch.Tensor = self._net(batch["image"].contiguous(memory_format=self.memory_format))
        return logits

    def _autocast(self) -> AbstractContextManager[Any]:
        low = self.precision != torch.float32
        return torch.autocast("cpu", self.precision) if low else nullcontext()


class Ours(L.Callback):
    """The trainer of the train verb in a thread of its own, which waits between epochs for its turn."""

    def __init__(self, config: Config, data: Angiograms) -> None:
        self.clock = Clock()
        self._go, self._done, self._over = threading.Event(), threading.Event(), False
        self._error: BaseException | None = None
        loggers = [build(node) for node in config.logger.values() if node is not None]
        callbacks = [build(node) for node in config.callbacks.values() if node is not None]
        torch.manual_seed(0)
        task = build(plain(config)["model"])
        trainer: L.Trainer = build(config.trainer, logger=loggers, callbacks=[*callbacks, self])
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._fit, args=(trainer, task, data), daemon=True)
        self._thread.start()
        self._await()

    def epoch(self) -> None:
        """Lets the trainer do an epoch, with all that follows it."""
        keep_freed_memory()
        torch.use_deterministic_algorithms(True, warn_only=True)  # trainer.deterministic; the others go without
        self._done.clear()
        self._go.set()
        self._await()

    def end(self) -> None:
        """Ends the training where it is."""
        self._over = True
        self._go.set()
        self._thread.join()

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Waits for the next turn."""
        self._done.set()
        self._go.wait()
        self._go.clear()
        if self._over:
            raise _OverError
        self.clock.start()

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Ends the training part after its last step."""
        if batch_idx == TRAINING_BATCHES - 1:
            self.clock.stop()

    def _fit(self, trainer: L.Trainer, task: L.LightningModule, data: Angiograms) -> None:
        try:
            trainer.fit(task, datamodule=data)
        except BaseException as error:  # told in the main thread
            self._error = error
        self._done.set()

    def _await(self) -> None:
        self._done.wait()
        torch.use_deterministic_algorithms(False)
        if self._error is not None and not self._over:
            raise RuntimeError("The training stopped.") from self._error


class Published:
    """The opponent's epoch on the files of the same rows."""

    def __init__(self, config: Config, data: Angiograms) -> None:
        torch.manual_seed(0)
        self.clock = Clock()
        self._net = build(config.model.net)
        self._loss = build(config.model.loss)
        self._optimizer = torch.optim.AdamW(self._net.parameters(), lr=1e-4, weight_decay=1e-5, eps=1e-6)
        batch = int(config.data.batch_size)
        training = _files(data, data.training.patients)[: TRAINING_BATCHES * batch]
        validation = _files(data, data.validation.patients)[: VALIDATION_BATCHES * batch]
        steps = PublishedSteps(data.preparation.image_size, data.preparation.polarity.value)
        images = [
            PublishedImages(files, part.labels[: len(files)].astype(np.float32), steps)
            for files, part in ((training, data.training), (validation, data.validation))
        ]
        self._training = published_loader(images[0], "shuffled", batch)
        self._validation = published_loader(images[1], "as_listed", batch)

    def epoch(self) -> None:
        """Trains for an epoch, then scores the validation images."""
        return_freed_memory()
        self.clock.start()
        published_epoch(self._net, self._training, self._loss, self._optimizer)
        self.clock.stop()
        published_scores(self._net, self._validation)


def _files(data: Angiograms, patients: Sequence[int]) -> list[Path]:
    """The image of each row, in the order of the rows."""
    catalog = read_catalog(data.folder.train_set, data.folder.train_csv, "stop").subset(patients)
    return [source.path for source in row_sources(catalog, data.rows).sources]
