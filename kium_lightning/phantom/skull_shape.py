"""How skulls differ, and what their bone does to the beam, as named parameters."""

from dataclasses import dataclass
from typing import Annotated, Any

from kium_lightning.numbers import (
    Checked,
    NotNegative,
    Positive,
    PositiveRange,
    Probability,
    Rule,
    ShareRange,
    single,
    triple,
)

HalfAxes = Annotated[tuple[float, float, float], triple(above=0.0)]


def _are_weighted(value: Any) -> bool:
    """Whether a value is a list of shares from 0 to 1, each with a weight of at least 0, not all of them 0."""
    if not isinstance(value, list | tuple) or not value:
        return False
    if not all(isinstance(row, list | tuple) and len(row) == 2 for row in value):
        return False
    shares, weights = zip(*value, strict=True)
    return all(map(single(0.0, 1.0).fits, shares)) and all(map(single(0.0).fits, weights)) and sum(weights) > 0


@dataclass(frozen=True)
class SkullShape(Checked):
    """How skulls differ, and what their bone does to the beam.

    Attributes:
        size_sd: standard deviation of the skull's size, as a fraction.
        size_limits: what it is clipped to.
        vault_backward_mm: mean half axes of the vault from its middle to the right, back and downwards; the first of
            them counts with the first of the next for both sides.
        vault_forward_mm: the same to the left, front and upwards.
        vault_sd: standard deviation of each of them, as a fraction.
        wall_mm: median thickness of the vault.
        wall_sigma: standard deviation of its logarithm.
        wall_limits_mm: what it is clipped to.
        waves: number of waves in that thickness.
        wave_sd: standard deviation of a wave's number of radians over half the vault, along each axis.
        wave_strength: range of its strength over the thickness.
        coronal: range of the place of the coronal suture, as a fraction of the vault's front half.
        lambdoid: range of the place of the lambdoid suture, as a fraction of its back half.
        place_sd_mm: standard deviation of the place of each bone of base, face and neck.
        bone_size_sd: standard deviation of each of its half axes, as a fraction.
        teeth: pairs of a share of teeth that people have kept, and of how many people have.
        filled: probability that a molar holds a filling.
        filling_density: density of amalgam and crowns over that of compact bone.
        bone_per_mm: effective attenuation of compact bone behind a head, over that of soft tissue.
        table: share of the vault's wall that each of its two tables takes.
        spongy_density: density of the layer between them over that of compact bone.
        grain: by how much the texture of that layer varies, as a fraction.
        bent_mm: standard deviation by which edges stray from those of simple bodies.
        bend_mm: over which length they do.
        vault_bent: share of it by which the smoother vault strays.
    """

    size_sd: NotNegative
    size_limits: PositiveRange
    vault_backward_mm: HalfAxes
    vault_forward_mm: HalfAxes
    vault_sd: Annotated[float, single(0.0, 0.2)]
    wall_mm: Positive
    wall_sigma: NotNegative
    wall_limits_mm: PositiveRange
    waves: Annotated[int, single(0, 50, whole=True)]
    wave_sd: NotNegative
    wave_strength: ShareRange
    coronal: ShareRange
    lambdoid: ShareRange
    place_sd_mm: NotNegative
    bone_size_sd: Annotated[float, single(0.0, 0.2)]
    teeth: Annotated[list[tuple[float, float]], Rule(_are_weighted, "pairs of a share from 0 to 1 and its weight")]
    filled: Probability
    filling_density: NotNegative
    bone_per_mm: NotNegative
    table: Annotated[float, single(0.0, 0.5)]
    spongy_density: NotNegative
    grain: NotNegative
    bent_mm: NotNegative
    bend_mm: Positive
    vault_bent: NotNegative
