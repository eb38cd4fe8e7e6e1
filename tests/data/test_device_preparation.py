"""What a GPU does to an image is what the host does; shown on the CPU, where the same code runs."""

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kium_lightning.anatomy import View
from kium_lightning.data.device_preparation import (
    decode_on_device,
    median,
    prepare_on_device,
    repeat_cleaning_on_device,
    resize,
)
from kium_lightning.data.transforms import Preparation
from kium_lightning.images.box import Box
from kium_lightning.images.cleaning import CleaningRecord, Cover, RawForm, repeat_cleaning
from kium_lightning.images.reading import decode_grey

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"))]


def picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """A smooth picture with fine noise, as films have."""
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.uniform(0, 255, (height, width)), (0, 0), 4)
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min()) * 235 + 10
    noisy: NDArray[np.uint8] = np.clip(smooth + rng.normal(0, 3, smooth.shape), 0, 255).astype(np.uint8)
    return noisy


def differs_by(found: torch.Tensor, expected: NDArray[np.uint8]) -> int:
    return int(np.abs(found.cpu().numpy().astype(int) - expected.astype(int)).max())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kernel", [3, 5])
def test_the_median_is_opencvs(kernel: int, device: str) -> None:
    image = picture(61, 48)
    found = median(torch.from_numpy(image).to(device), kernel)
    np.testing.assert_array_equal(found.cpu().numpy(), cv2.medianBlur(image, kernel))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("height", "width", "size"), [(80, 64, 64), (100, 167, 37), (90, 90, 45), (60, 60, 63), (50, 90, 64)]
)
def test_resizing_is_opencvs_within_a_grey_level(height: int, width: int, size: int, device: str) -> None:
    image = picture(height, width)
    expected = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    found = resize(torch.from_numpy(image).to(device), size)
    assert differs_by(found, np.asarray(expected)) <= 1
    assert (found.cpu().numpy() == expected).mean() > 0.75  # ties are rounded otherwise


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("code", ["LI-A", "RI-A", "RV-B"])
def test_all_steps_together_are_the_hosts_within_a_grey_level(code: str, device: str) -> None:
    image = picture(150, 120, seed=3)
    record = CleaningRecord(RawForm.TEXT, Box(5, 8, 110, 140), (Cover(Box(20, 30, 40, 36), 77),))
    preparation = Preparation.from_values(64, "inverted", 3, ["A"])
    view = View.from_code(code)
    expected = preparation.after_cleaning(repeat_cleaning(image, record), view)
    clean = repeat_cleaning_on_device(torch.from_numpy(image).to(device), record)
    np.testing.assert_array_equal(clean.cpu().numpy(), repeat_cleaning(image, record))
    assert differs_by(prepare_on_device(clean, preparation, view), expected) <= 1


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("channels", [1, 3])
def test_decoding_is_the_hosts_within_two_grey_levels(channels: int, device: str) -> None:
    image = picture(64, 96)
    content = cv2.imencode(".jpg", image if channels == 1 else np.repeat(image[..., None], 3, axis=2))[1]
    (found,) = decode_on_device([torch.from_numpy(content)], torch.device(device))
    assert differs_by(found, decode_grey(content.tobytes(), "picture")) <= 2
