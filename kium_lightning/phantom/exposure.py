"""The exposure: from a subtraction signal to grey levels, with blur, skull, shading, noise and window."""

import math
from dataclasses import replace

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from kium_lightning.phantom.bones import Skull
from kium_lightning.phantom.geometry import Geometry
from kium_lightning.phantom.overlay import Image
from kium_lightning.phantom.sheet import Blob, Collimator, Sheet
from kium_lightning.phantom.skull import skull_attenuation, subtract_shifted
from kium_lightning.phantom.xray import Run

_BLACK_LEVEL = 2.0
_FULL_SIZE_PX = 1024.0
_CELL_PX = 3.0  # of a full-size picture: the grid on which edges of bone are worked out
_COARSE = 2  # so many times coarser where the mask lies almost right
_FAINT_PX = 0.3
_JAW_MM = np.array([0.0, 60.0, -90.0])  # behind the chin; in the middle, as only lateral views show a blob


def expose(signal: NDArray[np.float32], sheet: Sheet, run: Run, skull: Skull) -> Image:
    """Turns a subtraction signal (height, width) of the picture into grey levels: vessels dark on grey.

    Noise has the standard deviation sqrt(2 / photons) in the signal before the detector's blur, more where less light
    arrives.
    """
    rng = np.random.Generator(np.random.SFC64(sheet.noise_seed))
    height, width = signal.shape
    scale = min(height, width) / _FULL_SIZE_PX
    right, down = run.blur_px(width, height)
    if max(right, down) > 0.2:
        signal = np.asarray(cv2.GaussianBlur(signal, (0, 0), max(right, 0.1), sigmaY=max(down, 0.1)), dtype=np.float32)
    photons = run.photons * max(1.0, (1.0 / scale) ** 2)  # smaller files gather more of them in a pixel
    noise = rng.standard_normal((height, width), dtype=np.float32)
    coarse = _left_over(sheet, run, skull, width, height)
    coarse += _shading(coarse.shape, sheet.fog * sheet.darkest_signal, rng)
    if sheet.blob is not None:
        coarse += _blob(coarse.shape, _at_jaw(sheet.blob, run.geometry(width, height)))
    seen = np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    _add(seen, signal, noise, photons)
    seen = np.asarray(cv2.GaussianBlur(seen, (0, 0), run.detector_blur_px), dtype=np.float32)
    edge = sheet.collimator or Collimator(radius=9.0, step=0.0, edge=1.0)
    grey = _grey_levels(seen, sheet.background, sheet.darkest_signal, edge.radius, edge.step, edge.edge)
    return np.asarray(grey, dtype=np.uint8)


def _left_over(sheet: Sheet, run: Run, skull: Skull, width: int, height: int) -> NDArray[np.float32]:
    """What the skull leaves behind where the mask lies shifted, on a grid coarser than the picture."""
    scale = min(height, width) / _FULL_SIZE_PX
    is_faint = max(abs(shift) for shift in sheet.shift) < _FAINT_PX
    cell = max(1, round(_CELL_PX * scale)) * (_COARSE if is_faint else 1)
    bone = skull_attenuation(skull, run.geometry(width, height), cell)
    right, down, degrees = sheet.shift
    return subtract_shifted(bone, (right * scale / cell, down * scale / cell, degrees))


@njit(cache=True)
def _add(seen, signal, noise, photons):  # type: ignore[no-untyped-def]
    """Adds signal and noise of deviation 1 to what is seen without them (height, width), in place.

    The noise is given the deviation of the difference of two exposures, of which one has lost the signal.
    """
    plain = math.sqrt(2.0 / photons)
    for row in range(seen.shape[0]):
        for column in range(seen.shape[1]):
            lost = signal[row, column]
            deviation = plain if lost <= 0.0 else math.sqrt((1.0 + math.exp(lost)) / photons)
            seen[row, column] += lost + deviation * noise[row, column]


@njit(cache=True)
def _grey_levels(signal, background, darkest_signal, radius, step, edge):  # type: ignore[no-untyped-def]
    """Grey levels (height, width): the window is linear from the background to almost black.

    Beyond the collimator's circle, whose radius is given over half the diagonal, the picture is a step darker.
    """
    height, width = signal.shape
    grey = np.empty((height, width), dtype=np.uint8)
    slope = (background - _BLACK_LEVEL) / darkest_signal
    half = 0.5 * math.sqrt(height * height + width * width)
    for row in range(height):
        down = (row - 0.5 * (height - 1)) / half
        for column in range(width):
            level = background - slope * signal[row, column] + 0.5
            if step > 0.0:
                right = (column - 0.5 * (width - 1)) / half
                away = right * right + down * down
                if away > radius * radius:
                    level -= step * min(1.0, (math.sqrt(away) - radius) / edge)
            grey[row, column] = np.uint8(min(max(level, 0.0), 255.0))
    return grey


def _shading(shape: tuple[int, ...], span: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Slow changes of the background over a span of signal, zero on average."""
    coarse = rng.standard_normal((4, 4), dtype=np.float32)
    smooth = np.asarray(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)
    smooth -= smooth.mean()
    result: NDArray[np.float32] = smooth * np.float32(span / max(float(np.ptp(smooth)), 1e-6))
    return result


def _at_jaw(blob: Blob, geometry: Geometry) -> Blob:
    """Brings a blob to the jaw where the picture is so wide that it would lie in front of or below it."""
    across, down = geometry.project(_JAW_MM[None])[0] / [geometry.width, geometry.height]
    return replace(blob, place=(max(blob.place[0], float(across)), min(blob.place[1], float(down))))


def _blob(shape: tuple[int, ...], blob: Blob) -> NDArray[np.float32]:
    """The signal of a bright and a dark blob side by side."""
    height, width = shape
    side = min(height, width)
    rows = (np.arange(height)[:, None] - blob.place[1] * height) / side
    columns = (np.arange(width) - blob.place[0] * width) / side
    along = columns * math.cos(blob.towards) + rows * math.sin(blob.towards)
    away = (rows * rows + columns * columns) / (2.0 * blob.size**2)
    # the derivative of a Gaussian, whose extremes are 1 / sqrt(e)
    return np.asarray(blob.depth * math.exp(0.5) / blob.size * along * np.exp(-away), dtype=np.float32)
