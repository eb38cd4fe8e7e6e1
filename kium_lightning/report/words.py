"""What an evaluation says in sentences: verdicts, and how its numbers are to be read."""

import math
from collections.abc import Mapping
from typing import Any

from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.report.estimates import Estimate
from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation
from kium_lightning.report.paired import Against, Probe
from kium_lightning.report.provenance import Provenance
from kium_lightning.report.tables import UNKNOWN, number, percent

_TOO_FEW = "These patients are too few to tell the difference from none."


def verdict(evaluation: Evaluation) -> str:
    """Says in a sentence how the location accuracy compares with calling no location at all."""
    gain = evaluation.accuracy_gain
    if math.isnan(gain.value):
        return "The location accuracy is not known."
    if gain.value == 0:
        return "The location accuracy is exactly that of an answer that calls no location in anybody."
    side = "above" if gain.value > 0 else "below"
    doubt = "" if _is_sure(gain) else f" {_TOO_FEW}"
    return (
        f"The location accuracy is {abs(gain.value):.4f} {side} that of an answer that calls no location in anybody "
        f"({number(evaluation.all_zero_accuracy, 4)}).{doubt}"
    )


def presence_verdict(evaluation: Evaluation) -> str:
    """Says in a sentence whether the presence score ranks patients better than chance."""
    auroc = evaluation.auroc
    if math.isnan(auroc.value):
        return f"The AUROC is {evaluation.evaluable.reason or 'not known'}."
    if auroc.low > CHANCE_AUROC:
        return "The presence score ranks patients with an aneurysm above those without better than chance."
    if auroc.high < CHANCE_AUROC:
        return "The presence score ranks patients worse than chance: those without an aneurysm score higher."
    return (
        "Whether the presence score ranks patients better than chance is not known: the interval of its AUROC holds "
        f"{CHANCE_AUROC:g}."
    )


def probe_verdict(evaluation: Evaluation, probe: Probe) -> str:
    """Says in a sentence what the answer is worth beyond what file metadata give away."""
    apart = probe.difference
    if math.isnan(apart.value):
        return f"What file metadata alone would reach is {evaluation.evaluable.reason or 'not known'}."
    if not math.isnan(apart.low) and apart.low > 0:
        return "It is better than a guess from file metadata alone, which sees no vessel."
    side = "above" if apart.value > 0 else "below"
    return (
        f"It is not shown to be better than a guess from file metadata alone, which sees no vessel: its AUROC lies "
        f"{abs(apart.value):.3f} {side} ({chance(apart.p)})."
    )


def brier_verdict(evaluation: Evaluation) -> str:
    """Says in a sentence whether the presence score is a better forecast than one probability for everybody."""
    presence = evaluation.presence
    gain = presence.brier_gain
    if math.isnan(gain.value):
        return "The Brier score is not known."
    whose = "the training set's" if presence.constant_is_known_before else "these patients'"
    same = f"giving everybody {whose} share of aneurysms, {number(presence.constant)}"
    if not _is_sure(gain):
        return f"Read as a probability, the score is not shown to be better or worse than {same}."
    return f"Read as a probability, the score is {'better' if gain.value > 0 else 'worse'} than {same}."


def against_verdict(evaluation: Evaluation, against: Against) -> str:
    """Says in a sentence or two how two answers about the same patients differ."""
    said = []
    for what, apart in (
        ("AUROC", against.auroc_difference),
        ("location accuracy", against.accuracy_difference),
    ):
        if math.isnan(apart.value):
            reason = evaluation.evaluable.reason if what == "AUROC" else ""
            said.append(f"The difference in {what} is {reason or 'not known'}.")
        elif apart.value == 0:
            said.append(f"The {what} is the same.")
        else:
            side = "above" if apart.value > 0 else "below"
            said.append(f"The {what} lies {abs(apart.value):.4f} {side} that of the other answer ({chance(apart.p)}).")
    return " ".join(said)


def chance(p: float) -> str:
    """A p value in words."""
    if math.isnan(p):
        return f"p {UNKNOWN}"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def calibration_verdict(evaluation: Evaluation) -> str:
    """Says in a sentence whether the calibration error is more than chance makes it."""
    presence = evaluation.presence
    if math.isnan(presence.calibration_error):
        return "The calibration is not evaluable."
    typical = (
        f"perfectly calibrated scores would show {number(presence.calibration_error_by_chance)} in the mean on so few "
        f"patients, and stay below {number(presence.calibration_error_limit)} in 95 % of cohorts"
    )
    if presence.calibration_error > presence.calibration_error_limit:
        return f"The scores are not calibrated: {typical}."
    return f"That is no more than chance: {typical}."


def operating_point(thresholds: Thresholds, provenance: Provenance | None = None) -> str:
    """Says in a sentence or two which thresholds an answer was made with, and on whom they were fitted.

    Args:
        thresholds: that the answer was made with.
        provenance: its nets, where they are known: several of one place are averaged.
    """
    fitted = dict(thresholds.fitted_on)
    patients, seen = fitted.pop("patients", None), fitted.pop("seen", None)
    averaged = 0 if provenance is None else provenance.averaged
    unseen = " that no net was trained on"
    if averaged > 1 or fitted.get("folds", 1) > 1:  # each patient trained the nets of the other folds
        unseen = ", each scored by nets that did not see the patient"
    by_whom = {None: "", True: " that the nets were trained on", False: unseen}[seen]
    on = "" if patients is None else f", fitted on {patients} patients{by_whom}"
    rules = [
        f"{name}: {_told(fitted.pop(name))}" for name in ("gate", "locations") if isinstance(fitted.get(name), dict)
    ]
    details = "; ".join(each for each in (*rules, _told(fitted)) if each)
    return (
        f"A patient passes above a presence score of {number(thresholds.presence, 4)}. Rule “{thresholds.rule}”{on}"
        + (f" ({details})" if details else "")
        + f". Calibration of the scores: {thresholds.calibration.name}."
        + (
            f" A prediction averages {averaged} nets, while the thresholds were fitted on the scores of one net each."
            if seen is False and averaged > 1
            else ""
        )
    )


def notes(evaluation: Evaluation) -> list[str]:
    """Says how the numbers are to be read, one sentence or two each."""
    level = percent(evaluation.level)
    said = [
        f"Intervals are {level} and over patients. AUROC of presence and differences of it: DeLong. AUROC of a "
        "location, average precision, Brier score, means, and shares of all locations together: patients drawn anew "
        "(bootstrap, one set of draws for all numbers; BCa, percentiles for differences, widened for few patients). "
        "Shares of patients: Wilson. DeLong's and Wilson's hold for few patients and for extreme values, where the "
        "bootstrap collapses to a point; the bootstrap's ends stand beside them in evaluation.json.",
        "Where the two intervals of the AUROC disagree, the patients are few.",
        "Bands around curves hold point by point, not for the whole curve at once.",
    ]
    if evaluation.gate_sensitivity is None:
        said.append(
            f"No table of scores came with this answer: the gate and the ranking of locations are unknown ({UNKNOWN})."
        )
    else:
        said.append(
            "AUROC and AP (average precision) of a location are of the whole system: patients whom the gate stopped "
            "have no location score and rank, tied, below all others. A positive who was stopped lowers them. An AP "
            "by chance would be the share of positives."
        )
    if not evaluation.evaluable.holds:
        said.append(
            f"Presence has neither AUROC, average precision nor curves here: {evaluation.evaluable.reason}. A ranking "
            f"needs {evaluation.least_positives} patients with an aneurysm and as many without."
        )
    few = [location.column for location in evaluation.locations if not location.is_evaluable]
    if few:
        said.append(
            f"Not evaluable, since fewer than {evaluation.least_positives} patients have an aneurysm there (or have "
            f"none): {', '.join(few)}. Left out of the means."
        )
    return said


def _told(facts: Mapping[str, Any]) -> str:
    """Those facts that are words or numbers, in a line; folders are none of a page's business."""
    told = []
    for name, value in facts.items():
        if isinstance(value, str | int | float) and not isinstance(value, bool) and name != "cohort":
            told.append(f"{name.replace('_', ' ')} {f'{value:.4g}' if isinstance(value, float) else value}")
    return ", ".join(told)


def _is_sure(estimate: Estimate) -> bool:
    return estimate.low > 0 or estimate.high < 0
