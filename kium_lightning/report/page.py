"""One self-contained HTML page of an evaluation: no script, no font and no picture from elsewhere."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.report import tables
from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation
from kium_lightning.report.plots import location_plot, presence_plot, roc_plot
from kium_lightning.report.reading import Judged

_TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class Source:
    """Where the numbers on a page come from.

    Attributes:
        cohort: the cohort's name; empty where it is not known.
        answer: the answer file.
        groundtruth: the file of the truth.
        date: of the evaluation, in words.
        thresholds: that the calls were made with; None where they are not known.
    """

    cohort: str
    answer: Path
    groundtruth: Path
    date: str
    thresholds: Thresholds | None


def evaluation_page(judged: Judged, evaluation: Evaluation, source: Source) -> str:
    """Renders the page.

    Args:
        judged: the answer and the truth, for the plots.
        evaluation: the numbers.
        source: where they come from.

    Returns:
        A complete HTML document.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=tables.number,
        signed=tables.signed,
        interval=tables.interval,
        share=tables.share,
        percent=tables.percent,
        name=tables.name,
    )
    roc = roc_plot(judged, evaluation)
    gate = None if source.thresholds is None else source.thresholds.presence
    return environment.get_template("evaluation.html.j2").render(
        evaluation=evaluation,
        source=source,
        verdict=tables.verdict(evaluation),
        notes=tables.notes(evaluation),
        chance=CHANCE_AUROC,
        few=tables.FEW_POSITIVES,
        unknown=tables.UNKNOWN,
        not_evaluable=tables.NOT_EVALUABLE,
        # The SVG text is written here and holds no text of others, so it needs no escaping.
        roc=None if roc is None else Markup(roc),
        presence=Markup(presence_plot(judged, gate)),
        locations=Markup(location_plot(evaluation)),
    )
