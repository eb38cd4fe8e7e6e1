from dataclasses import replace

import cv2
import numpy as np
import pytest

from kium_lightning.anatomy import Projection, View
from kium_lightning.phantom.film import FORMS, Film, draw_sheet
from kium_lightning.phantom.overlay import draw_text, paint_text
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.sheet import Sheet, encode, lay_out


@pytest.fixture(scope="module")
def film(distributions: Distributions) -> Film:
    return replace(distributions.film, forms={"clean": 0.5, "margins": 0.25, "text": 0.25}, sizes=[(260, 208)])


def sheets(film: Film, count: int, view: View = View.LEFT_ANTERIOR_LATERAL) -> list[Sheet]:
    shared, own = ([np.random.default_rng([seed, kind]) for seed in range(count)] for kind in (0, 1))
    return [draw_sheet(film, view, *streams) for streams in zip(shared, own, strict=True)]


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
    assert {0, 2} <= {width for widths in margins for width in widths}
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
        plain, _, _ = lay_out(picture, replace(sheet, texts=(), marks=None))
        assert mask is not None
        assert not np.any((image != plain) & (mask == 0))
        boxed = np.zeros_like(mask)
        for box in boxes:
            boxed[box[1] : box[3], box[0] : box[2]] = 255
        assert not np.any((mask > 0) & (boxed == 0))


def test_text_stays_inside_the_file_and_is_legible(film: Film) -> None:
    for seed in range(40):
        rng = np.random.default_rng(seed)
        for text in draw_text(film.lettering, 14, bool(seed % 2), rng):
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


def test_about_a_fifth_of_the_runs_is_misregistered_and_more_of_the_lateral_ones(film: Film) -> None:
    shares = {}
    for view in (View.LEFT_ANTERIOR_FRONTAL, View.LEFT_ANTERIOR_LATERAL):
        drawn = [sheet.shift for sheet in sheets(film, 1500, view)]
        shifts = np.array([(np.hypot(right, down), abs(degrees)) for right, down, degrees in drawn])
        largest = np.array([film.misregistration_px, film.misregistration_degrees])
        assert np.all(shifts <= largest)
        shares[view.projection] = np.mean((shifts > film.residual * largest).any(axis=1))
    assert 0.5 * sum(shares.values()) == pytest.approx(0.2, abs=0.03)
    assert shares[Projection.LATERAL] > shares[Projection.FRONTAL] + 0.05


def test_only_lateral_views_show_a_blob(film: Film) -> None:
    assert not any(sheet.blob for sheet in sheets(film, 60, View.RIGHT_POSTERIOR_FRONTAL))
    drawn = [sheet.blob for sheet in sheets(film, 400)]
    assert np.mean([blob is not None for blob in drawn]) == pytest.approx(film.blob, abs=0.08)
    assert all(blob.place[0] < 0.25 and blob.place[1] > 0.7 for blob in drawn if blob)


def test_files_of_a_patient_share_form_and_size_but_not_noise(film: Film) -> None:
    one, other = (
        draw_sheet(film, view, np.random.default_rng(4), np.random.default_rng(number))
        for number, view in enumerate((View.LEFT_ANTERIOR_FRONTAL, View.RIGHT_POSTERIOR_LATERAL))
    )
    for name in ("form", "width", "height", "background", "skull_seed", "texts", "marks", "quality", "is_rgb"):
        assert getattr(one, name) == getattr(other, name)
    assert one.noise_seed != other.noise_seed


def test_a_raw_border_is_two_black_columns_and_rows(film: Film) -> None:
    bordered = [sheet for sheet in sheets(replace(film, raw_border=1.0), 40) if sheet.form != "clean"]
    assert bordered
    for sheet in bordered:
        assert sheet.picture == (0, 0, sheet.width - 2, sheet.height - 2)


def test_marks_are_a_row_of_dashes_and_ticks_down_the_left(film: Film) -> None:
    marked = [sheet for sheet in sheets(replace(film, dashes=1.0, raw_border=1.0), 60) if sheet.form == "text"]
    assert marked
    for sheet in marked:
        picture = np.full((sheet.height - 2, sheet.width - 2), 190, dtype=np.uint8)
        image, _, mask = lay_out(picture, replace(sheet, texts=()))
        assert mask is not None
        dark = image[:-2, :-2] < 60
        assert np.array_equal(dark, mask[:-2, :-2] > 0)
        assert not dark[3:, 6:].any()
        assert np.count_nonzero(np.diff(dark[:3].any(axis=0).astype(int)) == 1) >= 8
        assert np.count_nonzero(np.diff(dark[3:, 0].astype(int)) == 1) >= 8
