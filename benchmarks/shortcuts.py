"""Can a phantom's label be told without looking at its vessels? python benchmarks/shortcuts.py [--patients 1000].

Draws two cohorts as they would be written, keeps of each of a patient's eight files only its size, its margins, its
text and the level and spread of its background, and lets two classifiers learn from one cohort who has an aneurysm and
guess it in the other. The AUROC's interval must cover 0.5. A real leak carries over from one cohort to another; what
is found in the folds of a single one need not. Nothing is written to disk but the numbers, where --features names a
file; they are taken from it the next time.

Ten intervals of 95 % are printed, so that some miss 0.5 by chance. A second table tells chance from a leak: each of
--pairs patients with aneurysms is rendered with and without them and otherwise alike. What a feature gains by the sac,
over its spread between patients, is the most that it can tell.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from scipy.stats import norm
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kium_lightning.anatomy import View
from kium_lightning.console import say, show, track
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.patient import Patient, draw_patient, render
from kium_lightning.phantom.truth import Detail
from kium_lightning.phantom.writing import Job
from kium_lightning.settings import build, compose

Numbers = NDArray[np.float64]

NAMES = (
    "file size", "bytes per pixel", "width", "height", "left margin", "top margin", "right margin", "bottom margin",
    "text pixels", "channels", "grey mean", "grey deviation", "background", "noise", "dark share",
)  # fmt: skip
_GROUPS = {
    "form only": (
        "width",
        "height",
        "left margin",
        "top margin",
        "right margin",
        "bottom margin",
        "text pixels",
        "channels",
    ),
    "noise and background": ("background", "noise"),
    "file size": ("file size", "bytes per pixel"),
    "grey level": ("grey mean", "grey deviation", "dark share"),
    "all": NAMES,
}


def describe(job: Job) -> Numbers:
    """The features of a patient's eight files: means over the views, then their standard deviations."""
    return describe_patient(draw_patient(job.labels, job.distributions, job.seed))


def describe_pair(job: Job) -> Numbers:
    """The features (2, n) of a patient with aneurysms, and of the same one without them."""
    patient = draw_patient(job.labels, job.distributions, job.seed)
    return np.stack([describe_patient(patient), describe_patient(patient.without_sacs())])


def describe_patient(patient: Patient) -> Numbers:
    """The features of a drawn patient."""
    cv2.setNumThreads(1)
    rows = []
    for view in View:
        file, sheet = render(patient, view, Detail.BOXES), patient.sheets[view]
        stored = np.asarray(cv2.imdecode(np.frombuffer(file.jpeg, np.uint8), cv2.IMREAD_UNCHANGED), np.uint8)
        grey = stored if stored.ndim == 2 else stored[..., 0]
        left, top, right, bottom = sheet.picture
        picture = grey[top:bottom, left:right].astype(np.float32)
        fine = picture - cv2.GaussianBlur(picture, (0, 0), 2.0)
        text = 0 if file.text_mask is None else int(np.count_nonzero(file.text_mask))
        rows.append(
            (
                len(file.jpeg), len(file.jpeg) / grey.size, sheet.width, sheet.height, left, top, sheet.width - right,
                sheet.height - bottom, text, stored.ndim, picture.mean(), picture.std(), np.median(picture),
                1.4826 * np.median(np.abs(fine)), np.mean(picture < 0.7 * np.median(picture)),
            )
        )  # fmt: skip
    of_views = np.array(rows, dtype=np.float64)
    return np.concatenate([of_views.mean(axis=0), of_views.std(axis=0)])


def auroc_with_interval(
    truth: NDArray[np.bool_], scores: Numbers, rng: np.random.Generator
) -> tuple[float, float, float]:
    """AUROC and its 95 % interval over bootstrapped patients."""
    draws = []
    for _ in range(1000):
        chosen = rng.integers(len(truth), size=len(truth))
        if 0 < truth[chosen].sum() < len(truth):
            draws.append(roc_auc_score(truth[chosen], scores[chosen]))
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(roc_auc_score(truth, scores)), float(low), float(high)


def jobs_of(arguments: argparse.Namespace, seed: int, patients: int) -> list[Job]:
    """The patients of a cohort, not yet drawn."""
    overrides = [f"cohort={arguments.cohort}", f"cohort.train_patients={patients}", "cohort.test_patients=0"]
    cohort: PhantomCohort = build(compose("phantom", [*overrides, f"cohort.seed={seed}"]).cohort)
    return cohort.jobs()


def show_pairs(arguments: argparse.Namespace, seed: int) -> None:
    """Prints what aneurysms alone change in each feature."""
    jobs = [job for job in jobs_of(arguments, seed, 3 * arguments.pairs) if job.labels][: arguments.pairs]
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        described = pool.map(describe_pair, jobs, chunksize=4)
        pairs = np.array(list(track(described, "Drawing pairs", len(jobs))))[:, :, : len(NAMES)]
    table = Table("feature", "mean", "spread between patients", "gained by the sac", "AUROC that this can give")
    table.title = f"{len(jobs)} patients, each with and without its aneurysms"
    for name, (with_sac, without) in zip(NAMES, pairs.transpose(2, 1, 0), strict=True):
        gain, spread = float((with_sac - without).mean()), float(without.std(ddof=1))
        most = norm.cdf(abs(gain) / spread / np.sqrt(2.0)) if spread else 0.5
        table.add_row(name, f"{without.mean():.4g}", f"{spread:.4g}", f"{gain:+.3g}", f"{most:.4f}")
    show(table)


def draw(arguments: argparse.Namespace, seed: int) -> tuple[Numbers, NDArray[np.bool_]]:
    """Draws a cohort; returns its patients' features (n, 2 x features) and who has an aneurysm (n,)."""
    jobs = jobs_of(arguments, seed, arguments.patients)
    with ProcessPoolExecutor(arguments.workers, mp_context=get_context("spawn")) as pool:
        described = pool.map(describe, jobs, chunksize=4)
        features = np.array(list(track(described, f"Drawing patients of seed {seed}", len(jobs))))
    return features, np.array([bool(job.labels) for job in jobs])


def main() -> None:
    """Runs the probe and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cohort", default="phantom")
    parser.add_argument("--patients", type=int, default=1000, help="in each of the two cohorts")
    parser.add_argument("--pairs", type=int, default=200, help="patients with aneurysms that are drawn twice; 0: none")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=31, help="of the cohort to learn from; the other's is the next")
    parser.add_argument("--features", type=Path, help="an .npz file to keep the numbers in")
    arguments = parser.parse_args()
    if arguments.features is not None and arguments.features.is_file():
        kept = np.load(arguments.features)
        features, truth, unseen, unseen_truth = (kept[name] for name in ("features", "truth", "unseen", "unseen_truth"))
    else:
        features, truth = draw(arguments, arguments.seed)
        unseen, unseen_truth = draw(arguments, arguments.seed + 1)
        if arguments.features is not None:
            np.savez(arguments.features, features=features, truth=truth, unseen=unseen, unseen_truth=unseen_truth)
    say(f"learnt from {len(truth)} patients, {truth.sum()} of them with an aneurysm")
    say(f"tried on {len(unseen_truth)} others, {unseen_truth.sum()} with an aneurysm")
    rng = np.random.default_rng(arguments.seed)
    table = Table(
        "features", "classifier", "AUROC", "95 % interval", "covers 0.5", title="presence, in unseen patients"
    )
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    boosting = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.05, max_leaf_nodes=8, random_state=0)
    leaks = False
    for group, names in _GROUPS.items():
        columns = [NAMES.index(name) for name in names]
        columns += [column + len(NAMES) for column in columns]
        for words, model in (("logistic regression", logistic), ("gradient boosting", boosting)):
            scores = model.fit(features[:, columns], truth).predict_proba(unseen[:, columns])[:, 1]
            value, low, high = auroc_with_interval(unseen_truth, scores, rng)
            covers = low <= 0.5 <= high
            leaks |= group == "all" and not covers
            table.add_row(group, words, f"{value:.3f}", f"{low:.3f} to {high:.3f}", "yes" if covers else "no")
    show(table)
    if arguments.pairs:
        show_pairs(arguments, arguments.seed + 2)
    if leaks:
        raise SystemExit("The label can be told without looking at the vessels.")


if __name__ == "__main__":
    main()
