from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.errors import ImageError
from kium_lightning.images.reading import decode_grey, read_grey

Array = NDArray[np.uint8]


def picture(seed: int = 0) -> Array:
    noise = np.random.default_rng(seed).integers(0, 256, (64, 96)).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 2), np.uint8)


def encoded(image: Array, suffix: str, *options: int) -> bytes:
    done, content = cv2.imencode(suffix, image, list(options))
    assert done
    return bytes(content.tobytes())


def test_png_gives_its_pixels_and_equal_channels_their_plane() -> None:
    image = picture()
    assert np.array_equal(decode_grey(encoded(image, ".png"), "x"), image)
    assert np.array_equal(decode_grey(encoded(np.dstack([image] * 3), ".png"), "x"), image)


def test_rgb_jpeg_gives_one_of_its_equal_channels() -> None:
    content = encoded(np.dstack([picture()] * 3), ".jpg")
    planes = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert planes is not None
    assert np.array_equal(planes[..., 0], planes[..., 2])
    assert np.array_equal(decode_grey(content, "x"), planes[..., 1])


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_coloured_file_gives_its_luma(suffix: str) -> None:
    small = np.random.default_rng(3).integers(80, 180, (9, 12, 3)).astype(np.uint8)
    content = encoded(np.asarray(cv2.resize(small, (96, 72), interpolation=cv2.INTER_CUBIC), np.uint8), suffix)
    blue, green, red = np.moveaxis(np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), 1)), 2, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue  # ITU-R BT.601
    assert np.abs(decode_grey(content, "x") - luma).max() < 1.5


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.995])
def test_a_cut_file_is_refused(suffix: str, share: float) -> None:
    content = encoded(picture(), suffix)
    with pytest.raises(ImageError, match=r"1001LI-A.jpg is (cut off|neither)"):
        decode_grey(content[: int(len(content) * share)], "1001LI-A.jpg")


def test_a_cut_progressive_jpeg_is_refused() -> None:
    content = encoded(picture(), ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    assert decode_grey(content, "x").shape == (64, 96)
    with pytest.raises(ImageError, match="cut off"):
        decode_grey(content[:-20], "x")


def test_bytes_after_the_end_are_no_fault() -> None:
    image = picture()
    assert np.array_equal(decode_grey(encoded(image, ".png") + b"\0" * 9, "x"), image)
    content = encoded(image, ".jpg")
    assert np.array_equal(decode_grey(content + b"\0" * 9, "x"), decode_grey(content, "x"))


def test_a_damaged_png_is_refused() -> None:
    content = bytearray(encoded(picture(), ".png"))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(ImageError, match="cut off or damaged"):
        decode_grey(bytes(content), "x")


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8", b"\xff\xd8\xff\xd9", b"hello" * 50])
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "1001LI-A.jpg"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="1001LI-A"):
        read_grey(path)


def test_missing_files_and_16_bit_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be read"):
        read_grey(tmp_path / "none.jpg")
    done, content = cv2.imencode(".png", np.zeros((8, 8), np.uint16))
    assert done
    with pytest.raises(ImageError, match="uint16"):
        decode_grey(content.tobytes(), "x")
