"""Synthetic patients that are drawn one after another and never touch the disk."""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from kium_lightning.anatomy import Location, View
from kium_lightning.phantom.labels import Sites, draw_labels
from kium_lightning.phantom.overlay import Image
from kium_lightning.phantom.patient import Distributions, Patient, draw_patient, film_picture, render

STREAM_PART = 3  # in seeds, beside the parts 1 and 2 of a cohort on disk, so that a stream repeats none of its patients


@dataclass(frozen=True)
class Shard:
    """One of several equal shares of an epoch's patients.

    Attributes:
        number: from 0.
        count: how many shares there are.
    """

    number: int
    count: int


@dataclass(frozen=True)
class StreamedView:
    """One rendered view.

    Attributes:
        image: grey levels (height, width).
        labels: where the patient has aneurysms.
        view: injection and projection.
        patient: the patient's number within the epoch.
    """

    image: Image
    labels: frozenset[Location]
    view: View
    patient: int


def stream_patients(
    distributions: Distributions, sites: Sites, patients: int, seed: int, epoch: int, shard: Shard
) -> Iterator[tuple[int, Patient]]:
    """Draws the patients of one epoch that fall to a shard: those whose number modulo the shards is its own.

    Args:
        distributions: what to draw from.
        sites: how often each location carries an aneurysm.
        patients: in the epoch, of all shards together.
        seed: of the stream.
        epoch: other epochs give other patients.
        shard: which share.

    Yields:
        The patient's number within the epoch, and the patient.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(STREAM_PART, epoch)))
    labels = draw_labels(patients, rng, sites)
    for number in range(shard.number, patients, shard.count):
        yield number, draw_patient(labels[number], distributions, (seed, STREAM_PART, epoch, number))


def rendered_views(
    drawn: Iterator[tuple[int, Patient]],
    views: tuple[View, ...],
    whole_file: bool,
    mixed_patients: int,
    rng: np.random.Generator,
) -> Iterator[StreamedView]:
    """Renders views of patients, those of a few patients at a time in random order.

    Args:
        drawn: numbered patients.
        views: which to render.
        whole_file: whether to give the file with margins, text and the traces of JPEG, or the bare picture.
        mixed_patients: how many patients' views are shuffled together.
        rng: gives the order.
    """
    waiting: list[tuple[int, Patient, View]] = []
    for taken, (number, patient) in enumerate(drawn, start=1):
        waiting += [(number, patient, view) for view in views]
        if taken % mixed_patients == 0:
            yield from _shuffled(waiting, whole_file, rng)
            waiting = []
    yield from _shuffled(waiting, whole_file, rng)


def _shuffled(
    waiting: list[tuple[int, Patient, View]], whole_file: bool, rng: np.random.Generator
) -> Iterator[StreamedView]:
    for index in rng.permutation(len(waiting)):
        number, patient, view = waiting[index]
        yield StreamedView(_image(patient, view, whole_file), patient.labels, view, number)


def _image(patient: Patient, view: View, whole_file: bool) -> Image:
    if not whole_file:
        return film_picture(patient, view)[0]
    jpeg = np.frombuffer(render(patient, view).jpeg, dtype=np.uint8)
    return np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
