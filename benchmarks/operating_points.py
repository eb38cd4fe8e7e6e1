"""Do operating points keep what they promise? python benchmarks/operating_points.py [--draws 1000] [--json FILE].

Simulated studies whose truth is known, in four tables:

gate         the gate with a sensitivity floor on new patients, against a plain quantile of the positives' scores;
nested       what each rule seems to reach on the patients that it was fitted on, what the nested answer says, and what
             is reached on new patients; with scores that tell much, little and nothing;
ranking      AUROC of the raw scores and of the nested calibrated ones, where the scores tell nothing;
calibration  how far from the true probability scores are, before and after each calibration.

Labels have the challenge's number of positives per location (1,127 patients). Takes two to three minutes of one core.
"""

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.special import expit

from kium_lightning.console import say, show
from kium_lightning.ensemble.calibration import Calibrator, Curve, LogitLine
from kium_lightning.ensemble.calibrators import Platt, Uncalibrated, fit_isotonic, fit_platt, fit_temperature
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.gate import decide, passes
from kium_lightning.ensemble.gate_rules import AccuracyGate, OptimalGate, QuantileGate, SensitivityFloorGate
from kium_lightning.ensemble.location_rules import AccuracyLocations, OptimalLocations, QuantileLocations
from kium_lightning.ensemble.nested import fit_operating_points, inner_folds, nested_answer
from kium_lightning.ensemble.rules import ThresholdRule, TwoStageRule
from kium_lightning.files import write_json
from kium_lightning.metrics.calls import f1
from kium_lightning.metrics.official import all_zero_accuracy, location_accuracy
from kium_lightning.metrics.ranking import auroc

Numbers = NDArray[np.float64]
Rows = list[dict[str, Any]]

# Positives per column among the challenge's 1,127 training patients.
_PREVALENCE = np.array([100, 100, 35, 34, 30, 18, 21, 13, 66, 30, 67, 96, 17, 11, 3, 2, 6, 4, 24, 3, 1]) / 1127
_NEW = 4000  # new patients per study, whose result stands for that on endlessly many
_WAYS = ("fitted", "nested", "new", "final")
_RULES: dict[str, tuple[Calibrator, ThresholdRule]] = {
    "quantile": (Uncalibrated(), TwoStageRule(QuantileGate(0.5), QuantileLocations(0.9))),
    "max_f1, each by itself": (Uncalibrated(), TwoStageRule(OptimalGate("max_f1"), OptimalLocations("max_f1", 1))),
    "max_f1, below 10 share": (Uncalibrated(), TwoStageRule(OptimalGate("max_f1"), OptimalLocations("max_f1", 10))),
    "max_f1, below 40 share": (Uncalibrated(), TwoStageRule(OptimalGate("max_f1"), OptimalLocations("max_f1", 40))),
    "youden": (Uncalibrated(), TwoStageRule(OptimalGate("youden"), OptimalLocations("youden", 10))),
    "accuracy (platt)": (Platt(10), TwoStageRule(AccuracyGate(), AccuracyLocations())),
}


def interval(values: list[float]) -> tuple[float, float]:
    """The mean over studies and half of its 95 % interval."""
    return float(np.mean(values)), float(1.96 * np.std(values, ddof=1) / math.sqrt(len(values)))


def gate_rows(draws: int, random: np.random.Generator) -> Rows:
    """The floor's gate and a plain quantile on new patients; half of the patients have an aneurysm, d' is 1.5."""
    rows: Rows = []
    for floor in (0.9, 0.95):
        for ties in (False, True):
            for positives in (30, 60, 240):
                kept: list[float] = []
                plain: list[float] = []
                passed: list[float] = []
                median: list[float] = []
                labels = np.repeat([1, 0], positives)
                for _ in range(draws):
                    scores = expit(random.normal(size=2 * positives) + 1.5 * labels)
                    new = expit(random.normal(size=2000) + 1.5 * np.repeat([1, 0], 1000))
                    if ties:
                        scores, new = scores.round(1), new.round(1)
                    fitted = SensitivityFloorGate(floor).fit(scores, labels).threshold
                    through = passes(new, fitted)
                    kept.append(float(through[:1000].mean()))
                    passed.append(float(through.mean()))
                    median.append(float(passes(new[:1000], float(np.median(scores))).mean()))
                    quantile = float(np.quantile(scores[labels == 1], 1 - floor))
                    plain.append(float(passes(new[:1000], quantile).mean()))
                (mean, half), (plain_mean, plain_half) = interval(kept), interval(plain)
                rows.append(
                    {
                        "floor": floor,
                        "ties": "to 0.1" if ties else "none",
                        "positives": positives,
                        "sensitivity": mean,
                        "sensitivity_half_interval": half,
                        "plain_quantile": plain_mean,
                        "plain_quantile_half_interval": plain_half,
                        "below_floor": float(np.mean(np.array(kept) < floor)),
                        "plain_below_floor": float(np.mean(np.array(plain) < floor)),
                        "share_passed": float(np.mean(passed)),
                        "sensitivity_of_median": float(np.mean(median)),
                        "holds": mean + half >= floor,
                    }
                )
    return rows


def patients(
    count: int, signal: float, levels: Numbers, random: np.random.Generator
) -> tuple[PatientScores, NDArray[np.int64]]:
    """Draws scores and labels.

    Args:
        count: of patients.
        signal: by how much the logit of a positive lies above that of a negative on average.
        levels: (21,) the mean logit of a negative, which differs between a net's outputs.
        random: where they are drawn from.
    """
    locations = (random.random((count, 21)) < _PREVALENCE).astype(np.int64)
    presence = locations.any(axis=1).astype(np.int64)
    scores = PatientScores(
        expit(random.normal(size=count) + signal * presence),
        expit(random.normal(size=(count, 21)) + signal * locations + levels),
    )
    return scores, np.column_stack([presence, locations])


def judged(labels: NDArray[np.int64], calls: NDArray[np.int64]) -> tuple[float, float]:
    """The accuracy gained over calling nothing, and F1 over all cells."""
    gain = location_accuracy(labels[:, 1:], calls) - all_zero_accuracy(labels[:, 1:])
    return gain, f1(labels[:, 1:].ravel(), calls.ravel())


def nested_rows(studies: int, random: np.random.Generator) -> Rows:
    """What is said of each rule in several ways, over studies of 1,127 patients in 5 folds.

    The nested answer is to tell how the folds' tables do on new patients ("new"). The table that is used in the end is
    fitted on a quarter more patients ("final").
    """
    kinds = {"much (d' 3)": 3.0, "little (d' 1)": 1.0, "nothing (shuffled)": 0.0}
    found: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for kind, signal in kinds.items():
        for study in range(studies):
            levels = random.normal(size=21)
            scores, labels = patients(1127, signal or 1.0, levels, random)
            new, new_labels = patients(_NEW, signal or 1.0, levels, random)
            if not signal:
                labels, new_labels = random.permutation(labels), random.permutation(new_labels)
            folds = inner_folds(labels, 5, study)
            for name, (calibrator, rule) in _RULES.items():
                table = fit_operating_points(scores, labels, calibrator, rule)
                nested = nested_answer(scores, labels, folds, calibrator, rule)
                by_folds = [decide(new, of_fold).calls for of_fold in nested.thresholds.values()]
                answers = {
                    "fitted": (labels, decide(scores, table).calls),
                    "nested": (labels, nested.calls),
                    "new": (np.tile(new_labels, (len(by_folds), 1)), np.concatenate(by_folds)),
                    "final": (new_labels, decide(new, table).calls),
                }
                for how, answer in answers.items():
                    found.setdefault((kind, name, how), []).append(judged(*answer))
    rows: Rows = []
    for kind in kinds:
        for name in _RULES:
            row: dict[str, Any] = {"scores_tell": kind, "rule": name}
            for part, measure in enumerate(("accuracy_gain", "f1")):
                values = {how: [one[part] for one in found[kind, name, how]] for how in _WAYS}
                for how, ones in values.items():
                    row[f"{measure}_{how}"], row[f"{measure}_{how}_half_interval"] = interval(ones)
                pairs = zip(values["nested"], values["new"], strict=True)
                row[f"{measure}_nested_minus_new"], row[f"{measure}_nested_minus_new_half_interval"] = interval(
                    [nested - reached for nested, reached in pairs]
                )
            rows.append(row)
    return rows


def ranking_rows(studies: int, random: np.random.Generator) -> Rows:
    """AUROC of presence on noise, of raw scores and of scores that each fold's others calibrated."""
    rows: Rows = []
    for count, stratified in ((120, False), (120, True), (1127, False), (1127, True)):
        raw, nested = [], []
        for _ in range(studies):
            labels = (random.random(count) < 0.46).astype(np.int64)
            scores, folds = expit(random.normal(size=count)), random.permutation(count) % 5
            if stratified:
                folds[np.argsort(labels, kind="stable")] = np.arange(count) % 5
            after = np.empty(count)
            for fold in range(5):
                curve = fit_platt(scores[folds != fold], labels[folds != fold])
                after[folds == fold] = curve.apply(scores[folds == fold])
            raw.append(auroc(labels, scores))
            nested.append(auroc(labels, after))
        (of_raw, half_raw), (of_nested, half_nested) = interval(raw), interval(nested)
        rows.append(
            {
                "patients": count,
                "folds": "stratified" if stratified else "random",
                "raw": of_raw,
                "raw_half_interval": half_raw,
                "nested": of_nested,
                "nested_half_interval": half_nested,
            }
        )
    return rows


def expected_calibration_error(probabilities: Numbers, labels: NDArray[np.int64], bins: int = 15) -> float:
    """The mean distance of mean probability and share of positives over bins of equally many scores."""
    order = np.argsort(probabilities, kind="stable")
    parts = np.array_split(order, bins)
    return float(sum(len(part) * abs(probabilities[part].mean() - labels[part].mean()) for part in parts) / len(order))


def calibration_rows(studies: int, random: np.random.Generator) -> Rows:
    """Distorted scores of known probabilities, fitted on 300 or 1,127 patients and judged on 10,000 others."""
    distortions: dict[str, Callable[[Numbers], Numbers]] = {
        "too sure: 3 logit": lambda true: np.asarray(expit(3 * true)),
        "too high: logit + 2": lambda true: np.asarray(expit(true + 2)),
        "both: 2 logit + 2": lambda true: np.asarray(expit(2 * true + 2)),
        "no line: cubed": lambda true: np.asarray(expit(true) ** 3),
    }
    fits = {"none": None, "platt": fit_platt, "isotonic": fit_isotonic, "temperature": fit_temperature}
    rows: Rows = []
    for distortion, distort in distortions.items():
        for count in (300, 1127):
            errors: dict[str, list[float]] = {name: [] for name in (*fits, "truth")}
            distances: dict[str, list[float]] = {name: [] for name in (*fits, "truth")}
            for _ in range(studies):
                true = random.normal(-0.4, 1.2, count + 10_000)
                labels = (random.random(len(true)) < expit(true)).astype(np.int64)
                scores, old, new = distort(true), slice(count), slice(count, None)
                curves: dict[str, Curve] = {
                    name: LogitLine(1.0) if fit is None else fit(scores[old], labels[old]) for name, fit in fits.items()
                }
                outputs = {name: curve.apply(scores[new]) for name, curve in curves.items()}
                for name, output in {**outputs, "truth": expit(true[new])}.items():
                    errors[name].append(expected_calibration_error(output, labels[new]))
                    distances[name].append(float(np.sqrt(np.mean((output - expit(true[new])) ** 2))))
            for name in errors:
                (error, half), (distance, _) = interval(errors[name]), interval(distances[name])
                rows.append(
                    {
                        "distortion": distortion,
                        "patients": count,
                        "calibration": name,
                        "ece": error,
                        "ece_half_interval": half,
                        "distance": distance,
                    }
                )
    return rows


def show_all(tables: dict[str, Rows]) -> None:
    """Prints the four tables."""

    def given(row: dict[str, Any], name: str, sign: str = "") -> str:
        return f"{row[name]:{sign}.4f} ± {row[f'{name}_half_interval']:.4f}"

    gate = Table("floor", "ties", "positives", "sensitivity, new", "studies below", "plain quantile", "studies below")
    gate.add_column("share passed")
    gate.add_column("median's sensitivity")
    gate.title = "The gate with a floor, against a plain quantile, on new patients"
    for row in tables["gate"]:
        cells = [f"{row['floor']}", row["ties"], f"{row['positives']}", given(row, "sensitivity")]
        cells += [f"{row['below_floor']:.2f}", given(row, "plain_quantile"), f"{row['plain_below_floor']:.2f}"]
        gate.add_row(*cells, f"{row['share_passed']:.3f}", f"{row['sensitivity_of_median']:.3f}")
    show(gate)
    for measure, said in {"accuracy_gain": "Accuracy gained over calling nothing", "f1": "F1 over all cells"}.items():
        nested = Table("scores tell", "rule", "as fitted", "nested", "new", "final, new", "nested - new")
        nested.title = said
        for row in tables["nested"]:
            ways = [f"{row[f'{measure}_{how}']:+.4f}" for how in _WAYS]
            nested.add_row(row["scores_tell"], row["rule"], *ways, given(row, f"{measure}_nested_minus_new", "+"))
        show(nested)
    ranking = Table("patients", "folds", "AUROC of raw scores", "of nested calibrated ones")
    ranking.title = "Presence where the scores tell nothing"
    for row in tables["ranking"]:
        ranking.add_row(f"{row['patients']}", row["folds"], given(row, "raw"), given(row, "nested"))
    show(ranking)
    calibration = Table("scores", "fitted on", "calibration", "ECE, new", "distance to the truth")
    calibration.title = "Expected calibration error on new patients"
    for row in tables["calibration"]:
        cells = [row["distortion"], f"{row['patients']}", row["calibration"], given(row, "ece")]
        calibration.add_row(*cells, f"{row['distance']:.4f}")
    show(calibration)


def main() -> None:
    """Simulates, and prints the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--draws", type=int, default=1000, help="studies of each gate and of the ranking")
    parser.add_argument("--studies", type=int, default=100, help="of each rule and of each calibration")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    tables = {
        "gate": gate_rows(arguments.draws, random),
        "nested": nested_rows(arguments.studies, random),
        "ranking": ranking_rows(arguments.draws, random),
        "calibration": calibration_rows(arguments.studies, random),
    }
    show_all(tables)
    if arguments.json:
        write_json(arguments.json, dict(tables))
        say(f"numbers: {arguments.json}")


if __name__ == "__main__":
    main()
