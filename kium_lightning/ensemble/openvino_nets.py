"""Trained nets as OpenVINO models: converted, kept on disk, and run in several streams."""

import contextlib
import shutil
import time
import warnings
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from torch import nn

from kium_lightning.ensemble.engines import PixelBatch
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.tasks.checkpoint import LoadedTask

_GREY_LEVELS = 255.0
_MOST_VIEWS = 8  # per request: enough to keep a core busy, few enough that all streams have some
_EXAMPLES = 2
_ABANDONED_AFTER_S = 24 * 3600.0
_NET = "net.xml"
_WEIGHTS = "net.bin"


class _OfWholeNumbers(nn.Module):
    """A net whose pixels are the whole numbers ``2 v - 255`` of grey values v."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pixels: torch.Tensor, *others: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.net(pixels * (1.0 / _GREY_LEVELS), *others)
        return logits


def net_inputs(batch: PixelBatch, names: Sequence[str]) -> list[NDArray[np.generic]]:
    """What a converted net takes of a batch, in the order of the names that its task's ``inputs`` gives."""
    parts = {
        "image": lambda: batch["pixels"].numpy().astype(np.float32) * 2.0 - _GREY_LEVELS,
        "view": batch["view"].numpy,
        "present": batch["present"].numpy,
    }
    return [parts[name]() for name in names]


def converted(loaded: LoadedTask, source: Path) -> ov.Model:
    """Converts a trained net for batches of any number of views.

    Args:
        loaded: the task, in evaluation mode.
        source: its checkpoint, for the message.

    Raises:
        RunError: OpenVINO cannot convert it.
    """
    size = loaded.preparation.image_size
    example: PixelBatch = {
        "pixels": torch.zeros(_EXAMPLES, 1, size, size, dtype=torch.uint8),
        "view": torch.zeros(_EXAMPLES, 1, dtype=torch.int64),
        "present": torch.ones(_EXAMPLES, 1, dtype=torch.bool),
    }
    inputs = tuple(torch.from_numpy(part) for part in net_inputs(example, loaded.task.inputs))
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # checks of sizes, which are fixed here
            model = ov.convert_model(_OfWholeNumbers(loaded.task.net), example_input=inputs)
    except Exception as error:  # it has no exception of its own for what it cannot do
        raise RunError(
            f"OpenVINO cannot convert the net of {source} ({type(error).__name__}). Choose predictor.engine=torch."
        ) from error
    model.reshape({place: [-1, *part.shape[1:]] for place, part in enumerate(inputs)})
    return model


def has_attention(model: ov.Model) -> bool:
    """Whether a net weighs its parts by a softmax, as transformers do."""
    return any(operation.get_type_name() == "Softmax" for operation in model.get_ordered_ops())


def kept(core: ov.Core, folder: Path, make: Callable[[], ov.Model]) -> ov.Model:
    """Reads a model from a folder, or makes it and leaves it there, complete or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    with contextlib.suppress(RuntimeError):  # not there, or damaged
        return core.read_model(folder / _NET, folder / _WEIGHTS)
    shutil.rmtree(folder, ignore_errors=True)
    model = make()
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder.parent)
    try:
        with TemporaryDirectory(dir=folder.parent, prefix=".") as temporary:
            complete = Path(temporary) / folder.name
            ov.save_model(model, complete / _NET, compress_to_fp16=False)
            with contextlib.suppress(OSError):  # another run was quicker
                complete.rename(folder)
    except (OSError, RuntimeError) as error:
        raise ConfigError(
            f"The converted net cannot be kept in {folder.parent} ({str(error).splitlines()[0]}). Make room there, or "
            "give another predictor.cache_folder."
        ) from error
    return model


def _remove_abandoned(folder: Path) -> None:
    """Removes what killed runs left half written."""
    for left in folder.glob(".*"):
        with contextlib.suppress(OSError):  # another run was quicker
            if time.time() - left.stat().st_mtime > _ABANDONED_AFTER_S:
                shutil.rmtree(left, ignore_errors=True)


class ConvertedNet:
    """A compiled model that scores views, split over its streams.

    Args:
        compiled: gives logits.
        inputs: the names of what it takes, as of its task.
    """

    def __init__(self, compiled: ov.CompiledModel, inputs: Sequence[str]) -> None:
        self._requests = ov.AsyncInferQueue(compiled)
        self._inputs = tuple(inputs)

    def __call__(self, batch: PixelBatch) -> torch.Tensor:
        """Scores views: (B, K) float32 in 0..1."""
        parts = net_inputs(batch, self._inputs)
        views = len(parts[0])
        step = min(_MOST_VIEWS, ceil(views / len(self._requests)))
        logits: dict[int, NDArray[np.float32]] = {}

        def keep(request: ov.InferRequest, start: int) -> None:
            logits[start] = request.get_output_tensor(0).data.copy()

        self._requests.set_callback(keep)
        for start in range(0, views, step):
            self._requests.start_async([part[start : start + step] for part in parts], start)
        self._requests.wait_all()
        return torch.sigmoid(torch.from_numpy(np.concatenate([logits[start] for start in sorted(logits)])).float())
