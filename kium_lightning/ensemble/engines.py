"""What runs trained nets on pixels: PyTorch, or OpenVINO where it is installed."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypedDict

import torch

from kium_lightning.ensemble.members import Member
from kium_lightning.errors import ConfigError
from kium_lightning.tasks.checkpoint import LoadedTask
from kium_lightning.tasks.task import Task

ENGINES = ("torch", "openvino")
_PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
_MIDDLE = 127.5  # of the grey levels


class PixelBatch(TypedDict):
    """Single views on their way to a net.

    Attributes:
        pixels: (B, 1, S, S) uint8, prepared.
        view: (B, 1) int64, which view each is, 0 to 7 in the order of ``View``.
        present: (B, 1) bool, all True.
    """

    pixels: torch.Tensor
    view: torch.Tensor
    present: torch.Tensor


Scorer = Callable[[PixelBatch], torch.Tensor]
"""Maps views to scores (B, K), float32 in 0..1, on the device of the engine."""


class Engine(Protocol):
    """Runs trained nets.

    Attributes:
        device: where pixels have to be.
        precision: in words, for records.
        exact: the engine to ask where a decision hangs on this one's rounding; None where it computes in float32.
    """

    device: torch.device
    precision: str
    exact: "Engine | None"

    def scorers(self, member: Member, loaded: Sequence[LoadedTask]) -> list[Scorer]:
        """Makes a member's loaded nets ready.

        Raises:
            RunError: a net cannot be run by this engine.
        """
        ...

    def margin(self, member: Member) -> float:
        """How far a member's scores may lie from those in float32; 0 where they are those."""
        ...


class TorchEngine:
    """Runs nets as they were trained.

    Args:
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.
        precision: ``auto`` (float16 autocast on a GPU, float32 on a CPU), ``float32``, ``float16`` or ``bfloat16``.

    Raises:
        ConfigError: the device is not there, or the precision has no such name.
    """

    exact: Engine | None = None  # whoever asks PyTorch for less than float32 calibrates with the same

    def __init__(self, device: str, precision: str) -> None:
        self.device = find_device(device)
        self._dtype = _precision(precision, self.device)
        self.precision = str(self._dtype).removeprefix("torch.")

    def scorers(self, member: Member, loaded: Sequence[LoadedTask]) -> list[Scorer]:
        """Moves a member's nets onto the device."""
        return [self._scorer(each.task.to(self.device)) for each in loaded]

    def margin(self, member: Member) -> float:
        """Zero: what these nets say is taken as it is."""
        return 0.0

    def _scorer(self, task: Task) -> Scorer:
        # Convolutions in TF32 would not be float32, whatever the configuration says.
        allows_tf32 = self._dtype is not torch.float32

        def score(batch: PixelBatch) -> torch.Tensor:
            parts = {"image": normalized(batch["pixels"]), "view": batch["view"], "present": batch["present"]}
            with torch.inference_mode(), _cudnn(allows_tf32), self._autocast():
                scores: torch.Tensor = task.predict_step(parts)
            return scores

        return score

    def _autocast(self) -> contextlib.AbstractContextManager[None]:
        if self._dtype is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self._dtype)


def _cudnn(allows_tf32: bool) -> contextlib.AbstractContextManager[None]:
    """CuDNN as it is set, but for TF32: flags that are not named would be switched off."""
    now = torch.backends.cudnn
    flags: contextlib.AbstractContextManager[None] = now.flags(
        enabled=now.enabled, benchmark=now.benchmark, deterministic=now.deterministic, allow_tf32=allows_tf32
    )
    return flags


def normalized(pixels: torch.Tensor) -> torch.Tensor:
    """Maps grey values (..., S, S), 0..255, to float32 in -1..1, on the device where they are."""
    return pixels.float().sub_(_MIDDLE).div_(_MIDDLE)


def find_engine(name: str, device: str, precision: str, cache_folder: Path | None) -> Engine:
    """Finds an engine by its name.

    Args:
        name: one of ``ENGINES``.
        device: see ``TorchEngine``; OpenVINO runs on the CPU.
        precision: see ``TorchEngine`` and ``OpenVinoEngine``.
        cache_folder: where OpenVINO keeps the nets that it converted; None converts them each time.

    Raises:
        ConfigError: there is no such engine, it is not installed, or it knows no such device or precision.
    """
    if name == "torch":
        return TorchEngine(device, precision)
    if name != "openvino":
        raise ConfigError(f"predictor.engine is {name!r}. Choose {' or '.join(ENGINES)}.")
    try:
        from kium_lightning.ensemble.openvino_engine import OpenVinoEngine
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"OpenVINO is not installed ({error.name} is missing). Install it with `pip install "
            "'kium_lightning[openvino]'`, or choose predictor.engine=torch."
        ) from error
    if device not in ("auto", "cpu"):
        raise ConfigError(f"predictor.device is {device!r}, but OpenVINO runs on the CPU here. Choose auto or cpu.")
    return OpenVinoEngine(precision, cache_folder)


def find_device(name: str) -> torch.device:
    """Finds a device by its name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        ConfigError: the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"There is no device {name!r}. Choose auto, cpu or cuda.") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"The device {name} is not supported. Choose auto, cpu or cuda.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"The device {name} is asked for, but torch sees {torch.cuda.device_count()} GPUs. Choose device=cpu or "
            "device=auto."
        )
    return device


def _precision(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    if name not in _PRECISIONS:
        raise ConfigError(f"There is no precision {name!r}. Choose auto, {', '.join(_PRECISIONS)}.")
    return _PRECISIONS[name]
