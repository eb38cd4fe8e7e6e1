import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation, View
from kium_lightning.data import transforms
from kium_lightning.data.catalog import Catalog, read_catalog
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.dataset import Batch
from kium_lightning.data.transforms import normalize
from kium_lightning.ensemble import patient_pixels
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.finding import find_ensemble
from kium_lightning.ensemble.fusion import FuseRules, fuse_locations
from kium_lightning.ensemble.gate import apply_gate
from kium_lightning.ensemble.predictor import EnsembleScores, Predictor
from kium_lightning.ensemble.rules import fit_quantiles
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.ensemble.view_scores import view_scores_table
from kium_lightning.errors import CohortError, ConfigError, RunError
from kium_lightning.images.box import GreyImage
from kium_lightning.images.cleaning import CleanView, clean_view
from kium_lightning.images.reading import read_grey
from kium_lightning.tasks.classification import Classification


def predictor(batch_size: int = 16, device: str = "cpu", workers: int = 0) -> Predictor:
    return Predictor(batch_size, workers, engine="torch", device=device, precision="float32")


@pytest.fixture(scope="module", autouse=True)
def _each_image_is_cleaned_once() -> Iterator[None]:
    """Cleaning takes most of the time and is the same in every run."""
    cleaned: dict[bytes, CleanView] = {}

    def remembered(image: GreyImage) -> CleanView:
        key = image.tobytes()
        if key not in cleaned:
            cleaned[key] = clean_view(image)
        return cleaned[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transforms, "clean_view", remembered)
        patch.setattr(patient_pixels, "clean_view", remembered)
        yield


@pytest.fixture(scope="module")
def ensemble(trained: Path) -> Ensemble:
    presence = {"anterior": "mednet_anterior", "posterior": "mednet_posterior"}
    locators = {"anterior": "swin_anterior", "posterior": "resnet18_posterior"}
    return find_ensemble(str(trained), presence, locators, "all", FuseRules())


@pytest.fixture(scope="module")
def catalog(phantom_cohort: CohortFolder) -> Catalog:
    return read_catalog(phantom_cohort.test_set, phantom_cohort.test_csv)


@pytest.fixture(scope="module")
def everybody(ensemble: Ensemble, catalog: Catalog) -> EnsembleScores:
    """The scores of all patients, without a gate."""
    return predictor().score(ensemble, catalog, gate=None)


def at(presence: float) -> Thresholds:
    """Thresholds with a gate."""
    return Thresholds(presence, dict.fromkeys(LOCATION_COLUMNS, 0.5), "given")


def middle(scores: EnsembleScores) -> float:
    """A gate between two patients' presence scores, half of them above it."""
    presence = np.sort(scores.fused.presence)
    return float(presence[len(presence) // 2 - 1 : len(presence) // 2 + 1].mean())


def test_a_views_score_is_the_sigmoid_of_its_members_logit(
    ensemble: Ensemble, catalog: Catalog, everybody: EnsembleScores
) -> None:
    for circulation, member in ensemble.locators.items():
        (loaded,) = member.load()
        for position, patient in enumerate(catalog.patients[:2]):
            for place, view in enumerate(circulation.views):
                image = loaded.preparation(read_grey(catalog.images[patient, view]), view)
                with torch.inference_mode():
                    expected = torch.sigmoid(loaded.task(normalize(image).unsqueeze(0)))[0]
                found = everybody.location_views[circulation][position, place]
                np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_nets_of_a_member_are_averaged_view_by_view(
    trained: Path, ensemble: Ensemble, catalog: Catalog, everybody: EnsembleScores, tmp_path: Path
) -> None:
    own = ensemble.locators[Circulation.POSTERIOR].nets[0].checkpoint
    content = torch.load(own, weights_only=True)
    classifier = [name for name in content["state_dict"] if name.endswith("bias")][-1]
    content["state_dict"][classifier] += 1.0
    torch.save(content, tmp_path / "other.ckpt")
    presence = {circulation.value: str(each.nets[0].checkpoint) for circulation, each in ensemble.presence.items()}
    anterior = str(ensemble.locators[Circulation.ANTERIOR].nets[0].checkpoint)

    def posterior(*checkpoints: Path) -> NDArray[np.float64]:
        locators = {"anterior": anterior, "posterior": [str(path) for path in checkpoints]}
        found = find_ensemble(str(trained), presence, locators, "all", FuseRules())
        scores: NDArray[np.float64] = predictor().score(found, catalog, None).location_views[Circulation.POSTERIOR]
        return scores

    alone = posterior(tmp_path / "other.ckpt")
    first = everybody.location_views[Circulation.POSTERIOR]
    assert not np.allclose(alone, first, atol=1e-3)
    np.testing.assert_allclose(posterior(own, tmp_path / "other.ckpt"), (alone + first) / 2, atol=1e-6)


def test_presence_is_the_larger_of_the_two_circulations_means(everybody: EnsembleScores) -> None:
    means = {circulation: scores.mean(axis=1) for circulation, scores in everybody.presence_views.items()}
    for circulation in Circulation:
        np.testing.assert_allclose(everybody.by_circulation[circulation], means[circulation])
    np.testing.assert_allclose(everybody.fused.presence, np.maximum(*means.values()))


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_calls_do_not_depend_on_the_batch_size(
    batch_size: int, ensemble: Ensemble, catalog: Catalog, everybody: EnsembleScores
) -> None:
    thresholds = fit_quantiles(everybody.fused.presence, everybody.fused.locations, location_quantile=0.6)
    expected = apply_gate(everybody.fused.presence, everybody.fused.locations, thresholds)
    scores = predictor(batch_size).score(ensemble, catalog, thresholds)
    np.testing.assert_allclose(scores.fused.presence, everybody.fused.presence, atol=1e-5)
    np.testing.assert_array_equal(apply_gate(scores.fused.presence, scores.fused.locations, thresholds), expected)
    assert 0 < expected.sum() < expected[scores.passed].size


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_scores_do_not_depend_on_the_device(ensemble: Ensemble, catalog: Catalog, everybody: EnsembleScores) -> None:
    scores = predictor(device="cuda").score(ensemble, catalog, None)
    np.testing.assert_allclose(scores.fused.presence, everybody.fused.presence, atol=1e-4)
    np.testing.assert_allclose(scores.fused.locations, everybody.fused.locations, atol=1e-4)


def test_loading_in_other_processes_changes_nothing(
    ensemble: Ensemble, catalog: Catalog, everybody: EnsembleScores
) -> None:
    scores = predictor(workers=2).score(ensemble, catalog, None)
    np.testing.assert_array_equal(scores.fused.locations, everybody.fused.locations)


@pytest.mark.parametrize("workers", [0, 2])
def test_views_that_the_device_prepares_give_the_same_scores(
    workers: int, ensemble: Ensemble, catalog: Catalog, everybody: EnsembleScores, tmp_path: Path
) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"

    def scores() -> EnsembleScores:
        told = Predictor(16, workers, "torch", device, "float32", "device", str(tmp_path))
        return told.score(ensemble, catalog, None)

    for found in (scores(), scores()):  # first the host looks for margins and text, then they are known
        np.testing.assert_allclose(found.fused.presence, everybody.fused.presence, atol=2e-3)
        np.testing.assert_allclose(found.fused.locations, everybody.fused.locations, atol=2e-3)


def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts how often each image is decoded."""
    counted: Counter[str] = Counter()

    def read(path: Path) -> NDArray[np.uint8]:
        counted[path.name] += 1
        return read_grey(path)

    monkeypatch.setattr(patient_pixels, "read_grey", read)
    return counted


def test_files_are_read_once_and_locators_run_only_on_patients_who_pass_the_gate(
    ensemble: Ensemble, catalog: Catalog, everybody: EnsembleScores, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = reads(monkeypatch)
    looked_at: Counter[str] = Counter()
    step = Classification.predict_step

    def counting(task: Classification, batch: Batch, index: int = 0) -> torch.Tensor:
        looked_at[task.rows.plain()["target"]] += len(batch["image"])
        return step(task, batch, index)

    monkeypatch.setattr(Classification, "predict_step", counting)
    gate = middle(everybody)
    scores = predictor().score(ensemble, catalog, at(gate))
    np.testing.assert_array_equal(scores.passed, everybody.fused.presence > gate)
    assert 0 < scores.passed.sum() < len(scores.passed)
    assert looked_at == {"binary": 8 * len(catalog.patients), "multilabel": 8 * scores.passed.sum()}
    assert set(counted.values()) == {1}
    assert len(counted) == 8 * len(catalog.patients)
    np.testing.assert_allclose(
        scores.fused.locations[scores.passed], everybody.fused.locations[scores.passed], atol=1e-6
    )
    assert np.isnan(scores.fused.locations[~scores.passed]).all()
    np.testing.assert_allclose(fuse_locations(scores.location_views), scores.fused.locations)


def test_a_net_of_another_task_is_refused_before_anybody_is_scored(
    trained: Path, ensemble: Ensemble, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {circulation.value: str(member.nets[0].checkpoint) for circulation, member in ensemble.presence.items()}
    counted = reads(monkeypatch)
    with pytest.raises(RunError, match="kind folded anterior binary"):
        predictor().score(find_ensemble(str(trained), paths, paths, "all", FuseRules()), catalog, gate=at(1.0))
    assert not counted


def spoilt(cohort: CohortFolder, folder: Path, *names: str) -> Catalog:
    """The test set, some of its images cut off."""
    shutil.copytree(cohort.test_set, folder)
    for name in names:
        (folder / name).write_bytes((folder / name).read_bytes()[:500])
    return read_catalog(folder, folder / "test.csv", images="listed")


def test_all_unreadable_images_are_told_in_one_table(
    phantom_cohort: CohortFolder, ensemble: Ensemble, catalog: Catalog, tmp_path: Path
) -> None:
    first, last = catalog.patients[0], catalog.patients[-1]
    broken = spoilt(phantom_cohort, tmp_path / "set", f"{first}LI-A.jpg", f"{first}RV-B.jpg", f"{last}LV-A.jpg")
    with pytest.raises(CohortError, match="3 images in") as refusal:
        predictor().score(ensemble, broken, None)
    for name in (f"{first}LI-A.jpg", f"{first}RV-B.jpg", f"{last}LV-A.jpg"):
        assert f"{name} is cut off or damaged" in str(refusal.value)


def test_patients_with_unreadable_images_are_left_out_and_the_others_scored_as_ever(
    phantom_cohort: CohortFolder, ensemble: Ensemble, everybody: EnsembleScores, tmp_path: Path
) -> None:
    left_out = everybody.patients[1]
    broken = spoilt(phantom_cohort, tmp_path / "set", f"{left_out}LI-A.jpg")
    scores = predictor().score(ensemble, broken, None, on_fault="drop")
    kept = np.array([patient != left_out for patient in everybody.patients])
    assert scores.patients == tuple(np.array(everybody.patients)[kept])
    assert {fault.patient for fault in scores.faults} == {left_out}
    np.testing.assert_allclose(scores.fused.locations, everybody.fused.locations[kept], atol=1e-6)


def test_the_table_of_views_holds_every_nets_score_of_every_view(catalog: Catalog, everybody: EnsembleScores) -> None:
    table = view_scores_table(everybody)
    assert list(table["view"]) == [view.code for view in View] * len(catalog.patients)
    assert list(table["Index"]) == list(np.repeat(catalog.patients, 8))
    one = table[(table["Index"] == catalog.patients[2]) & (table["view"] == "RV-A")].iloc[0]
    assert one["Aneurysm"] == pytest.approx(everybody.presence_views[Circulation.POSTERIOR][2, 2], abs=1e-6)
    assert one["BA"] == pytest.approx(everybody.location_views[Circulation.POSTERIOR][2, 2, 3], abs=1e-6)
    assert np.isnan(one["MCA"])


def test_a_device_or_precision_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match="no device 'tpu-pod'"):
        Predictor(1, 0, "torch", "tpu-pod", "auto")
    with pytest.raises(ConfigError, match="no precision 'float8'"):
        Predictor(1, 0, "torch", "cpu", "float8")
    if not torch.cuda.is_available():
        with pytest.raises(ConfigError, match="torch sees 0 GPUs"):
            Predictor(1, 0, "torch", "cuda", "auto")
