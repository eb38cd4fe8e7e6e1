"""What a thickness of contrast does to the beam."""

import math

import numpy as np
from numba import njit


@njit(cache=True)
def attenuation(thickness_mm, per_mm, hardening):  # type: ignore[no-untyped-def]
    """The line integral -ln T = x - hardening x^2 of a thickness of contrast, x = per_mm thickness, in mm and per mm.

    The parabola would turn round beyond its vertex; from 90 % of the way there it stays where it is.
    """
    thin = min(thickness_mm * per_mm, 0.45 / max(hardening, 1e-9))
    return thin * (1.0 - hardening * thin)


@njit(cache=True)
def subtraction(minus_ln_t, scatter):  # type: ignore[no-untyped-def]
    """The subtraction signal ln(I_mask + S) - ln(I_fill + S) for scatter S over the primary beam of the mask."""
    return math.log((1.0 + scatter) / (math.exp(-minus_ln_t) + scatter))


@njit(cache=True)
def signal_of(thickness_mm, per_mm, hardening, scatter):  # type: ignore[no-untyped-def]
    """The subtraction signal of a picture of thicknesses of contrast (height, width)."""
    signal = np.zeros(thickness_mm.shape, dtype=np.float32)
    for row in range(thickness_mm.shape[0]):
        for column in range(thickness_mm.shape[1]):
            thickness = thickness_mm[row, column]
            if thickness > 0.0:  # a tenth of a film
                signal[row, column] = subtraction(attenuation(thickness, per_mm, hardening), scatter)
    return signal
