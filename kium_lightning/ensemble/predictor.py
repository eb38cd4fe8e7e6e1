"""The gated two-stage inference: presence nets score everybody, locators only those who pass the gate."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation
from kium_lightning.console import track
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.folding import VIEWS_PER_PATIENT
from kium_lightning.data.views import DecodedViews, row_sources, use_one_thread
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.fusion import (
    FuseRules,
    PatientScores,
    fuse_folds,
    fuse_locations,
    fuse_presence,
    fuse_views,
)
from kium_lightning.ensemble.gate import lets_pass
from kium_lightning.ensemble.members import Member
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.numbers import whole

_PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, eq=False)
class EnsembleScores:
    """The scores of n patients, by view and fused.

    Attributes:
        presence_views: per circulation (n, 4), in folded view order.
        location_views: per circulation (n, 4, arteries); NaN for patients below the gate.
        by_circulation: per circulation (n,) presence.
        fused: presence and the 21 locations, not calibrated; NaN locations below the gate.
        passed: (n,) True where the locators ran.
    """

    presence_views: dict[Circulation, NDArray[np.float64]]
    location_views: dict[Circulation, NDArray[np.float64]]
    by_circulation: dict[Circulation, NDArray[np.float64]]
    fused: PatientScores
    passed: NDArray[np.bool_]


class Predictor:
    """Runs the members of an ensemble.

    The scores do not depend on batch size or device beyond the rounding of their arithmetic: in float32 about 1e-7, in
    float16 autocast about 1e-3, so calibrate and predict with the same precision.

    Args:
        batch_size: views per forward pass.
        workers: processes that decode and prepare views; 0 does it between forward passes.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.
        precision: ``auto`` (float16 autocast on a GPU, float32 on a CPU), ``float32``, ``float16`` or ``bfloat16``.
        cache_folder: where it is remembered what cleaning found in an image, for both stages and for
            training; None looks again each time.

    Raises:
        ConfigError: the device is not there, or the precision has no such name.
    """

    def __init__(
        self, batch_size: int, workers: int, device: str, precision: str, cache_folder: str | None = None
    ) -> None:
        self._batch_size = whole("predictor.batch_size", batch_size, 1)
        self._workers = whole("predictor.workers", workers, 0)
        self._cleaned = None if cache_folder is None else CleanedViews(Path(cache_folder))
        self.device = find_device(device)
        self.precision = _precision(precision, self.device)

    def score(self, ensemble: Ensemble, catalog: Catalog, gate: Thresholds | None) -> EnsembleScores:
        """Scores the patients of a catalog.

        Args:
            ensemble: the members and the rules that join their scores.
            catalog: the patients; their labels are not looked at.
            gate: the thresholds of which presence decides for whom the locators run; None runs them on everybody.

        Raises:
            RunError: a member cannot be loaded, or its scores are NaN.
        """
        presence = {
            circulation: self._score_views(member, catalog, ensemble.rules)[:, :, 0]
            for circulation, member in ensemble.presence.items()
        }
        fused_presence = fuse_presence(presence, ensemble.rules)
        passed = np.ones(len(fused_presence), dtype=bool) if gate is None else lets_pass(fused_presence, gate)
        chosen = np.flatnonzero(passed)
        locations = {
            circulation: np.full((len(passed), VIEWS_PER_PATIENT, len(circulation.arteries)), np.nan)
            for circulation in Circulation
        }
        fused_locations = np.full((len(passed), len(LOCATION_COLUMNS)), np.nan)
        if chosen.size:
            suspects = catalog.subset([catalog.patients[position] for position in chosen])
            for circulation, member in ensemble.locators.items():
                locations[circulation][chosen] = self._score_views(member, suspects, ensemble.rules)
            fused_locations = fuse_locations(locations, ensemble.rules)
        return EnsembleScores(
            presence_views=presence,
            location_views=locations,
            by_circulation=fuse_views(presence, ensemble.rules),
            fused=PatientScores(fused_presence, fused_locations),
            passed=passed,
        )

    def _score_views(self, member: Member, catalog: Catalog, rules: FuseRules) -> NDArray[np.float64]:
        """Scores every view of a member's circulation: (patients, 4, outputs)."""
        loaded = member.load()
        tasks = [each.task.to(self.device) for each in loaded]
        rows = tasks[0].rows
        sources, positions = row_sources(catalog, rows)
        views = DecodedViews(sources, loaded[0].preparation, self._cleaned)
        loader = DataLoader(
            RowDataset(catalog, rows, views, positions),
            batch_size=self._batch_size,
            num_workers=self._workers,
            worker_init_fn=use_one_thread,
            pin_memory=self.device.type == "cuda",
        )
        batches: list[list[torch.Tensor]] = [[] for _ in tasks]
        # Convolutions in TF32 would not be float32, whatever the configuration says.
        exact = torch.backends.cudnn.flags(allow_tf32=self.precision is not torch.float32)
        with torch.inference_mode(), exact, self._autocast():
            for batch in track(loader, f"{member.target} {member.circulation}", total=len(loader)):
                on_device = {name: part.to(self.device, non_blocking=True) for name, part in batch.items()}
                for scores, task in zip(batches, tasks, strict=True):
                    # They stay on the device: fetching them here would make the host wait for every batch.
                    scores.append(task.predict_step(on_device))
        of_nets = [torch.cat(scores).cpu().numpy().astype(np.float64) for scores in batches]
        for net, scores_of_net in zip(member.nets, of_nets, strict=True):
            if np.isnan(scores_of_net).any():
                raise RunError(
                    f"{net.checkpoint} gives scores that are no numbers in "
                    f"{str(self.precision).removeprefix('torch.')}. Try predictor.precision=float32; if that gives the "
                    "same, its weights are damaged: train it again."
                )
        outputs = fuse_folds(of_nets, rules)
        return outputs.reshape(-1, VIEWS_PER_PATIENT, outputs.shape[1])

    def _autocast(self) -> contextlib.AbstractContextManager[None]:
        if self.precision is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.precision)


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
