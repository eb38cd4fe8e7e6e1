from pathlib import Path

import cv2
import numpy as np
import pytest

from kium_lightning.anatomy import View
from kium_lightning.errors import ConfigError
from kium_lightning.phantom import gallery
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.settings import build, compose

SMALL = ("cohort=phantom_tiny", "cohort.film.sizes=[[160,128]]", "cohort.train_patients=8", "cohort.test_patients=0")


def cohort(*overrides: str) -> PhantomCohort:
    made: PhantomCohort = build(compose("phantom", [*SMALL, *overrides]).cohort)
    return made


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> gallery.ColourImage:
    file = tmp_path_factory.mktemp("gallery") / "new" / "gallery.png"
    gallery.main(cohort(), 2, 300, file)
    return np.asarray(cv2.imread(str(file)), np.uint8)


def test_the_gallery_shows_every_view_twice_at_the_size_asked_for(sheet: gallery.ColourImage) -> None:
    assert sheet.shape[1] == len(View) * 306 + 6
    assert sheet.shape[0] == 34 + 2 * (34 + 2 * (240 + 6))


def test_the_truth_is_drawn_in_colour_and_the_images_stay_grey(sheet: gallery.ColourImage) -> None:
    rows = sheet[34 + 34 : 34 + 34 + 240], sheet[34 + 34 + 246 : 34 + 34 + 246 + 240]
    colour = [int(np.ptp(row.astype(int), axis=2).max()) for row in rows]
    assert colour[0] == 0
    assert colour[1] > 100


def test_patients_with_and_without_aneurysms_take_turns() -> None:
    jobs = gallery._chosen(cohort().jobs(), 4)
    assert [bool(job.labels) for job in jobs] == [True, False, True, False]


def test_too_few_patients_or_too_small_tiles_are_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"with aneurysms, but the cohort has.*cohort\.train_patients"):
        gallery.main(cohort(), 40, 300, tmp_path / "gallery.png")
    with pytest.raises(ConfigError, match=r"gallery\.tile_px is 100\. Give it a whole number of at least 300"):
        gallery.main(cohort(), 2, 100, tmp_path / "gallery.png")
    assert not list(tmp_path.iterdir())
