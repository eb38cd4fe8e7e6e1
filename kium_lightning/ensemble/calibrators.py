"""The ways to fit a calibration of scores; each is an option of the config group ``calibration``.

Presence has a curve of its own, always. Of the locations, those with few positives cannot support one (the rarest of
the challenge has one positive in 1,127 patients), so they share a curve; see ``sharing``.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import expit

from kium_lightning.anatomy import LOCATION_COLUMNS, PRESENCE_COLUMN, Circulation
from kium_lightning.data.folding import unfolded_locations
from kium_lightning.ensemble.calibration import IDENTITY, LEAST_SLOPE, Curve, Knots, LogitLine, ScoreCalibration, logits
from kium_lightning.ensemble.fitting import check_fitting, location_labels, presence_labels
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.rounding import rounded
from kium_lightning.errors import ThresholdError
from kium_lightning.numbers import whole

_MOST_SLOPE = 100.0
_Fit = Callable[[NDArray[np.float64], NDArray[np.int64]], Curve]


def fit_platt(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> LogitLine:
    """Fits a line on the logit of the scores by maximum likelihood, with Platt's smoothed targets.

    A positive's target is (P + 1) / (P + 2), a negative's 1 / (N + 2): with few positives, or none, the line stays
    finite and modest. The slope is at least 0.01, so that scores which rank the wrong way round are levelled and not
    turned round.

    Source: Platt, "Probabilistic outputs for support vector machines", 1999.

    Args:
        scores: (n,) in [0, 1].
        labels: (n,) 0 or 1.
    """
    positives = int(labels.sum())
    targets = np.where(labels == 1, (positives + 1) / (positives + 2), 1 / (len(labels) - positives + 2))
    inputs = logits(scores)
    center = float(inputs.mean())
    spread = float(inputs.std()) or 1.0
    # In standard units the two parameters hardly lean on each other, and a few steps are enough.
    standard = (inputs - center) / spread

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        outputs = parameters[0] * standard + parameters[1]
        misfit = expit(outputs) - targets
        value = np.mean(np.logaddexp(0, outputs) - targets * outputs)
        return float(value), np.array([np.mean(misfit * standard), np.mean(misfit)])

    start = np.array([max(1.0, LEAST_SLOPE * spread), 0.0])
    bounds = [(LEAST_SLOPE * spread, _MOST_SLOPE * spread), (None, None)]
    found = minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 1000}
    ).x
    slope = max(float(found[0]) / spread, LEAST_SLOPE)
    return LogitLine(slope, float(found[1]) - slope * center)


def fit_temperature(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> LogitLine:
    """Fits one scale of the logit by maximum likelihood: the inverse of a temperature, from 0.01 to 100.

    It mends scores that are too sure or not sure enough. A score stays on its side of 0.5, so that it cannot mend
    scores that are too high throughout.

    Source: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.

    Args:
        scores: (n,) in [0, 1].
        labels: (n,) 0 or 1.
    """
    inputs = logits(scores)

    def loss(log_scale: float) -> float:
        outputs = np.exp(log_scale) * inputs
        return float(np.mean(np.logaddexp(0, outputs) - labels * outputs))

    limits = (float(np.log(LEAST_SLOPE)), float(np.log(_MOST_SLOPE)))
    found = float(np.exp(minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-9}).x))
    return LogitLine(max(found, LEAST_SLOPE))


def fit_isotonic(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Knots:
    """Fits the never-falling curve of least squares.

    Its ends are kept 1 / (n + 2) away from 0 and 1: that no positive was seen below a score does not make one
    impossible. Ties arise (see ``Knots``).

    Source: Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability estimates", 2002.

    Args:
        scores: (n,) in [0, 1].
        labels: (n,) 0 or 1.
    """
    from sklearn.isotonic import IsotonicRegression  # slow to import, and predictions do without

    edge = 1 / (len(labels) + 2)
    regression = IsotonicRegression(y_min=edge, y_max=1 - edge, increasing=True, out_of_bounds="clip")
    regression.fit(rounded(scores), labels)
    knots, probabilities = regression.X_thresholds_, regression.y_thresholds_
    return Knots(tuple(map(float, knots)), tuple(map(float, probabilities)))


def sharing(labels: NDArray[np.int64], least_positives: int) -> tuple[list[int], list[int]]:
    """Chooses the locations that share a curve, and those that it is fitted on.

    All locations with fewer than ``least_positives`` positives share one curve, fitted on their cells together. Where
    even together they have fewer, the next rarest locations are fitted on too until there are enough; these keep
    curves of their own.

    Args:
        labels: (n, 21) 0 or 1.
        least_positives: that a curve of its own needs.

    Returns:
        The positions of those that share, and of those that their curve is fitted on, both rising.
    """
    positives = labels.sum(axis=0)
    by_rarity = np.argsort(positives, kind="stable")
    sharers = np.flatnonzero(positives < least_positives)
    enough = np.searchsorted(np.cumsum(positives[by_rarity]), least_positives) + 1
    fitted = by_rarity[: max(len(sharers), int(enough))]
    return sorted(map(int, sharers)), sorted(map(int, fitted))


class Uncalibrated:
    """Leaves scores as the nets gave them."""

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> ScoreCalibration:
        """Gives the identity, whatever the scores and labels."""
        return IDENTITY


class Platt:
    """Fits a line on the logit, for presence and for each location (``fit_platt``).

    Args:
        least_positives: a location with fewer shares a line with all other such locations.

    Raises:
        ConfigError: it is no whole number of at least 1.
    """

    def __init__(self, least_positives: int) -> None:
        self._least_positives = whole("calibration.least_positives", least_positives, 1)

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> ScoreCalibration:
        """Fits the lines.

        Raises:
            ThresholdError: a score is NaN, labels do not fit, or all patients have, or none has, an aneurysm.
        """
        return _fit_each("platt", fit_platt, scores, labels, self._least_positives)


class Isotonic:
    """Fits a never-falling curve, for presence and for each location (``fit_isotonic``).

    Args:
        least_positives: a location with fewer shares a curve with all other such locations.

    Raises:
        ConfigError: it is no whole number of at least 1.
    """

    def __init__(self, least_positives: int) -> None:
        self._least_positives = whole("calibration.least_positives", least_positives, 1)

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> ScoreCalibration:
        """Fits the curves.

        Raises:
            ThresholdError: a score is NaN, labels do not fit, or all patients have, or none has, an aneurysm.
        """
        return _fit_each("isotonic", fit_isotonic, scores, labels, self._least_positives)


class Temperature:
    """Fits one scale for presence and one for the locations of each circulation (``fit_temperature``).

    A temperature mends how sure a net is of itself, and one locator scores all arteries of its circulation; so its
    locations share one, and rare ones need no care of their own.
    """

    def fit(self, scores: PatientScores, labels: NDArray[np.int64]) -> ScoreCalibration:
        """Fits the scales.

        Raises:
            ThresholdError: a score is NaN, labels do not fit, or all patients have, or none has, an aneurysm.
        """
        curves: dict[str, Curve] = {PRESENCE_COLUMN: _fit_presence(fit_temperature, scores, labels)}
        groups = []
        for circulation in Circulation:
            group = tuple(location.column for location in unfolded_locations(circulation))
            positions = [LOCATION_COLUMNS.index(column) for column in group]
            shared = _fit_cells(fit_temperature, scores, labels, positions)
            curves |= dict.fromkeys(group, shared)
            groups.append(group)
        return ScoreCalibration("temperature", curves, tuple(groups))


def _fit_each(
    name: str, fit: _Fit, scores: PatientScores, labels: NDArray[np.int64], least_positives: int
) -> ScoreCalibration:
    curves = {PRESENCE_COLUMN: _fit_presence(fit, scores, labels)}
    sharers, fitted = sharing(location_labels(labels), least_positives)
    shared = [_fit_cells(fit, scores, labels, fitted)] if sharers else []
    for position, column in enumerate(LOCATION_COLUMNS):
        curves[column] = shared[0] if position in sharers else _fit_cells(fit, scores, labels, [position])
    group = tuple(LOCATION_COLUMNS[position] for position in sharers)
    return ScoreCalibration(name, curves, (group,) if group else ())


def _fit_presence(fit: _Fit, scores: PatientScores, labels: NDArray[np.int64]) -> Curve:
    check_fitting(scores, labels)
    presence = presence_labels(labels)
    if presence.min() == presence.max():
        raise ThresholdError(
            f"All {len(presence)} patients to calibrate on are {'positive' if presence[0] else 'healthy'}, so that no "
            "probability can be told. Calibrate on patients with and without an aneurysm, or say calibration=none."
        )
    return fit(scores.presence, presence)


def _fit_cells(fit: _Fit, scores: PatientScores, labels: NDArray[np.int64], positions: list[int]) -> Curve:
    return fit(scores.locations[:, positions].ravel(), location_labels(labels)[:, positions].ravel())
