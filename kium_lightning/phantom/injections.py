"""What an injection fills: contrast per point of every branch, from the patient's own variants.

How often contrast crosses to another territory is an estimate for adults without occlusive disease.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation, Side
from kium_lightning.phantom.population import FillingRates
from kium_lightning.phantom.tree import Branch, Place, Segment, Tree
from kium_lightning.phantom.variants import PicaOrigin, Variants

_ROOT_MM: dict[Segment, float] = {  # from the first intracranial point to the segment's root
    Segment.PICA: 10.0,
    Segment.BA: 25.0,
    Segment.AICA: 30.0,
    Segment.SCA: 50.0,
    Segment.P1: 52.0,
    Segment.P2: 52.0,
}


@dataclass(frozen=True)
class Crossing:
    """How strongly an injection reaches beyond its usual territory, 0 to 1 each, and how its contrast fades.

    Attributes:
        opposite_a2: through the anterior communicating artery into the other A2.
        posterior: through the posterior communicating artery: carotid to PCA, or basilar to carotid.
        reflux: down the opposite vertebral artery.
        behind_hypoplastic_a1: into an A2 whose own A1 is hypoplastic or absent, from the other carotid.
        decay_mm: way over which the contrast falls to 1/e.
    """

    opposite_a2: float
    posterior: float
    reflux: float
    behind_hypoplastic_a1: float = 0.75
    decay_mm: float = 200.0


def draw_crossing(rates: FillingRates, circulation: Circulation, rng: np.random.Generator) -> Crossing:
    """Draws the cross-filling of one injection; the same numbers are drawn for carotid and vertebral injections."""
    chance, strength = rng.uniform(size=3), rng.uniform(size=3)

    def drawn(number: int, rate: float, limits: tuple[float, float]) -> float:
        return float(limits[0] + (limits[1] - limits[0]) * strength[number]) if chance[number] < rate else 0.0

    is_carotid = circulation is Circulation.ANTERIOR
    return Crossing(
        opposite_a2=drawn(0, rates.opposite_a2, rates.opposite_a2_strength),
        posterior=drawn(
            1,
            rates.posterior if is_carotid else rates.carotid,
            rates.posterior_strength if is_carotid else rates.carotid_strength,
        ),
        reflux=drawn(2, rates.reflux, rates.reflux_strength),
        behind_hypoplastic_a1=rates.behind_hypoplastic_a1,
        decay_mm=rates.decay_mm,
    )


def filled_places(side: Side, circulation: Circulation, variants: Variants, crossing: Crossing) -> dict[Place, float]:
    """Tells how much contrast, 0 to 1, reaches each part of the circulation at its root; absent parts get none."""
    if circulation is Circulation.ANTERIOR:
        return _from_carotid(side, variants, crossing)
    return _from_vertebral(side, variants, crossing)


def _from_carotid(side: Side, variants: Variants, crossing: Crossing) -> dict[Place, float]:
    own, other = variants.of(side), variants.of(side.mirrored)
    same = (Segment.ICA, Segment.OPHTHALMIC, Segment.PCOM, Segment.ANTCHOR, Segment.A1, Segment.MCA)
    filled: dict[Place, float] = {(segment, side): 1.0 for segment in same}
    if own.a1_scale > 0.0:
        filled[Segment.A2, side] = 0.3 if own.a1_is_hypoplastic else 1.0
        filled[Segment.ACOM, None] = 0.6 if own.a1_is_hypoplastic else 1.0
        across = max(crossing.opposite_a2, crossing.behind_hypoplastic_a1 if other.a1_is_hypoplastic else 0.0)
        if across and not own.a1_is_hypoplastic:
            filled[Segment.A2, side.mirrored] = across
        if variants.is_azygos:  # one A2 for both sides
            both = filled[Segment.A2, side]
            filled |= {(Segment.A2, each): both for each in (*Side, None)}
    through = max(crossing.posterior, own.fetal)
    if through:
        filled[Segment.P2, side] = through
    return filled


def _from_vertebral(side: Side, variants: Variants, crossing: Crossing) -> dict[Place, float]:
    filled: dict[Place, float] = {(Segment.VA, side): 1.0}
    from_va = (PicaOrigin.USUAL, PicaOrigin.DUPLICATE)
    if variants.of(side).pica in from_va:
        filled[Segment.PICA, side] = 1.0
    if variants.of(side).va_ends_in_pica:
        return filled
    filled[Segment.BA, None] = 1.0
    for each in Side:
        filled |= {(Segment.AICA, each): 1.0, (Segment.SCA, each): 1.0, (Segment.P1, each): 1.0}
        if variants.of(each).fetal < 1.0:
            filled[Segment.P2, each] = 1.0 - variants.of(each).fetal
        if variants.of(each).pica in (PicaOrigin.BASILAR, PicaOrigin.WITH_AICA):
            filled[Segment.PICA, each] = 1.0
    if crossing.posterior and variants.of(side).fetal < 1.0:
        filled[Segment.PCOM, side] = crossing.posterior
        filled[Segment.ICA, side] = 0.7 * crossing.posterior
    if crossing.reflux and not variants.of(side.mirrored).va_ends_in_pica:
        filled[Segment.VA, side.mirrored] = crossing.reflux
        if variants.of(side.mirrored).pica in from_va:
            filled[Segment.PICA, side.mirrored] = 0.8 * crossing.reflux
    return filled


def contrast_along(
    branch: Branch, filled: dict[Place, float], side: Side, circulation: Circulation, decay_mm: float
) -> NDArray[np.float64] | None:
    """The contrast at each point of a branch (n,), 0 to 1; None where the injection does not reach it."""
    strength = filled.get(branch.place, 0.0)
    if strength == 0.0:
        return None
    if branch.segment in (Segment.ICA, Segment.VA):  # the neck's straight stretch loses nothing
        way = np.zeros(len(branch.points))
    else:
        way = branch.path_mm + (_ROOT_MM.get(branch.segment, 0.0) if circulation is Circulation.POSTERIOR else 0.0)
    contrast = strength * np.exp(-way / decay_mm)
    fraction = np.linspace(0.0, 1.0, len(branch.points))
    if branch.segment is Segment.PCOM:
        fed_through = filled.get((Segment.P2, branch.side), 0.0) if circulation is Circulation.ANTERIOR else 1.0
        contrast *= np.maximum(np.clip((0.75 - fraction) / 0.4, 0.0, 1.0), min(1.0, fed_through))
    if circulation is Circulation.POSTERIOR:
        if branch.segment is Segment.ICA:  # washes back only into the end of the carotid
            contrast *= np.clip((fraction - 0.72) / 0.15, 0.0, 1.0)
        if branch.segment is Segment.VA and branch.side is not side:  # reflux fades on its way down
            contrast *= np.clip((fraction - 0.45) / 0.4, 0.0, 1.0)
    return contrast


def contrasts(
    tree: Tree, side: Side, circulation: Circulation, variants: Variants, crossing: Crossing
) -> list[NDArray[np.float64] | None]:
    """The contrast at each point of each branch of a tree, for one injection, relative to its strongest point."""
    filled = filled_places(side, circulation, variants, crossing)
    return [contrast_along(branch, filled, side, circulation, crossing.decay_mm) for branch in tree.branches]
