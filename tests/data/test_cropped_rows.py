from itertools import product
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from commands import call_verb, smoke_settings
from plain_views import plain_views
from random_cohort import label_table, plain_view, random_catalog, random_labels

from kium_lightning.anatomy import Artery, Circulation, Location, Projection, Side, View
from kium_lightning.data import filling
from kium_lightning.data.cache import prepared_views
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.crop_windows import ArteryWindow, CropWindows, WindowKey, read_crop_windows
from kium_lightning.data.cropped_rows import CroppedRows
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.folding import FoldedRows
from kium_lightning.data.rows import Window, row_table
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import Source, row_sources
from kium_lightning.errors import ConfigError
from kium_lightning.images.reading import read_content, read_grey
from kium_lightning.phantom.patient import draw_patient
from kium_lightning.phantom.scene import cast
from kium_lightning.settings import build, compose
from kium_lightning.tasks.checkpoint import load_task

PREPARATION = Preparation.from_values(32, "as_filmed", 1, ["A"])
LEFT_HALF, RIGHT_HALF = Window(0.0, 0.0, 0.5, 1.0), Window(0.5, 0.0, 1.0, 1.0)


def cropped(circulation: str, windows: CropWindows | None = None) -> CroppedRows:
    """Cropped rows with the shipped windows, or with others."""
    return CroppedRows(circulation, (windows or read_crop_windows()).plain())


def by_name(rows: CroppedRows) -> dict[str, Window]:
    return {sample.name: sample.window for sample in rows.samples if sample.window is not None}


@pytest.mark.parametrize("circulation", Circulation)
def test_every_artery_of_both_sides_has_a_crop_and_every_crop_one_view_of_its_side(circulation: Circulation) -> None:
    rows = cropped(circulation)
    assert set(rows.locations) == {location for location in Location if location.circulation is circulation}
    for sample, location in zip(rows.samples, rows.locations, strict=True):
        (view,) = sample.views
        assert sample.name == f"{view.code} {location.artery}"
        assert location.side in (view.side, None)
    for side, artery in product(Side, circulation.arteries):
        assert any(sample.views[0].side is side and sample.name.endswith(f" {artery}") for sample in rows.samples)


def test_the_crops_are_of_the_views_that_show_an_artery_well() -> None:
    """Reference: the PCOM is seen end-on from the front and fills from the carotid; the MCA hides in the profile."""
    posterior, anterior = by_name(cropped("posterior")), by_name(cropped("anterior"))
    assert [name for name in posterior if name.endswith("PCOM")] == ["LI-B PCOM", "RI-B PCOM"]
    assert [name for name in anterior if name.endswith("MCA")] == ["LI-A MCA", "RI-A MCA"]
    assert [name for name in posterior if name.endswith("BA")] == ["LV-A BA", "LV-B BA", "RV-A BA", "RV-B BA"]
    assert (len(anterior), len(posterior)) == (16, 22)


@pytest.mark.parametrize("circulation", Circulation)
def test_labels_are_those_of_the_crops_artery_and_side(circulation: Circulation) -> None:
    table = label_table(random_labels(40, 3, rate=0.3))
    rows = cropped(circulation)
    listed = row_table(rows, table)
    for row in listed.itertuples(index=False):
        view, artery = str(row.view).split(" ")
        column = artery if artery == "BA" else f"{view[0]}_{artery}"
        assert row.aneurysm == table.loc[table["Index"] == row.Index, column].item()


@pytest.mark.parametrize("circulation", Circulation)
def test_unfolding_gives_back_the_patients_columns_that_folded_rows_give(circulation: Circulation) -> None:
    table = label_table(random_labels(40, 4, rate=0.3))
    rows, folded = cropped(circulation), FoldedRows(circulation, "multilabel")
    unfolded = rows.unfold_labels(rows.labels(table))
    np.testing.assert_array_equal(unfolded, table[rows.columns].to_numpy())
    assert (rows.columns, rows.question) == (folded.columns, folded.question)
    np.testing.assert_array_equal(unfolded, folded.unfold_labels(folded.labels(table)))


@pytest.mark.parametrize("circulation", Circulation)
def test_a_locations_score_is_the_highest_of_its_own_crops(circulation: Circulation) -> None:
    rows = cropped(circulation)
    scores = np.random.default_rng(0).random((5, len(rows.samples), 1))
    unfolded = rows.unfold_scores(scores)
    for place, column in enumerate(rows.columns):
        own = [crop for crop, location in enumerate(rows.locations) if location is Location.from_column(column)]
        assert len(own) >= 1
        np.testing.assert_array_equal(unfolded[:, place], scores[:, own, 0].max(axis=1))


@pytest.mark.parametrize("circulation", Circulation)
def test_windows_are_mirrored_in_right_frontal_views_alone(circulation: Circulation) -> None:
    windows = by_name(cropped(circulation))
    for name, (left, top, right, bottom) in windows.items():
        if name.startswith("R"):
            of_left = windows[f"L{name[1:]}"]
            frontal = "-A " in name
            expected = (1 - of_left.right, of_left.top, 1 - of_left.left, of_left.bottom) if frontal else of_left
            np.testing.assert_allclose((left, top, right, bottom), expected, atol=1e-12)


def test_shipped_windows_lie_in_the_picture_and_say_how_they_were_made() -> None:
    shipped = read_crop_windows()
    assert {"command", "patients", "seed", "tail", "margin"} <= set(shipped.made)
    for found in shipped.windows.values():
        left, top, right, bottom = found.window
        assert 0.0 <= left < right <= 1.0
        assert 0.0 <= top < bottom <= 1.0
        assert found.share == pytest.approx((right - left) * (bottom - top))
        assert 0.01 < found.share < 0.5
        assert found.sacs >= 20


def test_visible_aneurysms_of_fresh_phantoms_lie_in_their_windows() -> None:
    """At least 9 in 10 with their whole outline; the windows are to leave out 1 in 100 at each edge."""
    distributions = build(compose("phantom", ["cohort=phantom"]).cohort).distributions
    windows = {c: by_name(cropped(c)) for c in Circulation}
    inside = []
    for number in range(8):
        labels = frozenset(list(Location)[(2 * number + 4 * each) % 21] for each in range(5))
        patient = draw_patient(labels, distributions, (424_242, 0, number))
        for view in View:
            run, sheet = patient.runs[view], patient.sheets[view]
            left, top, right, bottom = sheet.picture
            darkest = sheet.darkest_signal
            scene = cast(
                patient.tree, patient.sacs, patient.filling(view), run, sheet.picture, darkest, names_arteries=False
            )
            for sac, truth in zip(patient.sacs, scene.sacs, strict=True):
                name = f"{view.code} {sac.location.artery}"
                window = windows[sac.location.circulation].get(name)
                if truth is None or not truth.visible or window is None or sac.location.side not in (view.side, None):
                    continue
                rows, columns = window.slices(bottom - top, right - left)
                box = np.array(truth.box) - [left, top, left, top]
                inside.append(
                    columns.start <= box[0] and box[2] <= columns.stop and rows.start <= box[1] and box[3] <= rows.stop
                )
    assert len(inside) > 40
    assert np.mean(inside) >= 0.9


def test_a_row_is_the_window_of_its_view_resized_and_then_flipped(tmp_path: Path) -> None:
    catalog = random_catalog(tmp_path, patients=2, rate=0.3)
    rows = cropped("posterior")
    sources, positions = row_sources(catalog, rows)
    dataset = RowDataset(catalog, rows, plain_views(sources, PREPARATION), positions)
    assert len(dataset) == 2 * 22
    for row in (*range(22), 22 + 11):
        sample = rows.samples[row % 22]
        (view,) = sample.views
        picture = read_grey(catalog.images[catalog.patients[row // 22], view])
        assert sample.window is not None
        left, top, right, bottom = sample.window
        height, width = picture.shape
        part = picture[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
        expected = cv2.resize(part, (32, 32), interpolation=cv2.INTER_AREA)
        if view.side is Side.RIGHT and view.projection is Projection.FRONTAL:
            expected = expected[:, ::-1]
        (image,) = dataset.images(row)
        np.testing.assert_array_equal(image, expected)
        assert torch.equal(
            dataset[row]["labels"], torch.tensor(rows.labels(catalog.table)[row // 22, row % 22]).float()
        )


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "1001LI-A.png"
    cv2.imwrite(str(path), plain_view(5))
    return path


def test_cached_and_decoded_windows_are_the_same_and_a_file_is_read_once_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "reads.txt"

    def listed(path: Path) -> bytes:
        with log.open("a", encoding="utf-8") as file:  # also from loading processes
            file.write(f"{path}\n")
        return read_content(path)

    monkeypatch.setattr(filling, "read_content", listed)
    sources = row_sources(random_catalog(tmp_path / "cohort", patients=2), cropped("anterior")).sources
    cached = prepared_views(sources, PREPARATION, tmp_path / "cache")
    decoded = plain_views(sources, PREPARATION)
    assert len(cached) == len(decoded) == 2 * 16
    for position in range(len(decoded)):
        np.testing.assert_array_equal(cached[position], decoded[position])
    assert sorted(log.read_text(encoding="utf-8").splitlines()) == sorted({str(source.path) for source in sources})


def test_two_windows_of_a_file_are_two_entries_whatever_lies_between_them(picture: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    cv2.imwrite(str(other), plain_view(6))
    view = View.LEFT_ANTERIOR_FRONTAL
    sources = [Source(picture, view, LEFT_HALF), Source(other, view), Source(picture, view, RIGHT_HALF)]
    cached = prepared_views(sources, PREPARATION, tmp_path / "cache")
    halves = np.split(read_grey(picture), 2, axis=1)
    for entry, half in zip((cached[0], cached[2]), halves, strict=True):
        np.testing.assert_array_equal(entry, cv2.resize(half, (32, 32), interpolation=cv2.INTER_AREA))
    assert not np.array_equal(cached[0], cached[2])


def test_another_window_makes_a_new_array(picture: Path, tmp_path: Path) -> None:
    arrays = []
    for window in (None, LEFT_HALF, RIGHT_HALF, LEFT_HALF):
        source = Source(picture, View.LEFT_ANTERIOR_FRONTAL, window)
        arrays.append(np.array(prepared_views([source], PREPARATION, tmp_path / "cache")))
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 3
    np.testing.assert_array_equal(arrays[1], arrays[3])
    assert not np.array_equal(arrays[1], arrays[2])


def test_windows_of_ones_own_are_used_and_written_windows_are_read_back(tmp_path: Path) -> None:
    whole = {WindowKey(*key): ArteryWindow(LEFT_HALF, 30) for key in product(Circulation, Projection, Artery)}
    path = tmp_path / "windows.json"
    given = CropWindows({"command": "by hand"}, whole)
    given.write(path)
    assert read_crop_windows(path) == given
    windows = by_name(cropped("anterior", read_crop_windows(path)))
    assert windows["LI-A MCA"] == windows["RI-B ICA"] == LEFT_HALF
    assert windows["RI-A MCA"] == RIGHT_HALF


@pytest.mark.parametrize("content", [None, "[]", '{"made": {}, "windows": [{"circulation": "anterior"}]}'])
def test_a_file_without_windows_is_refused_with_a_remedy(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "windows.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"windows\.json holds no crop windows .* Make them with"):
        read_crop_windows(path)


@pytest.mark.parametrize(
    ("edges", "said"),
    [
        (None, "has none for I-A ICA"),
        ([0.4, 0.1, 0.3, 0.2], "no corners of a window"),
        ([0.1, 0.1, 0.3, 1.2], "no corners of a window"),
        ([0.1, 0.1, 0.3], "Give it left, top, right and bottom"),
    ],
)
def test_a_window_that_is_missing_or_impossible_is_named(edges: list[float] | None, said: str) -> None:
    windows = read_crop_windows().plain()
    del windows["I-A ICA"]
    with pytest.raises(ConfigError, match=said):
        CroppedRows("anterior", windows if edges is None else windows | {"I-A ICA": edges})


def test_an_unknown_circulation_is_refused_with_the_choices() -> None:
    with pytest.raises(ConfigError, match="anterior or posterior"):
        cropped("both")


def test_a_net_of_crops_trains_and_loads_with_its_windows_from_its_checkpoint_alone(
    phantom_cohort: CohortFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "windows.json"
    shipped = read_crop_windows()
    other = {key: found._replace(window=LEFT_HALF) for key, found in shipped.windows.items()}
    CropWindows(shipped.made, other).write(file)
    windows = "data.rows.windows=${kium.crop_windows:" + str(file) + "}"
    settings = ["model=rule_crop", "data=cropped_posterior", windows, *smoke_settings(phantom_cohort)]
    done = call_verb(capsys, "train", *settings, f"hydra.run.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    file.unlink()
    loaded = load_task(done.written["best.ckpt"])
    assert {sample.window for sample in loaded.task.rows.samples} == {LEFT_HALF, RIGHT_HALF}
    with torch.inference_mode():
        assert loaded.task(torch.zeros(2, 1, 64, 64)).shape == (2, 1)
    table = pd.read_csv(done.written["held_out_locations.csv"])
    assert list(table["location"]) == FoldedRows("posterior", "multilabel").columns
