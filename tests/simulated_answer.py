"""A simulated answer with its truth, as files, for the tests of the report."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import CSV_COLUMNS, LOCATION_COLUMNS, Circulation
from kium_lightning.ensemble.answer import write_answer, write_scores
from kium_lightning.ensemble.gate import apply_gate, passes
from kium_lightning.ensemble.rules import fit_quantiles
from kium_lightning.records import write_record

# reference/challenge.md: positives per column among 1,127 patients
POSITIVES = (100, 100, 35, 34, 30, 18, 21, 13, 66, 30, 67, 96, 17, 11, 3, 2, 6, 4, 24, 3, 1)


@dataclass(frozen=True)
class Simulated:
    """The files of a finished predict run, and the truth beside it."""

    outputs: Path
    folder: Path
    groundtruth: Path

    @property
    def answer(self) -> Path:
        return self.folder / "output.csv"

    @property
    def scores(self) -> Path:
        return self.folder / "scores.csv"


def challenge_labels() -> NDArray[np.int64]:
    """(1127, 21) labels with the challenge's number of positives in each column."""
    labels = np.zeros((1127, 21), np.int64)
    for column, count in enumerate(POSITIVES):
        labels[np.random.default_rng(column).permutation(1127)[:count], column] = 1
    return labels


def write_truth(path: Path, labels: NDArray[np.int64], first: int = 1001) -> Path:
    """Writes location labels as a ground truth whose presence follows from them."""
    indices = first + np.arange(len(labels))
    table = np.column_stack([indices, labels.any(axis=1), labels])
    pd.DataFrame(table, columns=list(CSV_COLUMNS)).to_csv(path, index=False)
    return path


def simulate(outputs: Path, patients: int = 90, seed: int = 0) -> Simulated:
    """Writes a predict run of nets with some skill on patients drawn from the challenge's frequencies."""
    random = np.random.default_rng(seed)
    labels = challenge_labels()[random.choice(1127, patients, replace=False)]
    presence_by = {
        circulation: _sigmoid(random.normal(size=patients) + labels.any(axis=1)) for circulation in Circulation
    }
    presence = np.maximum(*presence_by.values())
    scores = _sigmoid(random.normal(size=(patients, 21)) + 2 * labels)
    thresholds = fit_quantiles(presence, scores)
    passed = passes(presence, thresholds.presence)
    calls = apply_gate(presence, scores, thresholds)
    scores[~passed] = np.nan
    folder, indices = outputs / "predict" / "now", 1001 + np.arange(patients)
    write_answer(folder, indices, presence, calls)
    write_scores(folder, indices, presence, presence_by, passed, scores)
    thresholds.save(folder / "thresholds.json")
    groundtruth = write_truth(outputs / "groundtruth.csv", labels)
    write_record(folder, "predict", groundtruth=str(groundtruth), cohort={"name": "phantom"})
    assert len(LOCATION_COLUMNS) == len(POSITIVES)
    return Simulated(outputs, folder, groundtruth)


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-logits)))
