"""The variants that a patient has: of the circle of Willis and of the arteries of the posterior fossa."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from kium_lightning.anatomy import Artery, Location, Side
from kium_lightning.phantom.population import Anatomy


class PicaOrigin(StrEnum):
    """Where the posterior inferior cerebellar artery comes from."""

    USUAL = "vertebral"
    ABSENT = "absent"
    DUPLICATE = "duplicate"  # two from the vertebral artery
    BASILAR = "basilar"
    WITH_AICA = "common trunk with the AICA"


class AntChorOrigin(StrEnum):
    """Where the anterior choroidal artery comes from."""

    ICA = "ICA"
    BIFURCATION = "bifurcation"
    PCOM = "PCOM"


class BasilarCurve(StrEnum):
    """To which of the patient's sides the basilar artery bends."""

    STRAIGHT = "straight"
    RIGHT = "right"
    LEFT = "left"


class Fenestration(StrEnum):
    """Which artery has a doubled stretch."""

    NONE = "none"
    BASILAR = "basilar"
    ACOM = "ACOM"


@dataclass(frozen=True)
class SideVariants:
    """The variants of one side.

    Attributes:
        a1_scale: calibre of the A1 against the usual one; below 1 it is hypoplastic, at 0 absent.
        fetal: share of the PCA's blood that comes from the carotid: 0 usual, about half partial, 1 complete: no P1.
        pcom_mm: diameter of the posterior communicating artery.
        va_scale: calibre of the vertebral artery against the usual one; below 1 it is hypoplastic.
        va_ends_in_pica: whether the vertebral artery stops at its PICA and does not reach the basilar artery.
        pica: where the PICA comes from.
        antchor: where the anterior choroidal artery comes from.
        has_two_sca: whether there are two superior cerebellar arteries.
    """

    a1_scale: float
    fetal: float
    pcom_mm: float
    va_scale: float
    va_ends_in_pica: bool
    pica: PicaOrigin = PicaOrigin.USUAL
    antchor: AntChorOrigin = AntChorOrigin.ICA
    has_two_sca: bool = False

    @property
    def a1_is_hypoplastic(self) -> bool:
        """Whether the opposite carotid artery has to feed this side's A2."""
        return self.a1_scale < 1.0


@dataclass(frozen=True)
class Variants:
    """The variants of both sides and of the midline."""

    left: SideVariants
    right: SideVariants
    basilar_curve: BasilarCurve = BasilarCurve.STRAIGHT
    is_azygos: bool = False
    fenestration: Fenestration = Fenestration.NONE

    def of(self, side: Side) -> SideVariants:
        """The variants of a side."""
        return self.left if side is Side.LEFT else self.right


def draw_variants(anatomy: Anatomy, labels: frozenset[Location], rng: np.random.Generator) -> Variants:
    """Draws a patient's variants; the same numbers are drawn whatever the labels are.

    An aneurysm of the anterior communicating artery comes with a hypoplastic opposite A1 far more often than chance
    (PMC3618940 and others), and is labelled on the side of the dominant A1. A variant that would take away the artery
    of a label is left out on that side, which takes an azygos ACA from 11 % of patients and less from the others.

    Args:
        anatomy: gives the prevalences and sizes of variants, and the calibres of posterior communicating arteries.
        labels: where the patient has aneurysms.
        rng: the source of randomness.
    """
    rates, sizes = anatomy.variants, anatomy.variant_sizes
    chance, sides_drawn, strength = rng.uniform(size=8), rng.uniform(size=8), rng.uniform(size=8)

    def either(number: int, right: float = 0.5) -> Side:
        return Side.RIGHT if sides_drawn[number] < right else Side.LEFT

    def between(limits: tuple[float, float], share: float) -> float:
        return float(limits[0] + (limits[1] - limits[0]) * share)

    a1_side = either(0, rates.a1_hypoplasia_right)
    labelled = [side for side in Side if Artery.ACOM.at(side) in labels]
    hypoplasia = rates.a1_hypoplasia
    if len(labelled) == 1:
        hypoplasia, a1_side = rates.a1_hypoplasia_given_acom, labelled[0].mirrored
    a1_scale = 1.0
    if chance[0] < rates.a1_absent:
        a1_scale = 0.0
    elif chance[0] < hypoplasia:
        a1_scale = between(sizes.a1_hypoplastic, strength[0])
    fetal_side, fetal = either(1), 0.0
    if chance[1] < rates.fetal_pca_complete:
        fetal = 1.0
    elif chance[1] < rates.fetal_pca_complete + rates.fetal_pca_partial:
        fetal = between(sizes.fetal_share, strength[1])
    thin_va, short_va = either(2), either(3)
    va_scale = between(sizes.va_hypoplastic, strength[2]) if chance[2] < rates.va_hypoplasia else 1.0
    sides = {}
    for side in Side:
        is_short = bool(chance[3] < rates.va_ends_in_pica and short_va is side)
        own = _draw_side(anatomy, side, labels, is_short, rng)
        needs_pca = Artery.PCA.at(side) in labels
        side_fetal = fetal if fetal_side is side and not (needs_pca and fetal == 1.0) else 0.0
        sides[side] = SideVariants(
            a1_scale=a1_scale if a1_side is side else 1.0,
            fetal=side_fetal,
            pcom_mm=max(own.pcom_mm, between(sizes.pcom_fetal_mm, side_fetal) if side_fetal else 0.0),
            va_scale=va_scale if thin_va is side else 1.0,
            va_ends_in_pica=own.va_ends_in_pica,
            pica=own.pica,
            antchor=own.antchor,
            has_two_sca=own.has_two_sca,
        )
    curve = BasilarCurve.STRAIGHT
    if chance[4] < rates.ba_convex_right + rates.ba_convex_left:
        curve = BasilarCurve.RIGHT if chance[4] < rates.ba_convex_right else BasilarCurve.LEFT
    needs_pair = any(artery.at(side) in labels for artery in (Artery.ACA, Artery.ACOM) for side in Side)
    is_azygos = bool(chance[5] < rates.azygos_aca and not needs_pair)
    fenestration = Fenestration.NONE
    if chance[6] < rates.fenestration:
        of_basilar = strength[6] < rates.fenestration_of_basilar or is_azygos
        fenestration = Fenestration.BASILAR if of_basilar else Fenestration.ACOM
    return Variants(sides[Side.LEFT], sides[Side.RIGHT], curve, is_azygos, fenestration)


def _draw_side(
    anatomy: Anatomy, side: Side, labels: frozenset[Location], is_short: bool, rng: np.random.Generator
) -> SideVariants:
    """Draws what is drawn for each side."""
    chance, spread = rng.uniform(size=4), float(np.clip(rng.standard_normal(), -2.0, 2.0))
    rates = anatomy.variants
    thin, usual = anatomy.diameters_mm.pcom_thin, anatomy.diameters_mm.pcom_usual
    is_thin = chance[0] < rates.pcom_below_1mm
    pcom = float(np.clip(thin[0] + thin[1] * spread, 0.4, 0.98) if is_thin else max(usual[0] + usual[1] * spread, 1.02))
    pica = PicaOrigin.USUAL
    limits = np.cumsum([rates.pica_absent, rates.pica_duplicate, rates.pica_from_basilar, rates.pica_with_aica])
    rare = (PicaOrigin.ABSENT, PicaOrigin.DUPLICATE, PicaOrigin.BASILAR, PicaOrigin.WITH_AICA)
    if chance[1] < limits[-1]:
        pica = rare[int(np.searchsorted(limits, chance[1], side="right"))]
    needs_pica = bool({Artery.VA.at(side), Artery.PICA.at(side)} & labels)  # both sit where the PICA leaves
    if needs_pica or is_short:
        pica = PicaOrigin.DUPLICATE if pica is PicaOrigin.DUPLICATE else PicaOrigin.USUAL
    antchor = AntChorOrigin.ICA
    if chance[2] < rates.antchor_at_bifurcation:
        antchor = AntChorOrigin.BIFURCATION
    elif chance[2] < rates.antchor_at_bifurcation + rates.antchor_from_pcom:
        antchor = AntChorOrigin.ICA if Artery.ANTCHOR.at(side) in labels else AntChorOrigin.PCOM
    return SideVariants(
        a1_scale=1.0,
        fetal=0.0,
        pcom_mm=pcom,
        va_scale=1.0,
        va_ends_in_pica=is_short and not needs_pica,
        pica=pica,
        antchor=antchor,
        has_two_sca=bool(chance[3] < rates.sca_duplicate),
    )
