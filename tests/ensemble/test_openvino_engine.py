"""OpenVINO gives what PyTorch gives."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("openvino")

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation
from kium_lightning.data.catalog import Catalog, read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.ensemble import openvino_engine
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.finding import find_ensemble
from kium_lightning.ensemble.fusion import FuseRules
from kium_lightning.ensemble.gate import decide
from kium_lightning.ensemble.predictor import EnsembleScores, Predictor
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import ConfigError


@pytest.fixture(scope="module")
def ensemble(trained: Path) -> Ensemble:
    presence = {"anterior": "mednet_anterior", "posterior": "mednet_posterior"}
    locators = {"anterior": "swin_anterior", "posterior": "resnet18_posterior"}
    return find_ensemble(str(trained), presence, locators, "all", FuseRules())


@pytest.fixture(scope="module")
def catalog(phantom_cohort: CohortFolder) -> Catalog:
    return read_catalog(phantom_cohort.test_set, phantom_cohort.test_csv)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def plain(ensemble: Ensemble, catalog: Catalog, cache: Path) -> EnsembleScores:
    """What PyTorch says of all patients in float32."""
    return Predictor(16, 0, "torch", "cpu", "float32", cache_folder=str(cache)).score(ensemble, catalog, gate=None)


def predictor(precision: str, cache: Path) -> Predictor:
    return Predictor(16, 0, "openvino", "cpu", precision, cache_folder=str(cache))


def thresholds_among(scores: EnsembleScores) -> Thresholds:
    """Thresholds that lie among the scores: half of the patients pass, and every location is called in some."""
    locations = np.median(scores.fused.locations, axis=0)
    columns = zip(LOCATION_COLUMNS, map(float, locations), strict=True)
    return Thresholds(float(np.median(scores.fused.presence)), dict(columns), "given")


@pytest.mark.parametrize(("precision", "most"), [("float32", 1e-5), ("bfloat16", 1e-3), ("int8", 1e-2)])
def test_scores_and_calls_are_those_of_pytorch(
    precision: str, most: float, ensemble: Ensemble, catalog: Catalog, cache: Path, plain: EnsembleScores
) -> None:
    thresholds = thresholds_among(plain)
    fast = predictor(precision, cache).score(ensemble, catalog, thresholds)
    expected = decide(plain.fused, thresholds)
    np.testing.assert_allclose(fast.fused.presence, plain.fused.presence, atol=most)
    np.testing.assert_array_equal(fast.passed, expected.passed)
    passed = fast.passed
    np.testing.assert_allclose(fast.fused.locations[passed], plain.fused.locations[passed], atol=most)
    np.testing.assert_array_equal(decide(fast.fused, thresholds).calls, expected.calls)
    assert 0 < expected.calls.sum() < expected.calls[passed].size


def test_a_decision_that_hangs_on_the_rounding_is_made_in_float32(
    ensemble: Ensemble, catalog: Catalog, cache: Path, plain: EnsembleScores, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = openvino_engine.OpenVinoEngine
    monkeypatch.setattr(engine, "margin", lambda *_: 1.0)  # everything hangs on it
    thresholds = thresholds_among(plain)
    fast = predictor("int8", cache).score(ensemble, catalog, thresholds)
    assert fast.rescored == len(catalog.patients)
    np.testing.assert_allclose(fast.fused.presence, plain.fused.presence, atol=1e-5)
    np.testing.assert_allclose(fast.fused.locations[fast.passed], plain.fused.locations[fast.passed], atol=1e-5)
    monkeypatch.setattr(engine, "margin", lambda *_: 0.0)
    assert predictor("int8", cache).score(ensemble, catalog, thresholds).rescored == 0


def test_the_margin_is_larger_than_any_difference_that_is_seen(
    ensemble: Ensemble, catalog: Catalog, cache: Path, plain: EnsembleScores
) -> None:
    for precision in ("bfloat16", "int8"):
        engine = openvino_engine.OpenVinoEngine(precision, cache)
        fast = predictor(precision, cache).score(ensemble, catalog, gate=None)
        pairs = [
            *((ensemble.presence[each], fast.presence_views[each], plain.presence_views[each]) for each in Circulation),
            *((ensemble.locators[each], fast.location_views[each], plain.location_views[each]) for each in Circulation),
        ]
        differences = [np.abs(found - expected).max() for _, found, expected in pairs]
        margins = [engine.margin(member) for member, _, _ in pairs]
        assert all(found <= max(margin, 1e-6) for found, margin in zip(differences, margins, strict=True))
        assert max(differences) > 1e-6
    assert openvino_engine.OpenVinoEngine("bfloat16", cache).margin(ensemble.locators[Circulation.ANTERIOR]) == 0.0


def test_converted_nets_are_kept(ensemble: Ensemble, catalog: Catalog, cache: Path, plain: EnsembleScores) -> None:
    predictor("float32", cache).score(ensemble, catalog, gate=None)
    kept = sorted(cache.glob("openvino-*/*-float32"))
    assert len(kept) == 4
    before = [path.stat().st_mtime_ns for path in kept]
    again = predictor("float32", cache).score(ensemble, catalog, gate=None)
    assert [path.stat().st_mtime_ns for path in kept] == before
    np.testing.assert_allclose(again.fused.locations, plain.fused.locations, atol=1e-5)
    assert not list(cache.glob("openvino-*/.*"))


def test_what_openvino_cannot_do_is_refused_in_one_sentence() -> None:
    with pytest.raises(ConfigError, match="no precision 'float16'"):
        Predictor(16, 0, "openvino", "cpu", "float16")
    with pytest.raises(ConfigError, match="OpenVINO runs on the CPU"):
        Predictor(16, 0, "openvino", "cuda", "auto")
    with pytest.raises(ConfigError, match="Choose torch or openvino"):
        Predictor(16, 0, "tensorrt", "cpu", "auto")
