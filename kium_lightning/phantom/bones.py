"""The bones of a skull and the upper neck, as simple bodies.

Places are estimates that fit the origin between the carotid termini: the sella lies just below and behind it, the
orbits in front, the petrous ridges below and behind on either side, the neck 60 mm and more below. Each row gives a
body's shape, its centre and half axes (lateral, anterior, superior; mm), how far it is turned about the superior axis
and tipped about the lateral axis (degrees), and its density against compact bone; air counts negative.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.phantom.skull_shape import SkullShape

ELLIPSOID, BOX = 0.0, 1.0
COLUMNS = 17  # shape, centre (3), half axes (3), axes (3, 3) as rows, density

_Row = tuple[float, tuple[float, float, float], tuple[float, float, float], float, float, float]

_MIDLINE: tuple[_Row, ...] = (
    (ELLIPSOID, (0, 6, -21), (14, 13, 9), 0, 0, 0.5),  # body of the sphenoid
    (ELLIPSOID, (0, 11, -20), (11, 10, 7), 0, 0, -0.6),  # and its sinus
    (ELLIPSOID, (0, 17, -6), (16, 15, 1.8), 0, 4, 0.55),  # planum
    (ELLIPSOID, (0, -1, -14), (9, 8.5, 1.3), 0, 0, 1.0),  # floor of the sella
    (ELLIPSOID, (0, -10.5, -9), (10, 2.4, 6.5), 0, 14, 0.6),  # dorsum
    (ELLIPSOID, (0, -18, -27), (14, 4.5, 21), 0, 20, 0.6),  # clivus
    (ELLIPSOID, (0, 63, 9), (27, 6, 17), 0, 0, 0.5),  # frontal bone between the brows
    (ELLIPSOID, (0, 40, -15), (12, 21, 11), 0, 0, 0.12),  # ethmoid
    (ELLIPSOID, (0, 40, -56), (22, 27, 3.0), 0, -3, 0.18),  # hard palate
    (ELLIPSOID, (0, 60, -22), (5, 6, 15), 0, -22, 0.35),  # nasal bones
    (ELLIPSOID, (0, -95, -8), (16, 5, 11), 0, 0, 0.3),  # occipital protuberance
    (ELLIPSOID, (0, 64, -101), (14, 6, 11), 0, 0, 0.8),  # chin
    (ELLIPSOID, (0, -6, -72), (9, 6, 30), 0, 0, -0.35),  # pharynx
    (ELLIPSOID, (0, -63, -60), (16, 6, 5), 0, 0, 0.25),  # arch of the atlas
    (ELLIPSOID, (0, -19, -59), (9, 3.5, 6), 0, 0, 0.6),
    (ELLIPSOID, (0, -26, -63), (5, 5, 14), 0, 0, 0.6),  # dens
    (BOX, (0, -28, -82), (9.5, 7.5, 10), 0, 4, 0.35),  # axis
    (ELLIPSOID, (0, -64, -87), (5, 16, 7), 0, 20, 0.5),  # its spinous process
)
_EITHER_SIDE: tuple[_Row, ...] = (
    (ELLIPSOID, (12, 5, -3), (2.5, 6, 2.5), 0, 0, 0.6),  # anterior clinoid
    (ELLIPSOID, (36, -26, -24), (28, 8, 8), -30, 0, 0.7),  # petrous pyramid
    (ELLIPSOID, (41, -29, -22), (7, 5, 5), -30, 0, 0.6),  # labyrinth
    (ELLIPSOID, (27, -23, -21), (6, 2.5, 2.5), 0, 0, -0.4),  # internal acoustic meatus
    (ELLIPSOID, (52, -28, -33), (10, 3.5, 3.5), 0, 0, -0.4),  # external acoustic meatus
    (ELLIPSOID, (54, -42, -38), (9, 12, 15), 0, 0, 0.35),  # mastoid
    (ELLIPSOID, (53, -38, -34), (4, 3, 4), 0, 0, -0.35),  # with air cells
    (ELLIPSOID, (55, -46, -36), (3, 4, 3), 0, 0, -0.35),
    (ELLIPSOID, (54, -41, -45), (3, 3, 4), 0, 0, -0.35),
    (ELLIPSOID, (56, -50, -43), (3, 3, 3), 0, 0, -0.35),
    (ELLIPSOID, (33, 42, -14), (21, 25, 19), 0, 0, 0.4),  # orbit: wall
    (ELLIPSOID, (33, 43, -14), (19.6, 25, 17.6), 0, 0, -0.4),  # and room
    (ELLIPSOID, (30, 35, 3), (20, 24, 2.2), 0, -8, 0.5),  # orbital roof, floor of the anterior fossa
    (ELLIPSOID, (32, 14, -1), (23, 2.6, 3), -12, 0, 0.7),  # lesser wing of the sphenoid
    (ELLIPSOID, (43, 15, -15), (2.2, 14, 18), 28, 0, 0.9),  # greater wing
    (ELLIPSOID, (38, 0, -30), (19, 24, 2.8), 0, -6, 0.5),  # floor of the middle fossa
    (ELLIPSOID, (12, 66, 8), (11, 4.5, 10), 0, 0, -0.7),  # frontal sinus
    (ELLIPSOID, (27, 40, -40), (16, 18, 18), 0, 0, 0.45),  # maxilla: wall
    (ELLIPSOID, (27, 40, -40), (14.8, 16.8, 16.8), 0, 0, -0.55),  # and sinus
    (ELLIPSOID, (49, 43, -34), (8, 7, 11), 0, 0, 0.6),  # zygoma
    (ELLIPSOID, (60, 16, -37), (2.4, 24, 4), 4, 0, 0.8),  # zygomatic arch
    (ELLIPSOID, (15, -30, -49), (6, 10, 5), 20, 0, 0.7),  # occipital condyle
    (ELLIPSOID, (47, 0, -70), (3.4, 16, 33), 0, -8, 0.6),  # ramus of the mandible
    (ELLIPSOID, (36, 36, -98), (4, 29, 11), 22, 0, 0.8),  # and its body
    (ELLIPSOID, (19, -33, -59), (8, 9, 8), 0, 0, 0.6),  # lateral mass of the atlas
    (ELLIPSOID, (13, -48, -61), (3.5, 19, 4), 30, 0, 0.45),  # and its arch
    (ELLIPSOID, (17, -39, -80), (8, 9, 7), 0, 0, 0.4),  # joints of the axis
)
_DISCS_MM = 17.0  # from one vertebra to the next
_VERTEBRAE = 6  # below the axis, as many as the widest field shows
_TEETH = 7  # on either side of a jaw
_MOLARS = 3  # of them


@dataclass(frozen=True)
class Vault:
    """The vault: an egg whose half axes differ in front and behind, above and below, with a wall of three layers.

    Attributes:
        centre: (3,) in mm.
        half_axes: (2, 3) in mm, outwards in the negative and in the positive direction of each axis.
        wall_mm: usual thickness.
        waves: (n, 5) of the thickness: a wave vector over the unit egg (3), its phase and its strength.
        base: (4,) the plane of the skull's base: normal (3) and offset; below it there is no vault.
        coronal: place of the coronal suture, as a fraction of the egg's front half.
        lambdoid: place of the lambdoid suture, as a fraction of its back half.
    """

    centre: NDArray[np.float64]
    half_axes: NDArray[np.float64]
    wall_mm: float
    waves: NDArray[np.float64]
    base: NDArray[np.float64]
    coronal: float
    lambdoid: float


@dataclass(frozen=True)
class Skull:
    """The bones of one patient.

    Attributes:
        vault: the vault.
        bodies: (n, 17): shape, centre (3), half axes (3), axes (3, 3) as rows, density against compact bone.
        grain_seed: for the texture of the spongy bone.
        shape: what they were drawn from, and what their bone does to the beam.
    """

    vault: Vault
    bodies: NDArray[np.float64]
    grain_seed: int
    shape: SkullShape


def draw_skull(shape: SkullShape, rng: np.random.Generator) -> Skull:
    """Draws the bones of a patient."""
    size = float(np.clip(1.0 + shape.size_sd * rng.standard_normal(), *shape.size_limits))
    mean = np.array([shape.vault_backward_mm, shape.vault_forward_mm], dtype=float)
    around = mean * (1.0 + shape.vault_sd * rng.standard_normal((2, 3)))
    around[:, 0] = around[:, 0].mean()
    count = shape.waves
    vectors, phases = rng.normal(0.0, shape.wave_sd, (count, 3)), rng.uniform(0.0, 2.0 * np.pi, count)
    waves = np.column_stack([vectors, phases, rng.uniform(*shape.wave_strength, count)])
    vault = Vault(
        centre=np.array([0.0, -14.0, 12.0]),
        half_axes=size * around,
        wall_mm=float(np.clip(shape.wall_mm * np.exp(shape.wall_sigma * rng.standard_normal()), *shape.wall_limits_mm)),
        waves=waves,
        base=np.array([0.0, -0.395, 0.919, 29.5]),
        coronal=float(rng.uniform(*shape.coronal)),
        lambdoid=float(rng.uniform(*shape.lambdoid)),
    )
    rows = [*_MIDLINE, *_neck(), *_EITHER_SIDE, *_jaws(shape, rng)]
    mirrored = [(s, (-c[0], *c[1:]), h, -turn, tip, d) for s, c, h, turn, tip, d in [*_EITHER_SIDE, *_jaws(shape, rng)]]
    bodies = np.array([_body(row) for row in [*rows, *mirrored]])
    bodies[:, 1:4] = size * bodies[:, 1:4] + rng.normal(0.0, shape.place_sd_mm, (len(bodies), 3))
    bodies[:, 4:7] *= size * (1.0 + shape.bone_size_sd * rng.standard_normal((len(bodies), 3)))
    return Skull(vault, bodies, int(rng.integers(2**63)), shape)


def _neck() -> list[_Row]:
    """The vertebrae below the axis: body, joints and spinous process."""
    rows: list[_Row] = []
    for number in range(1, _VERTEBRAE + 1):
        down = -82.0 - _DISCS_MM * number - 2.0
        rows += [
            (BOX, (0, -28 + 1.5 * number, down), (10.5, 7.5, 6.3), 0, 8, 0.35),
            (ELLIPSOID, (0, -62 + 2.0 * number, down - 7), (3.5, 15, 4.5), 0, 22, 0.45),
            (ELLIPSOID, (19, -40 + 1.5 * number, down), (6, 7, 9.0), 0, -35, 0.4),
            (ELLIPSOID, (-19, -40 + 1.5 * number, down), (6, 7, 9.0), 0, -35, 0.4),
        ]
    return rows


def _jaws(shape: SkullShape, rng: np.random.Generator) -> list[_Row]:
    """The teeth of one side, along the arches of both jaws; some molars hold a filling, some people have few teeth."""
    rows: list[_Row] = []
    shares, weights = np.array(shape.teeth, dtype=float).T
    kept = rng.choice(shares, p=weights / weights.sum())
    for up in (-68.0, -86.0):
        for number in range(_TEETH):
            across = (number + 0.5) / _TEETH * 0.5 * np.pi
            lateral, anterior = 27.0 * np.sin(across), 62.0 - 42.0 * (1.0 - np.cos(across))
            if rng.uniform() > kept:
                continue
            wide = 2.8 if number < _TEETH - _MOLARS else 4.0
            rows.append((ELLIPSOID, (lateral, anterior, up), (wide, wide, 8.5), 0, 0, 0.75))
            if number >= _TEETH - _MOLARS and rng.uniform() < shape.filled:
                crown = up - 5.0 if up > -80.0 else up + 5.0
                rows.append((ELLIPSOID, (lateral, anterior, crown), (2.5, 2.8, 2.0), 0, 0, shape.filling_density))
    return rows


def _body(row: _Row) -> NDArray[np.float64]:
    shape, centre, half_axes, turned, tipped, density = row
    turn, tip = np.radians(turned), np.radians(tipped)
    about_superior = np.array([[np.cos(turn), np.sin(turn), 0.0], [-np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]])
    about_lateral = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(tip), np.sin(tip)], [0.0, -np.sin(tip), np.cos(tip)]])
    axes = about_lateral @ about_superior
    return np.array([shape, *centre, *half_axes, *axes.ravel(), density])
