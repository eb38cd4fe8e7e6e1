"""An answer beside another score or another answer about the same patients: differences that are paired."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.errors import RunError
from kium_lightning.metrics.delong import delong_difference
from kium_lightning.metrics.evaluable import LEAST_OF_EACH, evaluable
from kium_lightning.metrics.intervals import PairedDifference
from kium_lightning.metrics.official import accuracy_gain, location_accuracy
from kium_lightning.metrics.permutation import paired_permutation
from kium_lightning.report.draws import Draws
from kium_lightning.report.estimates import Estimate
from kium_lightning.report.presence import auroc_after_delong
from kium_lightning.report.reading import Judged


@dataclass(frozen=True)
class Probe:
    """What file metadata alone tells about the same patients; nothing in it has seen a pixel.

    Attributes:
        auroc: of its presence score, with DeLong's interval; NaN where patients are too few to evaluate it.
        difference: the answer's AUROC minus the probe's, after DeLong; likewise.
        trained_on: how many patients it was fitted on.
    """

    auroc: Estimate
    difference: PairedDifference
    trained_on: int

    def as_json(self) -> dict[str, Any]:
        """All numbers."""
        return {
            "auroc": asdict(self.auroc),
            "auroc_minus_probe": self.difference._asdict(),
            "trained_on_patients": self.trained_on,
        }


@dataclass(frozen=True)
class Against:
    """Another answer about the same patients, and how far the two differ.

    Attributes:
        name: what the other answer is called on the page: its file, relative to the outputs where it lies there.
        auroc: of the other answer, with DeLong's interval; NaN where patients are too few to evaluate it.
        location_accuracy: of the other answer, with its bootstrap interval from the same draws.
        auroc_difference: this answer minus the other, after DeLong; NaN as the AUROC.
        accuracy_difference: this answer minus the other, the interval from the same draws of patients, p by permuting
            the pairs.
    """

    name: str
    auroc: Estimate
    location_accuracy: Estimate
    auroc_difference: PairedDifference
    accuracy_difference: PairedDifference

    def as_json(self) -> dict[str, Any]:
        """All numbers."""
        return {
            "answer": self.name,
            "auroc": asdict(self.auroc),
            "location_accuracy": asdict(self.location_accuracy),
            "auroc_difference": self.auroc_difference._asdict(),
            "location_accuracy_difference": self.accuracy_difference._asdict(),
        }


def judge_probe(
    judged: Judged,
    scores: NDArray[np.float64],
    trained_on: int,
    draws: Draws,
    least_positives: int = LEAST_OF_EACH,
) -> Probe:
    """Judges a probe's scores on the patients of an answer.

    Args:
        judged: the answer and the truth.
        scores: (n,) the probe's, in the order of the patients.
        trained_on: how many patients it was fitted on.
        draws: of the same patients.
        least_positives: how many patients with, and without, an aneurysm a ranking needs to be evaluable.
    """
    truth, level = judged.has_aneurysm, draws.level
    difference = _auroc_difference(truth, judged.presence, scores, level, least_positives)
    return Probe(auroc_after_delong(truth, scores, level, least_positives), difference, trained_on)


def compare_answers(
    judged: Judged, other: Judged, name: str, draws: Draws, seed: int, least_positives: int = LEAST_OF_EACH
) -> Against:
    """Compares two answers about the same patients.

    Args:
        judged: this answer and the truth.
        other: the other answer, with the same patients in the same order.
        name: of the other answer.
        draws: of these patients.
        seed: of the permutations.
        least_positives: how many patients with, and without, an aneurysm a ranking needs to be evaluable.

    Raises:
        RunError: the patients or their truth differ.
    """
    if not (np.array_equal(judged.patients, other.patients) and np.array_equal(judged.labels, other.labels)):
        raise RunError(f"{name} is about other patients. Give against= an answer about the same ones.")
    sick, truth = judged.has_aneurysm, judged.locations
    own, others = (draws.of(accuracy_gain, truth, each.calls) for each in (judged, other))
    right, also_right = ((each.calls == truth).mean(axis=1) for each in (judged, other))
    permuted = paired_permutation(right, also_right, rng=np.random.default_rng(seed))
    ends = draws.difference(permuted.value, own.values - others.values)
    return Against(
        name,
        auroc_after_delong(sick, other.presence, draws.level, least_positives),
        draws.estimate(location_accuracy, truth, other.calls),
        _auroc_difference(sick, judged.presence, other.presence, draws.level, least_positives),
        PairedDifference(permuted.value, ends.low, ends.high, permuted.p),
    )


def _auroc_difference(
    truth: NDArray[np.int64],
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    level: float,
    least_positives: int,
) -> PairedDifference:
    """The first AUROC minus the second after DeLong; NaN where patients are too few."""
    if not evaluable(truth, least_positives).holds:
        return PairedDifference(math.nan, math.nan, math.nan, math.nan)
    return delong_difference(truth, first, second, level)
