"""How good the presence score is: its AUROC after DeLong, average precision, calibration."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.metrics.calibration import Reliability, brier_score, expected_calibration_error, reliability
from kium_lightning.metrics.delong import delong_interval
from kium_lightning.metrics.evaluable import evaluable
from kium_lightning.metrics.official import official_auroc
from kium_lightning.metrics.ranking import auroc, average_precision
from kium_lightning.report.curves import Curves, presence_curves
from kium_lightning.report.draws import Draws
from kium_lightning.report.estimates import UNKNOWN_ESTIMATE, Estimate
from kium_lightning.report.reading import Judged

BINS = 10
_LEAST_PER_BIN = 8
_REPETITIONS = 500


@dataclass(frozen=True, eq=False)
class Presence:
    """The presence score as a probability.

    Attributes:
        auroc: with DeLong's interval; NaN where patients are too few to evaluate it.
        auroc_bootstrap: the same with its bootstrap interval, which collapses to a point at an AUROC of 1.
        average_precision: with its bootstrap interval; NaN as the AUROC.
        prevalence: what chance gives as average precision: the share of these patients with an aneurysm.
        brier: the mean squared distance from the truth, likewise.
        constant: the score that the Brier score is compared with: one probability for everybody.
        constant_is_known_before: whether it is the share among patients trained on, and not among these.
        brier_constant: the Brier score of that.
        brier_gain: by how much the answer's Brier score is lower, from the same draws.
        calibration_error: the expected calibration error in bins of equally many patients.
        calibration_error_by_chance: what perfectly calibrated scores of these values would show on so few patients,
            in the mean.
        calibration_error_limit: what they would stay below in 95 % of repetitions.
        reliability: the bins.
        curves: over all thresholds; None where the AUROC is not evaluable.
    """

    auroc: Estimate
    auroc_bootstrap: Estimate
    average_precision: Estimate
    prevalence: float
    brier: Estimate
    constant: float
    constant_is_known_before: bool
    brier_constant: float
    brier_gain: Estimate
    calibration_error: float
    calibration_error_by_chance: float
    calibration_error_limit: float
    reliability: Reliability
    curves: Curves | None

    def as_json(self) -> dict[str, Any]:
        """All numbers as JSON values; unknown ones as NaN."""
        bins = self.reliability
        return {
            "auroc_bootstrap": asdict(self.auroc_bootstrap),
            "average_precision": asdict(self.average_precision),
            "prevalence": self.prevalence,
            "brier": asdict(self.brier),
            "brier_of_constant": {
                "constant": self.constant,
                "from": "training set" if self.constant_is_known_before else "these patients",
                "value": self.brier_constant,
                "minus_brier": asdict(self.brier_gain),
            },
            "expected_calibration_error": {
                "value": self.calibration_error,
                "mean_if_calibrated": self.calibration_error_by_chance,
                "quantile_95_if_calibrated": self.calibration_error_limit,
            },
            "reliability": {
                "score": bins.scores.tolist(),
                "observed": bins.shares.tolist(),
                "low": bins.low.tolist(),
                "high": bins.high.tolist(),
                "patients": bins.counts.tolist(),
            },
            "curves": None
            if self.curves is None
            else {
                "roc": self.curves.roc.as_json(),
                "precision_recall": self.curves.precision.as_json(),
                "gate_trade_off": self.curves.gate.as_json(),
                "read_off_these_patients": [asdict(point) for point in self.curves.points],
            },
        }


def auroc_after_delong(
    truth: NDArray[np.int64], scores: NDArray[np.float64], level: float, least_positives: int
) -> Estimate:
    """The AUROC with DeLong's interval; NaN where positives or negatives are fewer than the least."""
    if not evaluable(truth, least_positives).holds:
        return UNKNOWN_ESTIMATE
    return Estimate(official_auroc(truth, scores), *delong_interval(truth, scores, level))


def judge_presence(judged: Judged, draws: Draws, constant: float | None, seed: int, least_positives: int) -> Presence:
    """Computes the numbers.

    Args:
        judged: an answer and the truth.
        draws: of the same patients.
        constant: the probability that the Brier score is compared with, such as the share of patients with an aneurysm
            in the training set; None for the share among these patients, the constant that is hardest to beat.
        seed: of the draws that say what chance does to the calibration error.
        least_positives: how many patients with, and without, an aneurysm a ranking needs to be evaluable.
    """
    truth, scores = judged.has_aneurysm, judged.forecast
    can_rank = evaluable(truth, least_positives).holds
    prevalence = float(truth.mean()) if len(truth) else math.nan
    forecast = prevalence if constant is None else constant
    constants = np.full(len(truth), forecast)
    own, other = (draws.of(brier_score, truth, each) for each in (scores, constants))
    value, against = brier_score(truth, scores), brier_score(truth, constants)
    bins = max(1, min(BINS, len(truth) // _LEAST_PER_BIN))
    rng = np.random.default_rng(seed)
    by_chance = [
        expected_calibration_error((rng.random(len(scores)) < scores).astype(np.int64), scores, bins)
        for _ in range(_REPETITIONS if len(truth) else 0)
    ]
    return Presence(
        auroc=auroc_after_delong(truth, judged.presence, draws.level, least_positives),
        auroc_bootstrap=draws.estimate(auroc, truth, judged.presence) if can_rank else UNKNOWN_ESTIMATE,
        average_precision=draws.estimate(average_precision, truth, judged.presence) if can_rank else UNKNOWN_ESTIMATE,
        prevalence=prevalence,
        brier=draws.around(value, own),
        constant=forecast,
        constant_is_known_before=constant is not None,
        brier_constant=against,
        brier_gain=draws.difference(against - value, other.values - own.values),
        calibration_error=expected_calibration_error(truth, scores, bins),
        calibration_error_by_chance=float(np.mean(by_chance)) if by_chance else math.nan,
        calibration_error_limit=float(np.quantile(by_chance, 0.95)) if by_chance else math.nan,
        reliability=reliability(truth, scores, bins, level=draws.level),
        curves=presence_curves(judged, draws) if can_rank else None,
    )
