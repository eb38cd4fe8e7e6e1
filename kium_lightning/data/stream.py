"""Synthetic views as a torch dataset, drawn and rendered as they are asked for, for pretraining."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, TypedDict

import cv2
import numpy as np
import torch
from torch import distributed
from torch.utils.data import IterableDataset, get_worker_info

from kium_lightning.anatomy import Location, View
from kium_lightning.errors import ConfigError
from kium_lightning.numbers import whole
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.stream import Shard, StreamedView, rendered_views, stream_patients


class Picture(StrEnum):
    """What of a view is given: the file as a cohort on disk would hold it, or the picture without margins and text."""

    FILE = "file"
    BARE = "bare"


class StreamSample(TypedDict):
    """One view.

    Attributes:
        image: (1, H, W) uint8, vessels dark.
        labels: (22,) float32, 0 or 1, in the order of ``anatomy.LABEL_COLUMNS``.
        view: int64, its place among ``anatomy.View``.
        patient: int64, the patient's number within the epoch.
    """

    image: torch.Tensor
    labels: torch.Tensor
    view: torch.Tensor
    patient: torch.Tensor


class PhantomStream(IterableDataset[StreamSample]):
    """Views of synthetic patients, drawn and rendered as they are asked for; nothing is written.

    Every patient of an epoch is drawn exactly once, whatever the number of ranks and DataLoader workers, and which ones
    there are depends on seed and epoch alone. Ranks get equally many patients where ``patients`` is a multiple of their
    number. Call ``set_epoch`` before each epoch, or every epoch repeats the first::

        stream = build(compose("phantom", ["cohort=phantom_rare", "stream=views", "stream.image_size=512"]).stream)
        loader = DataLoader(stream, batch_size=32, num_workers=8, persistent_workers=True)
        for epoch in range(epochs):
            stream.set_epoch(epoch)
            for batch in loader: ...

    Args:
        cohort: gives the distributions and how often each location carries an aneurysm; it is not written.
        patients: per epoch, over all ranks and workers.
        seed: of the stream.
        views: codes of the views to render, such as ``LI-A``; empty for all eight.
        picture: ``file`` or ``bare``.
        image_size: side of the square that images are resized to, in pixels; None keeps each at its own size.
        mixed_patients: how many patients' views are shuffled together.

    Raises:
        ConfigError: a view, the picture or a number is impossible.
    """

    def __init__(
        self,
        cohort: PhantomCohort,
        patients: int,
        seed: int,
        views: Sequence[str],
        picture: str,
        image_size: int | None,
        mixed_patients: int,
    ) -> None:
        super().__init__()
        if not isinstance(cohort, PhantomCohort):
            raise ConfigError("A stream draws phantoms. Choose one of their cohorts, such as cohort=phantom_rare.")
        whole("stream.patients", patients, 1)
        whole("stream.mixed_patients", mixed_patients, 1)
        if image_size is not None:
            whole("stream.image_size", image_size, 32)
        try:
            self._views = tuple(View.from_code(code) for code in views) or tuple(View)
            self._picture = Picture(picture)
        except ValueError as error:
            raise ConfigError(
                f"{error} Write, for instance, stream.views=[LI-A,RI-A] and stream.picture=bare or file."
            ) from error
        self._distributions, self._sites = cohort.distributions, cohort.sites
        self._patients, self._seed = patients, seed
        self._image_size, self._mixed = image_size, mixed_patients
        self._epoch = torch.zeros((), dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]  # workers that persist see it change
        self._rank = Shard(0, 1)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the patients of the next pass; each epoch has its own."""
        self._epoch.fill_(epoch)

    def __getstate__(self) -> dict[str, Any]:
        """Tells a worker, which knows of no process group, the rank of its parent."""
        return {**self.__dict__, "_rank": self._own_rank()}

    def _own_rank(self) -> Shard:
        if distributed.is_available() and distributed.is_initialized():
            return Shard(distributed.get_rank(), distributed.get_world_size())
        return self._rank

    def _shard(self) -> Shard:
        rank, worker = self._own_rank(), get_worker_info()
        if worker is None:
            return rank
        # ranks innermost, so that all of them get equally many patients whatever the number of workers
        return Shard(worker.id * rank.count + rank.number, rank.count * worker.num_workers)

    def __iter__(self) -> Iterator[StreamSample]:
        """Draws and renders this worker's share of the epoch."""
        shard, epoch = self._shard(), int(self._epoch)
        if get_worker_info() is not None:
            cv2.setNumThreads(1)  # the workers are what runs in parallel
        drawn = stream_patients(self._distributions, self._sites, self._patients, self._seed, epoch, shard)
        order = np.random.default_rng((self._seed, epoch, shard.number, shard.count))
        for view in rendered_views(drawn, self._views, self._picture is Picture.FILE, self._mixed, order):
            yield self._sample(view)

    def _sample(self, view: StreamedView) -> StreamSample:
        image = view.image
        if self._image_size is not None:
            image = np.asarray(
                cv2.resize(image, (self._image_size, self._image_size), interpolation=cv2.INTER_AREA), dtype=np.uint8
            )
        labels = [bool(view.labels), *(location in view.labels for location in Location)]
        return StreamSample(
            image=torch.from_numpy(np.ascontiguousarray(image))[None],
            labels=torch.tensor(labels, dtype=torch.float32),
            view=torch.tensor(list(View).index(view.view)),
            patient=torch.tensor(view.patient),
        )
