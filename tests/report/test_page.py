import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table
from simulated_answer import Simulated, simulate

from kium_lightning.anatomy import LOCATION_COLUMNS, View
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.metrics.intervals import PairedDifference
from kium_lightning.report.context import Context, Source
from kium_lightning.report.draws import Draws
from kium_lightning.report.estimates import Estimate
from kium_lightning.report.evaluation import Evaluation, evaluate_answer
from kium_lightning.report.model_card import model_card
from kium_lightning.report.page import evaluation_page
from kium_lightning.report.paired import Probe, compare_answers, judge_probe
from kium_lightning.report.plots.presence import presence_plot
from kium_lightning.report.provenance import Net, Provenance
from kium_lightning.report.reading import Judged, read_judged
from kium_lightning.report.sizes import Aneurysm, sensitivity_by_size
from kium_lightning.report.tables import headline_table, location_table
from kium_lightning.report.words import notes, operating_point, presence_verdict, probe_verdict, verdict
from kium_lightning.report.worst import Pictures, find_worst


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
    assert len(plots) == 6
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_page_and_terminal_show_both_official_numbers_and_their_baselines(page: str, evaluation: Evaluation) -> None:
    terminal = printed(headline_table(evaluation), 120)
    for text in (page, terminal):
        for value in (evaluation.auroc.value, evaluation.location_accuracy.value, evaluation.all_zero_accuracy, 0.5):
            assert f"{value:.4f}" in text


def test_every_location_stands_in_page_and_terminal(page: str, evaluation: Evaluation) -> None:
    terminal = printed(location_table(evaluation), 120)
    for column in LOCATION_COLUMNS:
        assert f'<th scope="row">{column}' in page
        assert re.search(rf"^\s*{column}\s", terminal, flags=re.MULTILINE)
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


def test_sections_stand_in_the_order_of_the_contents(page: str) -> None:
    links = re.findall(r'<a href="#([^"]+)">([^<]+)</a>', page)
    sections = re.findall(r'<section id="([^"]+)">\s*<h2>\d+\. ([^<]+)</h2>', page)
    assert links == sections
    assert [anchor for anchor, _ in sections][:3] == ["headline", "patients", "presence"]


def test_too_few_positives_are_said_with_their_number(page: str, evaluation: Evaluation) -> None:
    few = [location for location in evaluation.locations if 0 < location.positives < 5]
    assert few
    for location in few:
        assert f"not evaluable ({location.positives} positive" in page


def test_what_is_known_besides_the_answer_is_on_the_page(
    judged: Judged, evaluation: Evaluation, source: Source
) -> None:
    column = LOCATION_COLUMNS[int(np.argmax(judged.locations.sum(axis=0)))]
    row = int(np.argmax(judged.locations[:, LOCATION_COLUMNS.index(column)]))
    sizes = sensitivity_by_size(judged, [Aneurysm(int(judged.patients[row]), column, 6.2)], 0.95)
    worst = find_worst(judged, 2)
    uri = "data:image/jpeg;base64,AAAA"
    pictures = Pictures({(patient, View.LEFT_ANTERIOR_FRONTAL): uri for patient in worst.patients})
    probe = Probe(Estimate(0.6123, 0.5, 0.7), PairedDifference(0.1, 0.02, 0.2, 0.03), 400)
    context = Context(sizes=sizes, probe=probe, worst=worst, pictures=pictures)

    page = evaluation_page(judged, evaluation, source, context)

    assert "0.6123" in page
    assert "400 patients of the training set" in " ".join(page.split())
    assert "5 to 7" in page
    assert page.count(uri) == len(worst.patients) == 4
    for wrong in (*worst.missed, *worst.alarmed):
        assert f"Patient {wrong.patient}" in page
    assert "LI-B is not there" in " ".join(page.split())


def test_without_context_the_page_says_that_nobody_audited_the_data(page: str) -> None:
    text = " ".join(page.split())
    assert "run python -m kium_lightning.audit" in text
    assert "aneurysms are not known." in text


def test_a_location_that_is_never_called_has_no_number_for_a_threshold(
    judged: Judged, evaluation: Evaluation, source: Source
) -> None:
    assert source.thresholds is not None
    never = replace(source.thresholds)
    object.__setattr__(never, "locations", {**never.locations, "BA": float("inf")})
    assert "never" in evaluation_page(judged, evaluation, replace(source, thresholds=never))


def test_verdicts_follow_the_interval_and_not_the_value_alone(evaluation: Evaluation) -> None:
    said = [
        presence_verdict(replace(evaluation, presence=replace(evaluation.presence, auroc=Estimate(0.6, low, high))))
        for low, high in ((0.52, 0.7), (0.48, 0.7), (0.3, 0.49), (float("nan"), float("nan")))
    ]
    assert "better than chance" in said[0]
    assert "is not known" in said[1]
    assert "worse than chance" in said[2]
    unsure = Probe(Estimate(0.6, 0.5, 0.7), PairedDifference(0.1, -0.02, 0.2, 0.13), 400)
    assert "not shown to be better" in probe_verdict(evaluation, unsure)
    assert "not shown" not in probe_verdict(
        evaluation, replace(unsure, difference=PairedDifference(0.1, 0.02, 0.2, 0.03))
    )


def test_the_operating_point_says_whom_it_was_fitted_on(source: Source) -> None:
    assert source.thresholds is not None
    fitted = source.thresholds.fitted_with(patients=20, seen=False, cohort="/data/secret", rules={"a": 1})
    said = operating_point(fitted)
    assert "fitted on 20 patients that no net was trained on" in said
    assert "/data" not in said
    floor = source.thresholds.fitted_with(gate={"rule": "floor", "floor": 0.95, "reached": None}, patients=7)
    assert "gate: rule floor, floor 0.95" in operating_point(floor)


def test_warnings_stand_before_every_number_and_in_json_and_card(
    judged: Judged, evaluation: Evaluation, source: Source
) -> None:
    context = Context(warnings=("These numbers are too high.", "<b>"))

    page = evaluation_page(judged, evaluation, source, context)

    headline = page[page.index('<section id="headline">') :]
    assert headline.index("These numbers are too high.") < headline.index("AUROC")
    assert "&lt;b&gt;" in headline
    assert context.as_json()["warnings"] == ["These numbers are too high.", "<b>"]
    limits = model_card(evaluation, source, context).split("## Limits")[1]
    assert limits.strip().startswith("- These numbers are too high.")


def test_one_positive_gives_no_ranking_and_page_terminal_and_card_say_why(judged: Judged, source: Source) -> None:
    labels = np.zeros_like(judged.labels)
    labels[int(np.argmax(judged.presence)), :2] = 1  # ranked first: the bootstrap would say 1 to 1
    one = replace(judged, labels=labels)
    found = evaluate_answer(one, level=0.95, draws=20, seed=0)
    draws = Draws(len(labels), 0.95, 20, 0)
    probe = judge_probe(one, one.presence, 400, draws)
    context = Context(probe=probe, against=compare_answers(one, one, "other", draws, seed=0))
    reason = "not evaluable (1 positive < 5)"

    page = unescape(" ".join(evaluation_page(one, found, source, context).split()))

    ranked = (found.auroc, found.presence.auroc_bootstrap, found.presence.average_precision, probe.auroc)
    assert np.isnan([(each.value, each.low, each.high) for each in ranked]).all()
    assert np.isnan(probe.difference).all()
    assert found.presence.curves is None
    assert presence_verdict(found) == f"The AUROC is {reason}."
    for said in (
        f"The ROC curve is {reason}.",
        f"The difference in AUROC is {reason}.",
        f"What file metadata alone would reach is {reason}.",
        f"{reason} on the patients judged here.",
    ):
        assert said in page
    assert reason in printed(headline_table(found, probe), 120)
    assert f"The AUROC is {reason}." in model_card(found, source, context)
    assert any(reason in note for note in notes(found))


def test_thresholds_of_averaged_folds_are_not_said_to_be_of_patients_that_no_net_saw(source: Source) -> None:
    assert source.thresholds is not None
    fitted = source.thresholds.fitted_with(patients=20, seen=False, folds=3)
    told = Provenance(tuple(Net("anterior presence", "swin", f"{fold}.ckpt", "0", fold) for fold in range(3)), ())
    said = operating_point(fitted, told)
    assert "fitted on 20 patients, each scored by nets that did not see the patient" in said
    assert "A prediction averages 3 nets, while the thresholds were fitted on the scores of one net each." in said
    assert "no net was trained on" not in said

    alone = operating_point(fitted.fitted_with(folds=1), Provenance(told.nets[:1], ()))
    assert "that no net was trained on" in alone
    assert "averages" not in alone
    assert "averages" not in operating_point(fitted.fitted_with(seen=True), told)


def test_where_each_fold_had_its_own_gate_the_page_shows_no_gate(
    judged: Judged, evaluation: Evaluation, source: Source
) -> None:
    nested = replace(judged, one_gate=False, probabilities=judged.presence / 2)
    context = Context(worst=find_worst(nested, 2))
    assert source.thresholds is not None
    gate = source.thresholds.presence

    own, other = (" ".join(evaluation_page(each, evaluation, source, context).split()) for each in (judged, nested))

    for said in ("right of the dashed line", f"(gate {gate:.4f})", "the gate at its threshold"):
        assert said in own
        assert said not in other
    assert "Each fold has a gate of its own" in other
    assert presence_plot(nested, None) == presence_plot(replace(judged, presence=judged.presence / 2), None)
    assert presence_plot(nested, None) != presence_plot(judged, None)


def test_the_worst_are_described_by_what_decided(judged: Judged, source: Source) -> None:
    calls = replace(judged, passed=None, location_scores=None)
    pages = [
        " ".join(
            evaluation_page(
                each,
                evaluate_answer(each, level=0.95, draws=20, seed=0),
                source,
                Context(worst=find_worst(each, 1)),
            ).split()
        )
        for each in (judged, calls)
    ]
    for by_gate, by_call in (
        ("whom the gate stopped", "in whom no location was called"),
        ("without an aneurysm who passed", "in whom a location was called"),
    ):
        assert [by_gate in page for page in pages] == [True, False]
        assert [by_call in page for page in pages] == [False, True]
