"""How few positives an AUROC's interval needs: python benchmarks/few_positives.py [--studies 600].

Studies of 120 patients with a fixed number of positives, scores as in ``benchmarks/interval_coverage.py``; prints in
how many per cent of the studies 95 % intervals hold the true AUROC. It is the reason for
``metrics.evaluable.LEAST_OF_EACH``.
"""

import argparse
from statistics import NormalDist

import numpy as np
from rich.table import Table

from kium_lightning.console import show, track
from kium_lightning.metrics.delong import delong_interval
from kium_lightning.metrics.drawn import bootstrap_counts
from kium_lightning.metrics.intervals import Interval, shared_interval
from kium_lightning.metrics.ranking import auroc

PATIENTS = 120


def covered(positives: int, truth: float, studies: int, draws: int, seed: int) -> dict[str, float]:
    """Computes the share of studies whose interval holds the truth, by the kind of interval."""
    rng = np.random.default_rng((seed, positives))
    distance = 2**0.5 * NormalDist().inv_cdf(truth)
    labels = np.repeat([1, 0], [positives, PATIENTS - positives])
    counted = dict.fromkeys(("DeLong", "BCa, widened", "percentile, widened"), 0)
    for _ in range(studies):
        scores = rng.normal(size=PATIENTS) + distance * labels
        counts = bootstrap_counts(PATIENTS, draws, rng)
        found: list[Interval] = [delong_interval(labels, scores)]
        found += [shared_interval(auroc, labels, scores, counts=counts)]
        found += [shared_interval(auroc, labels, scores, counts=counts, method="percentile")]
        for method, (low, high) in zip(counted, found, strict=True):
            counted[method] += low <= truth <= high
    return {method: count / studies for method, count in counted.items()}


def main() -> None:
    """Runs the benchmark and prints a table."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--studies", type=int, default=600, help="of each setting")
    arguments.add_argument("--draws", type=int, default=500, help="cohorts that the bootstrap draws")
    arguments.add_argument("--positives", type=int, nargs="+", default=[2, 3, 5, 10, 20])
    arguments.add_argument("--aurocs", type=float, nargs="+", default=[0.8, 0.95])
    arguments.add_argument("--seed", type=int, default=5)
    chosen = arguments.parse_args()
    table = Table(title=f"{PATIENTS} patients: intervals that hold the truth, % of {chosen.studies} studies")
    settings = [(positives, truth) for truth in chosen.aurocs for positives in chosen.positives]
    rows = []
    for positives, truth in track(settings, "simulating", len(settings)):
        rows.append((truth, positives, covered(positives, truth, chosen.studies, chosen.draws, chosen.seed)))
    for heading in ("AUROC", "positives", *rows[0][2]):
        table.add_column(heading, justify="right")
    for truth, positives, shares in rows:
        table.add_row(f"{truth:g}", str(positives), *(f"{100 * share:.1f}" for share in shares.values()))
    show(table)


if __name__ == "__main__":
    main()
