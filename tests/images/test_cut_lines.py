import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.images.box import Box
from kium_lightning.images.cut_lines import strokes_cut_by_edge

LINE = Box(200, 20, 330, 44)  # certain text, a line below the one that the upper edge cuts


def picture() -> NDArray[np.uint8]:
    random = np.random.default_rng(0)
    return np.clip(random.normal(195, 2.5, (300, 400)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("grey", [10, 245])
def test_letters_cut_by_the_edge_beside_certain_text_are_found(grey: int) -> None:
    image = picture()
    background = image.copy()
    cv2.putText(image, "FRAME 5100", (190, 8), cv2.FONT_HERSHEY_SIMPLEX, 0.7, grey, 2)
    written = image != background
    for box in strokes_cut_by_edge(image, [LINE], 18.0):
        written[box.slices] = False
    assert not written.any()


def test_the_line_below_one_that_is_itself_cut_is_found() -> None:
    image = picture()
    background = image.copy()
    for line in (74, 104):
        cv2.putText(image, "Mag 12", (375, line), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 10, 2)
    written = image != background
    for box in strokes_cut_by_edge(image, [LINE.moved(60, 0)], 18.0):
        written[box.slices] = False
    assert not written.any()


def test_a_vessel_that_crosses_the_edge_is_left_alone() -> None:
    image = picture()
    cv2.line(image, (260, 0), (180, 200), 60, 5)
    assert strokes_cut_by_edge(image, [LINE], 18.0) == []


def test_strokes_far_from_any_text_are_left_alone() -> None:
    image = picture()
    cv2.putText(image, "FRAME", (20, 299), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 10, 2)
    assert strokes_cut_by_edge(image, [LINE], 18.0) == []
    assert strokes_cut_by_edge(image, [], 18.0) == []
