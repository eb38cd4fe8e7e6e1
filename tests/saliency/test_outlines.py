import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation, Location, Side, View
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.folding import FoldedRows
from kium_lightning.data.patient_rows import PatientRows
from kium_lightning.data.view_rows import ViewRows
from kium_lightning.errors import CohortError
from kium_lightning.saliency.truth import PatientTruth, label_locations

EVERYWHERE = frozenset(Location)


def test_labels_of_folded_rows_stand_for_the_arteries_of_the_views_side() -> None:
    (left, _, right, _) = label_locations(FoldedRows("posterior", "multilabel"))
    for place, artery in enumerate(Circulation.POSTERIOR.arteries):
        assert left[place] == {artery.at(Side.LEFT)}
        assert right[place] == {artery.at(Side.RIGHT)}
    for sample, view in zip(label_locations(FoldedRows("anterior", "binary")), Circulation.ANTERIOR.views, strict=True):
        assert sample == [{artery.at(view.side) for artery in Circulation.ANTERIOR.arteries}]


def test_labels_of_views_and_of_patients_stand_for_themselves() -> None:
    assert label_locations(ViewRows(["LI-A", "RI-A"], ["L_MCA"])) == [[{Location.LEFT_MCA}]] * 2
    ((presence, *locations),) = label_locations(PatientRows("all"))
    assert presence == EVERYWHERE
    assert locations == [{Location.from_column(column)} for column in LOCATION_COLUMNS]


def test_outlines_are_those_that_the_phantom_wrote(phantom_cohort: CohortFolder) -> None:
    folder = phantom_cohort.truth / "train_set"
    shown = 0
    for path in sorted(folder.glob("*.json")):
        patient, content = int(path.stem), json.loads(path.read_text())
        truth = PatientTruth(folder, patient)
        assert [sac.location.column for sac in truth.sacs] == [sac["column"] for sac in content["aneurysms"]]
        for view in View:
            facts = content["views"][view.code]
            shape = (facts["height"], facts["width"])
            visible = [sac for sac in content["aneurysms"] if sac["views"][view.code]["visible"]]
            assert truth.shows(view, EVERYWHERE) == bool(visible)
            assert not truth.outline(view, frozenset(), shape).any()
            assert truth.pixels(view, 5) == pytest.approx(5 / facts["millimetres_per_pixel"])
            for sac in visible:
                shown += 1
                outline = truth.outline(view, frozenset({Location.from_column(sac["column"])}), shape)
                rows, columns = np.nonzero(outline)
                left, top, right, bottom = sac["views"][view.code]["box"]
                assert left <= columns.min() <= columns.max() < right
                assert top <= rows.min() <= rows.max() < bottom
    assert shown > 5


def write_truth(folder: Path, visible: bool) -> None:
    views = {view.code: {"visible": visible} for view in View}
    scales = {view.code: {"millimetres_per_pixel": 0.5} for view in View}
    sacs = [{"column": column, "views": views} for column in ("L_ICA", "R_MCA")]
    (folder / "1001.json").write_text(json.dumps({"aneurysms": sacs, "views": scales}))
    mask = np.zeros((6, 8), np.uint8)
    mask[1:3, 1:4], mask[4, 5] = 1, 2
    cv2.imwrite(str(folder / "1001LI-A-aneurysm.png"), mask)


def test_only_aneurysms_with_the_label_that_the_view_shows_are_outlined(tmp_path: Path) -> None:
    write_truth(tmp_path, visible=True)
    truth = PatientTruth(tmp_path, 1001)
    view = View.LEFT_ANTERIOR_FRONTAL
    assert truth.outline(view, frozenset({Location.LEFT_ICA}), (6, 8)).sum() == 6
    assert truth.outline(view, frozenset({Location.RIGHT_MCA}), (6, 8)).sum() == 1
    assert truth.outline(view, EVERYWHERE, (6, 8)).sum() == 7
    assert not truth.shows(View.LEFT_ANTERIOR_LATERAL, EVERYWHERE)  # visible, but without an outline
    write_truth(tmp_path, visible=False)
    assert not PatientTruth(tmp_path, 1001).shows(view, EVERYWHERE)


def test_a_truth_that_does_not_fit_is_told_in_a_sentence(tmp_path: Path) -> None:
    write_truth(tmp_path, visible=True)
    with pytest.raises(CohortError, match=r"is 8 x 6 px, but the image 9 x 6\. Make the cohort again"):
        PatientTruth(tmp_path, 1001).outline(View.LEFT_ANTERIOR_FRONTAL, EVERYWHERE, (6, 9))
    (tmp_path / "1001.json").write_text("{")
    for patient in (1001, 1002):
        with pytest.raises(CohortError, match=f"{patient}.json does not tell the truth about a phantom"):
            PatientTruth(tmp_path, patient)
