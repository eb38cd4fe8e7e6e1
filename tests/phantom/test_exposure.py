from dataclasses import replace

import cv2
import numpy as np
import pytest

from kium_lightning.anatomy import View
from kium_lightning.phantom.bones import draw_skull
from kium_lightning.phantom.exposure import expose
from kium_lightning.phantom.film import draw_sheet
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.sheet import Blob, Collimator, Sheet
from kium_lightning.phantom.xray import Run, draw_run
from kium_lightning.settings import build, compose

SKULL = draw_skull(build(compose("phantom").cohort.skull), np.random.default_rng(5))
LATERAL = View.LEFT_ANTERIOR_LATERAL


def sheet_of(distributions: Distributions) -> Sheet:
    """A sheet on which nothing but noise is left."""
    sheet = draw_sheet(distributions.film, LATERAL, np.random.default_rng(0), np.random.default_rng(9))
    return replace(sheet, fog=0.0, shift=(0.0, 0.0, 0.0), blob=None, collimator=None, background=195.0)


def run_of(distributions: Distributions) -> Run:
    rng = np.random.default_rng(0)
    return draw_run(LATERAL, distributions.xray, rng, rng)


@pytest.mark.parametrize("photons", [1e3, 1e4])
def test_noise_has_the_deviation_of_its_photons(photons: float, distributions: Distributions) -> None:
    run = replace(run_of(distributions), photons=photons)
    kernel = cv2.getGaussianKernel(7, run.detector_blur_px)
    blurred = float((kernel**2).sum())  # by what the detector's blur lowers the deviation, in two dimensions
    sheet = sheet_of(distributions)
    grey = expose(np.zeros((1024, 1024), dtype=np.float32), sheet, run, SKULL)
    deviation = float(grey.std()) * sheet.darkest_signal / 193.0
    assert deviation == pytest.approx(np.sqrt(2.0 / photons) * blurred, rel=0.05)


def test_noise_behind_contrast_is_that_of_fewer_photons(distributions: Distributions) -> None:
    run = replace(run_of(distributions), photons=1e4, detector_blur_px=0.01)
    sheet = replace(sheet_of(distributions), darkest_signal=2.0)
    grey = expose(np.full((800, 800), 1.0, dtype=np.float32), sheet, run, SKULL)
    deviation = float(grey.std()) * sheet.darkest_signal / 193.0
    assert deviation == pytest.approx(np.sqrt((1.0 + np.e) / 1e4 * (1024 / 800) ** -2), rel=0.05)


def test_neighbouring_noise_is_correlated_by_the_detectors_blur(distributions: Distributions) -> None:
    run = replace(run_of(distributions), photons=2e3)
    grey = expose(np.zeros((1024, 1024), dtype=np.float32), sheet_of(distributions), run, SKULL).astype(float)
    grey -= grey.mean()
    correlation = float((grey[:, 1:] * grey[:, :-1]).mean() / grey.var())
    assert correlation == pytest.approx(np.exp(-1.0 / (4.0 * run.detector_blur_px**2)), abs=0.05)


def test_background_is_grey_and_thick_vessels_are_dark(distributions: Distributions) -> None:
    sheet = sheet_of(distributions)
    signal = np.zeros((200, 200), dtype=np.float32)
    signal[:, 80:120] = sheet.darkest_signal
    grey = expose(signal, sheet, run_of(distributions), SKULL)
    assert grey[:, :60].mean() == pytest.approx(195, abs=2)
    assert grey[:, 90:110].mean() == pytest.approx(2, abs=2)


def test_edges_are_as_unsharp_as_focal_spot_motion_and_detector_make_them(distributions: Distributions) -> None:
    run = replace(run_of(distributions), photons=1e8, motion_px=(3.0, 0.0), focal_spot_mm=0.6)
    signal = np.zeros((1024, 1024), dtype=np.float32)
    signal[:, 512:] = 0.5
    signal[:300] = 0.0
    grey = expose(signal, sheet_of(distributions), run, SKULL).astype(float)
    for profile, blur in ((grey[600:900].mean(axis=0), 0), (grey[:, 700:900].mean(axis=1), 1)):
        step = -np.diff(profile[200:800])
        places = np.arange(len(step))
        middle = (step * places).sum() / step.sum()
        spread = np.sqrt((step * (places - middle) ** 2).sum() / step.sum())
        assert spread == pytest.approx(np.hypot(run.blur_px(1024, 1024)[blur], run.detector_blur_px), rel=0.1)


def test_a_shifted_mask_leaves_edges_and_an_unshifted_one_none(distributions: Distributions) -> None:
    still = sheet_of(distributions)
    run = replace(run_of(distributions), photons=1e7)
    signal = np.zeros((512, 512), dtype=np.float32)
    deviations = [
        float(expose(signal, replace(still, shift=(dx, 0.0, 0.0)), run, SKULL).std()) for dx in (0.0, 0.5, 1.5)
    ]
    assert deviations[0] < 0.6
    assert deviations[1] > 2 * deviations[0]
    assert deviations[2] > 1.8 * deviations[1]


def test_the_edges_of_a_shifted_mask_are_paired_bright_and_dark(distributions: Distributions) -> None:
    sheet = replace(sheet_of(distributions), shift=(1.5, 0.5, 0.0))
    grey = expose(np.zeros((512, 512), dtype=np.float32), sheet, replace(run_of(distributions), photons=1e7), SKULL)
    assert grey.mean() == pytest.approx(195, abs=2)
    assert grey.max() > 205
    assert grey.min() < 185


def test_a_blob_is_bright_on_one_side_and_dark_on_the_other(distributions: Distributions) -> None:
    sheet = replace(sheet_of(distributions), blob=Blob((0.2, 0.8), 0.04, 0.0, 0.1))
    grey = expose(np.zeros((500, 500), dtype=np.float32), sheet, replace(run_of(distributions), photons=1e7), SKULL)
    depth = 0.1 * 193.0 / sheet.darkest_signal
    assert grey[400, 100 + 20] == pytest.approx(195 - depth, abs=1.5)  # a standard deviation of 20 pixels to the right
    assert grey[400, 100 - 20] == pytest.approx(195 + depth, abs=1.5)
    assert grey[50:200, 250:].mean() == pytest.approx(195, abs=0.7)


def test_a_blob_lies_on_the_jaw_where_the_picture_shows_more_than_the_head(distributions: Distributions) -> None:
    run = replace(run_of(distributions), field_mm=320.0, photons=1e7)
    run = replace(run, centre=np.array([0.0, 0.0, 0.0]), magnification=1.25)  # the jaw at a quarter of the width
    sheet = replace(sheet_of(distributions), blob=Blob((0.05, 0.95), 0.03, 0.0, 0.2))
    grey = expose(np.zeros((500, 500), dtype=np.float32), sheet, run, SKULL).astype(float)
    row, column = np.unravel_index(int(grey.argmin()), grey.shape)
    assert 100 < column < 180  # the dark half is to the right of the middle
    assert 390 < row < 460


def test_fog_spans_its_share_of_the_signal_range(distributions: Distributions) -> None:
    sheet = replace(sheet_of(distributions), fog=0.1)
    grey = expose(np.zeros((512, 512), dtype=np.float32), sheet, replace(run_of(distributions), photons=1e8), SKULL)
    assert int(grey.max()) - int(grey.min()) == pytest.approx(0.1 * 193.0, abs=3)
    assert grey.mean() == pytest.approx(195, abs=1)


def test_beyond_the_collimators_circle_the_picture_is_a_step_darker(distributions: Distributions) -> None:
    sheet = replace(sheet_of(distributions), collimator=Collimator(0.7, 6.0, 0.006))
    grey = expose(np.zeros((500, 500), dtype=np.float32), sheet, replace(run_of(distributions), photons=1e7), SKULL)
    assert grey[:20, :20].mean() == pytest.approx(189, abs=1)
    assert grey[250, 5:495].mean() == pytest.approx(195, abs=1)  # 0.7 of half the diagonal is nearly the side
