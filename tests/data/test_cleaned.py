from pathlib import Path

import numpy as np
import pytest

from kium_lightning.anatomy import View
from kium_lightning.data import cleaned
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.errors import ImageError
from kium_lightning.images.cleaning import CleaningRecord, clean_view, repeat_cleaning
from kium_lightning.images.reading import read_grey


def all_images(cohort: CohortFolder) -> list[Path]:
    return [path for path in sorted(cohort.train_set.glob("*.jpg")) if View.from_code(path.stem[4:])]


def test_a_record_repeats_the_cleaning_it_was_made_of(phantom_cohort: CohortFolder) -> None:
    for path in all_images(phantom_cohort):
        image = read_grey(path)
        view = clean_view(image)
        record = CleaningRecord.from_plain(view.record.plain())
        assert record == view.record
        np.testing.assert_array_equal(repeat_cleaning(image, record), view.image)


def test_an_image_is_searched_for_margins_and_text_once(
    phantom_cohort: CohortFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = all_images(phantom_cohort)[0]
    first = CleanedViews(tmp_path).read(path)
    monkeypatch.delattr(cleaned, "clean_view")
    np.testing.assert_array_equal(CleanedViews(tmp_path).read(path), first)


def test_another_content_under_the_same_name_is_searched_anew(phantom_cohort: CohortFolder, tmp_path: Path) -> None:
    one, other = all_images(phantom_cohort)[0], all_images(phantom_cohort)[-1]
    moving = tmp_path / "1001LI-A.jpg"
    views = CleanedViews(tmp_path / "cache")
    for path in (one, other):
        moving.write_bytes(path.read_bytes())
        np.testing.assert_array_equal(views.read(moving), clean_view(read_grey(path)).image)


def test_a_missing_image_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="1001LI-A"):
        CleanedViews(tmp_path).read(tmp_path / "1001LI-A.jpg")
