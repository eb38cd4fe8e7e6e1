"""The gated two-stage inference: presence nets score everybody, locators only those who pass the gate."""

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation
from kium_lightning.console import track
from kium_lightning.data.catalog import Catalog, OnFault
from kium_lightning.data.checks import Fault, fault_table
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.folding import VIEWS_PER_PATIENT
from kium_lightning.data.transforms import Preparation
from kium_lightning.ensemble.device_pixels import UnpreparedPatients, device_chunks
from kium_lightning.ensemble.engines import find_engine
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.fusion import PatientScores, fuse_views
from kium_lightning.ensemble.gating import GatedScores, StartedPatients
from kium_lightning.ensemble.patient_pixels import Chunk, DecodedPatients, Wanted, chunks
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import CohortError, ConfigError
from kium_lightning.numbers import whole

_MOST_WORKERS_BESIDE_NETS = 2  # on a CPU, where nets and decoding share the cores


@dataclass(frozen=True, eq=False)
class EnsembleScores:
    """The scores of n patients, by view and fused.

    Attributes:
        patients: (n,) their ``Index``, in the order of the catalog, without those who were left out.
        presence_views: per circulation (n, 4), in folded view order.
        location_views: per circulation (n, 4, arteries); NaN for patients below the gate.
        by_circulation: per circulation (n,) presence.
        fused: presence and the 21 locations, not calibrated; NaN locations below the gate.
        passed: (n,) True where the locators ran.
        rescored: how many patients were scored again in float32, as a decision hung on the rounding.
        faults: of the patients who were left out.
    """

    patients: tuple[int, ...]
    presence_views: dict[Circulation, NDArray[np.float64]]
    location_views: dict[Circulation, NDArray[np.float64]]
    by_circulation: dict[Circulation, NDArray[np.float64]]
    fused: PatientScores
    passed: NDArray[np.bool_]
    rescored: int
    faults: tuple[Fault, ...]

    def lines(self) -> list[str]:
        """What a user should know about them, for terminals."""
        told = []
        if self.rescored:
            told.append(f"{self.rescored} patients were scored again in float32: a decision hung on the rounding")
        if self.faults:
            told += ["Left out, as images cannot be read:", fault_table(self.faults)]
        return told


class Predictor:
    """Runs the members of an ensemble on a stream of patients; memory does not grow with their number.

    Every file is read, decoded and cleaned once, ahead of the nets and in other processes. Scores do not depend on
    batch size or device beyond the rounding of their arithmetic: about 1e-7 in float32, about 1e-3 in PyTorch's
    float16 or bfloat16 autocast, so calibrate and predict with the same precision. OpenVINO in less than float32
    differs by less than 1e-3 (bfloat16) or about 1e-2 (int8). Wherever the gate or a call would change within a margin,
    three times the largest difference seen on training views, the patient is scored again in float32.

    Args:
        batch_size: views per forward pass; whole patients, so at least 4.
        workers: processes that decode and prepare views; 0 does it between forward passes; ``auto`` takes all cores
            beside a GPU, 2 beside nets on a CPU.
        engine: ``torch`` or ``openvino``, see ``engines`` and ``openvino_engine``.
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.
        preparation: who prepares views: ``host``, or the ``device``, which decodes and resizes the files whose margins
            and text are known. A GPU's decoder may differ from the host's by a grey level or two.
        precision: ``auto`` (float16 autocast on a GPU, float32 on a CPU, with OpenVINO bfloat16 where the processor
            has it), ``float32``, ``float16``, ``bfloat16``, with OpenVINO also ``int8``.
        cache_folder: where it is remembered what cleaning found in an image, and where OpenVINO's nets are kept; None
            looks again each time.

    Raises:
        ConfigError: the engine or device is not there, or the precision has no such name.
    """

    def __init__(
        self,
        batch_size: int,
        workers: int | Literal["auto"],
        engine: str,
        device: str,
        precision: str,
        preparation: Literal["host", "device"] = "host",
        cache_folder: str | None = None,
    ) -> None:
        if preparation not in ("host", "device"):
            raise ConfigError(f"predictor.preparation is {preparation!r}. Choose host or device.")
        if preparation == "device" and cache_folder is None:
            raise ConfigError(
                "predictor.preparation=device needs predictor.cache_folder, where it is kept what to clean."
            )
        self._patients_at_once = max(1, whole("predictor.batch_size", batch_size, 1) // VIEWS_PER_PATIENT)
        folder = None if cache_folder is None else Path(cache_folder)
        self._cleaned = None if folder is None else CleanedViews(folder)
        self._preparation = preparation
        self._engine = find_engine(engine, device, precision, folder)
        self.engine = engine
        self.device = self._engine.device
        self.precision = self._engine.precision
        if workers == "auto":
            cores = os.cpu_count() or 1
            workers = cores if self.device.type == "cuda" else min(cores, _MOST_WORKERS_BESIDE_NETS)
        self._workers = whole("predictor.workers", workers, 0)

    def score(
        self,
        ensemble: Ensemble,
        catalog: Catalog,
        gate: Thresholds | None,
        on_fault: OnFault = "stop",
    ) -> EnsembleScores:
        """Scores the patients of a catalog.

        Args:
            ensemble: the members and the rules that join their scores.
            catalog: the patients; their labels are not looked at, nor need their images have been.
            gate: the thresholds of which presence decides for whom the locators run; None runs them on everybody.
            on_fault: ``stop`` tells of all unreadable images once all were looked at, and so does ``mask``, as the
                ensemble needs every view; ``drop`` leaves those patients out.

        Raises:
            RunError: a member cannot be loaded, or its scores are NaN.
            CohortError: a patient lacks a view, images cannot be read and ``on_fault`` is not ``drop``, or nobody is
                left.
        """
        gated = GatedScores(ensemble, self._engine, gate, len(catalog.patients))
        # A GPU works on the next patients while the host looks at the last ones' presence.
        ahead = 1 if self.device.type == "cuda" else 0
        started: deque[StartedPatients] = deque()
        faults: list[Fault] = []
        patients = len(catalog.patients)
        total = -(-patients // self._patients_at_once)
        for chunk in track(self._chunks(catalog, _wanted(gated.keys)), "scoring patients", total):
            faults += chunk.faults
            if not chunk.positions.size or (faults and on_fault != "drop"):
                continue
            started.append(gated.start(chunk.positions, chunk.pixels))
            if len(started) > ahead:
                gated.decide(started.popleft())
        if faults and (on_fault != "drop" or len({fault.patient for fault in faults}) == patients):
            remedy = (
                "Every patient has one of them. Mend them."
                if on_fault == "drop"
                else "Mend them, or set on_fault=drop to leave those patients out."
            )
            raise CohortError(
                f"{len(faults)} images in {catalog.folder} cannot be read. {remedy}\n{fault_table(faults)}"
            )
        while started:
            gated.decide(started.popleft())
        gated.finish()
        presence, locations = gated.presence_views, gated.location_views
        left = gated.scored
        return EnsembleScores(
            patients=tuple(patient for patient, kept in zip(catalog.patients, left, strict=True) if kept),
            presence_views={circulation: scores[left] for circulation, scores in presence.items()},
            location_views={circulation: scores[left] for circulation, scores in locations.items()},
            by_circulation=fuse_views(
                {circulation: scores[left] for circulation, scores in presence.items()}, ensemble.rules
            ),
            fused=PatientScores(gated.presence[left], gated.locations[left]),
            passed=gated.passed[left],
            rescored=gated.rescored,
            faults=tuple(faults),
        )

    def _chunks(self, catalog: Catalog, wanted: Wanted) -> Iterator[Chunk]:
        """The pixels of the patients on the device of the nets, some patients at a time."""
        if self._preparation == "device" and self._cleaned is not None:
            unprepared = UnpreparedPatients(catalog, wanted, self._cleaned)
            yield from device_chunks(unprepared, wanted, self._patients_at_once, self._workers, self.device)
            return
        decoded = DecodedPatients(catalog, wanted, self._cleaned)
        pin = self.device.type == "cuda"
        for chunk in chunks(decoded, self._patients_at_once, self._workers, pin):
            pixels = {key: part.to(self.device, non_blocking=True) for key, part in chunk.pixels.items()}
            yield chunk._replace(pixels=pixels)


def _wanted(
    keys: list[tuple[Preparation, Circulation]],
) -> dict[Preparation, tuple[Circulation, ...]]:
    """The circulations that are needed in each preparation."""
    wanted: dict[Preparation, tuple[Circulation, ...]] = {}
    for preparation, circulation in dict.fromkeys(keys):
        wanted[preparation] = (*wanted.get(preparation, ()), circulation)
    return wanted
