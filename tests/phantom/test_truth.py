import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from kium_lightning.anatomy import Location, Side, View
from kium_lightning.phantom.curves import path_lengths
from kium_lightning.phantom.graph import graph_from_json
from kium_lightning.phantom.lookalikes import Kind
from kium_lightning.phantom.patient import Distributions, Patient, draw_patient, film_picture, render
from kium_lightning.phantom.tree import Segment
from kium_lightning.phantom.truth import NUMBERS, Detail, Hidden, legend, sac_truth
from kium_lightning.phantom.writing import Job, write_patient

ANTERIOR = View.LEFT_ANTERIOR_FRONTAL
THREE = {Location.LEFT_MCA, Location.LEFT_ACA, Location.LEFT_ICA}


@pytest.fixture(scope="module")
def patient(distributions: Distributions) -> Patient:
    return draw_patient(frozenset(THREE), distributions, (11, 1, 2))


def job(folder: Path, distributions: Distributions, detail: Detail) -> Job:
    labels = frozenset({Location.RIGHT_MCA})
    return Job(1001, labels, (5, 1, 0), folder / "images", folder / "truth", distributions, detail)


@pytest.mark.parametrize("view", [ANTERIOR, View.LEFT_ANTERIOR_LATERAL, View.RIGHT_POSTERIOR_FRONTAL])
def test_without_its_sacs_a_patient_differs_only_inside_their_dilated_outlines(
    view: View, distributions: Distributions
) -> None:
    """Before the JPEG: beyond the blur of focal spot and detector not one grey level changes."""
    labels = frozenset({Location.LEFT_MCA, Location.LEFT_ACA, Location.BA})
    patient = draw_patient(labels, distributions, (11, 1, 2))
    with_sacs, scene = film_picture(patient, view)
    without, empty = film_picture(patient.without_sacs(), view)
    assert not empty.sac_mask.any()
    near = cv2.dilate((scene.sac_mask > 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert near.any()
    darker = without.astype(int) - with_sacs.astype(int)
    assert np.abs(darker[~near]).max() == 0
    for truth in scene.sacs:
        if truth is not None and truth.visible:
            left, top, right, bottom = truth.box
            assert darker[top:bottom, left:right].max() > 20


def test_a_mask_numbers_each_sac_and_fits_its_box(patient: Patient) -> None:
    rendered = render(patient, ANTERIOR)
    assert rendered.sac_mask is not None
    assert set(np.unique(rendered.sac_mask)) <= {0, 1, 2, 3}
    for number, truth in enumerate(rendered.sacs, start=1):
        rows, columns = np.nonzero(rendered.sac_mask == number)
        assert truth is not None
        left, top, right, bottom = truth.box
        assert left <= columns.min() <= columns.max() < right
        assert top <= rows.min() <= rows.max() < bottom
        others = [box for other, box in enumerate(rendered.sacs, start=1) if other != number and box is not None]
        apart = all(
            other.box[0] >= right or other.box[2] <= left or other.box[1] >= bottom or other.box[3] <= top
            for other in others
        )
        if apart:
            assert (left, top, right, bottom) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_why_a_sac_is_hidden_is_told(patient: Patient) -> None:
    other_side = render(patient, View.RIGHT_ANTERIOR_FRONTAL)
    assert [truth.hidden for truth in other_side.sacs if truth is not None][-1] is Hidden.NOT_FILLED
    shown = render(patient, ANTERIOR).sacs[-1]
    assert shown is not None
    assert shown.visible
    run = patient.runs[ANTERIOR]
    away = replace(run, centre=run.centre + 500.0)
    assert render(replace(patient, runs={**patient.runs, ANTERIOR: away}), ANTERIOR).sacs == [None, None, None]


@pytest.mark.parametrize(
    ("alone", "added", "hidden"),
    [(0.0, 0.0, Hidden.NOT_FILLED), (0.02, 0.02, Hidden.FAINT), (0.3, 0.01, Hidden.OVERLAP), (0.3, 0.2, None)],
)
def test_a_sac_that_adds_little_is_hidden_by_the_stated_cause(alone: float, added: float, hidden: Hidden) -> None:
    outline = np.zeros((20, 30), dtype=bool)
    outline[5:12, 8:20] = True
    signal = np.float32(added) * outline
    truth = sac_truth(outline, signal, signal, np.float32(alone) * outline, (100, 200))
    assert truth is not None
    assert truth.hidden is hidden
    assert truth.box == (108, 205, 120, 212)
    assert truth.diameter_px == pytest.approx(12.0)
    nothing = np.zeros((4, 4), np.float32)
    assert sac_truth(nothing > 0, nothing, nothing, nothing, (0, 0)) is None


def test_the_map_of_arteries_names_vessels_where_they_are(distributions: Distributions) -> None:
    large = replace(distributions, film=replace(distributions.film, sizes=[(480, 480)]))
    patient = draw_patient(frozenset(), large, (11, 1, 5))
    rendered = render(patient, ANTERIOR)
    assert rendered.arteries is not None
    left, top, right, bottom = patient.sheets[ANTERIOR].picture
    geometry = patient.runs[ANTERIOR].geometry(right - left, bottom - top)
    for segment in (Segment.ICA, Segment.MCA):
        trunk = patient.tree.branch(segment, Side.LEFT)
        middle = trunk.points[len(trunk.points) * 2 // 3][None]
        column, row = np.round(geometry.project(middle)[0]).astype(int)
        assert rendered.arteries[row + top, column + left] == NUMBERS[segment, Side.LEFT]
    sides = {legend()[str(number)]["side"] for number in np.unique(rendered.arteries) if number}
    assert "L" in sides
    assert legend()[str(NUMBERS[Segment.A2, Side.RIGHT])] == {"segment": "A2", "side": "R", "artery": "ACA"}
    assert max(NUMBERS.values()) < 256


def test_full_truth_holds_maps_and_boxes_do_not(tmp_path: Path, distributions: Distributions) -> None:
    write_patient(job(tmp_path / "full", distributions, Detail.FULL))
    write_patient(job(tmp_path / "boxes", distributions, Detail.BOXES))
    write_patient(job(tmp_path / "masks", distributions, Detail.MASKS))
    for view in View:
        image = cv2.imread(str(tmp_path / f"full/images/1001{view.code}.jpg"), cv2.IMREAD_GRAYSCALE)
        arteries = cv2.imread(str(tmp_path / f"full/truth/1001{view.code}-arteries.png"), cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert arteries is not None
        assert arteries.shape == image.shape
        names = [folder / f"images/1001{view.code}.jpg" for folder in (tmp_path / "full", tmp_path / "boxes")]
        assert names[0].read_bytes() == names[1].read_bytes()
    assert [path.name for path in (tmp_path / "boxes/truth").iterdir()] == ["1001.json"]
    masks = {path.name for path in (tmp_path / "masks/truth").iterdir()}
    assert masks < {path.name for path in (tmp_path / "full/truth").iterdir()}
    assert {name.split("-")[-1] for name in masks} == {"1001.json", "aneurysm.png"}
    full, boxes = (json.loads((tmp_path / kind / "truth/1001.json").read_text()) for kind in ("full", "boxes"))
    assert full["aneurysms"] == boxes["aneurysms"]
    told = json.loads((tmp_path / "full/truth/trees/1001.json").read_text())
    patient = draw_patient(frozenset({Location.RIGHT_MCA}), distributions, (5, 1, 0))
    graph = graph_from_json(told)
    lengths = sum(float(path_lengths(branch.points)[-1]) for branch in patient.tree.branches)
    assert sum(edge["length_mm"] for _, _, edge in graph.edges(data=True)) == pytest.approx(lengths, rel=0.01)
    views = full["aneurysms"][0]["views"]
    assert views["RI-A"]["visible"] is (views["RI-A"]["hidden"] is None)
    assert views["LV-A"]["hidden"] in ("not filled", "off picture")


def test_look_alikes_are_listed_with_their_box(tmp_path: Path, distributions: Distributions) -> None:
    often = replace(distributions, lookalikes=replace(distributions.lookalikes, loops_per_patient=4.0))
    made = job(tmp_path, often, Detail.BOXES)
    write_patient(made)
    listed = json.loads(made.record.read_text())["lookalikes"]
    patient = draw_patient(made.labels, often, made.seed)
    assert [one["kind"] for one in listed] == [one.kind for one in patient.lookalikes]
    assert Kind.LOOP in {one.kind for one in patient.lookalikes}
    for one, told in zip(patient.lookalikes, listed, strict=True):
        for view in View:
            box = told["views"][view.code]["box"]
            if box is None:
                continue
            left, top, right, bottom = patient.sheets[view].picture
            geometry = patient.runs[view].geometry(right - left, bottom - top)
            column, row = geometry.project(one.points[len(one.points) // 2][None])[0] + (left, top)
            assert box[0] - 1 <= column <= box[2] or column < left or column > right
            assert box[1] - 1 <= row <= box[3] or row < top or row > bottom


def test_a_sac_on_what_is_black_already_is_hidden_by_overlap() -> None:
    outline = np.zeros((20, 30), dtype=bool)
    outline[5:12, 8:20] = True
    under, darkest = np.full(outline.shape, 1.2, np.float32), 0.55
    added = np.float32(0.4) * outline
    seen = np.minimum(under + added, darkest) - np.minimum(under, darkest)
    truth = sac_truth(outline, added, seen, added, (0, 0))
    assert truth is not None
    assert truth.hidden is Hidden.OVERLAP
    assert truth.contrast == pytest.approx(0.4)


def test_a_lookalike_has_no_box_where_its_vessel_stays_empty(distributions: Distributions) -> None:
    seen = 0
    for seed in range(20):
        patient = draw_patient(frozenset(), distributions, (seed, 1, 0))
        for view in (View.LEFT_ANTERIOR_FRONTAL, View.RIGHT_POSTERIOR_FRONTAL):
            filling = patient.filling(view)
            for each, box in zip(patient.lookalikes, render(patient, view, Detail.BOXES).lookalikes, strict=True):
                seen += 1
                assert box is None or filling[each.branch] is not None
    assert seen > 5
