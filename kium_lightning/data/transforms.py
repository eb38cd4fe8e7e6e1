"""What happens to a clean view before it reaches a net: prepared once, augmented at every draw, normalized last."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import albumentations as A
import cv2
import numpy as np
import torch
from albumentations.core.transforms_interface import BasicTransform
from numpy.typing import NDArray

from kium_lightning.anatomy import Projection, Side, View
from kium_lightning.data.rows import Window
from kium_lightning.errors import ConfigError
from kium_lightning.images.cleaning import clean_view
from kium_lightning.numbers import whole


class Polarity(StrEnum):
    """Whether vessels are dark, as filmed, or bright."""

    AS_FILMED = "as_filmed"
    INVERTED = "inverted"


@dataclass(frozen=True)
class Preparation:
    """The deterministic steps from a raw view to a net's input size, in a fixed order; what the cache keeps.

    Clean (margins, text), invert, median blur on the full-size image, flip, resize: the order of the report's team.

    Attributes:
        image_size: side of the square result, pixels.
        polarity: ``inverted`` makes vessels bright.
        median_kernel: side of the median filter in pixels of the full-size image, odd; 1 leaves the image alone.
        mirrored_projections: projections whose right-sided views are flipped, so that one side's anatomy lies as the
            other's does. A lateral view shows the same profile for both sides.
    """

    image_size: int
    polarity: Polarity
    median_kernel: int
    mirrored_projections: tuple[Projection, ...]

    @classmethod
    def from_values(
        cls, image_size: int, polarity: str, median_kernel: int, mirrored_projections: Sequence[str]
    ) -> "Preparation":
        """Builds a preparation from plain configuration values.

        Raises:
            ConfigError: a value is outside its range.
        """
        whole("data.image_size", image_size, 32)
        if whole("data.median_kernel", median_kernel, 1) % 2 == 0:
            raise ConfigError(f"data.median_kernel is {median_kernel}. Give it an odd number, such as 1 for none.")
        try:
            projections = tuple(Projection(letter) for letter in mirrored_projections)
            return cls(image_size, Polarity(polarity), median_kernel, projections)
        except ValueError as error:
            raise ConfigError(
                f"data.polarity is {polarity!r} and data.mirrored_projections is {list(mirrored_projections)}. Choose "
                f"{' or '.join(Polarity)} and letters of {', '.join(Projection)}."
            ) from error

    def plain(self) -> dict[str, object]:
        """The settings as JSON values, for checkpoints and the cache's key."""
        return {
            "image_size": self.image_size,
            "polarity": self.polarity.value,
            "median_kernel": self.median_kernel,
            "mirrored_projections": [projection.value for projection in self.mirrored_projections],
        }

    def mirrors(self, view: View) -> bool:
        """Whether this view is flipped."""
        return view.side is Side.RIGHT and view.projection in self.mirrored_projections

    def __call__(self, image: NDArray[np.uint8], view: View, window: Window | None = None) -> NDArray[np.uint8]:
        """Prepares one raw grey image (H, W) to (image_size, image_size)."""
        return self.after_cleaning(clean_view(image).image, view, window)

    def after_cleaning(self, clean: NDArray[np.uint8], view: View, window: Window | None = None) -> NDArray[np.uint8]:
        """Takes the steps that follow cleaning on a clean grey image (H, W), or on the part of it in a window."""
        if window is not None:
            clean = clean[window.slices(*clean.shape)]
        changed: cv2.typing.MatLike = clean
        if self.polarity is Polarity.INVERTED:
            changed = cv2.bitwise_not(changed)
        if self.median_kernel > 1:
            changed = cv2.medianBlur(changed, self.median_kernel)
        if changed.shape != (self.image_size, self.image_size):
            # Area averaging keeps a thin vessel's contrast when the image shrinks several-fold.
            changed = cv2.resize(changed, (self.image_size, self.image_size), interpolation=cv2.INTER_AREA)
        if self.mirrors(view):
            changed = cv2.flip(changed, 1)
        return np.asarray(changed, dtype=np.uint8)


class Augmentation:
    """Random changes of a prepared training view; the seed is handed in with every call.

    Args:
        steps: albumentations transforms, applied in order to a grey uint8 image; empty for the report's method.
    """

    def __init__(self, steps: Sequence[BasicTransform]) -> None:
        self._steps = A.Compose(list(steps)) if steps else None

    @property
    def changes_nothing(self) -> bool:
        """Whether there is no step, so that all draws of an image are equal."""
        return self._steps is None

    def __call__(self, image: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
        """Changes an image (S, S) as the seed says; the same seed gives the same change."""
        if self._steps is None:
            return image
        self._steps.set_random_seed(seed)
        changed: NDArray[np.uint8] = self._steps(image=image)["image"]
        return changed


def normalize(image: NDArray[np.uint8]) -> torch.Tensor:
    """Maps a grey image (S, S), 0..255, to a float32 tensor (1, S, S), -1..1."""
    values = np.empty(image.shape, dtype=np.float32)
    normalize_into(values, image)
    return torch.from_numpy(values).unsqueeze(0)


def normalize_into(values: NDArray[np.float32], image: NDArray[np.uint8]) -> None:
    """Writes a grey image (H, W), 0..255, into a float32 array (H, W) as -1..1.

    Works in the calling thread alone: torch's would wait for each other where the cores have other things to do.
    """
    rows = max(1, _ALONE_BELOW // image.shape[1])
    for top in range(0, len(image), rows):
        cv2.LUT(image[top : top + rows], _NORMALIZED, values[top : top + rows])


_MIDDLE = np.float32(127.5)  # of the grey levels: mean 0.5 and standard deviation 0.5 of an image in 0..1
_NORMALIZED = (np.arange(256, dtype=np.float32) - _MIDDLE) * (np.float32(1.0) / _MIDDLE)
_ALONE_BELOW = 2**18 - 1  # pixels; OpenCV shares out more than these
