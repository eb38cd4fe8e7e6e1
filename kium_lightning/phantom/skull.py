"""What the bones do to the beam, for the edges that they leave when mask and run do not lie on each other."""

import math

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from kium_lightning.phantom.bones import Skull
from kium_lightning.phantom.geometry import Geometry


def skull_attenuation(skull: Skull, geometry: Geometry, cell: int) -> NDArray[np.float32]:
    """The line integral of bone on a coarse grid.

    Args:
        skull: the patient's bones.
        geometry: source and detector of the picture.
        cell: pixels of the picture from one point of the grid to the next.

    Returns:
        -ln T of shape (ceil(height / cell), ceil(width / cell)).
    """
    rows = (np.arange(0, geometry.height, cell) - (geometry.height - 1) / 2.0) * geometry.pixel_mm
    columns = (np.arange(0, geometry.width, cell) - (geometry.width - 1) / 2.0) * geometry.pixel_mm
    bone = np.zeros((len(rows), len(columns)), dtype=np.float32)
    vault, shape = skull.vault, skull.shape
    beam = (rows, columns, geometry.axes, geometry.source, geometry.source_image_mm)
    _add_vault(
        *beam, vault.centre, vault.half_axes, vault.wall_mm, vault.waves, vault.base, vault.coronal, vault.lambdoid,
        shape.table, shape.spongy_density, bone,
    )  # fmt: skip
    rng = np.random.default_rng(skull.grain_seed)
    mm = 1.0 / (cell * geometry.pixel_mm)
    bone += bone * np.float32(shape.grain) * _texture(bone.shape, max(0.8, 0.9 * mm), rng)
    bodies = np.zeros_like(bone)
    _add_bodies(*beam, skull.bodies, bodies)
    bend = [np.float32(shape.bent_mm * mm) * _texture(bone.shape, shape.bend_mm * mm, rng) for _ in range(2)]
    bent = _bent(bodies, bend, 1.0) + _bent(bone, bend, shape.vault_bent)
    return np.asarray(bent * np.float32(shape.bone_per_mm), dtype=np.float32)


def _bent(bone: NDArray[np.float32], bend: list[NDArray[np.float32]], share: float) -> NDArray[np.float32]:
    """A picture (height, width) whose points are taken from a share of the bend (right, down) away."""
    rows, columns = np.indices(bone.shape, dtype=np.float32)
    right, down = (columns + np.float32(share) * bend[0], rows + np.float32(share) * bend[1])
    bent = cv2.remap(bone, right, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(bent, dtype=np.float32)


def _texture(shape: tuple[int, ...], spread: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Smooth noise of standard deviation 1 and about this many points across."""
    finer = max(1.0, spread / 1.5)
    size = int(shape[1] / finer) + 3, int(shape[0] / finer) + 3
    lowered = np.float32(2.0 * math.sqrt(math.pi) * min(spread, 1.5))  # by how much a Gaussian lowers the deviation
    white = lowered * rng.standard_normal(size[::-1], dtype=np.float32)
    coarse = cv2.GaussianBlur(white, (0, 0), min(spread, 1.5))
    if finer == 1.0:
        return np.asarray(coarse[: shape[0], : shape[1]], dtype=np.float32)
    return np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)


@njit(cache=True)
def _along(middle, direction, half_axes, way):  # type: ignore[no-untyped-def]
    """The quadratic a w^2 + 2 b w + c of a ray's squared egg radius, in the octant that it is in at a way."""
    qa, qb, qc = 0.0, 0.0, 0.0
    for k in range(3):
        side = 1 if middle[k] + way * direction[k] > 0.0 else 0
        inverse = 1.0 / (half_axes[side, k] * half_axes[side, k])
        qa += direction[k] * direction[k] * inverse
        qb += direction[k] * middle[k] * inverse
        qc += middle[k] * middle[k] * inverse
    return qa, qb, qc


@njit(cache=True)
def _wall(unit, wall_mm, waves, coronal, lambdoid):  # type: ignore[no-untyped-def]
    """Thickness at a point of the unit egg, in mm: waves, thin temples, thick brow and occiput, and sutures."""
    varied = 1.0
    for wave in range(waves.shape[0]):
        phase = waves[wave, 3] + waves[wave, 0] * unit[0] + waves[wave, 1] * unit[1] + waves[wave, 2] * unit[2]
        varied += waves[wave, 4] * math.sin(phase)
    temple = max(0.0, abs(unit[0]) - 0.75) / 0.25
    varied *= 1.0 - 0.45 * temple * (1.0 if unit[2] < 0.3 else 0.5)
    varied *= 1.0 + 0.35 * max(0.0, abs(unit[1]) - 0.8) / 0.2
    zigzag = 0.012 * math.sin(60.0 * unit[0]) + 0.008 * math.sin(140.0 * unit[2] + 1.0)
    for place in (coronal, -lambdoid + 0.25 * abs(unit[0])):
        away = (unit[1] - place - zigzag) / 0.012
        if unit[2] > 0.0 and abs(away) < 3.0:
            varied *= 1.0 - 0.22 * math.exp(-away * away)
    return wall_mm * max(varied, 0.3)


@njit(cache=True)
def _add_vault(  # type: ignore[no-untyped-def]
    rows,
    columns,
    axes,
    source,
    distance,
    centre,
    half_axes,
    wall_mm,
    waves,
    base,
    coronal,
    lambdoid,
    table,
    spongy,
    bone,
):
    direction, middle, unit = np.empty(3), np.empty(3), np.empty(3)
    for i in range(len(rows)):
        for j in range(len(columns)):
            length = math.sqrt(columns[j] ** 2 + rows[i] ** 2 + distance**2)
            towards = 0.0
            for k in range(3):
                direction[k] = (columns[j] * axes[0, k] + rows[i] * axes[1, k] + distance * axes[2, k]) / length
                towards += direction[k] * (centre[k] - source[k])
            for k in range(3):  # the ray's point nearest to the centre
                middle[k] = source[k] - centre[k] + towards * direction[k]
            lowest = 0.0
            for _ in range(3):
                qa, qb, qc = _along(middle, direction, half_axes, lowest)
                lowest = -qb / qa
            if qc - qb * qb / qa >= 1.0:
                continue
            for sign in (-1.0, 1.0):  # where the ray enters and where it leaves
                way = lowest + sign * math.sqrt((1.0 - (qc - qb * qb / qa)) / qa)
                for _ in range(2):
                    pa, pb, pc = _along(middle, direction, half_axes, way)
                    room = 1.0 - (pc - pb * pb / pa)
                    half = math.sqrt(max(room, 0.0) / pa)
                    way = -pb / pa + sign * half
                above = base[3]
                for k in range(3):
                    place = middle[k] + way * direction[k]
                    unit[k] = place / half_axes[1 if place > 0.0 else 0, k]
                    above += base[k] * (place + centre[k])
                kept = min(max(0.5 + above / 12.0, 0.0), 1.0)
                if kept == 0.0:
                    continue
                layers = _wall(unit, wall_mm, waves, coronal, lambdoid) / 80.0
                ways = half
                for layer, density in ((table, 1.0), (1.0 - table, spongy), (1.0, 1.0)):
                    inner = 1.0 - layers * layer
                    left = inner * inner - (1.0 - room)
                    inside = math.sqrt(left / pa) if left > 0.0 else 0.0
                    bone[i, j] += kept * density * (ways - inside)
                    ways = inside


@njit(cache=True)
def _add_bodies(rows, columns, axes, source, distance, bodies, bone):  # type: ignore[no-untyped-def]
    pitch = rows[1] - rows[0]
    direction, origin = np.empty(3), np.empty(3)
    for number in range(bodies.shape[0]):
        body = bodies[number]
        is_box = body[0] > 0.5
        right, down, depth = 0.0, 0.0, 0.0
        for k in range(3):
            right += (body[1 + k] - source[k]) * axes[0, k]
            down += (body[1 + k] - source[k]) * axes[1, k]
            depth += (body[1 + k] - source[k]) * axes[2, k]
            origin[k] = 0.0
            for m in range(3):
                origin[k] += (source[m] - body[1 + m]) * body[7 + 3 * k + m]
        spread_right, spread_down = 0.0, 0.0  # half the width and height of its shadow's frame
        for k in range(3):
            along_right, along_down = 0.0, 0.0
            for m in range(3):
                along_right += body[7 + 3 * k + m] * axes[0, m]
                along_down += body[7 + 3 * k + m] * axes[1, m]
            if is_box:
                spread_right += abs(along_right) * body[4 + k]
                spread_down += abs(along_down) * body[4 + k]
            else:
                spread_right = math.sqrt(spread_right**2 + (along_right * body[4 + k]) ** 2)
                spread_down = math.sqrt(spread_down**2 + (along_down * body[4 + k]) ** 2)
        scale = distance / depth
        reach = 1.06 * scale
        top = max(int((down * scale - spread_down * reach - rows[0]) / pitch) - 1, 0)
        bottom = min(int((down * scale + spread_down * reach - rows[0]) / pitch) + 3, len(rows))
        left = max(int((right * scale - spread_right * reach - columns[0]) / pitch) - 1, 0)
        end = min(int((right * scale + spread_right * reach - columns[0]) / pitch) + 3, len(columns))
        for i in range(top, bottom):
            for j in range(left, end):
                for k in range(3):
                    direction[k] = 0.0
                    for m in range(3):
                        way = columns[j] * axes[0, m] + rows[i] * axes[1, m] + distance * axes[2, m]
                        direction[k] += way * body[7 + 3 * k + m]
                share = _box(origin, direction, body) if is_box else _ellipsoid(origin, direction, body)
                if share > 0.0:
                    length = math.sqrt(columns[j] ** 2 + rows[i] ** 2 + distance**2)
                    bone[i, j] += body[16] * share * length


@njit(cache=True)
def _ellipsoid(origin, direction, body):  # type: ignore[no-untyped-def]
    """The share of a ray's way to the detector that lies in an ellipsoid, both in its own frame."""
    qa, qb, qc = 0.0, 0.0, -1.0
    for k in range(3):
        inverse = 1.0 / body[4 + k]
        qa += (direction[k] * inverse) ** 2
        qb += direction[k] * origin[k] * inverse * inverse
        qc += (origin[k] * inverse) ** 2
    room = qb * qb - qa * qc
    return 2.0 * math.sqrt(room) / qa if room > 0.0 else 0.0


@njit(cache=True)
def _box(origin, direction, body):  # type: ignore[no-untyped-def]
    """The share of a ray's way to the detector that lies in a box, both in its own frame."""
    low, high = 0.0, 2.0
    for k in range(3):
        step = direction[k] if abs(direction[k]) > 1e-9 else 1e-9
        one, other = (-body[4 + k] - origin[k]) / step, (body[4 + k] - origin[k]) / step
        low, high = max(low, min(one, other)), min(high, max(one, other))
    return max(high - low, 0.0)


def subtract_shifted(bone: NDArray[np.float32], shift: tuple[float, float, float]) -> NDArray[np.float32]:
    """The signal that is left when the mask lies shifted: paired bright and dark edges.

    Args:
        bone: line integral (height, width).
        shift: right and down in points of the grid, and degrees about its centre.
    """
    rows, columns = bone.shape
    matrix = cv2.getRotationMatrix2D((columns / 2.0, rows / 2.0), shift[2], 1.0)
    matrix[0, 2] += shift[0]
    matrix[1, 2] += shift[1]
    # moved by the whole way to either side, so that resampling blurs both alike; half of that is the difference
    opposite = cv2.invertAffineTransform(matrix)
    moved = cv2.warpAffine(bone, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    back = cv2.warpAffine(bone, opposite, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(0.5 * (back - moved), dtype=np.float32)
