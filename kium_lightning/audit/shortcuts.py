"""Can labels be told from the files alone? Then a net may learn the files and not the vessels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.model_selection import StratifiedKFold

from kium_lightning.anatomy import LOCATION_COLUMNS, PRESENCE_COLUMN
from kium_lightning.audit.finding import Finding, Kind, Outcome, Severity, Verdict
from kium_lightning.audit.metadata import METADATA_COLUMNS, MetadataProbe
from kium_lightning.console import track
from kium_lightning.metrics.intervals import bootstrap_interval
from kium_lightning.metrics.ranking import auroc

CHECK = "Shortcuts in the files"
Numbers = NDArray[np.float64]
Name = Literal["logistic", "boosting"]
_CLASSIFIERS: tuple[Name, ...] = ("logistic", "boosting")
_WORTH_PERMUTING = 2.0  # standard errors above 0.5; what lies below cannot come near the p that is asked for
_NAMED = 3  # features


@dataclass(frozen=True)
class ProbeSettings:
    """How the probe is run.

    Attributes:
        folds: of patients, stratified over the label.
        repeats: of the folds, drawn anew; a patient's scores are averaged.
        permutations: of the labels, where a probe looks better than chance.
        p: a finding has a smaller p value once it is multiplied by the number of probes.
        least: patients with and without a label that a probe needs.
        level: of the intervals.
        draws: of the bootstrap.
        seed: of folds, permutations and draws.
    """

    folds: int
    repeats: int
    permutations: int
    p: float
    least: int
    level: float
    draws: int
    seed: int


@dataclass(frozen=True)
class Probe:
    """What one classifier makes of one label.

    Attributes:
        label: the column.
        classifier: its name.
        positives: patients with the label.
        auroc: of scores of patients that the classifier did not learn from.
        low: end of its bootstrap interval over patients.
        high: the other end.
        p: that labels dealt out at random do as well, multiplied by the number of probes; at most 1.
        features: those that tell the label best by themselves, with their AUROC (0.5 tells nothing).
    """

    label: str
    classifier: str
    positives: int
    auroc: float
    low: float
    high: float
    p: float
    features: tuple[tuple[str, float], ...]

    def plain(self) -> dict[str, Any]:
        """The probe as JSON values."""
        return {
            "label": self.label,
            "classifier": self.classifier,
            "positives": self.positives,
            "auroc": self.auroc,
            "interval": [self.low, self.high],
            "p": self.p,
            "features": [{"name": name, "auroc": value} for name, value in self.features],
        }


def probe_files(features: pd.DataFrame, labels: pd.DataFrame, settings: ProbeSettings) -> list[Probe]:
    """Probes presence and every location that has enough patients with and without.

    Args:
        features: of `metadata_table`, one row per patient.
        labels: the same patients in the same order, 0 or 1.
        settings: how.
    """
    columns = [
        column
        for column in (PRESENCE_COLUMN, *LOCATION_COLUMNS)
        if min(labels[column].sum(), len(labels) - labels[column].sum()) >= max(settings.least, settings.folds)
    ]
    probes: list[Probe] = []
    tests = len(columns) * len(_CLASSIFIERS)
    for column in track(columns, "probing the files", len(columns)):
        truth = labels[column].to_numpy(np.int64)
        probes += [_probe(features, truth, column, name, tests, settings) for name in _CLASSIFIERS]
    return probes


def _probe(
    features: pd.DataFrame, truth: NDArray[np.int64], column: str, name: Name, tests: int, settings: ProbeSettings
) -> Probe:
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=tuple(column.encode() + name.encode())))
    scores = held_out_scores(features, truth, name, settings, rng)
    value = auroc(truth, scores)
    interval = bootstrap_interval(auroc, truth, scores, level=settings.level, draws=settings.draws, rng=rng)
    positives, negatives = int(truth.sum()), int(len(truth) - truth.sum())
    deviation, mean = float(np.sqrt((positives + negatives + 1) / (12.0 * positives * negatives))), 0.5
    if (value - mean) / deviation > _WORTH_PERMUTING:
        nulls = []
        for _ in range(settings.permutations):
            shuffled = rng.permutation(truth)
            nulls.append(auroc(shuffled, held_out_scores(features, shuffled, name, settings, rng)))
        mean, deviation = float(np.mean(nulls)), float(np.std(nulls, ddof=1))
    p = min(1.0, tests * float(norm.sf((value - mean) / deviation)))
    told = sorted(single_aurocs(features, truth).items(), key=lambda item: -abs(item[1] - 0.5))
    return Probe(column, name, positives, value, interval.low, interval.high, p, tuple(told[:_NAMED]))


def held_out_scores(
    features: pd.DataFrame, truth: NDArray[np.int64], name: Name, settings: ProbeSettings, rng: np.random.Generator
) -> Numbers:
    """Scores (n,) of patients by probes that did not see them, averaged over the repeats."""
    total = np.zeros(len(truth))
    for _ in range(settings.repeats):
        folds = StratifiedKFold(settings.folds, shuffle=True, random_state=int(rng.integers(2**31)))
        for known, judged in folds.split(np.zeros(len(truth)), truth):
            total[judged] += MetadataProbe(name).fit(features.iloc[known], truth[known]).scores(features.iloc[judged])
    return total / settings.repeats


def single_aurocs(features: pd.DataFrame, truth: NDArray[np.int64]) -> dict[str, float]:
    """The AUROC of each feature by itself; below 0.5 where patients with the label have less of it."""
    told = {}
    for name in METADATA_COLUMNS:
        values = features[name].to_numpy(np.float64)
        known = ~np.isnan(values)
        if 0 < truth[known].sum() < known.sum():
            told[name] = auroc(truth[known], values[known])
    return told


def check_shortcuts(probes: Sequence[Probe], settings: ProbeSettings) -> Outcome:
    """Makes a finding of each label that a probe tells: the better of the two classifiers speaks."""
    if not probes:
        said = f"Needs at least {settings.least} patients with and {settings.least} without an aneurysm."
        return Outcome(CHECK, Verdict.NOT_CHECKED, said)
    told: dict[str, Probe] = {}
    for probe in probes:
        if probe.p < settings.p and probe.low > 0.5 and (probe.label not in told or probe.p < told[probe.label].p):
            told[probe.label] = probe
    labels = list(dict.fromkeys(probe.label for probe in probes))
    said = f"Guessed from metadata alone by two classifiers: {', '.join(labels)}."
    return Outcome.of(CHECK, [_finding(probe, settings) for probe in told.values()], said)


def _finding(probe: Probe, settings: ProbeSettings) -> Finding:
    of = "Whether there is an aneurysm" if probe.label == PRESENCE_COLUMN else f"The label {probe.label}"
    carried = ", ".join(f"{name} ({value:.2f})" for name, value in probe.features)
    p = f"p < {settings.p:g}" if probe.p < settings.p else f"p = {probe.p:.3g}"
    sentence = (
        f"{of} can be told from the files alone: AUROC {probe.auroc:.2f} ({probe.low:.2f} to {probe.high:.2f}, {p}; "
        f"{probe.classifier}). Best by themselves: {carried}."
    )
    remedy = (
        "Find out why the files of patients with and without it differ (another hospital, export or date); write all "
        "files alike, and compare every net with the metadata probe."
    )
    return Finding(Kind.SHORTCUT, Severity.SERIOUS, sentence, remedy, (), (), ("train_set",))
