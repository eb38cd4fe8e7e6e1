"""Nets run by OpenVINO on the CPU, in float32, bfloat16 or eight-bit integers."""

import importlib.util
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import openvino as ov
import torch

from kium_lightning.console import say
from kium_lightning.ensemble.bfloat16 import with_bfloat16_kernels
from kium_lightning.ensemble.calibration_views import training_views
from kium_lightning.ensemble.engines import Engine, Scorer
from kium_lightning.ensemble.members import Member
from kium_lightning.ensemble.openvino_nets import ConvertedNet, converted, has_attention, kept, net_inputs
from kium_lightning.errors import CohortError, ConfigError, ImageError, RunError, SplitError
from kium_lightning.files import write_json
from kium_lightning.tasks.checkpoint import LoadedTask
from kium_lightning.tasks.training_runs import TrainingRun

_FORMAT = 2  # raised when nets are converted differently, so that no old one is read
_HINTS = {"float32": "f32", "bfloat16": "bf16", "int8": "f32"}  # what int8 leaves in floating point stays exact
_SAFETY = 3.0  # times the largest difference that was seen
_LEAST_MARGIN = 1e-3
_ROUNDING_OF_FLOAT32 = 1e-6
_UNKNOWN_MARGIN = 5e-3  # of bfloat16 where no training views are known: several times what was ever seen


@cache
def _core() -> ov.Core:
    """The one core of the process, which is never taken down.

    With a core for each engine, one ending while nets of another run, the heap was damaged (OpenVINO 2026.4).
    """
    return ov.Core()


class OpenVinoEngine:
    """Runs converted nets in several streams.

    Pixels enter as the whole numbers ``2 v - 255`` and are scaled inside the net's first layer. Eight significant bits
    hold them exactly, so that bfloat16 and eight-bit nets see the picture unrounded: the rounding of ``v / 127.5 - 1``
    would be most of their error. Nets with attention stay in float32 where bfloat16 is asked for: their sums over many
    layers lose more there, and they are little of the ensemble's work.

    Args:
        precision: ``auto`` (bfloat16 where the processor computes with it, else float32), ``float32``, ``bfloat16`` or
            ``int8``. Eight-bit nets are calibrated on views of patients they learnt from, so they need their run.
        cache_folder: where converted nets are kept, by the content of their checkpoints; None converts them each time.

    Raises:
        ConfigError: the precision has no such name, or int8 lacks its package.
    """

    def __init__(self, precision: str, cache_folder: Path | None) -> None:
        self.device = torch.device("cpu")
        self._core = _core()
        if precision == "auto":
            able = self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            precision = "bfloat16" if "BF16" in able else "float32"
        if precision not in _HINTS:
            raise ConfigError(f"OpenVINO knows no precision {precision!r} here. Choose auto, {', '.join(_HINTS)}.")
        if precision == "int8" and importlib.util.find_spec("nncf") is None:
            raise ConfigError(
                "predictor.precision=int8 needs the package nncf. Install it with `pip install "
                "'kium_lightning[openvino]'`, or choose predictor.precision=bfloat16."
            )
        self.precision = precision
        self._cache_folder = cache_folder
        self.exact: Engine | None = None if precision == "float32" else OpenVinoEngine("float32", cache_folder)

    def scorers(self, member: Member, loaded: Sequence[LoadedTask]) -> list[Scorer]:
        """Converts a member's nets, or takes them from the cache, and compiles them.

        Raises:
            RunError: a net cannot be converted, or has to be calibrated and has no run.
        """
        return [self._compiled(member, net, each) for net, each in zip(member.nets, loaded, strict=True)]

    def margin(self, member: Member) -> float:
        """Three times the largest difference from float32 that the member's nets showed on views they learnt from.

        Raises:
            RunError: a net cannot be loaded or converted.
        """
        if self.exact is None:
            return 0.0
        if any(net.record is None for net in member.nets):
            return _UNKNOWN_MARGIN
        known = self._known_difference(member)
        if known is None:
            try:
                known = self._difference(member)
            except (CohortError, ImageError, SplitError) as error:
                say(f"How exact {self.precision} is was not measured, and {_UNKNOWN_MARGIN} is taken: {error}")
                return _UNKNOWN_MARGIN
            if self._nets_folder is not None:
                write_json(self._difference_file(member), {"difference": known})
        return 0.0 if known < _ROUNDING_OF_FLOAT32 else max(_LEAST_MARGIN, _SAFETY * known)

    def _compiled(self, member: Member, net: TrainingRun, loaded: LoadedTask) -> ConvertedNet:
        def make() -> ov.Model:
            model = converted(loaded, net.checkpoint)
            if self.precision == "float32":
                return model
            if self.precision == "bfloat16":
                return model if has_attention(model) else with_bfloat16_kernels(model)
            from kium_lightning.ensemble.quantizing import quantized

            try:
                views, _ = training_views(member, loaded.preparation, self._cache_folder)
            except (CohortError, ImageError, SplitError) as error:
                raise RunError(
                    f"{net.checkpoint} cannot be made an eight-bit net without views of patients it learnt from: "
                    f"{str(error).splitlines()[0]} Put them back, or choose predictor.precision=bfloat16."
                ) from error
            return quantized(model, net_inputs(views, loaded.task.inputs))

        folder = self._nets_folder
        model = make() if folder is None else kept(self._core, folder / f"{net.digest}-{self.precision}", make)
        hint = "f32" if has_attention(model) else _HINTS[self.precision]
        settings = {"INFERENCE_PRECISION_HINT": hint, "PERFORMANCE_HINT": "THROUGHPUT"}
        return ConvertedNet(self._core.compile_model(model, "CPU", settings), loaded.task.inputs)

    @property
    def _nets_folder(self) -> Path | None:
        if self._cache_folder is None:
            return None
        return self._cache_folder / f"openvino-{ov.__version__.split('-')[0]}-{_FORMAT}"

    def _difference_file(self, member: Member) -> Path:
        assert self._nets_folder is not None
        return self._nets_folder / f"{'+'.join(net.digest for net in member.nets)}-{self.precision}.json"

    def _known_difference(self, member: Member) -> float | None:
        if self._nets_folder is None:
            return None
        try:
            return float(json.loads(self._difference_file(member).read_text("utf-8"))["difference"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):  # a damaged file is made anew
            return None

    def _difference(self, member: Member) -> float:
        """The largest difference of a score from float32, on views of training patients not used to calibrate."""
        assert self.exact is not None
        loaded = member.load()
        _, views = training_views(member, loaded[0].preparation, self._cache_folder)
        pairs = zip(self.scorers(member, loaded), self.exact.scorers(member, loaded), strict=True)
        return max(float((mine(views) - exact(views)).abs().max()) for mine, exact in pairs)
