"""Operating points fitted on all folds but one and judged on that one, in turn.

What is fitted on a patient fits it too well. So each fold's calls come from a calibration and thresholds that were
fitted without the scores and labels of this fold. Inside a fit, calibration and thresholds may see the same patients:
the fit as a whole is what is judged, and the judged fold lies outside it.

The nets lie outside of this nesting. Where the folds are those of the training, the judged patients trained the nets,
or chose the epoch of those, that scored the patients fitted on; only nets trained anew without each fold would end
that. Where all patients were held out from one net, and the folds are inner ones of them, there is no such tie.
``benchmarks/out_of_fold.py`` measures the difference, docs/operating_points.md says how large it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.data.splits import stratified_folds
from kium_lightning.ensemble.calibration import Calibrator
from kium_lightning.ensemble.fitting import check_fitting, location_labels, presence_labels
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.gate import decide
from kium_lightning.ensemble.rules import ThresholdRule, check_calibration
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import SplitError, ThresholdError
from kium_lightning.numbers import whole


@dataclass(frozen=True, eq=False)
class NestedAnswer:
    """An answer for n patients, each decided by a calibration and thresholds that were fitted without its fold.

    A patient may still have trained the nets that scored those fitted on; see this module's docstring.

    The ranking of all patients should be judged on the raw scores: each fold's probabilities come from a curve of its
    own, and a fold with fewer positives is calibrated by others with more, so that pooled probabilities rank a little
    the wrong way round where the scores tell nothing.

    Attributes:
        scores: calibrated, each patient by the fit of the other folds.
        passed: (n,) True where the gate lets the patient through.
        calls: (n, 21) in the challenge's column order, 0 or 1.
        folds: (n,) the fold of each patient, as handed in.
        thresholds: per fold, what its patients were judged with.
    """

    scores: PatientScores
    passed: NDArray[np.bool_]
    calls: NDArray[np.int64]
    folds: NDArray[np.int64]
    thresholds: dict[int, Thresholds]


def fit_operating_points(
    scores: PatientScores, labels: NDArray[np.int64], calibrator: Calibrator, rule: ThresholdRule
) -> Thresholds:
    """Fits a calibration, and thresholds on the calibrated scores of the same patients.

    Args:
        scores: raw, fused scores of n patients, every locator run on each of them.
        labels: (n, 22), presence and the 21 locations in the order of ``LABEL_COLUMNS``, 0 or 1.
        calibrator: makes probabilities of the scores.
        rule: finds thresholds of the probabilities.

    Returns:
        The thresholds with their calibration.

    Raises:
        ConfigError: the rule cannot be used with this calibration.
        ThresholdError: the patients cannot be fitted on.
    """
    check_fitting(scores, labels)
    calibration = calibrator.fit(scores, labels)
    check_calibration(rule, calibration)
    return rule.fit(calibration.apply(scores), labels).calibrated_by(calibration)


def nested_answer(
    scores: PatientScores,
    labels: NDArray[np.int64],
    folds: NDArray[np.int64],
    calibrator: Calibrator,
    rule: ThresholdRule,
) -> NestedAnswer:
    """Answers for each fold with what was fitted on all others.

    Args:
        scores: raw, fused scores of n patients, each by nets that did not learn from this patient, though they may have
            learnt from the others; every locator run.
        labels: (n, 22), presence and the 21 locations in the order of ``LABEL_COLUMNS``, 0 or 1.
        folds: (n,) the fold of each patient; at least two different numbers.
        calibrator: makes probabilities of the scores.
        rule: finds thresholds of the probabilities.

    Returns:
        The answer, patients in the order given.

    Raises:
        ConfigError: the rule cannot be used with this calibration.
        ThresholdError: there is one fold only, the shapes do not fit, or the other folds of one cannot be fitted on.
    """
    check_fitting(scores, labels)
    if folds.shape != scores.presence.shape:
        raise ThresholdError(
            f"Folds of shape {folds.shape} do not fit scores of {len(scores.presence)} patients. Give one fold per "
            "patient."
        )
    names = [int(fold) for fold in np.unique(folds)]
    if len(names) < 2:
        raise ThresholdError(
            f"All {len(folds)} patients are in fold {names[0]}, so that nothing can be fitted outside of it. Train "
            "more folds (data.fold=0,1,2,3,4 -m), or draw inner folds of these patients."
        )
    presence, passed = np.full(len(folds), np.nan), np.zeros(len(folds), np.bool_)
    locations, calls = np.full((len(folds), len(LOCATION_COLUMNS)), np.nan), np.zeros(scores.locations.shape, np.int64)
    tables = {}
    for name in names:
        judged, fitted = folds == name, folds != name
        try:
            tables[name] = fit_operating_points(_of(scores, fitted), labels[fitted], calibrator, rule)
        except ThresholdError as error:
            raise ThresholdError(f"Without fold {name}: {error}") from error
        decision = decide(_of(scores, judged), tables[name])
        presence[judged], locations[judged] = decision.scores.presence, decision.scores.locations
        passed[judged], calls[judged] = decision.passed, decision.calls
    return NestedAnswer(PatientScores(presence, locations), passed, calls, folds, tables)


def inner_folds(labels: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Draws folds of patients who were all held out from one training, stratified over their labels.

    Args:
        labels: (n, 22), presence and the 21 locations in the order of ``LABEL_COLUMNS``, 0 or 1.
        folds: how many, at least 2.
        seed: of the draw.

    Returns:
        (n,) from 0 to folds - 1.

    Raises:
        ConfigError: the number of folds is no whole number of at least 2.
        SplitError: there are fewer patients than folds.
    """
    whole("folds", folds, 2)
    if len(labels) < folds:
        raise SplitError(f"{len(labels)} patients cannot be split into {folds} folds. Ask for fewer folds.")
    # Presence follows from the locations, so that it is dealt out last.
    return stratified_folds(np.column_stack([location_labels(labels), presence_labels(labels)]), folds, seed)


def _of(scores: PatientScores, chosen: NDArray[np.bool_]) -> PatientScores:
    return PatientScores(scores.presence[chosen], scores.locations[chosen])
