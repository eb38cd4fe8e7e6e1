from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from kium_lightning.anatomy import LABEL_COLUMNS, View
from kium_lightning.data.stream import PhantomStream, StreamSample
from kium_lightning.errors import ConfigError
from kium_lightning.phantom.labels import Sites, draw_labels
from kium_lightning.phantom.stream import Shard
from kium_lightning.settings import build, compose

SMALL = (
    "cohort=phantom_tiny",
    "stream=views",
    "cohort.film.sizes=[[64,64]]",
    "stream.patients=5",
    "stream.views=[LI-A]",
)


def stream(*overrides: str) -> PhantomStream:
    made: PhantomStream = build(compose("phantom", [*SMALL, "stream.image_size=null", *overrides]).stream)
    return made


def drawn(stream: PhantomStream, workers: int) -> dict[tuple[int, int], bytes]:
    """Every view's pixels by patient and view; a view that comes twice is a fault."""
    loader: DataLoader[StreamSample] = DataLoader(
        stream, batch_size=None, num_workers=workers, multiprocessing_context="spawn" if workers else None
    )
    found: dict[tuple[int, int], bytes] = {}
    for sample in loader:
        key = int(sample["patient"]), int(sample["view"])
        assert key not in found
        found[key] = sample["image"].numpy().tobytes() + sample["labels"].numpy().tobytes()
    return found


def test_any_number_of_workers_gives_each_patient_once_and_the_same_pixels() -> None:
    alone = drawn(stream(), 0)
    assert {patient for patient, _ in alone} == set(range(5))
    assert drawn(stream(), 1) == alone
    assert drawn(stream(), 2) == alone


def test_ranks_share_the_patients_of_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    alone = drawn(stream(), 0)
    shares = []
    for rank in range(2):
        monkeypatch.setattr(PhantomStream, "_own_rank", lambda _self, rank=rank: Shard(rank, 2))
        shares.append(drawn(stream(), 0))
    assert not shares[0].keys() & shares[1].keys()
    assert shares[0] | shares[1] == alone


@pytest.mark.parametrize(("ranks", "workers"), [(2, 1), (2, 3), (8, 5)])
def test_ranks_get_equally_many_patients_whatever_the_number_of_workers(
    ranks: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = []
    for rank in range(ranks):
        monkeypatch.setattr(PhantomStream, "_own_rank", lambda _self, rank=rank: Shard(rank, ranks))
        views = stream()
        taken: list[int] = []
        for worker in range(workers):
            about = SimpleNamespace(id=worker, num_workers=workers)
            monkeypatch.setattr("kium_lightning.data.stream.get_worker_info", lambda about=about: about)
            shard = views._shard()
            taken += range(shard.number, 16 * ranks, shard.count)
        assert len(set(taken)) == len(taken)
        counts.append(len(taken))
    assert counts == [16] * ranks


def test_every_epoch_has_its_own_patients_and_repeats_them() -> None:
    views = stream()
    first, again = drawn(views, 0), drawn(views, 0)
    views.set_epoch(1)
    second = drawn(views, 0)
    views.set_epoch(0)
    assert first == again == drawn(views, 0)
    assert not set(first.values()) & set(second.values())


def test_workers_that_persist_see_the_next_epoch() -> None:
    views = stream("stream.patients=2")
    loader: DataLoader[StreamSample] = DataLoader(
        views, batch_size=None, num_workers=1, persistent_workers=True, multiprocessing_context="spawn"
    )

    def epoch() -> Iterator[bytes]:
        return (sample["image"].numpy().tobytes() for sample in loader)

    first = set(epoch())
    views.set_epoch(1)
    assert not first & set(epoch())


def test_a_sample_has_all_labels_and_its_view() -> None:
    samples = list(stream("stream.views=[]", "stream.patients=4", "stream.image_size=48", "stream.picture=file"))
    assert len(samples) == 4 * len(View)
    for sample in samples:
        assert sample["image"].shape == (1, 48, 48)
        assert sample["image"].dtype == torch.uint8
        assert sample["labels"].shape == (len(LABEL_COLUMNS),)
        assert sample["labels"][0] == sample["labels"][1:].max()
    assert {int(sample["view"]) for sample in samples} == set(range(len(View)))


def test_labels_of_an_epoch_are_the_stated_ones() -> None:
    even = stream("stream.patients=6", "cohort.sites=even")
    labels = draw_labels(6, np.random.default_rng(np.random.SeedSequence(2023, spawn_key=(3, 0))), Sites.EVEN)
    for sample in even:
        assert int(sample["labels"][1:].sum()) == len(labels[int(sample["patient"])])


@pytest.mark.parametrize(
    ("override", "remedy"),
    [
        ("stream.patients=0", "stream.patients"),
        ("stream.views=[LI-C]", "stream.views"),
        ("stream.picture=bones", "stream.picture"),
    ],
)
def test_impossible_streams_are_refused_with_a_remedy(override: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match=remedy):
        stream(override)
