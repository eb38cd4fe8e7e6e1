import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kium_lightning.images.box import Box
from kium_lightning.images.components import Growth, above, boxes_of, each, place_of, stroke_of, without_specks

Labelled = tuple[Box, NDArray[np.bool_]]


def masks() -> list[NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    found = []
    for number in range(120):
        height, width = random.integers(1, 50, 2)
        noise = random.normal(size=(height, width))
        smooth = cv2.GaussianBlur(noise, (0, 0), 2) if number % 2 else noise  # with holes in holes, and specks
        found.append((smooth > random.uniform(-0.1, 0.3)).astype(np.uint8))
    return found


def labelled(mask: NDArray[np.uint8]) -> list[Labelled]:
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes = [Box(x, y, x + width, y + height) for x, y, width, height, _ in stats[1:].tolist()]
    return [(box, labels[box.slices] == number) for number, box in enumerate(boxes, start=1)]


def test_outlines_give_the_strokes_and_the_order_of_labelling() -> None:
    for mask in masks():
        strokes = [(box, stroke_of(mask, box)) for box in each(boxes_of(mask))]
        ordered = sorted(strokes, key=lambda stroke: place_of(stroke[1], stroke[0]))
        wanted = labelled(mask)
        assert [box for box, _ in ordered] == [box for box, _ in wanted]
        assert all(np.array_equal(mine[1], other[1]) for mine, other in zip(ordered, wanted, strict=True))


def test_growth_is_the_height_of_the_component_at_the_lower_level() -> None:
    random = np.random.default_rng(1)
    relief = random.integers(0, 100, (80, 90)).astype(np.uint8)
    growth = Growth(relief, 70.0)
    pixels = 0
    for box, inside in labelled((relief > 70).astype(np.uint8)):  # more of them than one mask can tell apart
        for row, column in np.argwhere(inside)[:2].tolist():
            assert growth.height_at(box.left + column, box.top + row) == box.height
            pixels += 1
    assert pixels > 300


@pytest.mark.parametrize("level", [0.0, 17.99999999999, 18.0, 18.5, 300.0])
def test_whole_and_broken_reliefs_are_above_the_same_levels(level: float) -> None:
    whole = np.arange(256, dtype=np.uint8).reshape(16, 16)
    broken = whole.astype(np.float32)
    np.testing.assert_array_equal(above(whole, level), broken > level)
    np.testing.assert_array_equal(above(broken, level), broken > level)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.3])
def test_no_stroke_higher_or_wider_than_a_speck_is_touched(share: float) -> None:
    mask = (np.random.default_rng(0).random((500, 600)) < share).astype(np.uint8)
    left = without_specks(mask)
    assert left.sum() < mask.sum()
    kept = [stroke for stroke in labelled(mask) if max(stroke[0].width, stroke[0].height) > 3]
    assert kept
    for box, inside in kept:
        assert left[box.slices][inside].all()
