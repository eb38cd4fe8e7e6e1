"""The exposure: from a subtraction signal to grey levels, with blur, skull, shading, noise and window."""

import math

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from kium_lightning.phantom.film import Sheet
from kium_lightning.phantom.overlay import Image
from kium_lightning.phantom.skull import skull_attenuation, subtract_shifted
from kium_lightning.phantom.xray import Run

_DETECTOR_BLUR_PX = 0.7
_BLACK_LEVEL = 2.0
_COLLIMATOR = 0.74  # radius of the collimator's circle over half the diagonal


def expose(signal: NDArray[np.float32], sheet: Sheet, run: Run) -> Image:
    """Turns a subtraction signal (height, width) of the picture into grey levels: vessels dark on grey.

    Noise has the standard deviation sqrt(2 / photons) in the signal before the detector's blur, more where less light
    arrives.
    """
    rng = np.random.Generator(np.random.SFC64(sheet.noise_seed))
    height, width = signal.shape
    scale = min(height, width) / 1024.0
    pixel_mm = run.field_mm / min(height, width)
    blur = max(run.blur_mm() / pixel_mm, 0.25)
    bone = skull_attenuation(run.geometry(width, height), rng)
    shift = (sheet.shift[0] * scale, sheet.shift[1] * scale, sheet.shift[2])
    signal = cv2.GaussianBlur(signal, (0, 0), blur) + subtract_shifted(bone, shift, (height, width))
    signal += _shading(height, width, sheet.fog, rng)
    photons = run.photons * max(1.0, (1.0 / scale) ** 2)
    noise = rng.standard_normal((height, width), dtype=np.float32)
    _scale_noise(noise, signal, photons)
    signal += cv2.GaussianBlur(noise, (0, 0), _DETECTOR_BLUR_PX)
    if sheet.collimator:
        signal += sheet.collimator * sheet.darkest_signal / sheet.background * _beyond_collimator(height, width)
    return np.asarray(_grey_levels(signal, sheet.background, sheet.darkest_signal), dtype=np.uint8)


@njit(cache=True)
def _scale_noise(noise, signal, photons):  # type: ignore[no-untyped-def]
    """Gives noise of deviation 1 (height, width) that of the difference of two exposures, in place."""
    for row in range(noise.shape[0]):
        for column in range(noise.shape[1]):
            lost = signal[row, column]
            factor = 2.0 if lost <= 0.0 else 1.0 + math.exp(lost)
            noise[row, column] *= math.sqrt(factor / photons)


@njit(cache=True)
def _grey_levels(signal, background, darkest_signal):  # type: ignore[no-untyped-def]
    """Grey levels (height, width) from a signal: the window is linear from the background to almost black."""
    grey = np.empty(signal.shape, dtype=np.uint8)
    slope = (background - _BLACK_LEVEL) / darkest_signal
    for row in range(signal.shape[0]):
        for column in range(signal.shape[1]):
            level = background - slope * signal[row, column] + 0.5
            grey[row, column] = np.uint8(min(max(level, 0.0), 255.0))
    return grey


def _beyond_collimator(height: int, width: int) -> NDArray[np.float32]:
    """0 inside the collimator's circle and 1 beyond it."""
    rows = (np.arange(height, dtype=np.float32) - height / 2.0)[:, None]
    columns = np.arange(width, dtype=np.float32) - width / 2.0
    away = np.sqrt(rows * rows + columns * columns) / np.float32(0.5 * np.hypot(height, width))
    edge = _COLLIMATOR if height == width else _COLLIMATOR + 0.06
    return np.asarray(np.clip((away - np.float32(edge)) * 150.0, 0.0, 1.0), dtype=np.float32)


def _shading(height: int, width: int, strength: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Slow changes of the background, zero on average."""
    coarse = rng.standard_normal((4, 4), dtype=np.float32)
    smooth = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_CUBIC)
    smooth = cv2.resize(smooth, (width, height), interpolation=cv2.INTER_LINEAR)
    result: NDArray[np.float32] = smooth * np.float32(0.2 * strength)
    return result
