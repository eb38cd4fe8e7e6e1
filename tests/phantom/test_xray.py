from dataclasses import replace

import numpy as np
import pytest

from kium_lightning.anatomy import Circulation, Projection, View
from kium_lightning.phantom.beam import attenuation, subtraction
from kium_lightning.phantom.patient import Distributions, draw_patient
from kium_lightning.phantom.tree import Segment
from kium_lightning.phantom.xray import draw_run

# spekpy and xraylib: 75 kVp behind a head, 200 mg iodine per ml
THICKNESS_MM = np.array([0.5, 1.0, 3.0, 5.0, 10.0], dtype=np.float64)
MINUS_LN_T = np.array([0.096, 0.191, 0.550, 0.886, 1.655])


PER_MM = {70: (0.162, 0.214, 0.318), 75: (0.144, 0.191, 0.283), 80: (0.130, 0.172, 0.255), 90: (0.109, 0.145, 0.215)}
MG_PER_ML = (150.0, 200.0, 300.0)


def test_beam_hardening_follows_the_table(distributions: Distributions) -> None:
    xray = distributions.xray
    per_mm = xray.iodine_per_mm(75.0, 200.0)
    line = [attenuation(thickness, per_mm, xray.hardening) for thickness in THICKNESS_MM]
    np.testing.assert_allclose(line, MINUS_LN_T, rtol=0.03)


@pytest.mark.parametrize("kvp", sorted(PER_MM))
def test_a_millimetre_of_contrast_attenuates_as_in_the_table(kvp: int, distributions: Distributions) -> None:
    xray = distributions.xray
    line = [attenuation(1.0, xray.iodine_per_mm(kvp, iodine), xray.hardening) for iodine in MG_PER_ML]
    np.testing.assert_allclose(line, PER_MM[kvp], rtol=0.03)


def test_attenuation_never_falls_with_thickness() -> None:
    line = [attenuation(thickness, 0.32, 0.07) for thickness in np.linspace(0, 200, 400)]
    assert np.all(np.diff(line) >= 0)


def test_scatter_only_weakens_the_signal() -> None:
    line = [0.0, 0.2, 1.0, 2.0]
    np.testing.assert_allclose([subtraction(each, 0.0) for each in line], line, atol=1e-6)
    weakened = [subtraction(each, 0.5) for each in line]
    assert weakened[0] == pytest.approx(0.0, abs=1e-7)
    assert np.all(np.array(weakened[1:]) < line[1:])
    assert weakened[2] == pytest.approx(np.log(1.0 + 0.5) - np.log(np.exp(-1.0) + 0.5))


def test_the_signal_of_a_run_is_that_of_its_beam(distributions: Distributions) -> None:
    rng = np.random.default_rng(3)
    run = draw_run(View.LEFT_ANTERIOR_FRONTAL, distributions.xray, rng, rng)
    assert distributions.xray.tube_kvp[0] <= run.tube_kvp <= distributions.xray.tube_kvp[1]
    signal = run.signal(np.array([[0.0, 1.0, 4.0]], dtype=np.float32))
    expected = [
        subtraction(attenuation(thickness, run.iodine_per_mm, run.hardening), run.scatter)
        for thickness in (0.0, 1.0, 4.0)
    ]
    np.testing.assert_allclose(signal[0], expected, rtol=1e-5)


def test_a_picture_shows_its_field_but_no_more_than_the_panel(distributions: Distributions) -> None:
    rng = np.random.default_rng(3)
    run = replace(draw_run(View.LEFT_ANTERIOR_FRONTAL, distributions.xray, rng, rng), field_mm=320.0, panel_mm=400.0)
    for width, height, wide_mm, high_mm in (
        (1024, 1024, 320.0, 320.0),
        (1250, 1000, 400.0, 320.0),
        (1670, 1000, 400.0, 239.5),
        (1000, 1670, 239.5, 400.0),
    ):
        pitch = run.geometry(width, height).pixel_mm
        np.testing.assert_allclose([width * pitch, height * pitch], [wide_mm, high_mm], atol=0.1)
        spot = replace(run, motion_px=(0.0, 0.0)).blur_px(width, height)[0]
        assert spot * pitch == pytest.approx(run.blur_mm())


@pytest.mark.parametrize("view", list(View))
def test_no_vessel_or_spine_ends_inside_the_widest_picture(view: View, distributions: Distributions) -> None:
    xray = replace(distributions.xray, field_mm=(320.0, 320.0), magnification=(1.2, 1.2))
    for seed in range(6):
        patient = draw_patient(frozenset(), replace(distributions, xray=xray), (seed, 0, 0))
        geometry = patient.runs[view].geometry(1024, 1024)
        segment = Segment.ICA if view.circulation is Circulation.ANTERIOR else Segment.VA
        assert geometry.project(patient.tree.branch(segment, view.side).points)[:, 1].max() > 1024
        assert geometry.project(patient.skull.bodies[:, 1:4])[:, 1].max() > 1024


@pytest.mark.parametrize("view", list(View))
def test_detector_axes_are_at_right_angles_and_upright(view: View, distributions: Distributions) -> None:
    rng = np.random.default_rng(3)
    run = draw_run(view, distributions.xray, rng, rng)
    np.testing.assert_allclose(run.axes @ run.axes.T, np.eye(3), atol=1e-9)
    assert run.axes[1, 2] < -0.75  # the picture's down is the patient's down
    if view.projection is Projection.FRONTAL:
        assert run.axes[0, 0] > 0.95  # the patient's left is on the picture's right
        towne = np.degrees(np.arcsin(run.axes[2, 2]))
        low, high = (-1, 21) if view.circulation is Circulation.ANTERIOR else (19, 36)
        assert low <= towne <= high
    else:
        assert run.axes[0, 1] < -0.95  # the face looks to the picture's left
