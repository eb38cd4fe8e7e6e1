import numpy as np
import pytest

from kium_lightning.anatomy import Circulation, Projection, View
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.xray import attenuation, draw_run, subtraction

# spekpy and xraylib: 75 kVp behind a head, 200 mg iodine per ml
THICKNESS_MM = np.array([0.5, 1.0, 3.0, 5.0, 10.0], dtype=np.float32)
MINUS_LN_T = np.array([0.096, 0.191, 0.550, 0.886, 1.655])


def test_beam_hardening_follows_the_table() -> None:
    np.testing.assert_allclose(attenuation(THICKNESS_MM, 200.0), MINUS_LN_T, rtol=0.03)


@pytest.mark.parametrize(("iodine", "per_mm"), [(150.0, 0.144), (300.0, 0.283)])
def test_iodine_concentration_scales_attenuation(iodine: float, per_mm: float) -> None:
    thin = np.array([0.1], dtype=np.float32)
    assert attenuation(thin, iodine)[0] / 0.1 == pytest.approx(per_mm, rel=0.03)


def test_attenuation_never_falls_with_thickness() -> None:
    assert np.all(np.diff(attenuation(np.linspace(0, 200, 400, dtype=np.float32), 300.0)) >= 0)


def test_scatter_only_weakens_the_signal() -> None:
    line = np.array([0.0, 0.2, 1.0, 2.0], dtype=np.float32)
    np.testing.assert_allclose(subtraction(line, 0.0), line, atol=1e-6)
    weakened = subtraction(line, 0.5)
    assert weakened[0] == pytest.approx(0.0, abs=1e-7)
    assert np.all(weakened[1:] < line[1:])


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
