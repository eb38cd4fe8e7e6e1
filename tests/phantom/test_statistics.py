from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kium_lightning.anatomy import Side
from kium_lightning.errors import CohortError
from kium_lightning.phantom import statistics
from kium_lightning.phantom.cohort import PhantomCohort
from kium_lightning.phantom.measures import angles, pieces_of, ratios
from kium_lightning.phantom.page import markdown
from kium_lightning.phantom.patient import Distributions
from kium_lightning.phantom.references import DIAMETERS, LANDMARKS, LENGTHS, SHARES, TREES, TRUNKS, Known, Spot
from kium_lightning.phantom.statistics import measure
from kium_lightning.phantom.tree import Branch, Segment, Tree
from kium_lightning.phantom.verdicts import MeanRow, PlaceRow, ShareRow, Statistics
from kium_lightning.settings import build, compose


@pytest.fixture(scope="module")
def measured(distributions: Distributions) -> Statistics:
    return measure(distributions, seed=5, patients=40, workers=1)


def straight(name: str, start: list[float], end: list[float], radius: float, **of_branch: object) -> Branch:
    points = np.linspace(start, end, 21)
    branch = Branch(name, Segment.MCA, Side.LEFT, points, np.full(21, radius))
    return replace(branch, **of_branch)  # type: ignore[arg-type]


def test_a_fork_of_known_form_is_measured_as_it_is() -> None:
    stem = straight("trunk", [0, 0, 0], [10, 0, 0], 2.0)
    ahead = straight("ahead", [10, 0, 0], [30, 0, 0], 1.9, parent=stem.key)
    aside = straight("aside", [10, 0, 0], [10, 15, 0], 1.5, parent=stem.key)
    root = pieces_of(Tree((stem, ahead, aside)), "MCA", Side.LEFT)
    assert [piece.order for piece in root.all()] == [0, 1, 1]
    assert sorted(piece.length_mm for piece in root.all()) == pytest.approx([10, 15, 20])
    assert [piece.tortuosity for piece in root.all()] == pytest.approx([1, 1, 1])
    assert angles(root) == pytest.approx([90])
    assert ratios(root) == [pytest.approx((0.95, 0.75))]


def test_length_over_chord_of_a_half_circle() -> None:
    turn = np.linspace(0.0, np.pi, 200)
    points = 10.0 * np.column_stack([np.cos(turn), np.sin(turn), np.zeros(200)])
    branch = Branch("trunk", Segment.MCA, Side.RIGHT, points, np.ones(200))
    assert pieces_of(Tree((branch,)), "MCA", Side.RIGHT).tortuosity == pytest.approx(np.pi / 2, rel=1e-3)


def test_a_mean_holds_within_two_errors_and_five_percent() -> None:
    row = MeanRow("row", Known(10.0), mean=10.69, sd=1.0, error=0.1, count=100)
    assert row.holds
    assert not replace(row, mean=10.71).holds
    assert not replace(row, mean=9.29).holds


def test_a_share_holds_inside_its_binomial_interval() -> None:
    row = ShareRow("row", (0.5, 0.5), count=40, total=100)
    assert row.interval == pytest.approx((0.40, 0.60))  # tables of the binomial distribution
    assert row.holds
    assert not replace(row, count=39).holds


def test_every_known_number_is_measured(measured: Statistics) -> None:
    assert [row.name for row in measured.means["Diameters, mm"]] == list(DIAMETERS)
    assert [row.name for row in measured.means["Lengths, mm"]] == list(LENGTHS)
    for artery, rows in TREES.items():
        assert len(measured.means[f"Tree of the {artery}"]) == len(rows)
    assert {row.name for row in measured.shares["Variants"]} >= set(SHARES)
    assert len(measured.shares["Locations"]) == 21
    assert all(row.count > 10 for rows in measured.means.values() for row in rows)


def test_means_of_forty_patients_hold(measured: Statistics) -> None:
    assert [row.name for rows in measured.means.values() for row in rows if not row.holds] == []


def test_most_of_a_tree_lies_in_its_territory(measured: Statistics) -> None:
    assert min(measured.inside.values()) > 0.85


def test_landmarks_and_trunks_lie_where_the_tracings_have_them(measured: Statistics) -> None:
    assert [row.name for row in measured.places["Landmarks, mm: lateral, anterior, superior"]] == list(LANDMARKS)
    assert len(measured.places) == 1 + len(TRUNKS)
    assert [row.name for rows in measured.places.values() for row in rows if not row.holds] == []


def test_a_place_holds_within_two_errors_and_two_millimetres_or_a_tenth_of_the_way() -> None:
    near = Spot((1.0, 2.0, 3.0), (None, None, None), path_mm=5.0)
    row = PlaceRow("row", near, np.array([1.0, 2.0, 5.05]), np.array([0.3, 0.4, 0.0]), count=400)
    assert row.distance == pytest.approx(2.05)
    assert row.tolerance == pytest.approx(2.0 + 2 * 0.5 / 20)
    assert row.holds
    assert not replace(row, mean=np.array([1.0, 2.0, 5.06])).holds
    assert replace(row, mean=np.array([1.0, 2.0, 11.0]), known=replace(near, path_mm=80.0)).holds


def test_the_page_has_a_table_for_each_section(measured: Statistics) -> None:
    page = markdown(measured, seed=5)
    assert page.startswith("# The phantoms' vessels, measured\n")
    assert "40 patients of seed 5" in page
    for title in (*measured.means, *measured.places, *measured.shares):
        assert f"## {title}\n" in page
    assert page.count("| yes |") + page.count("| NO |") == len(measured.rows)


def test_a_row_that_does_not_hold_ends_in_one_sentence(
    measured: Statistics, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = MeanRow("M1", Known(3.1), mean=5.0, sd=0.1, error=0.01, count=100)
    shown = replace(measured, means={"Diameters, mm": [wrong]}, places={}, shares={})
    monkeypatch.setattr(statistics, "measure", lambda *arguments: shown)
    cohort: PhantomCohort = build(compose("phantom", ["cohort=phantom_tiny"]).cohort)
    with pytest.raises(
        CohortError, match=r"1 of the phantoms' statistics not within the tolerance of what is known: M1\."
    ):
        statistics.main(cohort, seed=5, patients=40, file=tmp_path / "page.md")
    assert (tmp_path / "page.md").read_text(encoding="utf-8").startswith("# The phantoms' vessels")
