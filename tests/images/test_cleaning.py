import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from raw_films import RawFilm, raw_film

from kium_lightning.images.box import Box
from kium_lightning.images.cleaning import CleaningRecord, RawForm, clean_view
from kium_lightning.images.covering import cover
from kium_lightning.images.margins import find_picture_box
from kium_lightning.images.marks import find_marks

FILMS = 100


def kept(film: RawFilm, record: CleaningRecord) -> NDArray[np.bool_]:
    mask = np.zeros(film.image.shape, bool)
    mask[record.picture_box.slices] = True
    for found in record.covered:
        mask[found.box.slices] = False
    return mask


@pytest.mark.parametrize("form", ["margins", "text"])
def test_picture_box_is_found_within_two_pixels(form: str) -> None:
    films = [raw_film(5000 + seed, form) for seed in range(FILMS)]
    off = [np.abs(np.array(find_picture_box(film.image)) - film.box).max() for film in films]
    assert sum(distance <= 2 for distance in off) >= 0.995 * FILMS


def test_clean_images_come_out_identical() -> None:
    for seed in range(12):
        film = raw_film(6000 + seed, "clean")
        view = clean_view(film.image)
        assert np.array_equal(view.image, film.image)
        assert view.record == CleaningRecord(RawForm.CLEAN, Box.whole(film.image), ())


def test_text_is_covered_and_little_else() -> None:
    left, needless = [], 0
    for seed in range(30):
        film = raw_film(7000 + seed, "text")
        record = clean_view(film.image).record
        left.append(int((film.text & kept(film, record)).sum()))
        rows, columns = 60, 60
        for found in record.covered:
            near = found.box.grown(columns, rows).within(Box.whole(film.image))
            needless += not film.text[near.slices].any()
    assert sum(pixels == 0 for pixels in left) >= 0.9 * len(left)
    assert needless <= 0.1 * len(left)  # dark vessels in a tangle beside dark text


def test_cleaning_twice_changes_nothing_more() -> None:
    for seed in range(6):
        once = clean_view(raw_film(8000 + seed, "margins").image).image
        assert np.array_equal(clean_view(once).image, once)


def test_cleaning_leaves_the_raw_image_alone() -> None:
    image = raw_film(7001, "text").image
    before = image.copy()
    clean_view(image)
    assert np.array_equal(image, before)


def grey_film(margins: tuple[int, int, int, int], level: int = 0, grey: int = 195) -> tuple[NDArray[np.uint8], Box]:
    left, top, right, bottom = margins
    image = np.full((300 + top + bottom, 300 + left + right), level, np.uint8)
    box = Box(left, top, left + 300, top + 300)
    image[box.slices] = np.random.default_rng(0).normal(grey, 3, (300, 300)).round().astype(np.uint8)
    return image, box


@pytest.mark.parametrize("margins", [(1, 0, 0, 0), (0, 0, 2, 2), (0, 200, 0, 0), (200, 1, 200, 2), (30, 60, 90, 120)])
@pytest.mark.parametrize(("level", "grey"), [(0, 195), (60, 100), (20, 230)])
def test_any_margin_is_cut_to_the_pixel(margins: tuple[int, int, int, int], level: int, grey: int) -> None:
    image, box = grey_film(margins, level, grey)
    assert find_picture_box(image) == box


def test_a_vessel_along_or_across_an_edge_is_not_taken_for_a_margin() -> None:
    image, box = grey_film((40, 40, 40, 40))
    image[40:340, 180:220] = 5  # through the centre, from edge to edge
    image[180:200, 40:340] = 5
    image[40:130, 40:60] = 5  # along the left edge
    assert find_picture_box(image) == box
    assert find_picture_box(image[box.slices]) == Box(0, 0, 300, 300)


def written(image: NDArray[np.uint8], words: str, corner: tuple[int, int], grey: int) -> None:
    cv2.putText(image, words, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.7, grey, 2)


def test_wide_bright_text_in_a_margin_is_not_taken_for_the_picture() -> None:
    image, box = grey_film((0, 30, 0, 80))
    for line in (352, 374, 396):
        written(image, "MEMEMEMEMEMEMEMEMEMEMEM", (2, line), 255)
    assert find_picture_box(image) == box


@pytest.mark.parametrize("grey", [10, 255])
def test_wide_text_in_the_picture_is_not_taken_for_its_edge(grey: int) -> None:
    image, box = grey_film((0, 30, 0, 0))
    written(image, "HOSPITAL MEMEMEMEMEMEM", (2, 320), grey)
    assert find_picture_box(image) == box


def test_letters_behind_a_vessel_on_a_line_of_text_are_covered() -> None:
    image, _ = grey_film((0, 0, 0, 0))
    image[:, 136:150] = 70
    background = image.copy()
    written(image, "LAO 2481 H", (60, 285), 10)
    assert (image != background)[:, 150:].any()
    left = image != background
    for found in clean_view(image).record.covered:
        left[found.box.slices] = False
    assert not left.any()


def test_a_single_letter_far_from_certain_text_is_covered() -> None:
    image, _ = grey_film((0, 0, 0, 0))
    background = image.copy()
    written(image, "HOSPITAL", (10, 30), 10)
    written(image, "M", (260, 280), 10)
    left = image != background
    for found in clean_view(image).record.covered:
        left[found.box.slices] = False
    assert not left.any()


@pytest.mark.parametrize("grey", [216, 174])
def test_faint_edges_of_bones_side_by_side_are_not_taken_for_text(grey: int) -> None:
    image, _ = grey_film((0, 0, 0, 0))
    image[100:200, 150:158] = 60
    for left, shift in ((90, 0), (112, 1), (134, 0), (156, 1)):  # as alike as letters, and at the border as text is
        image[255 + shift : 283 + shift, left : left + 8] = grey
    view = clean_view(image)
    assert view.record == CleaningRecord(RawForm.CLEAN, Box.whole(image), ())
    assert np.array_equal(view.image, image)


def test_dashes_and_ticks_are_marks_and_a_vessel_at_the_edge_is_not() -> None:
    image, _ = grey_film((0, 0, 0, 0))
    image[0:40, 100:112] = 20
    assert find_marks(image, 20) == []
    for column in range(2, 290, 9):
        image[1, column : column + 5] = 20
    for row in range(20, 290, 16):
        image[row, 0:4] = 20
    marks = find_marks(image, 20)
    covered = np.zeros(image.shape, bool)
    for mark in marks:
        covered[mark.slices] = True
    vessel = np.zeros(image.shape, bool)
    vessel[0:40, 95:117] = True
    assert not ((image < 60) & ~covered & ~vessel).any()
    assert covered.mean() < 0.02


def test_cover_takes_the_mean_of_a_region_without_vessels() -> None:
    image = np.full((90, 90), 180, np.uint8)
    image[50:90, :] = 10
    image[30:40, 30:60] = 255
    assert cover(image, Box(30, 30, 60, 40)) == 180
    assert (image[30:40, 30:60] == 180).all()
