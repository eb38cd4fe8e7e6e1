from dataclasses import replace

import cv2
import numpy as np
import pytest

from kium_lightning.phantom.film import FORMS, Film, Sheet, draw_sheet, encode, lay_out
from kium_lightning.phantom.overlay import draw_text, paint_text
from kium_lightning.phantom.patient import Distributions


@pytest.fixture(scope="module")
def film(distributions: Distributions) -> Film:
    return replace(distributions.film, forms={"clean": 0.5, "margins": 0.25, "text": 0.25}, sizes=[(260, 208)])


def sheets(film: Film, count: int) -> list[Sheet]:
    return [draw_sheet(film, np.random.default_rng(seed), np.random.default_rng(seed + 9)) for seed in range(count)]


def test_raw_forms_are_as_frequent_as_stated(film: Film) -> None:
    drawn = sheets(film, 1500)
    for form in FORMS:
        assert np.mean([sheet.form == form for sheet in drawn]) == pytest.approx(film.forms[form], abs=0.035)


def test_forms_differ_in_margins_and_text(film: Film) -> None:
    margins = []
    for sheet in sheets(film, 300):
        left, top, right, bottom = sheet.picture
        assert 0 <= left < right <= sheet.width
        assert 0 <= top < bottom <= sheet.height
        widths = (left, top, sheet.width - right, sheet.height - bottom)
        assert (sum(widths) == 0) == (sheet.form == "clean")
        assert bool(sheet.texts) == (sheet.form == "text")
        margins.append(widths)
    assert {0, 1, 2} <= {width for widths in margins for width in widths}
    assert np.all(np.max(margins, axis=0) > 20)  # every side has margins somewhere


def test_margins_are_dark_and_the_picture_stays_as_it_was(film: Film) -> None:
    sheet = next(sheet for sheet in sheets(film, 200) if sheet.form == "margins" and sheet.picture[0] > 4)
    left, top, right, bottom = sheet.picture
    picture = np.full((bottom - top, right - left), 190, dtype=np.uint8)
    image, boxes, mask = lay_out(picture, sheet)
    assert np.array_equal(image[top:bottom, left:right], picture)
    image[top:bottom, left:right] = 0
    assert image.max() < 20
    assert boxes == []
    assert mask is None


def test_the_text_mask_holds_every_pixel_that_text_changed(film: Film) -> None:
    for sheet in (sheet for sheet in sheets(film, 120) if sheet.form == "text"):
        left, top, right, bottom = sheet.picture
        picture = np.full((bottom - top, right - left), 128, dtype=np.uint8)
        image, boxes, mask = lay_out(picture, sheet)
        plain, _, _ = lay_out(picture, replace(sheet, texts=(), dashes=False))
        assert mask is not None
        assert not np.any((image != plain) & (mask == 0))
        boxed = np.zeros_like(mask)
        for box in boxes:
            boxed[box[1] : box[3], box[0] : box[2]] = 255
        assert not np.any((mask > 0) & (boxed == 0))


def test_text_stays_inside_the_file_and_is_legible() -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for text in draw_text(14, bool(seed % 2), rng):
            image = np.full((500, 800), 190, dtype=np.uint8)
            box, mask = paint_text(image, text, (0, 0, 800, 500))
            assert 0 <= box[0] < box[2] <= 800
            assert 0 <= box[1] < box[3] <= 500
            assert np.abs(image[mask > 0].astype(int) - 190).max() > 30


@pytest.mark.parametrize("is_rgb", [True, False])
def test_three_channels_are_equal(film: Film, is_rgb: bool) -> None:
    sheet = replace(sheets(film, 1)[0], is_rgb=is_rgb, quality=90)
    image = np.random.default_rng(0).integers(0, 255, (64, 80), dtype=np.uint8)
    buffer = np.frombuffer(encode(image, sheet), np.uint8)
    decoded = np.asarray(cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED))
    assert decoded.shape == ((64, 80, 3) if is_rgb else (64, 80))
    if is_rgb:
        assert np.ptp(decoded, axis=2).max() == 0
