"""Scores of heat maps against the outlines of aneurysms."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from kium_lightning.saliency.placing import HeatMap

Mask = NDArray[np.bool_]


class Peak(NamedTuple):
    """Where a heat map is greatest.

    Attributes:
        value: there; 0 where the net saw no evidence at all.
        x: column of the pixel; of the middle one where several are equal. NaN where there is no evidence.
        y: its row.
    """

    value: float
    x: float
    y: float


def peak(heat: HeatMap) -> Peak:
    """Finds the maximum of a heat map (H, W) whose unknown pixels are NaN."""
    value = float(np.nanmax(heat))
    if value <= 0:
        return Peak(0.0, np.nan, np.nan)
    rows, columns = np.nonzero(heat == np.nanmax(heat))
    middle = len(rows) // 2
    return Peak(value, float(columns[middle]), float(rows[middle]))


def grown(mask: Mask, pixels: float) -> Mask:
    """The mask and every pixel that is at most so far from it."""
    if not mask.any():
        return mask
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    near: Mask = np.asarray(distance) <= pixels
    return near


def pointing(heat: HeatMap, mask: Mask) -> float:
    """Whether the maximum of a heat map lies in a mask: the pointing game.

    Of several equal maxima the share that lies in the mask counts, as if one were drawn. A map without any evidence
    so counts as a draw of any pixel and gets the chance level.

    Source: Zhang et al., "Top-down Neural Attention by Excitation Backprop", IJCV 2018.

    Args:
        heat: (H, W), at least 0; NaN where the net did not look.
        mask: (H, W), of the aneurysms, already grown by what is tolerated.

    Returns:
        0 to 1.
    """
    return float(mask[heat == np.nanmax(heat)].mean())


def energy_inside(heat: HeatMap, mask: Mask) -> float:
    """The share of a heat map that lies in a mask: the energy-based pointing game.

    A map without any evidence counts as an even one.

    Source: Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks", CVPRW 2020.

    Args:
        heat: (H, W), at least 0; NaN where the net did not look.
        mask: (H, W), of the aneurysms.

    Returns:
        0 to 1.
    """
    total = float(np.nansum(heat, dtype=np.float64))
    if total <= 0:
        return area_share(heat, mask)
    return float(np.nansum(heat[mask], dtype=np.float64)) / total


def area_share(heat: HeatMap, mask: Mask) -> float:
    """The share of the pixels that the net saw that lie in a mask: what chance gives, 0 to 1."""
    return float(mask[~np.isnan(heat)].mean())
