"""The pictures of a page: clean views, and the heat maps of the nets of a real ensemble over them."""

import base64
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation, View
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.report.pictures import draw_pictures
from kium_lightning.report.thumbnails import SIDE, heat_thumbnail, thumbnail
from kium_lightning.tasks.training_runs import find_training


def decoded(uri: str) -> NDArray[np.uint8]:
    kind, _, content = uri.partition(",")
    assert kind == "data:image/jpeg;base64"
    image = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return np.asarray(image, np.uint8)


def members(outputs: Path, *names: str) -> list[dict[str, Any]]:
    """Presence nets as a predict run's record lists them."""
    return [
        {
            "circulation": name.removeprefix("mednet_"),
            "target": "binary",
            "name": name,
            "checkpoint": str(find_training(name, outputs).checkpoint),
        }
        for name in names
    ]


def some_patients(cohort: CohortFolder) -> list[int]:
    return [int(patient) for patient in pd.read_csv(cohort.test_csv)["Index"][:2]]


def test_a_thumbnail_is_the_picture_made_small() -> None:
    picture = np.add.outer(np.arange(600) // 4, np.arange(900) // 10).astype(np.uint8)
    small = decoded(thumbnail(picture))
    assert small.shape == (round(600 * SIDE / 900), SIDE)
    expected = cv2.resize(picture, (SIDE, small.shape[0]), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected.astype(int)).mean() < 2


def test_heat_colours_the_picture_only_where_there_is_evidence() -> None:
    picture = np.full((SIDE, SIDE), 128, np.uint8)
    heat = np.zeros((SIDE, SIDE), np.float32)
    heat[:, : SIDE // 2] = 1.0
    image = decoded(heat_thumbnail(picture, heat, np.zeros_like(picture, np.bool_))).astype(int)
    spread = image.max(axis=2) - image.min(axis=2)
    assert spread[:, : SIDE // 2 - 16].min() > 60
    assert spread[:, SIDE // 2 + 16 :].max() < 12


def test_an_outline_is_drawn_where_the_aneurysm_is() -> None:
    picture, outline = np.full((500, 500), 128, np.uint8), np.zeros((500, 500), np.bool_)
    outline[200:240, 300:340] = True
    image = decoded(heat_thumbnail(picture, np.zeros((500, 500), np.float32), outline)).astype(int)
    blue = image[..., 0] - image[..., 2]  # the outline is cyan
    rows, columns = np.nonzero(blue > 60)
    scale = SIDE / 500
    assert rows.min() > 195 * scale - 3
    assert rows.max() < 245 * scale + 3
    assert columns.mean() == np.clip(columns.mean(), 300 * scale, 340 * scale)


def test_every_view_is_shown_and_the_nets_cover_theirs(
    trained: Path, phantom_cohort: CohortFolder, tmp_path: Path
) -> None:
    patients = some_patients(phantom_cohort)
    part, truth = phantom_cohort.part("test_set"), phantom_cohort.truth / "test_set"

    both = members(trained, "mednet_anterior", "mednet_posterior")
    pictures = draw_pictures(part, patients, tmp_path, both, truth, "cpu")
    assert pictures.views.keys() == pictures.maps.keys() == {(patient, view) for patient in patients for view in View}
    assert any("mednet_anterior, mednet_posterior" in note for note in pictures.notes)
    assert len(pictures.rows(patients[0])) == 4

    twice = draw_pictures(part, patients, tmp_path, members(trained, *["mednet_anterior"] * 2), truth, "cpu")
    assert {view.circulation for _, view in twice.maps} == {Circulation.ANTERIOR}
    for key, uri in twice.maps.items():
        assert uri == pictures.maps[key]  # the mean of a net with itself


def test_without_nets_or_images_the_rest_is_shown_and_a_sentence_says_why(
    phantom_cohort: CohortFolder, tmp_path: Path
) -> None:
    patients, part = some_patients(phantom_cohort), phantom_cohort.part("test_set")
    gone = [{"circulation": "anterior", "target": "binary", "name": "x", "checkpoint": str(tmp_path / "gone.ckpt")}]

    lost = draw_pictures(part, patients, tmp_path, gone, None, "cpu")
    assert len(lost.views) == 16
    assert not lost.maps
    assert lost.notes[0].startswith("There are no heat maps: ")
    assert "gone.ckpt" in lost.notes[0]

    assert draw_pictures(part, patients, tmp_path, [], None, "cpu").notes == ()

    nowhere = CohortFolder(tmp_path / "nowhere", "x").part("test_set")
    empty = draw_pictures(nowhere, patients, tmp_path, gone, None, "cpu")
    assert not empty.views
    assert empty.notes[0].startswith("The views cannot be shown: ")
