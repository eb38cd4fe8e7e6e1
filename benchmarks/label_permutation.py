"""Does anything leak from the labels into the numbers? python benchmarks/label_permutation.py [--permutations 2].

Gives the labels of a cohort's patients to other patients, so that no image tells anything about its label, and runs
the whole procedure on it as a user would: the four nets on all folds, the out-of-fold scores, calibration, thresholds,
and the estimate nested over the folds. Whatever the rule, the AUROC must be 0.5 within its interval, and the location
accuracy must not be above that of calling no location at all. A hole anywhere (a patient in two parts, an epoch chosen
by those who are judged, a threshold fitted on them) would show as skill. Beside it the same with the true labels.

Exit status 1 where most permutations show skill by a rule: one alone may by chance, as one interval in 40 lies above
0.5, and more where folds are pooled (docs/intervals.md).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from rich.table import Table

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.console import say, show
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.files import write_json
from kium_lightning.settings import build, compose, outputs_dir

MODELS = "mednet_anterior,mednet_posterior,swin_anterior,resnet18_posterior"
RULES = ("quantile", "youden", "max_f1", "accuracy")


def relabelled(cohort: CohortFolder, folder: Path, seed: int) -> CohortFolder:
    """A cohort of the same images in which each patient has the labels of another one."""
    shuffled = CohortFolder(folder, cohort.name)
    shuffled.train_set.mkdir(parents=True)
    for path in cohort.train_set.glob("*.jpg"):
        (shuffled.train_set / path.name).symlink_to(path)
    table = pd.read_csv(cohort.train_csv)
    order = np.random.default_rng(seed).permutation(len(table))
    labels = table.drop(columns=INDEX_COLUMN).iloc[order].reset_index(drop=True)
    pd.concat([table[[INDEX_COLUMN]], labels], axis=1).to_csv(shuffled.train_csv, index=False)
    return shuffled


def run(verb: str, outputs: Path, arguments: Iterable[str]) -> None:
    """Runs a verb as a user does."""
    command = [sys.executable, "-m", f"kium_lightning.{verb}", *arguments]
    # The images are the same under all labels, and so is what is cached of them.
    environment = os.environ | {"KIUM_OUTPUTS": str(outputs)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def estimates(cohort: CohortFolder, outputs: Path, arguments: argparse.Namespace) -> dict[str, dict[str, object]]:
    """Trains, calibrates by each rule, and reads the nested estimates."""
    settings = ["experiment=demo", f"data.image_size={arguments.image_size}", "logger=csv", "hydra.verbose=false"]
    cohort_settings = ["cohort=kium", f"cohort.folder={cohort.path}", f"cohort.name={cohort.name}"]
    shared = [f"data.cache_folder={outputs_dir() / 'cache'}", f"trainer.max_epochs={arguments.epochs}"]
    folds = "data.fold=0,1,2,3,4"
    run("train", outputs, ["-m", *settings, *cohort_settings, *shared, f"model={MODELS}", folds])
    found: dict[str, dict[str, object]] = {}
    for rule in RULES:
        folder = outputs / "calibrate" / rule
        run(
            "calibrate",
            outputs,
            [f"thresholds={rule}", f"folder={folder}", f"predictor.cache_folder={outputs_dir() / 'cache'}"],
        )
        found[rule] = json.loads((folder / "out_of_fold.json").read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Runs the procedure with true and with shuffled labels and prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patients", type=int, default=240)
    parser.add_argument("--permutations", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="a file for the numbers")
    arguments = parser.parse_args()
    name = f"permuted_{arguments.patients}"
    settings = ["cohort=phantom_demo", f"cohort.train_patients={arguments.patients}", "cohort.test_patients=0"]
    cohort: CohortFolder = build(compose("phantom", [*settings, f"cohort.name={name}"]).cohort).ensure()

    table = Table("labels", "rule", "AUROC", "interval", "location accuracy above calling none", "interval", "skill")
    numbers: list[dict[str, object]] = []
    skilled = dict.fromkeys(RULES, 0)
    for number in range(arguments.permutations + 1):
        with tempfile.TemporaryDirectory() as scratch:
            shuffled = number > 0
            labels = f"shuffled {number}" if shuffled else "true"
            judged = relabelled(cohort, Path(scratch) / "cohort", arguments.seed + number) if shuffled else cohort
            for rule, found in estimates(judged, Path(scratch) / "outputs", arguments).items():
                auroc, gain = found["official"]["auroc"], found["baselines"]["location_accuracy_minus_all_zero"]  # type: ignore[index]
                skill = auroc["low"] > 0.5 or gain["low"] > 0
                skilled[rule] += shuffled and skill
                numbers.append({"labels": labels, "rule": rule, "auroc": auroc, "gain": gain})
                table.add_row(
                    labels,
                    rule,
                    f"{auroc['value']:.3f}",
                    f"{auroc['low']:.3f} to {auroc['high']:.3f}",
                    f"{gain['value']:+.4f}",
                    f"{gain['low']:+.4f} to {gain['high']:+.4f}",
                    "yes" if skill else "no",
                )
    show(table)
    if arguments.json is not None:
        write_json(arguments.json, numbers)
    if max(skilled.values()) > arguments.permutations / 2:
        raise SystemExit("Shuffled labels were told: something leaks.")
    say("Shuffled labels cannot be told.")


if __name__ == "__main__":
    main()
