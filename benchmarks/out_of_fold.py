"""What out-of-fold numbers are worth: python benchmarks/out_of_fold.py [--studies 1000] [--json FILE].

Studies with nets that are really trained: logistic regression on independent normal features of unit variance, the
first of which lies by a distance higher where there is an aneurysm, so that the true AUROC of any weights is known.
Five folds as in training: fold k is held out, fold k + 1 chooses the penalty, three folds train. Overfitted nets train
on all four other folds with a weak penalty that nobody chooses. Three tables:

intervals  how often 95 % intervals hold the mean true AUROC of the five nets, and that of the recipe (mean over all
           studies); one fold against its own net;
nested     calibration and gate fitted on all folds but one and judged there, minus the same on new patients: as built,
           where the judged fold helped train the nets of the others, and strictly, with nets that never saw it;
averaging  what a gate, a quantile and a calibration fitted on single nets do to the mean of five nets; also with scores
           drawn with noise of each net's own.

Takes three to four minutes of one core.
"""

import argparse
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.special import expit
from scipy.stats import norm
from scipy.stats import t as student

from kium_lightning.console import show, track
from kium_lightning.ensemble.calibrators import fit_platt
from kium_lightning.ensemble.gate import passes
from kium_lightning.ensemble.gate_rules import OptimalGate, SensitivityFloorGate
from kium_lightning.files import write_json
from kium_lightning.metrics.delong import delong_interval
from kium_lightning.metrics.ranking import auroc

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]
Rows = list[dict[str, Any]]

FOLDS = 5
PENALTIES = (100.0, 10.0, 1.0)  # of the squared weights, in the summed log loss
PREVALENCE = 0.46
NEW = 2000  # new patients, whose result stands for that on endlessly many
POOLED, MEAN_T, POOLED_T, ONE = "pooled, DeLong", "mean of folds, t", "pooled, t of folds", "one fold, DeLong"


class Setting(NamedTuple):
    """What kind of study is drawn.

    Attributes:
        patients: how many.
        features: how many, of which one tells something.
        distance: of the first feature's means with and without an aneurysm.
        overfitted: whether four folds train with the weakest penalty, instead of three and one that chooses it.
    """

    patients: int
    features: int
    distance: float
    overfitted: bool = False


class Patients(NamedTuple):
    """Labels (n,) and features (n, p)."""

    labels: Labels
    features: Numbers


class Net(NamedTuple):
    """Weights (p,) and an intercept on the logit."""

    weights: Numbers
    intercept: float

    def apply(self, features: Numbers) -> Numbers:
        """Computes probabilities of features (n, p)."""
        return np.asarray(expit(features @ self.weights + self.intercept), dtype=np.float64)

    def true_auroc(self, distance: float) -> float:
        """Computes the AUROC on endlessly many patients."""
        return float(norm.cdf(self.weights[0] * distance / np.sqrt(2 * self.weights @ self.weights)))


def draw(setting: Setting, count: int, rng: np.random.Generator) -> Patients:
    """Draws patients, the share with an aneurysm being the prevalence."""
    labels = rng.permutation((np.arange(count) < round(PREVALENCE * count)).astype(np.int64))
    features = rng.normal(size=(count, setting.features))
    features[:, 0] += setting.distance * labels
    return Patients(labels, features)


def stratified(labels: Labels, rng: np.random.Generator) -> Labels:
    """Deals patients out to the folds, each label evenly."""
    folds = np.empty(len(labels), np.int64)
    folds[np.lexsort((rng.random(len(labels)), labels))] = np.arange(len(labels)) % FOLDS
    return folds


def fit(patients: Patients, trains: NDArray[np.bool_], penalties: tuple[float, ...]) -> list[Net]:
    """Trains one net per penalty by Newton's method, each from where the one before ended."""
    inputs, labels = patients.features[trains], patients.labels[trains]
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    weights, nets = np.zeros(inputs.shape[1]), []
    for penalty in penalties:
        ridge = np.append(np.full(inputs.shape[1] - 1, penalty), 1e-6)
        for _ in range(30):
            outputs = expit(inputs @ weights)
            slope = inputs.T @ (outputs - labels) + ridge * weights
            curvature = (inputs * (outputs * (1 - outputs))[:, None]).T @ inputs + np.diag(ridge)
            step = np.linalg.solve(curvature, slope)
            weights = weights - step
            if np.abs(step).max() < 1e-5:
                break
        nets.append(Net(weights[:-1], float(weights[-1])))
    return nets


def log_loss(net: Net, patients: Patients, judged: NDArray[np.bool_]) -> float:
    """Computes a net's mean log loss on some patients."""
    logits = patients.features[judged] @ net.weights + net.intercept
    return float(np.mean(np.logaddexp(0, logits) - patients.labels[judged] * logits))


def fit_folds(patients: Patients, folds: Labels, overfitted: bool, without: int | None = None) -> dict[int, Net]:
    """Trains a net for each fold that holds it out; none of them sees the fold ``without``."""
    names = [fold for fold in range(FOLDS) if fold != without]
    nets = {}
    for number, name in enumerate(names):
        seen = (folds != name) & (folds != without if without is not None else True)
        if overfitted:
            [nets[name]] = fit(patients, seen, PENALTIES[-1:])
        else:
            chooses = folds == names[(number + 1) % len(names)]
            candidates = fit(patients, seen & ~chooses, PENALTIES)
            nets[name] = min(candidates, key=lambda net: log_loss(net, patients, chooses))
    return nets


def out_of_fold(patients: Patients, folds: Labels, nets: dict[int, Net]) -> Numbers:
    """Scores each patient by the net that held its fold out; NaN where there is none."""
    scores = np.full(len(folds), np.nan)
    for name, net in nets.items():
        scores[folds == name] = net.apply(patients.features[folds == name])
    return scores


def interval_row(setting: Setting, studies: int, rng: np.random.Generator) -> dict[str, Any]:
    """Counts which intervals hold the truth, over studies."""
    ends: dict[str, list[tuple[float, float]]] = {POOLED: [], MEAN_T: [], POOLED_T: [], ONE: []}
    truth, of_first, pooled, means = [], [], [], []
    for _ in range(studies):
        patients = draw(setting, setting.patients, rng)
        folds = stratified(patients.labels, rng)
        nets = fit_folds(patients, folds, setting.overfitted)
        scores = out_of_fold(patients, folds, nets)
        true = [net.true_auroc(setting.distance) for net in nets.values()]
        truth.append(np.mean(true))
        of_first.append(true[0])
        each = [auroc(patients.labels[folds == fold], scores[folds == fold]) for fold in range(FOLDS)]
        pooled.append(auroc(patients.labels, scores))
        means.append(float(np.mean(each)))
        half = float(student.ppf(0.975, FOLDS - 1) * np.std(each, ddof=1) / FOLDS**0.5)
        ends[POOLED].append(delong_interval(patients.labels, scores))
        ends[MEAN_T].append((means[-1] - half, means[-1] + half))
        ends[POOLED_T].append((pooled[-1] - half, pooled[-1] + half))
        ends[ONE].append(delong_interval(patients.labels[folds == 0], scores[folds == 0]))
    row: dict[str, Any] = {**setting._asdict(), "studies": studies}
    nets_mean, recipe = np.array(truth), float(np.mean(truth))
    row |= {"true": recipe, "pooled": float(np.mean(pooled)), "mean_of_folds": float(np.mean(means))}
    row |= {"sd_of_truth": float(np.std(truth)), "rmse_of_pooled": float(np.sqrt(np.mean((pooled - nets_mean) ** 2)))}
    for name, pairs in ends.items():
        low, high = np.array(pairs).T
        aim = np.array(of_first) if name == ONE else nets_mean
        row[name] = float(np.mean((low <= aim) & (aim <= high)))
        row[f"{name}, recipe"] = float(np.mean((low <= recipe) & (recipe <= high)))
        row[f"{name}, width"] = float(np.mean(high - low))
    # By how much the pooled interval would have to be wider if errors were normal around the truth.
    row["factor"] = 2 * 1.96 * row["rmse_of_pooled"] / row[f"{POOLED}, width"]
    return row


def nested_row(setting: Setting, studies: int, rng: np.random.Generator) -> dict[str, Any]:
    """What calibration and gate reach on the judged folds, minus what they reach on new patients, by both schemes."""
    found: dict[str, list[float]] = {}
    for _ in range(studies):
        patients, new = draw(setting, setting.patients, rng), draw(setting, NEW, rng)
        folds = stratified(patients.labels, rng)
        nets = fit_folds(patients, folds, setting.overfitted)
        scores = out_of_fold(patients, folds, nets)
        strict = {name: fit_folds(patients, folds, setting.overfitted, name) for name in nets}
        fitted_on = {
            "as built": dict.fromkeys(nets, scores),
            "strict": {name: out_of_fold(patients, folds, others) for name, others in strict.items()},
        }
        for scheme, by_fold in fitted_on.items():
            for measure, optimism in _optimism(patients, new, folds, nets, by_fold).items():
                found.setdefault(f"{measure}, {scheme}", []).append(optimism)
    for measure in ("Brier", "Youden"):
        pairs = zip(found[f"{measure}, as built"], found[f"{measure}, strict"], strict=True)
        found[f"{measure}, difference"] = [built - strictly for built, strictly in pairs]
    row: dict[str, Any] = {**setting._asdict(), "studies": studies}
    for name, values in found.items():
        row[name], row[f"{name}, half interval"] = float(np.mean(values)), float(1.96 * np.std(values) / studies**0.5)
    return row


def _optimism(
    patients: Patients, new: Patients, folds: Labels, nets: dict[int, Net], by_fold: dict[int, Numbers]
) -> dict[str, float]:
    probabilities, passed = np.empty(len(folds)), np.empty(len(folds), np.bool_)
    brier, youden = [], []
    for fold, net in nets.items():
        judged, others = folds == fold, folds != fold
        fitted, labels = by_fold[fold][others], patients.labels[others]
        curve, threshold = fit_platt(fitted, labels), OptimalGate("youden").fit(fitted, labels).threshold
        scores, of_new = net.apply(patients.features[judged]), net.apply(new.features)
        probabilities[judged], passed[judged] = curve.apply(scores), passes(scores, threshold)
        brier.append(float(np.mean((curve.apply(of_new) - new.labels) ** 2)))
        youden.append(_youden(new.labels, passes(of_new, threshold)))
    return {
        "Brier": float(np.mean((probabilities - patients.labels) ** 2) - np.mean(brier)),
        "Youden": float(_youden(patients.labels, passed) - np.mean(youden)),
    }


def averaging_row(name: str, drawn: list[tuple[Patients, Numbers, Patients, Numbers]]) -> dict[str, Any]:
    """What is fitted on single nets' scores (n,) does to one net and to the mean of the scores (m, FOLDS)."""
    found: list[dict[str, float]] = []
    for old, scores, new, by_net in drawn:
        floor = SensitivityFloorGate(0.95).fit(scores, old.labels).threshold
        top, curve = float(np.quantile(scores, 0.9)), fit_platt(scores, old.labels)
        mean, positive = by_net.mean(axis=1), new.labels == 1
        again = fit_platt(mean, new.labels).apply(mean)
        found.append(
            {
                "called": float(np.mean(by_net >= top)),
                "called_by_mean": float(np.mean(mean >= top)),
                "passed": float(np.mean(passes(by_net.ravel(), floor))),
                "passed_by_mean": float(np.mean(passes(mean, floor))),
                "sensitivity": float(np.mean(passes(by_net[positive].ravel(), floor))),
                "sensitivity_of_mean": float(np.mean(passes(mean[positive], floor))),
                "brier": float(np.mean((curve.apply(by_net.ravel()) - np.repeat(new.labels, FOLDS)) ** 2)),
                "brier_of_mean": float(np.mean((curve.apply(mean) - new.labels) ** 2)),
                "brier_of_mean_recalibrated": float(np.mean((again - new.labels) ** 2)),
            }
        )
    return {"nets": name, "studies": len(found)} | {
        key: float(np.mean([one[key] for one in found])) for key in found[0]
    }


def trained(
    setting: Setting, studies: int, rng: np.random.Generator
) -> list[tuple[Patients, Numbers, Patients, Numbers]]:
    """Trains five nets per study and scores old patients out of fold and new ones by each net."""
    drawn = []
    for _ in range(studies):
        old, new = draw(setting, setting.patients, rng), draw(setting, NEW, rng)
        folds = stratified(old.labels, rng)
        nets = fit_folds(old, folds, setting.overfitted)
        by_net = np.column_stack([net.apply(new.features) for net in nets.values()])
        drawn.append((old, out_of_fold(old, folds, nets), new, by_net))
    return drawn


def simulated(own: float, studies: int, rng: np.random.Generator) -> list[tuple[Patients, Numbers, Patients, Numbers]]:
    """Draws logits that five nets share, with noise of each net's own of this standard deviation."""
    drawn = []
    for _ in range(studies):
        old, new = (draw(Setting(900, 1, 1.5), count, rng) for count in (900, NEW))
        scores = expit(old.features[:, 0] - 0.75 + own * rng.normal(size=900))
        by_net = expit(new.features - 0.75 + own * rng.normal(size=(NEW, FOLDS)))
        drawn.append((old, scores, new, by_net))
    return drawn


def _youden(labels: Labels, passed: NDArray[np.bool_]) -> float:
    return float(passed[labels == 1].mean() - passed[labels == 0].mean())


def show_all(tables: dict[str, Rows]) -> None:
    """Prints the three tables."""

    def study(row: dict[str, Any]) -> list[str]:
        nets = "overfitted" if row["overfitted"] else "chosen"
        return [f"{row['patients']}", f"{row['features']}", f"{row['distance']:g}", nets]

    names, headings = (POOLED, MEAN_T, POOLED_T, ONE), ("patients", "features", "distance", "nets")
    table = Table(*headings, "true", "pooled", "mean of folds", *names, "factor")
    table.title = "95 % intervals that hold the nets' mean true AUROC, % of studies"
    for row in tables["intervals"]:
        cells = [f"{row[name]:.3f}" for name in ("true", "pooled", "mean_of_folds")]
        table.add_row(*study(row), *cells, *(f"{100 * row[name]:.1f}" for name in names), f"{row['factor']:.2f}")
    show(table)
    table = Table(*headings, "SD of the nets' mean", *names)
    table.title = "95 % intervals that hold the recipe's AUROC, % of studies"
    for row in tables["intervals"]:
        cells = [f"{row['sd_of_truth']:.3f}", *(f"{100 * row[f'{name}, recipe']:.1f}" for name in names)]
        table.add_row(*study(row), *cells)
    show(table)
    table = Table(*headings, "measure", "as built", "strict", "difference", title="Nested minus new patients")
    for row in tables["nested"]:
        for measure in ("Brier", "Youden"):
            ways = [f"{measure}, {way}" for way in ("as built", "strict", "difference")]
            table.add_row(
                *study(row), measure, *(f"{row[way]:+.4f} ± {row[f'{way}, half interval']:.4f}" for way in ways)
            )
    show(table)
    table = Table("nets", "called, one/mean", "passed, one/mean", "sensitivity, one/mean", "Brier, one/mean/refitted")
    table.title = "Fitted on single nets, applied to one net and to the mean of five"
    for row in tables["averaging"]:
        cells = [f"{100 * row['called']:.1f}/{100 * row['called_by_mean']:.1f}"]
        cells += [f"{row['passed']:.3f}/{row['passed_by_mean']:.3f}"]
        cells += [f"{row['sensitivity']:.3f}/{row['sensitivity_of_mean']:.3f}"]
        cells += [f"{row['brier']:.4f}/{row['brier_of_mean']:.4f}/{row['brier_of_mean_recalibrated']:.4f}"]
        table.add_row(row["nets"], *cells)
    show(table)


def main() -> None:
    """Runs the benchmark and prints three tables."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--studies", type=int, default=1000, help="of each setting; fewer where averaged")
    arguments.add_argument("--seed", type=int, default=5)
    arguments.add_argument("--json", type=Path, help="also write all numbers here")
    chosen = arguments.parse_args()
    rng, studies, fewer = np.random.default_rng(chosen.seed), chosen.studies, max(2, chosen.studies // 5)
    settings = [Setting(240, features, distance) for distance in (0.0, 1.0) for features in (5, 40)]
    settings += [Setting(240, 40, 0.0, True), Setting(240, 40, 1.0, True)]
    settings += [Setting(1127, 100, 0.0), Setting(1127, 100, 1.0)]
    tables: dict[str, Rows] = {"intervals": [], "nested": [], "averaging": []}
    for setting in track(settings, "intervals", len(settings)):
        tables["intervals"].append(interval_row(setting, studies, rng))
    settings = [Setting(100, 60, distance, overfitted) for overfitted in (False, True) for distance in (0.0, 1.2)]
    settings += [Setting(240, 40, 1.0), Setting(240, 40, 1.0, True)]
    for setting in track(settings, "nested", len(settings)):
        tables["nested"].append(nested_row(setting, studies, rng))
    for setting in (Setting(240, 5, 1.0), Setting(240, 40, 1.0), Setting(240, 100, 1.0)):
        name = f"trained, {setting.features} features"
        tables["averaging"].append(averaging_row(name, trained(setting, fewer, rng)))
    for own in (0.3, 1.0, 2.0):
        tables["averaging"].append(averaging_row(f"drawn, own noise {own:g}", simulated(own, fewer, rng)))
    show_all(tables)
    if chosen.json:
        write_json(chosen.json.absolute(), tables)


if __name__ == "__main__":
    main()
