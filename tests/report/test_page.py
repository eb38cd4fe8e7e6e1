import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table
from simulated_answer import Simulated, simulate

from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.report.evaluation import Evaluation, evaluate_answer
from kium_lightning.report.page import Source, evaluation_page
from kium_lightning.report.reading import Judged, read_judged
from kium_lightning.report.tables import headline_table, location_table, notes, verdict


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate(tmp_path_factory.mktemp("outputs"))


@pytest.fixture(scope="module")
def judged(run: Simulated) -> Judged:
    return read_judged(run.answer, run.groundtruth, run.scores)


@pytest.fixture(scope="module")
def evaluation(judged: Judged) -> Evaluation:
    return evaluate_answer(judged, level=0.95, draws=50, seed=0)


@pytest.fixture(scope="module")
def source(run: Simulated) -> Source:
    thresholds = Thresholds.load(run.folder / "thresholds.json")
    return Source("phantom", run.answer, run.groundtruth, "2023-10-01 12:00", thresholds)


@pytest.fixture(scope="module")
def page(judged: Judged, evaluation: Evaluation, source: Source) -> str:
    return evaluation_page(judged, evaluation, source)


def printed(table: Table, width: int) -> str:
    console = Console(width=width, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


class _Elements(HTMLParser):
    """Counts open elements and collects the attributes by which a page can ask for something."""

    VOID = frozenset({"meta", "br", "link", "img"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wants: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.wants += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_asks_for_nothing_from_elsewhere(page: str) -> None:
    elements = _Elements()
    elements.feed(page)

    assert elements.open == []
    assert all(wanted.startswith("#") for wanted in elements.wants)
    assert not elements.tags & {"script", "link", "iframe", "img", "object"}
    assert re.search(r"@import|url\((?!#)", page) is None


def test_the_inner_names_of_the_plots_do_not_clash(page: str) -> None:
    plots = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert len(plots) == 3
    clips = [set(re.findall(r'<clipPath id="([^"]+)"', plot)) for plot in plots]
    assert not clips[0] & clips[1]
    assert not (clips[0] | clips[1]) & clips[2]


def test_page_and_terminal_show_both_official_numbers_and_their_baselines(page: str, evaluation: Evaluation) -> None:
    terminal = printed(headline_table(evaluation), 120)
    for text in (page, terminal):
        for value in (evaluation.auroc.value, evaluation.location_accuracy.value, evaluation.all_zero_accuracy, 0.5):
            assert f"{value:.4f}" in text


def test_every_location_stands_in_page_and_terminal(page: str, evaluation: Evaluation) -> None:
    terminal = printed(location_table(evaluation), 120)
    for column in LOCATION_COLUMNS:
        assert f'<th scope="row">{column}' in page
        assert re.search(rf"^\s*{column}\*?\s", terminal, flags=re.MULTILINE)
    empty = sum(not location.is_evaluable for location in evaluation.locations)
    assert empty > 0
    assert terminal.count("not evaluable") == empty


def test_tables_fit_a_terminal_of_110_columns(evaluation: Evaluation) -> None:
    for table in (headline_table(evaluation), location_table(evaluation)):
        lines = printed(table, 110).splitlines()
        assert "…" not in "".join(lines)
        assert len([line for line in lines if line.strip()]) <= 27  # no cell is wrapped


def test_the_page_is_the_same_in_every_run(judged: Judged, evaluation: Evaluation, source: Source, page: str) -> None:
    assert evaluation_page(judged, evaluation, source) == page


def test_the_page_says_what_is_unknown(run: Simulated, source: Source) -> None:
    alone = read_judged(run.answer, run.groundtruth)
    nobody = Judged(alone.patients, np.zeros_like(alone.labels), alone.presence, np.zeros_like(alone.calls))
    evaluation = evaluate_answer(nobody, level=0.95, draws=20, seed=0)

    page = evaluation_page(nobody, evaluation, replace(source, thresholds=None, cohort=""))

    assert "nan" not in re.sub(r"<[^>]*>", " ", page).lower()
    assert "The ROC curve is not evaluable" in page
    assert "No table of scores came with this answer" in page
    assert "–" in printed(headline_table(evaluation), 120)


def test_names_on_the_page_are_escaped(judged: Judged, evaluation: Evaluation, source: Source) -> None:
    page = evaluation_page(judged, evaluation, replace(source, cohort="<script>", answer=Path("/a&b/output.csv")))
    assert "<script>" not in page
    assert "/a&amp;b/output.csv" in page


def test_the_verdict_says_on_which_side_of_calling_none_the_answer_is(evaluation: Evaluation) -> None:
    worse = replace(evaluation.accuracy_gain, value=-0.01, low=-0.02, high=-0.005)
    unsure = replace(evaluation.accuracy_gain, value=0.01, low=-0.02, high=0.03)
    none = replace(evaluation.accuracy_gain, value=0.0, low=0.0, high=0.0)
    said = [verdict(replace(evaluation, accuracy_gain=gain)) for gain in (worse, unsure, none)]
    assert "0.0100 below that of an answer that calls no location" in said[0]
    assert "too few" not in said[0]
    assert "0.0100 above" in said[1]
    assert "too few" in said[1]
    assert "exactly that" in said[2]


def test_the_notes_tell_how_stopped_patients_are_ranked(evaluation: Evaluation) -> None:
    assert any("rank, tied, below all others" in note for note in notes(evaluation))
