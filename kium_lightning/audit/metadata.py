"""A patient's files in numbers, and a classifier that sees nothing else: what a shortcut would be worth."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from kium_lightning.anatomy import INDEX_COLUMN, View
from kium_lightning.audit.file_facts import FileFacts, read_facts
from kium_lightning.console import track
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.errors import ConfigError
from kium_lightning.workers import in_workers

Classifier = Literal["logistic", "boosting", "both"]
METADATA_COLUMNS = tuple(
    f"{name.replace('_', ' ')}, {summary}" for name in FileFacts._fields for summary in ("mean", "spread")
)


def metadata_table(catalog: Catalog, cache_folder: Path, workers: int | None = None) -> pd.DataFrame:
    """Describes every patient's files in numbers: of each `FileFacts` the mean and the spread over the views.

    Args:
        catalog: the patients and their images.
        cache_folder: where the project keeps prepared views; what cleaning finds is remembered there by content, so
            that a second call only decodes.
        workers: processes; None for one per core.

    Returns:
        One row per patient in the catalog's order: ``Index`` (int64) and `METADATA_COLUMNS` (float64). A number that
        no view of the patient has is NaN.

    Raises:
        ImageError: a file cannot be read.
    """
    keys = list(catalog.images)
    jobs = [(catalog.images[key], cache_folder) for key in keys]
    facts = track(in_workers(_facts, jobs, workers or os.cpu_count() or 1), "reading file metadata", len(jobs))
    return summarised(catalog.patients, dict(zip(keys, facts, strict=True)))


def _facts(job: tuple[Path, Path]) -> FileFacts:
    path, folder = job
    return read_facts(path, CleanedViews(folder))[0]


def summarised(patients: tuple[int, ...], facts: Mapping[tuple[int, View], FileFacts]) -> pd.DataFrame:
    """Puts the numbers of files together by patient; see `metadata_table`."""
    rows = []
    for patient in patients:
        own = [facts[patient, view] for view in View if (patient, view) in facts]
        of_views = np.array(own, dtype=np.float64).reshape(len(own), len(FileFacts._fields))
        rows.append(np.stack([_over_views(column) for column in of_views.T]).ravel())
    table = pd.DataFrame(np.array(rows).reshape(len(rows), -1), columns=list(METADATA_COLUMNS), dtype=np.float64)
    table.insert(0, INDEX_COLUMN, np.array(patients, dtype=np.int64))
    return table


def _over_views(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean and the standard deviation (2,) of what is known; NaN where nothing is."""
    known = column[~np.isnan(column)]
    return np.array([known.mean(), known.std()]) if len(known) else np.full(2, np.nan)


class MetadataProbe:
    """Guesses a label from a patient's file metadata alone.

    Args:
        classifier: ``logistic`` (regularised regression), ``boosting`` (trees), or ``both``: the mean of their
            probabilities.

    Raises:
        ConfigError: there is no such classifier.
    """

    def __init__(self, classifier: Classifier = "both") -> None:
        if classifier not in get_args(Classifier):
            raise ConfigError(
                f"There is no classifier {classifier!r}. Choose one of {', '.join(get_args(Classifier))}."
            )
        self._names = ("logistic", "boosting") if classifier == "both" else (classifier,)
        self._fitted: list[Pipeline] | None = None
        self._constant = float("nan")

    def fit(self, features: pd.DataFrame, labels: NDArray[np.int64]) -> "MetadataProbe":
        """Learns from patients.

        Args:
            features: of `metadata_table`, with or without ``Index``, which is never looked at.
            labels: (n,) 0 or 1. Where all are equal there is nothing to learn, and every score is that label.

        Returns:
            The probe itself.
        """
        values = _values(features)
        self._constant = float(labels.mean()) if len(labels) else float("nan")
        self._fitted = []
        if 0.0 < self._constant < 1.0:
            self._fitted = [_pipeline(name).fit(values, labels) for name in self._names]
        return self

    def scores(self, features: pd.DataFrame) -> NDArray[np.float64]:
        """Scores patients, (n,) in [0, 1].

        Raises:
            RuntimeError: the probe was not fitted.
        """
        if self._fitted is None:
            raise RuntimeError("Call fit() before asking for scores.")
        values = _values(features)
        if not self._fitted:
            return np.full(len(values), self._constant)
        guessed = [np.asarray(each.predict_proba(values)[:, 1], np.float64) for each in self._fitted]
        return np.asarray(np.mean(guessed, axis=0), np.float64)


def _values(features: pd.DataFrame) -> NDArray[np.float64]:
    return features[list(METADATA_COLUMNS)].to_numpy(np.float64)


def _pipeline(name: str) -> Pipeline:
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    if name == "logistic":
        return make_pipeline(imputer, StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    boosting = HistGradientBoostingClassifier(max_iter=60, learning_rate=0.05, max_leaf_nodes=8, random_state=0)
    return make_pipeline(imputer, boosting)
