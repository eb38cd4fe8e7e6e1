from pathlib import Path

import cv2
import numpy as np
import pytest
from commands import call_verb

from kium_lightning.anatomy import Artery, Circulation, Location, Projection, Side, View
from kium_lightning.data.crop_windows import WindowKey, read_crop_windows
from kium_lightning.data.cropped_rows import CroppedRows
from kium_lightning.data.rows import Window
from kium_lightning.phantom.boxes import bodies_box, derive_windows, outlines, outlines_of_patient
from kium_lightning.phantom.geometry import Ellipsoid, Geometry
from kium_lightning.phantom.patient import Distributions, draw_patient, film_picture

Capture = pytest.CaptureFixture[str]
MCA = WindowKey(Circulation.ANTERIOR, Projection.FRONTAL, Artery.MCA)


def test_the_box_of_a_sphere_is_that_of_its_cone_of_rays() -> None:
    """Reference: a sphere on the axis at depth d is seen at R = D r / sqrt(d^2 - r^2) on a detector at D."""
    geometry = Geometry(np.zeros(3), np.eye(3), 1000.0, 0.5, 400, 500)
    sphere = Ellipsoid(np.array([0.0, 0.0, 800.0]), np.eye(3), np.full(3, 10.0))
    reach = 1000.0 * 10.0 / np.sqrt(800.0**2 - 10.0**2) / 0.5
    expected = (0.5 - reach / 400, 0.5 - reach / 500, 0.5 + reach / 400, 0.5 + reach / 500)
    np.testing.assert_allclose(bodies_box([sphere], geometry), expected, atol=1e-4)


def test_the_box_of_a_turned_ellipsoid_is_that_of_its_surface() -> None:
    """Reference: points all over its surface."""
    random = np.random.default_rng(0)
    axes = np.linalg.qr(random.normal(size=(3, 3)))[0]
    body = Ellipsoid(np.array([12.0, -9.0, 700.0]), axes, np.array([6.0, 3.0, 2.0]))
    geometry = Geometry(np.zeros(3), np.eye(3), 1100.0, 0.3, 900, 720)
    directions = random.normal(size=(20_000, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    pixels = geometry.project(body.centre + (directions * body.half_axes) @ axes) + 0.5
    expected = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)]) / [900, 720, 900, 720]
    np.testing.assert_allclose(bodies_box([body], geometry), expected, atol=5e-4)


def test_boxes_are_those_of_the_rendered_outlines(distributions: Distributions) -> None:
    """To a hundredth of the picture, two pixels; behind its neck a sac may hide a little of itself."""
    patient = draw_patient(frozenset({Location.LEFT_MCA, Location.LEFT_ACOM}), distributions, (3, 0, 0))
    view = View.LEFT_ANTERIOR_FRONTAL
    left, top, right, bottom = patient.sheets[view].picture
    geometry = patient.runs[view].geometry(right - left, bottom - top)
    _, scene = film_picture(patient, view)
    for sac, truth in zip(patient.sacs, scene.sacs, strict=True):
        assert truth is not None
        size = np.array([right - left, bottom - top] * 2)
        seen = (np.array(truth.box) - [left, top, left, top]) / size
        np.testing.assert_allclose(bodies_box(sac.bodies, geometry), seen, atol=0.01)


def test_outlines_of_both_sides_lie_where_the_left_sided_ones_do(distributions: Distributions) -> None:
    """Seen from the front the patient's left is the picture's right, where the left MCA is."""
    found = outlines_of_patient((frozenset(), distributions, (4, 8, 0)))
    boxes = found[MCA]
    assert len(boxes) == len(Side)
    assert all(box.left + box.right > 1.0 for box in boxes)
    assert len(found[WindowKey(Circulation.POSTERIOR, Projection.LATERAL, Artery.BA)]) == len(Side)
    assert WindowKey(Circulation.ANTERIOR, Projection.FRONTAL, Artery.VA) not in found
    assert all(0.0 <= edge <= 1.0 for each in found.values() for box in each for edge in box)


def test_each_edge_of_a_window_cuts_the_tail_and_then_gets_the_margin() -> None:
    lefts = np.linspace(0.20, 0.30, 101)
    boxes = [Window(float(left), 0.4, float(left) + 0.05, 0.5) for left in lefts]
    found = derive_windows({MCA: boxes}, 0.02, 0.01)[MCA]
    assert found.sacs == 101
    np.testing.assert_allclose(found.window, (0.202 - 0.01, 0.4 - 0.01, 0.348 + 0.01, 0.5 + 0.01), atol=1e-12)


def test_windows_end_at_the_pictures_edges_and_few_aneurysms_give_none() -> None:
    edge = [Window(0.0, 0.9, 0.2, 1.0)]
    found = derive_windows({MCA: edge * 20}, 0.02, 0.05)[MCA]
    np.testing.assert_allclose(found.window, (0.0, 0.85, 0.25, 1.0), atol=1e-12)
    assert derive_windows({MCA: edge * 19}, 0.02, 0.05) == {}


def test_outlines_do_not_depend_on_the_number_of_workers(distributions: Distributions) -> None:
    alone, together = (outlines(distributions, 6, 3, workers) for workers in (1, 2))
    assert list(alone) == list(together)
    assert alone == together


def test_the_command_writes_windows_that_rows_can_use_and_a_picture_of_them(tmp_path: Path, capsys: Capture) -> None:
    file, picture = tmp_path / "windows.json", tmp_path / "windows.png"
    settings = ["cohort=phantom_tiny", "boxes.patients=20", "boxes.seed=5", "boxes.workers=1", f"boxes.file={file}"]
    done = call_verb(capsys, "phantom", "boxes", *settings, f"boxes.picture={picture}", f"hydra.run.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == [f"wrote {file}", f"wrote {picture}"]
    windows = read_crop_windows(file)
    command = "python -m kium_lightning.phantom boxes cohort=phantom_tiny boxes.patients=20 boxes.seed=5"
    assert windows.made == {"command": command, "patients": 20, "seed": 5, "tail": 0.01, "margin": 0.02}
    for circulation in Circulation:
        assert CroppedRows(circulation, windows.plain()).samples
    image = cv2.imread(str(picture))
    assert image is not None
    assert image.shape == (2 * 620, 4 * 620, 3)
    assert np.ptp(image.astype(int), axis=2).max() > 100  # windows in colour on a grey film


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("boxes.patients=3", "boxes.patients is 3"),
        ("boxes.tail=0", "boxes.tail is 0"),
        ("boxes.margin=1.5", "boxes.margin is 1.5"),
        ("boxes.workers=0", "boxes.workers is 0"),
        ("boxes.picture=windows.tif", "boxes.picture"),
    ],
)
def test_numbers_outside_their_range_are_refused_before_anything_is_drawn(
    override: str, said: str, tmp_path: Path, capsys: Capture
) -> None:
    done = call_verb(capsys, "phantom", "boxes", override, f"hydra.run.dir={tmp_path}")
    assert done.returncode == 1
    assert said in done.stderr
