"""How wide and how long the named arteries are: means and standard deviations as parameters."""

from dataclasses import dataclass

import numpy as np

from kium_lightning.numbers import Checked, Normal, PositiveRange

__all__ = ["Diameters", "Lengths", "Normal", "draw_normal"]

_LIMIT = 2.5  # standard deviations; what lies beyond is drawn at the limit


def draw_normal(rng: np.random.Generator, normal: Normal, least: float = 0.0) -> float:
    """Draws from a normal distribution cut at 2.5 standard deviations, and at least ``least``."""
    return max(least, normal[0] + normal[1] * float(np.clip(rng.standard_normal(), -_LIMIT, _LIMIT)))


@dataclass(frozen=True)
class Diameters(Checked):
    """Lumen diameters in mm, mean and standard deviation each.

    Two values of an artery are those at its beginning and at its end.

    Attributes:
        ica_cervical: internal carotid artery below the skull base.
        ica_petrous: at its first intracranial point.
        ica_cavernous: in the cavernous sinus.
        ica_terminus: at its end.
        ophthalmic: ophthalmic artery.
        pcom_thin: posterior communicating arteries below 1 mm.
        pcom_usual: the other posterior communicating arteries.
        antchor_origin: anterior choroidal artery at its origin.
        antchor_end: the same at its end.
        m1: stem of the middle cerebral artery.
        m2: its two divisions.
        a1: anterior cerebral artery up to the communicating artery.
        a2: anterior cerebral artery beyond it.
        acom: anterior communicating artery.
        va_entry: vertebral artery where it enters the dura.
        va_end: the same where it joins the other.
        ba_origin: basilar artery at its lower end.
        ba_tip: the same at its tip.
        p1: posterior cerebral artery up to the communicating artery.
        p2: posterior cerebral artery beyond it.
        sca: superior cerebellar artery.
        pica: posterior inferior cerebellar artery.
        aica: anterior inferior cerebellar artery.
    """

    ica_cervical: Normal
    ica_petrous: Normal
    ica_cavernous: Normal
    ica_terminus: Normal
    ophthalmic: Normal
    pcom_thin: Normal
    pcom_usual: Normal
    antchor_origin: Normal
    antchor_end: Normal
    m1: Normal
    m2: Normal
    a1: Normal
    a2: Normal
    acom: Normal
    va_entry: Normal
    va_end: Normal
    ba_origin: Normal
    ba_tip: Normal
    p1: Normal
    p2: Normal
    sca: Normal
    pica: Normal
    aica: Normal


@dataclass(frozen=True)
class Lengths(Checked):
    """Lengths along arteries in mm, mean and standard deviation each; ranges are drawn from evenly.

    Attributes:
        m1: from the end of the carotid to the main bifurcation.
        a1: from the end of the carotid to the anterior communicating artery.
        a2_to_split: from there to the pericallosal and the callosomarginal artery.
        a2_with_pericallosal: from the anterior communicating artery to the end of the pericallosal artery.
        acom: anterior communicating artery.
        pcom: posterior communicating artery.
        antchor: anterior choroidal artery.
        antchor_beyond_pcom: way along the carotid from the one origin to the other.
        v4: vertebral artery from the dura to its end.
        ba: basilar artery.
        p1: from the basilar tip to the posterior communicating artery.
        p2: from there to the artery's end.
        pca_to_split: from the basilar tip to the posterior cerebral artery's first division.
        sca_below_tip: range of the way down the basilar artery to the superior cerebellar artery.
        pica_below_junction: range of the way down the vertebral artery to its PICA.
    """

    m1: Normal
    a1: Normal
    a2_to_split: Normal
    a2_with_pericallosal: Normal
    acom: Normal
    pcom: Normal
    antchor: Normal
    antchor_beyond_pcom: Normal
    v4: Normal
    ba: Normal
    p1: Normal
    p2: Normal
    pca_to_split: Normal
    sca_below_tip: PositiveRange
    pica_below_junction: PositiveRange
