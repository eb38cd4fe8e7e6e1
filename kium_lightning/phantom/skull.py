"""A procedural skull, for the edges that it leaves when the mask and the run do not lie on each other."""

import math

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from kium_lightning.phantom.geometry import Geometry

_CELLS = 200  # along the shorter side of a picture; the skull is smooth, so a coarse grid is enough
_CENTRE_MM = np.array([0.0, -11.0, 20.0])
_OUTER_MM = np.array([74.0, 88.0, 72.0])
_INNER_MM = np.array([67.0, 80.0, 65.0])
_BONE_PER_MM = 0.02  # effective attenuation of cortical and cancellous bone together
_PETROUS_MM = (np.array([36.0, -18.0, -34.0]), np.array([24.0, 9.0, 9.0]))
_TEETH_MM = (np.array([0.0, 55.0, -78.0]), np.array([28.0, 20.0, 22.0]))


def _step(height: int, width: int) -> int:
    return max(1, round(min(height, width) / _CELLS))


def _chords(geometry: Geometry, centre: NDArray[np.float64], half_axes: NDArray[np.float64]) -> NDArray[np.float32]:
    """The length of each ray inside an axis-parallel ellipsoid, on the coarse grid, in mm."""
    step = _step(geometry.height, geometry.width)
    rows = (np.arange(0, geometry.height, step) - (geometry.height - 1) / 2.0) * geometry.pixel_mm
    columns = (np.arange(0, geometry.width, step) - (geometry.width - 1) / 2.0) * geometry.pixel_mm
    origin = (geometry.source - centre) / half_axes
    chords = _ellipsoid_chords(rows, columns, geometry.axes / half_axes, origin, geometry.source_image_mm)
    return np.asarray(chords, dtype=np.float32)


@njit(cache=True)
def _ellipsoid_chords(rows, columns, axes, origin, distance):  # type: ignore[no-untyped-def]
    """Chords in a unit sphere to whose frame the detector's axes (3, 3) and the source (3,) were scaled."""
    chords = np.zeros((len(rows), len(columns)), dtype=np.float32)
    qc = origin[0] ** 2 + origin[1] ** 2 + origin[2] ** 2 - 1.0
    for i in range(len(rows)):
        for j in range(len(columns)):
            qa, qb = 0.0, 0.0
            for k in range(3):
                way = columns[j] * axes[0, k] + rows[i] * axes[1, k] + distance * axes[2, k]
                qa += way * way
                qb += way * origin[k]
            discriminant = qb * qb - qa * qc
            if discriminant > 0.0:
                length = math.sqrt(columns[j] ** 2 + rows[i] ** 2 + distance**2)
                chords[i, j] = 2.0 * math.sqrt(discriminant) / qa * length
    return chords


def skull_attenuation(geometry: Geometry, rng: np.random.Generator) -> NDArray[np.float32]:
    """The line integral of bone on a coarse grid: vault, petrous bones, teeth, and a trabecular texture."""
    vault = _chords(geometry, _CENTRE_MM, _OUTER_MM) - _chords(geometry, _CENTRE_MM, _INNER_MM)
    bone = vault
    for sign in (-1.0, 1.0):
        bone = bone + 0.9 * _chords(geometry, _PETROUS_MM[0] * np.array([sign, 1.0, 1.0]), _PETROUS_MM[1])
    bone = bone + 0.8 * _chords(geometry, *_TEETH_MM)
    grain = cv2.GaussianBlur(rng.standard_normal(bone.shape, dtype=np.float32), (0, 0), 1.5)
    bone = np.asarray(
        cv2.GaussianBlur(bone, (0, 0), 0.8), dtype=np.float32
    )  # no sharp edge survives the slope of a real vault
    result: NDArray[np.float32] = (bone * np.float32(_BONE_PER_MM) * (1.0 + 0.3 * grain)).astype(np.float32)
    return result


def subtract_shifted(
    bone: NDArray[np.float32], shift: tuple[float, float, float], shape: tuple[int, int]
) -> NDArray[np.float32]:
    """The signal that is left when the mask lies shifted: paired bright and dark edges.

    Args:
        bone: line integral on the coarse grid.
        shift: right and down in pixels of the picture, and degrees about its centre.
        shape: (height, width) of the picture.
    """
    rows, columns = bone.shape
    matrix = cv2.getRotationMatrix2D((columns / 2.0, rows / 2.0), shift[2], 1.0)
    matrix[0, 2] += shift[0] / _step(*shape)
    matrix[1, 2] += shift[1] / _step(*shape)
    moved = cv2.warpAffine(bone, matrix, (columns, rows), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    height, width = shape
    left = cv2.resize(bone - moved, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(left, dtype=np.float32)
