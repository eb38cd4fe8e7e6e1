from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kium_lightning.anatomy import LABEL_COLUMNS, PRESENCE_COLUMN
from kium_lightning.audit.finding import Kind, Verdict
from kium_lightning.audit.metadata import METADATA_COLUMNS
from kium_lightning.audit.shortcuts import ProbeSettings, check_shortcuts, probe_files

SETTINGS = ProbeSettings(folds=5, repeats=1, permutations=20, p=0.001, least=20, level=0.95, draws=200, seed=0)


def cohort(patients: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Metadata that is noise, and labels that have nothing to do with it."""
    random = np.random.default_rng(seed)
    features = pd.DataFrame(random.normal(size=(patients, len(METADATA_COLUMNS))), columns=list(METADATA_COLUMNS))
    labels = pd.DataFrame(0, index=range(patients), columns=list(LABEL_COLUMNS))
    labels[PRESENCE_COLUMN] = labels["L_ICA"] = random.integers(0, 2, patients)
    return features, labels


def test_a_margin_that_follows_the_label_is_named_by_the_finding() -> None:
    features, labels = cohort(120)
    features["left margin, mean"] += 2.0 * labels[PRESENCE_COLUMN]
    outcome = check_shortcuts(probe_files(features, labels, SETTINGS), SETTINGS)
    assert {finding.kind for finding in outcome.findings} == {Kind.SHORTCUT}
    assert len(outcome.findings) == 2  # presence and the one location that has it
    assert all("left margin, mean" in finding.sentence for finding in outcome.findings)


@pytest.mark.parametrize("seed", range(4))
def test_labels_that_follow_nothing_are_clean(seed: int) -> None:
    features, labels = cohort(100, seed)
    outcome = check_shortcuts(probe_files(features, labels, replace(SETTINGS, seed=seed)), SETTINGS)
    assert outcome.verdict is Verdict.CLEAN


def test_labels_with_too_few_patients_are_not_probed_and_said_so() -> None:
    features, labels = cohort(60)
    labels["R_ICA"] = [1] * 19 + [0] * 41
    assert {probe.label for probe in probe_files(features, labels, SETTINGS)} == {PRESENCE_COLUMN, "L_ICA"}
    outcome = check_shortcuts(probe_files(features.head(30), labels.head(30), SETTINGS), SETTINGS)
    assert outcome.verdict is Verdict.NOT_CHECKED
