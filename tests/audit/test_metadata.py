from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from random_cohort import plain_view, random_catalog
from sklearn.metrics import roc_auc_score

from kium_lightning.audit.file_facts import FileFacts, jpeg_quality
from kium_lightning.audit.metadata import METADATA_COLUMNS, MetadataProbe, metadata_table
from kium_lightning.errors import ConfigError


@pytest.mark.parametrize("quality", [30, 50, 65, 75, 90, 95])
def test_the_quality_read_from_a_jpeg_is_the_one_it_was_written_with(quality: int) -> None:
    done, content = cv2.imencode(".jpg", plain_view(0), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert done
    assert jpeg_quality(content.tobytes()) == pytest.approx(quality, abs=1.0)


def test_the_quality_of_what_is_no_jpeg_is_unknown() -> None:
    done, content = cv2.imencode(".png", plain_view(0))
    assert done
    assert np.isnan(jpeg_quality(content.tobytes()))
    assert np.isnan(jpeg_quality(b""))


def test_each_patient_has_the_mean_and_spread_of_the_own_files(tmp_path: Path) -> None:
    catalog = random_catalog(tmp_path / "cohort", patients=3)
    table = metadata_table(catalog, tmp_path / "cache", workers=1)
    assert list(table.columns) == ["Index", *METADATA_COLUMNS]
    assert tuple(table["Index"]) == catalog.patients
    for patient, mean, spread in zip(catalog.patients, table["bytes, mean"], table["bytes, spread"], strict=True):
        sizes = [path.stat().st_size for (owner, _), path in catalog.images.items() if owner == patient]
        assert (mean, spread) == pytest.approx((np.mean(sizes), np.std(sizes)))
    assert (table["width, mean"] == 80).all()
    assert (table["height, spread"] == 0).all()


def metadata(values: np.ndarray) -> pd.DataFrame:
    """A table in which one column follows what is given and the others are noise."""
    random = np.random.default_rng(1)
    table = pd.DataFrame(random.normal(size=(len(values), len(METADATA_COLUMNS))), columns=list(METADATA_COLUMNS))
    table["left margin, mean"] = values
    return table


@pytest.mark.parametrize("classifier", ["logistic", "boosting", "both"])
def test_a_probe_finds_a_label_that_follows_a_margin_in_unseen_patients(classifier: str) -> None:
    labels = np.random.default_rng(0).integers(0, 2, 400)
    features = metadata(10.0 * labels + np.random.default_rng(2).normal(size=400))
    probe = MetadataProbe(classifier).fit(features[:200], labels[:200])  # type: ignore[arg-type]
    assert roc_auc_score(labels[200:], probe.scores(features[200:])) > 0.95


def test_unknown_numbers_are_no_obstacle() -> None:
    labels = np.random.default_rng(0).integers(0, 2, 100)
    features = metadata(10.0 * labels)
    features["jpeg quality, mean"] = np.nan
    features.loc[::3, "bytes, mean"] = np.nan
    scores = MetadataProbe().fit(features, labels).scores(features)
    assert np.isfinite(scores).all()
    assert roc_auc_score(labels, scores) > 0.95


def test_labels_that_are_all_equal_teach_nothing() -> None:
    features = metadata(np.arange(10.0))
    assert (MetadataProbe().fit(features, np.zeros(10, np.int64)).scores(features) == 0.0).all()


def test_an_unknown_classifier_is_refused() -> None:
    with pytest.raises(ConfigError, match="forest"):
        MetadataProbe("forest")  # type: ignore[arg-type]


def test_facts_have_no_name_twice() -> None:
    assert len(set(METADATA_COLUMNS)) == 2 * len(FileFacts._fields)
