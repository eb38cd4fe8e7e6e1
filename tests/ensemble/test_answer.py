from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation
from kium_lightning.ensemble.answer import answer_table, scores_table, write_answer, write_scores
from kium_lightning.ensemble.gate import apply_gate, passes
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import RunError

# reference/challenge.md
HEADER = (
    "Index,Aneurysm,L_ICA,R_ICA,L_PCOM,R_PCOM,L_AntChor,R_AntChor,L_ACA,R_ACA,L_ACOM,R_ACOM,L_MCA,R_MCA,L_VA,R_VA,"
    "L_PICA,R_PICA,L_SCA,R_SCA,BA,L_PCA,R_PCA"
)
PATIENTS = np.array([1001, 1002, 1004])


def halves(patients: int) -> dict[Circulation, NDArray[np.float64]]:
    return {circulation: np.full(patients, 0.5) for circulation in Circulation}


def test_the_answer_file_has_the_challenges_exact_form(tmp_path: Path) -> None:
    calls = np.zeros((3, 21))
    calls[1, LOCATION_COLUMNS.index("BA")] = 1

    path = write_answer(tmp_path, PATIENTS, [0.1234567, 1.0, 0.0], calls)

    lines = path.read_text(encoding="utf-8").splitlines()
    assert path.name == "output.csv"
    assert lines == [
        HEADER,
        "1001,0.123457," + ",".join(["0"] * 21),
        "1002,1.000000," + ",".join(["0"] * 18 + ["1", "0", "0"]),
        "1004,0.000000," + ",".join(["0"] * 21),
    ]


def test_locations_that_were_not_scored_are_empty_cells(tmp_path: Path) -> None:
    scores = np.full((3, 21), 0.25)
    scores[0] = np.nan

    path = write_scores(tmp_path, PATIENTS, [0.1, 0.5, 0.5], halves(3), [False, True, True], scores)

    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == HEADER.replace("Aneurysm,", "Aneurysm,anterior,posterior,passed_gate,")
    assert lines[1] == "1001,0.100000,0.500000,0.500000,0" + "," * 21
    assert lines[2] == "1002,0.500000,0.500000,0.500000,1" + ",0.250000" * 21


def test_calls_can_be_recomputed_from_the_files(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    patients, presence, locations = np.arange(40), random.random(40), random.random((40, 21))
    thresholds = Thresholds(
        float(presence[7]), dict(zip(LOCATION_COLUMNS, locations[11].tolist(), strict=True)), "test"
    )
    passed = passes(presence, thresholds.presence)
    locations[~passed] = np.nan
    answer = write_answer(tmp_path, patients, presence, apply_gate(presence, locations, thresholds))
    scores = pd.read_csv(write_scores(tmp_path, patients, presence, halves(40), passed, locations))
    thresholds.save(tmp_path / "thresholds.json")

    recomputed = apply_gate(
        scores["Aneurysm"], scores[list(LOCATION_COLUMNS)], Thresholds.load(tmp_path / "thresholds.json")
    )

    np.testing.assert_array_equal(pd.read_csv(answer)[list(LOCATION_COLUMNS)].to_numpy(), recomputed)


@pytest.mark.parametrize(
    ("presence", "calls", "message"),
    [
        ([0.1, 1.5, 0.2], np.zeros((3, 21)), r"Aneurysm must lie in \[0, 1\]"),
        ([0.1, np.nan, 0.2], np.zeros((3, 21)), r"Aneurysm must lie in \[0, 1\]"),
        ([0.1, 0.5, 0.2], np.full((3, 21), 0.5), "locations must be 0 or 1"),
        ([0.1, 0.5], np.zeros((3, 21)), r"Aneurysm \(2,\) do not fit 3 patients"),
        ([0.1, 0.5, 0.2], np.zeros((3, 20)), r"locations \(3, 20\) do not fit 3 patients"),
    ],
)
def test_what_is_no_answer_is_not_written(
    tmp_path: Path, presence: list[float], calls: NDArray[np.float64], message: str
) -> None:
    with pytest.raises(RunError, match=message):
        write_answer(tmp_path, PATIENTS, presence, calls)
    assert list(tmp_path.iterdir()) == []


def test_the_tables_types_are_whole_numbers_but_for_scores() -> None:
    answer = answer_table(PATIENTS, [0.1, 0.2, 0.3], np.zeros((3, 21), bool))
    assert [str(kind) for kind in answer.dtypes] == ["int64", "float64"] + ["int64"] * 21
    scores = scores_table(PATIENTS, [0.1, 0.2, 0.3], halves(3), [True] * 3, np.zeros((3, 21)))
    assert str(scores["passed_gate"].dtype) == "int64"
