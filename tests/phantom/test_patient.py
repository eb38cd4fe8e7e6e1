from dataclasses import replace

import cv2
import numpy as np
import pytest

from kium_lightning.anatomy import Location, View, can_show
from kium_lightning.phantom.overlay import Image
from kium_lightning.phantom.patient import Distributions, Patient, Rendered, draw_patient, render


def decoded(rendered: Rendered) -> Image:
    image = cv2.imdecode(np.frombuffer(rendered.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.asarray(image, dtype=np.uint8)


def patient_of(labels: set[Location], distributions: Distributions, number: int) -> Patient:
    return draw_patient(frozenset(labels), distributions, (11, 1, number))


@pytest.mark.parametrize("labels", [{Location.LEFT_MCA}, {Location.BA, Location.RIGHT_ICA, Location.LEFT_ACOM}])
def test_file_and_beam_and_filling_do_not_depend_on_labels(labels: set[Location], distributions: Distributions) -> None:
    with_sacs, without = patient_of(labels, distributions, 0), patient_of(set(), distributions, 0)
    assert with_sacs.sheets == without.sheets
    assert with_sacs.crossings == without.crossings
    for view in View:
        for name, value in vars(with_sacs.runs[view]).items():
            np.testing.assert_array_equal(value, getattr(without.runs[view], name))


def test_vessels_do_not_depend_on_labels(distributions: Distributions) -> None:
    with_sacs = patient_of({Location.RIGHT_MCA}, distributions, 1)
    without = patient_of(set(), distributions, 1)
    for one, other in zip(with_sacs.tree.branches, without.tree.branches, strict=True):
        assert np.array_equal(one.points, other.points)
        assert np.array_equal(one.radii, other.radii)


@pytest.mark.parametrize("view", [View.LEFT_ANTERIOR_FRONTAL, View.LEFT_ANTERIOR_LATERAL, View.RIGHT_POSTERIOR_FRONTAL])
def test_a_sac_changes_the_image_only_where_the_truth_says(view: View, distributions: Distributions) -> None:
    patient = patient_of({Location.LEFT_MCA, Location.LEFT_ACA, Location.BA}, distributions, 2)
    with_sacs, without = render(patient, view), render(replace(patient, sacs=()), view)
    darker = decoded(without).astype(int) - decoded(with_sacs).astype(int)
    assert with_sacs.sac_mask is not None
    near = cv2.dilate(with_sacs.sac_mask, np.ones((9, 9), np.uint8)) > 0  # the blur, and one block of the JPEG
    noise = 8  # the same photons, but fewer of them behind a sac
    assert np.abs(darker[~near]).max() <= noise
    for truth in (truth for truth in with_sacs.sacs if truth is not None and truth.visible):
        left, top, right, bottom = truth.box
        assert darker[top:bottom, left:right].max() > 3 * noise
        assert truth.diameter_px <= np.hypot(right - left, bottom - top) + 2
    assert any(truth is not None and truth.visible for truth in with_sacs.sacs)


def test_every_labelled_location_shows_in_a_view_that_can_show_it(distributions: Distributions) -> None:
    groups = [set(list(Location)[start::7]) for start in range(7)]
    for number, labels in enumerate(groups):
        patient = patient_of(labels, distributions, 20 + number)
        seen = {view: render(patient, view).sacs for view in View}
        for place, sac in enumerate(patient.sacs):
            showing = {view for view in View if (truth := seen[view][place]) is not None and truth.visible}
            assert any(can_show(view, sac.location) for view in showing), sac.location
            assert all(can_show(view, sac.location) for view in showing), (sac.location, showing)


def test_a_sac_off_the_injected_vessels_stays_unseen(distributions: Distributions) -> None:
    patient = patient_of({Location.LEFT_MCA}, distributions, 3)
    truth = render(patient, View.RIGHT_POSTERIOR_LATERAL).sacs[0]
    assert truth is not None
    assert not truth.visible
    assert truth.contrast == 0.0


def test_diameter_in_pixels_follows_magnification(distributions: Distributions) -> None:
    patient = patient_of({Location.BA}, distributions, 4)
    view = View.LEFT_POSTERIOR_LATERAL
    rendered = render(patient, view)
    truth = rendered.sacs[0]
    assert truth is not None
    assert truth.diameter_px == pytest.approx(patient.sacs[0].diameter_mm / rendered.millimetres_per_pixel, abs=2.5)
