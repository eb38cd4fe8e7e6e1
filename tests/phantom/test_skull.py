import numpy as np
import pytest

from kium_lightning.phantom.bones import Vault, draw_skull
from kium_lightning.phantom.geometry import Geometry
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.skull import _add_bodies, _add_vault, skull_attenuation, subtract_shifted

LATERAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])


def lateral(pixels: int) -> Geometry:
    """A lateral beam from so far away that its rays are almost parallel."""
    centre, away = np.array([0.0, -14.0, 12.0]), 1e5
    return Geometry(centre - away * LATERAL[2], LATERAL, away, 240.0 / pixels, pixels, pixels)


def grid_of(geometry: Geometry, cell: int) -> tuple[np.ndarray, np.ndarray]:
    places = (np.arange(0, geometry.width, cell) - (geometry.width - 1) / 2.0) * geometry.pixel_mm
    return places, places


@pytest.mark.parametrize(("shape", "along"), [(0.0, 2 * 24.0), (1.0, 2 * 24.0)])
def test_the_chord_through_a_bodys_middle_is_its_width(shape: float, along: float) -> None:
    geometry = lateral(301)
    rows, columns = grid_of(geometry, 1)
    body = np.array([[shape, 0.0, -14.0, 12.0, 24.0, 10.0, 6.0, *np.eye(3).ravel(), 1.0]])
    bone = np.zeros((301, 301), dtype=np.float32)
    _add_bodies(rows, columns, geometry.axes, geometry.source, geometry.source_image_mm, body, bone)
    assert bone[150, 150] == pytest.approx(along, rel=0.01)
    shadow = np.count_nonzero(bone) * geometry.pixel_mm**2
    assert shadow == pytest.approx(4 * 10.0 * 6.0 * (np.pi / 4 if shape == 0.0 else 1.0), rel=0.03)


def test_the_vault_of_a_ball_has_the_chords_of_a_shell() -> None:
    geometry = lateral(301)
    rows, columns = grid_of(geometry, 1)
    ball = Vault(
        centre=np.array([0.0, -14.0, 12.0]), half_axes=np.full((2, 3), 80.0), wall_mm=8.0, waves=np.zeros((0, 5)),
        base=np.array([0.0, 0.0, 0.0, 99.0]), coronal=9.0, lambdoid=9.0,
    )  # fmt: skip
    bone = np.zeros((301, 301), dtype=np.float32)
    _add_vault(
        rows, columns, geometry.axes, geometry.source, geometry.source_image_mm, ball.centre, ball.half_axes,
        ball.wall_mm, ball.waves, ball.base, ball.coronal, ball.lambdoid, 0.28, 0.45, bone,
    )  # fmt: skip
    # through the middle the wall is crossed twice at right angles; temples are thinner by 45 %
    wall = 2 * 8.0 * 0.55
    assert bone[150, 150] == pytest.approx(wall * (0.28 * 2 + 0.44 * 0.45), rel=0.02)
    limb = bone[150].max()
    assert limb > 3 * bone[150, 150]
    width = np.count_nonzero(bone[150]) * geometry.pixel_mm
    assert width == pytest.approx(160.0, abs=1.6)


def test_a_skull_is_the_same_on_a_finer_grid(distributions: Distributions) -> None:
    skull = draw_skull(distributions.skull, np.random.default_rng(2))
    coarse = skull_attenuation(skull, lateral(240), 3)
    fine = skull_attenuation(skull, lateral(480), 6)
    assert np.corrcoef(coarse.ravel(), fine.ravel())[0, 1] > 0.97
    assert coarse.max() / distributions.skull.bone_per_mm < 150  # mm of compact bone


def test_a_small_shift_leaves_the_gradient() -> None:
    columns, rows = np.meshgrid(np.arange(80.0), np.arange(60.0))
    bone = np.exp(-((columns - 40) ** 2 + (rows - 30) ** 2) / 200.0).astype(np.float32)
    left = subtract_shifted(bone, (0.4, 0.0, 0.0))
    np.testing.assert_allclose(left[5:-5, 5:-5], 0.4 * np.gradient(bone, axis=1)[5:-5, 5:-5], atol=2e-3)
