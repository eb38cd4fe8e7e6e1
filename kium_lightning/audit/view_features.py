"""A small clean picture in numbers that tell which view it is: where vessels lie, and which way they run."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_Real = TypeVar("_Real", np.float32, np.float64)

_BACKGROUND = 12.0  # pixels of 128, standard deviation
_NOISE = 3.0  # grey levels below the background that are no vessel
_PLACES = 24  # cells along a side: where it is dark
_CELLS = 12  # cells along a side: which way edges run
_DIRECTIONS = 6
LENGTH = _PLACES**2 + _DIRECTIONS * _CELLS**2  # numbers of a picture


def view_features(picture: NDArray[np.uint8]) -> Floats:
    """Describes a small clean picture.

    Directions are counted as in histograms of oriented gradients (Dalal and Triggs, CVPR 2005), in cells that overlap.

    Args:
        picture: (128, 128).

    Returns:
        (1440,): darkness in 24 x 24 cells, then the strength of edges of 6 directions in 12 x 12 cells, each part of
        mean 0 and length 1.
    """
    grey = picture.astype(np.float32)
    return np.concatenate([_unit(_darkness(grey)), _unit(_directions(grey))])


def mirror_image(features: NDArray[_Real]) -> NDArray[_Real]:
    """The features of mirror images: cells change sides, and edges run the other way.

    Args:
        features: (n, 1440) of pictures, as of ``view_features``.

    Returns:
        (n, 1440), equal but for rounding to those of the pictures flipped left to right.
    """
    return np.ascontiguousarray(features[:, _MIRRORED])


def _mirrored_places() -> NDArray[np.int64]:
    """Where the feature of a mirror image stands among those of its picture: (1440,)."""
    places = np.arange(LENGTH)
    dark = places[: _PLACES**2].reshape(_PLACES, _PLACES)[:, ::-1]
    edges = places[_PLACES**2 :].reshape(_DIRECTIONS, _CELLS, _CELLS)[:, :, ::-1]
    turned = -np.arange(_DIRECTIONS) % _DIRECTIONS
    return np.concatenate([dark.ravel(), edges[turned].ravel()])


_MIRRORED = _mirrored_places()


def _darkness(grey: Floats) -> Floats:
    below = cv2.GaussianBlur(grey, (0, 0), _BACKGROUND) - grey - _NOISE
    soft = cv2.GaussianBlur(np.sqrt(np.maximum(below, 0.0)), (0, 0), 3.0)
    return np.asarray(cv2.resize(soft, (_PLACES, _PLACES), interpolation=cv2.INTER_AREA), np.float32)


def _directions(grey: Floats) -> Floats:
    smooth = cv2.GaussianBlur(grey, (0, 0), 1.0)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    strength = np.sqrt(np.hypot(across, down))
    direction = np.mod(np.arctan2(down, across), np.pi) / np.pi * _DIRECTIONS
    planes = []
    for number in range(_DIRECTIONS):
        distance = np.abs((direction - number + _DIRECTIONS / 2) % _DIRECTIONS - _DIRECTIONS / 2)
        soft = cv2.GaussianBlur(np.maximum(0.0, 1.0 - distance) * strength, (0, 0), 4.0)
        planes.append(cv2.resize(soft, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA))
    return np.asarray(planes, np.float32)


def _unit(values: Floats) -> Floats:
    centred = values.ravel() - values.mean()
    return np.asarray(centred / np.sqrt((centred**2).sum() + 1e-6), np.float32)
