import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from kium_lightning.data.cohort import CohortFolder
from kium_lightning.errors import CohortError
from kium_lightning.images.reading import read_grey
from kium_lightning.preprocess import clean_cohort, write_contact_sheet


def raw_cohort(folder: Path) -> CohortFolder:
    """Four images, the second and fourth with margins."""
    draw = np.random.default_rng(0)
    images = folder / "train_set"
    images.mkdir(parents=True)
    (images / "train.csv").write_text("Index\n1001\n")
    for name, margin in (("1001LI-A", 0), ("1001LI-B", 30), ("1001LV-A", 0), ("1001LV-B", 8)):
        film = np.zeros((120 + 2 * margin, 120), np.uint8)
        film[margin : margin + 120] = draw.normal(190, 3, (120, 120)).round().astype(np.uint8)
        assert cv2.imwrite(str(images / f"{name}.jpg"), film)
    return CohortFolder(folder, "raw")


def test_clean_files_are_copied_byte_for_byte_and_others_written_losslessly(tmp_path: Path) -> None:
    raw = raw_cohort(tmp_path / "raw")
    outcomes = clean_cohort(raw, tmp_path / "clean", workers=1)
    written = tmp_path / "clean" / "train_set"
    assert [str(outcome.form) for outcome in outcomes] == ["clean", "margins", "clean", "margins"]
    assert (written / "1001LI-A.jpg").read_bytes() == (raw.train_set / "1001LI-A.jpg").read_bytes()
    assert (written / "train.csv").read_bytes() == raw.train_csv.read_bytes()
    records = {
        record["file"]: record for record in json.loads((tmp_path / "clean/train_set-cleaning.json").read_text())
    }
    left, top, right, bottom = records["1001LI-B.jpg"]["picture_box"]
    source = read_grey(raw.train_set / "1001LI-B.jpg")
    assert np.array_equal(read_grey(written / "1001LI-B.png"), source[top:bottom, left:right])
    assert (top, bottom) == (30, 150)
    sheet = write_contact_sheet(tmp_path / "sheet.png", outcomes, samples=1, seed=0)
    assert read_grey(sheet).shape[0] > 400


def test_no_file_is_overwritten_or_lost(tmp_path: Path) -> None:
    raw = raw_cohort(tmp_path / "raw")
    with pytest.raises(CohortError, match="not empty"):
        clean_cohort(raw, raw.path, workers=1)
    assert cv2.imwrite(str(raw.train_set / "1001LI-B.png"), np.zeros((9, 9), np.uint8))
    with pytest.raises(CohortError, match="1001LI-B"):
        clean_cohort(raw, tmp_path / "clean", workers=1)


def test_all_unreadable_images_are_told_at_once(tmp_path: Path) -> None:
    raw = raw_cohort(tmp_path / "raw")
    for name in ("1001LI-A.jpg", "1001LV-B.jpg"):
        (raw.train_set / name).write_bytes(b"nothing")
    with pytest.raises(CohortError, match=r"(?s)1001LI-A.jpg.*1001LV-B.jpg"):
        clean_cohort(raw, tmp_path / "clean", workers=1)
