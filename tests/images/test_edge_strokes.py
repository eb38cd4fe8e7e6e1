import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.images.box import Box
from kium_lightning.images.edge_strokes import greys_of, strokes_at_edges


def picture() -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    return np.clip(random.normal(195, 2.5, (300, 400)), 0, 255).astype(np.uint8)


def test_a_letter_alone_at_any_edge_is_found() -> None:
    for turned in range(4):
        image = picture()
        background = image.copy()
        cv2.putText(image, "M", (190, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 10, 2)
        written = np.rot90(image != background, turned).copy()
        for box in strokes_at_edges(np.ascontiguousarray(np.rot90(image, turned)), [], 24, 18.0):
            written[box.slices] = False
        assert not written.any()


def test_the_low_feet_of_letters_are_found_with_the_specks_between_them() -> None:
    image = picture()
    for column in range(100, 160, 10):
        image[0:2, column : column + 3] = 12
    (box,) = strokes_at_edges(image, [], 24, 18.0)
    assert box == Box(96, 0, 157, 6)


def test_vessels_that_cross_or_graze_an_edge_are_left_alone() -> None:
    image = picture()
    cv2.line(image, (260, 0), (180, 200), 10, 5)
    cv2.ellipse(image, (100, 0), (40, 40), 0, 0, 180, 10, 8)
    cv2.circle(image, (330, 299), 12, 90, -1)  # the end of a vessel is not black
    assert strokes_at_edges(image, [245.0], 24, 18.0) == []


def test_the_grey_of_text_is_read_from_its_line() -> None:
    image = picture()
    cv2.putText(image, "FRAME", (20, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 10, 2)
    image[200:260] = 5
    cv2.putText(image, "FRAME", (20, 240), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 250, 2)
    dark, bright = greys_of(image, [Box(15, 80, 110, 106), Box(15, 220, 110, 246)])
    assert dark < 40
    assert bright > 220


@pytest.mark.parametrize("row", range(6))
def test_only_strokes_that_begin_in_the_first_rows_count(row: int) -> None:
    image = picture()
    image[row : row + 9, 190:196] = 12
    assert bool(strokes_at_edges(image, [12.0], 24, 18.0)) == (row <= 3)
