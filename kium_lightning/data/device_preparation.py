"""The steps from a clean view to a net's input on a GPU, or on any device of torch's."""

import warnings
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.io import ImageReadMode, decode_jpeg

from kium_lightning.anatomy import View
from kium_lightning.data.transforms import Polarity, Preparation
from kium_lightning.images.cleaning import CleaningRecord
from kium_lightning.images.reading import decode_grey

_WHITE = 255


def decode_on_device(contents: list[torch.Tensor], device: torch.device) -> list[torch.Tensor]:
    """Decodes JPEG files, on a GPU by its own decoder.

    Args:
        contents: the bytes of complete files, 1-D uint8 in host memory.
        device: where the pictures are to be.

    Returns:
        Grey values (H, W) uint8 each; a GPU's decoder may differ from the host's by a grey level or two.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torchvision's decoder is to move to a package of its own
        try:
            decoded = decode_jpeg(contents, mode=ImageReadMode.GRAY, device=device)
        except RuntimeError:  # a file that is no JPEG to this decoder may be one to OpenCV
            return [
                torch.from_numpy(decode_grey(content.numpy().tobytes(), "a file")).to(device) for content in contents
            ]
    return [picture[0] for picture in decoded]


def repeat_cleaning_on_device(image: torch.Tensor, record: CleaningRecord) -> torch.Tensor:
    """Does to an image (H, W) uint8 what its record says, as ``images.cleaning.repeat_cleaning`` does."""
    box = record.picture_box
    clean = image[box.slices].clone()
    for covered in record.covered:
        clean[covered.box.moved(-box.left, -box.top).slices] = covered.grey
    return clean


def prepare_on_device(clean: torch.Tensor, preparation: Preparation, view: View) -> torch.Tensor:
    """Takes the steps that follow cleaning, as ``Preparation.after_cleaning`` does.

    Args:
        clean: (H, W) uint8.
        preparation: the steps.
        view: what it shows.

    Returns:
        (image_size, image_size) uint8 on the same device; resizing may differ from OpenCV's by a grey level.
    """
    if preparation.polarity is Polarity.INVERTED:
        clean = _WHITE - clean
    if preparation.median_kernel > 1:
        clean = median(clean, preparation.median_kernel)
    prepared = resize(clean, preparation.image_size)
    return prepared.flip(-1) if preparation.mirrors(view) else prepared


def median(image: torch.Tensor, kernel: int) -> torch.Tensor:
    """The median of each pixel's (kernel, kernel) surroundings; the image's edge goes on beyond it."""
    reach = kernel // 2
    height, width = image.shape
    rows, columns = (
        torch.arange(-reach, length + reach, device=image.device).clamp(0, length - 1) for length in (height, width)
    )
    windows = image[rows][:, columns].unfold(0, kernel, 1).unfold(1, kernel, 1)
    return windows.reshape(height, width, kernel * kernel).median(dim=-1).values


def resize(image: torch.Tensor, size: int) -> torch.Tensor:
    """Resizes an image (H, W) to (size, size) by the weights of OpenCV's ``INTER_AREA``."""
    height, width = image.shape
    if (height, width) == (size, size):
        return image
    shrinks = height >= size and width >= size
    rows, columns = (
        torch.from_numpy(_weights(length, size, shrinks)).to(image.device, non_blocking=True)
        for length in (height, width)
    )
    return (rows @ image.float() @ columns.T).round().clamp(0, _WHITE).to(torch.uint8)


@lru_cache(maxsize=256)
def _weights(length: int, size: int, shrinks: bool) -> NDArray[np.float32]:
    """The share of each source pixel in each pixel of the result, along one axis: (size, length)."""
    scale = length / size
    cells = np.arange(size)[:, None]
    pixels = np.arange(length)[None, :]
    if shrinks:  # the part of each pixel that lies in the cell
        inside = np.minimum(pixels + 1, (cells + 1) * scale) - np.maximum(pixels, cells * scale)
        shares = np.clip(inside, 0, 1) / scale
    else:  # between two neighbours, where the cell's edge falls
        nearest = np.floor(cells * scale)
        beyond = (cells + 1) - (nearest + 1) / scale
        fraction = np.where(beyond <= 0, 0.0, beyond - np.floor(beyond))
        following = np.minimum(nearest + 1, length - 1)
        shares = (pixels == nearest) * (1 - fraction) + (pixels == following) * fraction
    weights: NDArray[np.float32] = shares.astype(np.float32)
    return weights
