"""The form of an aneurysm in its own frame: size, aspect ratio, lobulated wall, daughter sac."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from kium_lightning.numbers import (
    Checked,
    NotNegative,
    Positive,
    PositiveRange,
    Probability,
    ShareRange,
    pair,
    single,
)
from kium_lightning.phantom.curves import unit
from kium_lightning.phantom.sites import Places

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Aneurysms(Checked):
    """How large aneurysms are and what form they have.

    Attributes:
        median_mm: median of the log-normal size, the largest diameter outside the parent.
        sigma: standard deviation of its logarithm.
        smallest_mm: sizes are clipped to at least this.
        largest_mm: and to at most this.
        aspect_median: median of height over neck width.
        aspect_sigma: standard deviation of its logarithm.
        slimness: range of the two diameters across over the one along the dome's direction.
        direction_sd_degrees: how far a dome leans from the site's usual direction.
        irregular: probability of a lobulated wall.
        lobes: range of the number of lobes of such a wall.
        lobe_height: range of how far a lobe stands out, over half the dome's length.
        lobe_radius: range of a lobe's radius, over half the dome's length.
        daughter_sac: probability of a daughter sac.
        daughter_radius: range of its radius, over half the dome's length.
        places: where they sit on arteries that have several places.
    """

    median_mm: Positive
    sigma: NotNegative
    smallest_mm: Positive
    largest_mm: Positive
    aspect_median: Positive
    aspect_sigma: NotNegative
    slimness: Annotated[tuple[float, float], pair(most=1.0, above=0.0)]
    direction_sd_degrees: Annotated[float, single(0.0, 60.0)]
    irregular: Probability
    lobes: Annotated[tuple[int, int], pair(1, whole=True)]
    lobe_height: ShareRange
    lobe_radius: PositiveRange
    daughter_sac: Probability
    daughter_radius: PositiveRange
    places: Places

    def __post_init__(self) -> None:
        super().__post_init__()
        self.in_order("smallest_mm", "largest_mm")


@dataclass(frozen=True)
class Form:
    """The form of a sac in its own frame: the first axis points away, the origin is the middle of the neck.

    Attributes:
        parts: centre (3,) and half-axes (3,) of each ellipsoid; the dome comes first.
        neck: width of the mouth.
        height: from the mouth to the top of the dome.
        is_irregular: whether the wall is lobulated.
        has_daughter: whether there is a daughter sac.
    """

    parts: tuple[tuple[Vector, Vector], ...]
    neck: float
    height: float
    is_irregular: bool
    has_daughter: bool

    @property
    def diameter(self) -> float:
        """The largest diameter in front of the neck: the widest of many calipers."""
        skins = [centre + _SPHERE * half_axes for centre, half_axes in self.parts]
        skin = np.concatenate(skins)
        skin = skin[skin[:, 0] >= 0.0]
        along = skin @ _SPHERE.T
        return float((along.max(axis=0) - along.min(axis=0)).max())

    def scaled(self, factor: float) -> "Form":
        """The same form in another size."""
        parts = tuple((factor * centre, factor * half_axes) for centre, half_axes in self.parts)
        return Form(parts, factor * self.neck, factor * self.height, self.is_irregular, self.has_daughter)


def _sphere(count: int) -> NDArray[np.float64]:
    """Unit vectors (count, 3) spread evenly by the golden angle."""
    x = 1.0 - (2.0 * np.arange(count) + 1.0) / count
    angle = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(count)
    across = np.sqrt(1.0 - x * x)
    return np.column_stack([x, across * np.cos(angle), across * np.sin(angle)])


_SPHERE = _sphere(300)


def draw_form(aneurysms: Aneurysms, widest_neck_mm: float, rng: np.random.Generator) -> Form:
    """Draws the form of a sac.

    The neck follows from the aspect ratio: an ellipsoid of half-height 1 and half-width w that stands a above its neck
    has height 1 + a and neck 2 w sqrt(1 - a^2), so that a = (k^2 - 1) / (k^2 + 1) with k = 2 w aspect.

    Args:
        aneurysms: the distributions.
        widest_neck_mm: what the parent has room for; a sac whose neck would be wider stands higher above it.
        rng: the source of randomness.
    """
    spread = np.exp(aneurysms.sigma * rng.standard_normal())
    size = float(np.clip(aneurysms.median_mm * spread, aneurysms.smallest_mm, aneurysms.largest_mm))
    aspect = float(aneurysms.aspect_median * np.exp(aneurysms.aspect_sigma * rng.standard_normal()))
    widths = rng.uniform(*aneurysms.slimness, 2)
    width = float(np.sqrt(widths[0] * widths[1]))
    k = 2.0 * width * aspect
    above = _with_room((k * k - 1.0) / (k * k + 1.0), width, widest_neck_mm / size)
    centre, half_axes = np.array([above, 0.0, 0.0]), np.array([1.0, *widths])
    parts = [(centre, half_axes)]
    chances = rng.uniform(size=2)
    is_irregular = bool(chances[0] < aneurysms.irregular)
    has_daughter = bool(chances[1] < aneurysms.daughter_sac)
    count = int(rng.integers(aneurysms.lobes[0], aneurysms.lobes[1] + 1))
    turn = rng.uniform(0.0, 2.0 * np.pi)
    for number in range(count):  # around the dome, at different heights
        radius = float(rng.uniform(*aneurysms.lobe_radius)) * rng.uniform(0.85, 1.15, 3)
        stands_out = float(rng.uniform(*aneurysms.lobe_height))
        around = turn + 2.0 * np.pi * (number + rng.uniform(-0.25, 0.25)) / count
        skin, normal = _on_skin(centre, half_axes, float(rng.uniform(-0.1, 0.85)), around)
        if is_irregular:
            parts.append((skin + (stands_out - radius.mean()) * normal, radius))
    skin, normal = _on_skin(centre, half_axes, float(rng.uniform(0.3, 0.95)), float(rng.uniform(0.0, 2.0 * np.pi)))
    radius = float(rng.uniform(*aneurysms.daughter_radius)) * rng.uniform(0.85, 1.15, 3)
    if has_daughter:
        parts.append((skin + 0.55 * radius.mean() * normal, radius))
    form = Form(
        tuple(parts), 2.0 * width * float(np.sqrt(1.0 - above * above)), 1.0 + above, is_irregular, has_daughter
    )
    return form.scaled(size / form.diameter)


def _with_room(above: float, width: float, widest: float) -> float:
    """Raises an ellipsoid of half-height 1 until its neck over its size is no wider than given."""
    heights = np.concatenate([[above], np.linspace(above, 0.98, 50)])
    necks = 2.0 * width * np.sqrt(1.0 - heights**2) / np.maximum(1.0 + heights, 2.0 * width)
    fitting = necks <= widest
    return float(heights[np.argmax(fitting)]) if fitting.any() else 0.98


def _on_skin(centre: Vector, half_axes: Vector, rise: float, around: float) -> tuple[Vector, Vector]:
    """A point on an ellipsoid and the normal there; rise is the cosine to the first axis."""
    across = np.sqrt(1.0 - rise * rise)
    direction = np.array([rise, across * np.cos(around), across * np.sin(around)])
    return centre + half_axes * direction, unit(direction / half_axes)
