import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.phantom.geometry import Ellipsoid, Geometry, Plane
from kium_lightning.phantom.intervals import needed_points
from kium_lightning.phantom.projection import SLOTS, Rays

SOURCE_MM, IMAGE_MM, PIXEL_MM, SIZE = 700.0, 1000.0, 0.1, 401
CENTRE = (SIZE - 1) // 2


def rays() -> Rays:
    """A source 700 mm before the origin, looking along the third axis."""
    return Rays(Geometry(np.array([0.0, 0.0, -SOURCE_MM]), np.eye(3), IMAGE_MM, PIXEL_MM, SIZE, SIZE))


def directions() -> NDArray[np.float64]:
    """The unit direction of every ray, (SIZE, SIZE, 3)."""
    offsets = (np.arange(SIZE) - CENTRE) * PIXEL_MM
    x, y = np.meshgrid(offsets, offsets)
    rays_mm = np.stack([x, y, np.full_like(x, IMAGE_MM)], axis=-1)
    unit: NDArray[np.float64] = rays_mm / np.linalg.norm(rays_mm, axis=-1, keepdims=True)
    return unit


def ellipsoid_chords(
    centre: NDArray[np.float64], axes: NDArray[np.float64], half_axes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Analytic chords, by scaling the ellipsoid to a unit sphere."""
    scaled = (axes / half_axes[:, None]).T
    origin = (np.array([0.0, 0.0, -SOURCE_MM]) - centre) @ scaled
    way = directions() @ scaled
    a, b, c = (way**2).sum(-1), way @ origin, origin @ origin - 1.0
    chords: NDArray[np.float64] = 2.0 * np.sqrt(np.maximum(b**2 - a * c, 0.0)) / a
    return chords


def cylinder_chords(axis: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Analytic chords of an endless cylinder through the origin."""
    way = directions()
    origin = np.array([0.0, 0.0, -SOURCE_MM])
    across = way - (way @ axis)[..., None] * axis
    start = origin - (origin @ axis) * axis
    a, b, c = (across**2).sum(-1), across @ start, start @ start - radius**2
    chords: NDArray[np.float64] = 2.0 * np.sqrt(np.maximum(b**2 - a * c, 0.0)) / a
    return chords


def sphere(centre: NDArray[np.float64], radius: float) -> Ellipsoid:
    return Ellipsoid(centre, np.eye(3), np.full(3, radius))


def tube(points: NDArray[np.float64], radius: float, contrast: float = 1.0) -> NDArray[np.float32]:
    drawn = rays()
    drawn.add_tube(points, np.full(len(points), radius), np.full(len(points), contrast))
    return drawn.thickness()


@pytest.mark.parametrize("angle", [0.0, 30.0, 60.0])
@pytest.mark.parametrize("pieces", [2, 40])
def test_chord_of_a_tube_is_the_analytic_one(angle: float, pieces: int) -> None:
    axis = np.array([np.cos(np.radians(angle)), 0.0, np.sin(np.radians(angle))])
    thickness = tube(np.linspace(-60.0, 60.0, pieces)[:, None] * axis, 2.5)
    expected = cylinder_chords(axis, 2.5)
    inside = expected > 0.5
    assert inside.sum() > 1000
    np.testing.assert_allclose(thickness[inside], expected[inside], rtol=0.01)
    assert thickness[expected == 0.0].max() == 0.0


def test_chord_of_a_sac_is_the_analytic_one() -> None:
    turned, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))
    centre, half_axes = np.array([3.0, -2.0, 10.0]), np.array([6.0, 4.0, 3.0])
    drawn = rays()
    chords = drawn.add_bodies([Ellipsoid(centre, turned, half_axes)], 1.0)
    expected = ellipsoid_chords(centre, turned, half_axes)
    inside = expected > 0.3
    np.testing.assert_allclose(drawn.thickness()[inside], expected[inside], rtol=0.01)
    np.testing.assert_allclose(chords, drawn.thickness(), atol=1e-3)
    assert np.array_equal(chords > 0, expected > 0)


def test_a_tapered_piece_is_the_hull_of_its_two_spheres() -> None:
    start, end, first, last = np.array([-6.0, 1.0, 0.0]), np.array([7.0, -2.0, 5.0]), 4.0, 1.5
    drawn = rays()
    drawn.add_tube(np.vstack([start, end]), np.array([first, last]), np.ones(2))
    many = rays()
    steps = np.linspace(0.0, 1.0, 400)[:, None]
    for step in steps[:, 0]:
        radius = first + step * (last - first)
        many.add_bodies([sphere(start + step * (end - start), radius)], 1.0)
    thick = many.thickness() > 0.5
    np.testing.assert_allclose(drawn.thickness()[thick], many.thickness()[thick], rtol=0.01)


def test_points_that_are_left_out_change_no_chord_noticeably() -> None:
    """A helix of many points against its pieces added one by one, of which none can be left out."""
    angle = np.linspace(0.0, 2.0 * np.pi, 120)
    helix = np.column_stack([8.0 * np.cos(angle), 8.0 * np.sin(angle), 2.0 * angle])
    radii = np.linspace(1.5, 1.0, 120)
    kept = needed_points(helix, radii, np.ones(120), 0.02)
    assert 4 < kept.sum() < 80
    drawn, pieces = rays(), rays()
    drawn.add_tube(helix, radii, np.ones(120))
    for first in range(119):
        pieces.add_tube(helix[first : first + 2], radii[first : first + 2], np.ones(2))
    expected = pieces.thickness()
    thick = expected > 1.0
    np.testing.assert_allclose(drawn.thickness()[thick].sum(), expected[thick].sum(), rtol=0.005)
    assert np.abs(drawn.thickness() - expected)[thick].mean() < 0.02


def test_a_joint_counts_shared_blood_once() -> None:
    whole = tube(np.array([[-20.0, 0, 0], [0, 0, 0], [20.0, 0, 0]]), 2.0)
    drawn = rays()
    drawn.add_tube(np.array([[-20.0, 0, 0], [2.0, 0, 0]]), np.full(2, 2.0), np.ones(2))
    drawn.add_tube(np.array([[-2.0, 0, 0], [20.0, 0, 0]]), np.full(2, 2.0), np.ones(2))
    np.testing.assert_allclose(drawn.thickness(), whole, atol=1e-3)


def test_a_vessel_seen_end_on_is_as_thick_as_it_is_long() -> None:
    points = np.column_stack([np.zeros((30, 2)), np.linspace(-10.0, 10.0, 30)])
    assert tube(points, 1.0)[CENTRE, CENTRE] == pytest.approx(22.0, rel=1e-3)


def test_crossing_vessels_add_up() -> None:
    drawn = rays()
    for depth in (-15.0, 15.0):
        points = np.array([[-20.0, 0, depth], [20.0, 0, depth]])
        drawn.add_tube(points, np.full(2, 2.0), np.ones(2))
    assert drawn.thickness()[CENTRE, CENTRE] == pytest.approx(8.0, rel=1e-3)


def test_more_vessels_than_slots_still_add_up() -> None:
    drawn = rays()
    depths = np.arange(2 * SLOTS + 1) * 10.0 - 50.0
    for depth in depths:
        drawn.add_tube(np.array([[-9.0, 0, depth], [9.0, 0, depth]]), np.ones(2), np.ones(2))
    assert drawn.thickness()[CENTRE, CENTRE] == pytest.approx(2.0 * len(depths), rel=1e-3)


def test_contrast_scales_thickness() -> None:
    points = np.array([[-20.0, 0, 0], [20.0, 0, 0]])
    np.testing.assert_allclose(tube(points, 2.0, 0.25), 0.25 * tube(points, 2.0), rtol=1e-4)


def test_a_point_falls_where_its_ray_passes() -> None:
    drawn = rays()
    point = np.array([[4.0, -3.0, 20.0]])
    drawn.add_bodies([sphere(point[0], 0.5)], 1.0)
    rows, columns = np.nonzero(drawn.thickness())
    np.testing.assert_allclose(drawn.geometry.project(point)[0], [columns.mean(), rows.mean()], atol=0.6)


def test_a_union_of_balls_counts_shared_blood_once() -> None:
    """Two balls one behind the other: the length of the union of two known intervals."""
    drawn = rays()
    balls = [sphere(np.array([0.0, 0.0, depth]), 3.0) for depth in (0.0, 4.0)]
    chords = drawn.add_bodies(balls, 1.0)
    assert chords[CENTRE, CENTRE] == pytest.approx(10.0, rel=1e-3)
    np.testing.assert_allclose(drawn.thickness(), chords, atol=1e-3)


def test_balls_apart_add_up() -> None:
    balls = [sphere(np.array([0.0, 0.0, depth]), 3.0) for depth in (0.0, 9.0)]
    assert rays().add_bodies(balls, 1.0)[CENTRE, CENTRE] == pytest.approx(12.0, rel=1e-3)


@pytest.mark.parametrize("angle", [0.0, 40.0, 90.0])
def test_a_ball_cut_off_behind_its_base_loses_the_analytic_part(angle: float) -> None:
    """The chord of the middle ray in the half-ball in front of a plane through its centre, and beside the plane."""
    normal = np.array([np.sin(np.radians(angle)), 0.0, -np.cos(np.radians(angle))])
    drawn = rays()
    chords = drawn.add_bodies([sphere(np.zeros(3), 4.0)], 0.5, Plane(0.5 * normal, normal), Plane(normal, normal))
    kept, counted = 4.0 - 0.5 / max(np.cos(np.radians(angle)), 0.125), 4.0 - 1.0 / max(np.cos(np.radians(angle)), 0.25)
    if angle == 90.0:  # the ray runs along the plane, outside what is kept
        kept = counted = 0.0
    assert drawn.thickness()[CENTRE, CENTRE] == pytest.approx(0.5 * kept, abs=0.01)
    assert chords[CENTRE, CENTRE] == pytest.approx(counted, abs=0.01)


def test_an_unfilled_sac_has_an_outline_and_no_shadow() -> None:
    drawn = rays()
    assert drawn.add_bodies([sphere(np.zeros(3), 4.0)], 0.0)[CENTRE, CENTRE] == pytest.approx(8.0, rel=1e-3)
    assert not drawn.thickness().any()


def test_a_ray_is_named_after_the_vessel_it_passes_most_of() -> None:
    drawn = Rays(rays().geometry, names_arteries=True)
    across = np.array([[-20.0, 0, 5.0], [20.0, 0, 5.0]])
    down = np.array([[0, -20.0, -5.0], [0, 20.0, -5.0]])
    drawn.add_tube(across, np.full(2, 1.0), np.ones(2), 7)
    drawn.add_tube(down, np.full(2, 2.0), np.ones(2), 9)
    arteries = drawn.arteries()
    assert arteries[CENTRE, CENTRE] == 9
    assert arteries[CENTRE, CENTRE + 100] == 7
    assert np.array_equal(arteries > 0, drawn.thickness() > 0)
