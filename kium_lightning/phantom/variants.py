"""The variants of the circle of Willis that a patient has, and what they do to calibres and filling."""

from dataclasses import dataclass

import numpy as np

from kium_lightning.anatomy import Artery, Location, Side
from kium_lightning.phantom.population import Anatomy


@dataclass(frozen=True)
class SideVariants:
    """The variants of one side.

    Attributes:
        a1_scale: calibre of the A1 against the usual one; below 0.6 it is hypoplastic.
        fetal: share of the PCA's blood that comes from the carotid: 0 usual, about half partial, 1 complete.
        pcom_mm: diameter of the posterior communicating artery.
        va_scale: calibre of the vertebral artery against the usual one.
        va_ends_in_pica: whether the vertebral artery stops at its PICA and does not reach the basilar artery.
    """

    a1_scale: float
    fetal: float
    pcom_mm: float
    va_scale: float
    va_ends_in_pica: bool

    @property
    def p1_scale(self) -> float:
        """Calibre of the P1 against the usual one."""
        return 1.0 - 0.65 * self.fetal

    @property
    def a1_is_hypoplastic(self) -> bool:
        """Whether the opposite carotid artery has to feed this side's A2."""
        return self.a1_scale < 0.6


@dataclass(frozen=True)
class Variants:
    """The variants of both sides."""

    left: SideVariants
    right: SideVariants

    def of(self, side: Side) -> SideVariants:
        """The variants of a side."""
        return self.left if side is Side.LEFT else self.right


def draw_variants(anatomy: Anatomy, labels: frozenset[Location], rng: np.random.Generator) -> Variants:
    """Draws a patient's variants; the same numbers are drawn whatever the labels are.

    An aneurysm of the anterior communicating artery comes with a hypoplastic opposite A1 far more often than chance
    (PMC3618940 and others), and is labelled on the side of the dominant A1.

    Args:
        anatomy: the prevalences.
        labels: where the patient has aneurysms.
        rng: the source of randomness.
    """
    chance = rng.uniform(size=4)
    a1_side = Side.RIGHT if rng.uniform() < 2.5 / 3.5 else Side.LEFT
    other_sides = [Side.LEFT if u < 0.5 else Side.RIGHT for u in rng.uniform(size=3)]
    labelled = [side for side in Side if Artery.ACOM.at(side) in labels]
    hypoplasia = anatomy.a1_hypoplasia
    if len(labelled) == 1:
        hypoplasia, a1_side = anatomy.a1_hypoplasia_given_acom, labelled[0].mirrored
    if chance[1] < anatomy.fetal_pca_complete:
        fetal = 1.0
    else:
        fetal = 0.5 if chance[1] < anatomy.fetal_pca_complete + anatomy.fetal_pca_partial else 0.0
    sides = {}
    for side in Side:
        scales, thin = rng.uniform(size=3), rng.uniform() < anatomy.pcom_below_1mm
        side_fetal = fetal if other_sides[0] is side else 0.0
        is_hypoplastic = chance[0] < hypoplasia and a1_side is side
        is_thin_va = chance[2] < anatomy.va_hypoplasia and other_sides[1] is side
        needs_va = {Artery.VA.at(side), Artery.PICA.at(side)} & labels
        pcom = 0.55 + 0.4 * scales[1] if thin else 1.05 + 0.5 * scales[1]
        sides[side] = SideVariants(
            a1_scale=0.4 + 0.15 * scales[0] if is_hypoplastic else 1.0,
            fetal=side_fetal,
            pcom_mm=max(pcom, 2.1 * side_fetal),
            va_scale=0.5 + 0.1 * scales[2] if is_thin_va else 1.0,
            va_ends_in_pica=bool(chance[3] < anatomy.va_ends_in_pica and other_sides[2] is side and not needs_va),
        )
    return Variants(sides[Side.LEFT], sides[Side.RIGHT])
