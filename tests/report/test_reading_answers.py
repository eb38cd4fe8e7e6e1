from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from simulated_answer import Simulated, simulate

from kium_lightning.errors import CohortError, RunError
from kium_lightning.report.reading import read_judged

Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture
def run(tmp_path: Path) -> Simulated:
    return simulate(tmp_path, patients=12)


def rewrite(path: Path, change: Change) -> None:
    change(pd.read_csv(path)).to_csv(path, index=False)


def test_the_order_of_rows_does_not_matter(run: Simulated) -> None:
    straight = read_judged(run.answer, run.groundtruth, run.scores)
    rewrite(run.answer, lambda table: table.sample(frac=1, random_state=1))
    rewrite(run.scores, lambda table: table.sample(frac=1, random_state=2))

    shuffled = read_judged(run.answer, run.groundtruth, run.scores)

    np.testing.assert_array_equal(shuffled.presence, straight.presence)
    np.testing.assert_array_equal(shuffled.calls, straight.calls)
    np.testing.assert_array_equal(shuffled.location_scores, straight.location_scores)


def test_what_excel_does_to_a_file_does_no_harm(run: Simulated) -> None:
    straight = read_judged(run.answer, run.groundtruth)
    for path in (run.answer, run.groundtruth):
        text = path.read_text(encoding="utf-8").replace(",0\n", ",0.0\n").replace("\n", "\r\n") + "\r\n\r\n"
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())

    again = read_judged(run.answer, run.groundtruth)

    np.testing.assert_array_equal(again.labels, straight.labels)
    np.testing.assert_array_equal(again.calls, straight.calls)


def test_an_answer_alone_leaves_gate_and_ranking_unknown(run: Simulated) -> None:
    judged = read_judged(run.answer, run.groundtruth)
    assert judged.passed is None
    assert judged.location_scores is None


def test_labels_are_split_into_presence_and_locations(run: Simulated) -> None:
    truth = pd.read_csv(run.groundtruth)
    judged = read_judged(run.answer, run.groundtruth)
    np.testing.assert_array_equal(judged.has_aneurysm, truth["Aneurysm"])
    np.testing.assert_array_equal(judged.locations, truth.iloc[:, 2:])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[t.Index != 1003], "output.csv lacks patient 1003. Both must hold the same patients"),
        (lambda t: t.iloc[8:], "lacks patients 1001, 1002, 1003, 1004, 1005 and 3 more"),
        (lambda t: t.replace({"Index": {1002: 7}}), "lacks patient 1002"),
        (lambda t: pd.concat([t, t.iloc[[0]].assign(Index=2000)]), "holds, beyond the ground truth, patient 2000"),
        (lambda t: pd.concat([t, t.iloc[[3]]]), "answers for patient 1004 more than once"),
        (lambda t: t.drop(columns="BA"), "lacks the column BA"),
        (lambda t: t.assign(Extra=0), "has the unknown column 'Extra'"),
        (lambda t: t[[*t.columns[:2], *t.columns[:1:-1]]], "another order: R_PCA stands in the place of L_ICA"),
        (lambda t: t.assign(Aneurysm=t.Aneurysm + 2), "Aneurysm of patient 1001 is .* must be a number in"),
        (lambda t: t.assign(Aneurysm=t.Aneurysm.where(t.Index != 1004)), "Aneurysm of patient 1004 is empty"),
        (lambda t: t.assign(BA=0.5), r"BA of patient 1001 is 0.5 and must be 0 or 1 \(12 such cells\)"),
        (lambda t: t.assign(BA="yes"), "BA of patient 1001 is 'yes', which is no number"),
        (lambda t: t.assign(Index=t.Index + 0.5), "has the Index '1001.5' in row 1"),
        (lambda t: t.iloc[:0], "holds no patient"),
    ],
)
def test_a_faulty_answer_is_one_clear_sentence(run: Simulated, change: Change, message: str) -> None:
    rewrite(run.answer, change)
    with pytest.raises(RunError, match=message):
        read_judged(run.answer, run.groundtruth, run.scores)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop(columns="R_PCA"), "lacks the column R_PCA"),
        (lambda t: t.assign(BA=2), "A label must be 0 or 1: BA '2'"),
        (lambda t: t.assign(Aneurysm=1 - t.Aneurysm), "Aneurysm is 1 but every location is 0"),
        (lambda t: pd.concat([t, t.iloc[[0]]]), "Index stands in 2 rows"),
    ],
)
def test_a_faulty_ground_truth_is_told_with_its_patients(run: Simulated, change: Change, message: str) -> None:
    rewrite(run.groundtruth, change)
    with pytest.raises(CohortError, match=message):
        read_judged(run.answer, run.groundtruth)


def test_missing_or_illegible_files_are_error_sentences(run: Simulated, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"There is no file .*none.csv. Make it with `python -m kium_lightning.predict`"):
        read_judged(tmp_path / "none.csv", run.groundtruth)
    with pytest.raises(CohortError, match=r"There is no file .*none.csv. Give the CSV file"):
        read_judged(run.answer, tmp_path / "none.csv")
    for content in (b"", b"\xff\xfe\x00\x01", b"Index,Aneurysm\n1,2,3,4\n"):
        run.answer.write_bytes(content)
        with pytest.raises(RunError, match=r"output.csv cannot be read as CSV \("):
            read_judged(run.answer, run.groundtruth)


def test_a_location_without_score_is_allowed_only_below_the_gate(run: Simulated) -> None:
    scores = pd.read_csv(run.scores)
    row = int(np.argmax(scores.passed_gate))
    scores.loc[row, "BA"] = np.nan
    scores.to_csv(run.scores, index=False)

    with pytest.raises(RunError, match=f"BA of patient {scores.Index[row]} is empty and must be .* below the gate"):
        read_judged(run.answer, run.groundtruth, run.scores)
