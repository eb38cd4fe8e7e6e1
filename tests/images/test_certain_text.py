import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from raw_films import raw_film

from kium_lightning.images.box import Box
from kium_lightning.images.certain_text import certain_of, has_black_word, has_certain, is_black_word, lines_near_border
from kium_lightning.images.contrast import least_contrast
from kium_lightning.images.glyphs import Level, stroke_levels
from kium_lightning.images.lines import Line
from kium_lightning.images.relief import (
    bright_relief,
    coarse_background,
    dark_relief,
    dark_relief_inside,
    highest_bright_relief,
)
from kium_lightning.images.rows import chains, neighbours

GREYS = (5, 60, 110, 160, 215, 250)


def written(seed: int) -> NDArray[np.uint8]:
    """A clean film with a word of some grey near a corner, or without one."""
    image = raw_film(6000 + seed, "clean").image.copy()
    random = np.random.default_rng(seed)
    if seed % 4:
        grey, scale = int(random.choice(GREYS)), random.uniform(0.3, 0.9)
        corner = (int(random.integers(0, 60)), int(random.integers(15, image.shape[0])))
        cv2.putText(image, str(random.choice(["LAO 3", "M", "Im 12/4", "RV"])), corner, 0, scale, grey, 2)
    return image


def all_lines(image: NDArray[np.uint8], relief: NDArray[np.float32], levels: list[Level], picture: Box) -> list[Line]:
    return lines_near_border([level.glyphs(image, relief, level.boxes) for level in levels], picture)


@pytest.mark.parametrize("is_dark", [False, True])
def test_the_early_end_is_taken_just_where_no_line_is_certain(is_dark: bool) -> None:
    answers = set()
    for seed in range(24):
        image = written(seed)
        picture = Box.whole(image)
        contrast = least_contrast(image, picture)
        inner, letters = (picture.grown(-1, -1), 3) if is_dark else (picture, 2)
        background = coarse_background(image)
        relief = dark_relief(image, picture) if is_dark else bright_relief(image, picture, background)
        levels = list(stroke_levels(relief, contrast))
        wanted = bool(certain_of(all_lines(image, relief, levels, picture), letters, inner, contrast))
        quick = dark_relief_inside(image) if is_dark else relief
        found = has_certain(image, quick, list(stroke_levels(quick, contrast)), contrast, picture, inner, letters)
        assert found == wanted
        answers.add(wanted)
    assert answers == {False, True}


def test_black_words_are_missed_nowhere() -> None:
    answers = set()
    for seed in range(24):
        image = written(seed)
        if seed % 3 == 0:  # nothing but one word, black or grey
            image[:] = np.random.default_rng(seed).normal(180, 3, image.shape).round()
            cv2.putText(image, "IM 7", (30, 40), 0, 0.7, 60 * (seed % 2) + 5, 2)
        picture = Box.whole(image)
        contrast = least_contrast(image, picture)
        relief = dark_relief(image, picture)
        levels = list(stroke_levels(relief, contrast))
        lines = all_lines(image, relief, levels, picture)
        if lines:
            known = lines[seed % len(lines) :][:1]
            wanted = any(is_black_word(line, known, relief, contrast) for line in lines)
            assert has_black_word(image, relief, levels, contrast, picture, known) == wanted
            answers.add(wanted)
    assert answers == {False, True}


@pytest.mark.parametrize("form", ["clean", "margins", "text"])
def test_no_bright_relief_exceeds_its_bound(form: str) -> None:
    for seed in range(8):
        film = raw_film(9000 + seed, form)
        background = coarse_background(film.image[film.box.slices])
        highest = bright_relief(film.image, film.box, background).max()
        assert highest <= highest_bright_relief(film.image, film.box, background)


def test_strokes_follow_each_other_as_their_boxes_say_one_by_one() -> None:
    random = np.random.default_rng(0)
    corners = random.integers(0, 200, (80, 2))
    boxes = np.concatenate([corners, corners + random.integers(1, 57, (80, 2))], axis=1).astype(np.int32)

    def follows(one: list[int], other: list[int]) -> bool:
        low, high = sorted((one[3] - one[1], other[3] - other[1]))
        overlap = min(one[3], other[3]) - max(one[1], other[1])
        gap = max(one[0], other[0]) - min(one[2], other[2])
        return high <= 2.2 * low and overlap >= 0.5 * low and gap <= 1.3 * high

    wanted = [[follows(one, other) for other in boxes.tolist()] for one in boxes.tolist()]
    np.testing.assert_array_equal(neighbours(boxes), wanted)


def test_chains_hold_what_is_linked_over_others_and_nothing_else() -> None:
    random = np.random.default_rng(0)
    for _ in range(30):
        linked = random.random((25, 25)) < 0.05
        linked = linked | linked.T | np.eye(25, dtype=bool)
        reached = np.linalg.matrix_power(linked.astype(np.int64), 24) > 0
        assert chains(linked) == [list(part) for part in dict.fromkeys(tuple(np.flatnonzero(row)) for row in reached)]
