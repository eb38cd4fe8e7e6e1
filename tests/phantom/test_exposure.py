from dataclasses import replace

import cv2
import numpy as np
import pytest

from kium_lightning.anatomy import View
from kium_lightning.phantom.exposure import expose
from kium_lightning.phantom.film import Sheet, draw_sheet
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.xray import Run, draw_run


def sheet_of(distributions: Distributions) -> Sheet:
    return draw_sheet(distributions.film, np.random.default_rng(0), np.random.default_rng(9))


def run_of(distributions: Distributions) -> Run:
    rng = np.random.default_rng(0)
    return draw_run(View.LEFT_ANTERIOR_LATERAL, distributions.xray, rng, rng)


def test_noise_has_the_deviation_of_its_photons(distributions: Distributions) -> None:
    kernel = cv2.getGaussianKernel(7, 0.7)
    blurred = float((kernel**2).sum())  # by what the detector's blur lowers the deviation, in two dimensions
    sheet = replace(sheet_of(distributions), fog=0.0, shift=(0.0, 0.0, 0.0), collimator=0.0, background=195.0)
    for photons in (1e3, 1e4):
        run = replace(run_of(distributions), photons=photons)
        grey = expose(np.zeros((1024, 1024), dtype=np.float32), sheet, run)
        deviation = float(grey.std()) * sheet.darkest_signal / 193.0
        assert deviation == pytest.approx(np.sqrt(2.0 / photons) * blurred, rel=0.05)


def test_background_is_grey_and_thick_vessels_are_dark(distributions: Distributions) -> None:
    sheet = replace(sheet_of(distributions), shift=(0.0, 0.0, 0.0), collimator=0.0, background=195.0, fog=0.0)
    signal = np.zeros((200, 200), dtype=np.float32)
    signal[:, 80:120] = sheet.darkest_signal
    grey = expose(signal, sheet, run_of(distributions))
    assert grey[:, :60].mean() == pytest.approx(195, abs=2)
    assert grey[:, 90:110].mean() < 20


def test_a_shifted_mask_leaves_edges_and_an_unshifted_one_none(distributions: Distributions) -> None:
    still = replace(sheet_of(distributions), fog=0.0, shift=(0.0, 0.0, 0.0), collimator=0.0)
    run = replace(run_of(distributions), photons=1e7)
    signal = np.zeros((512, 512), dtype=np.float32)
    deviations = [float(expose(signal, replace(still, shift=(dx, 0.0, 0.0)), run).std()) for dx in (0.0, 1.5)]
    assert deviations[0] < 0.6
    assert deviations[1] > 2 * deviations[0]
