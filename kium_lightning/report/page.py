"""One self-contained HTML page of an evaluation: no script, no font and no picture from elsewhere."""

import math
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kium_lightning.report import tables, words
from kium_lightning.report.context import Context, Source
from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation
from kium_lightning.report.plots.calibration import reliability_plot
from kium_lightning.report.plots.gate import gate_plot
from kium_lightning.report.plots.locations import location_plot
from kium_lightning.report.plots.presence import precision_plot, presence_plot, roc_plot
from kium_lightning.report.plots.sizes import size_plot
from kium_lightning.report.reading import Judged

TEMPLATES = Path(__file__).resolve().parent / "templates"


@dataclass(frozen=True)
class Plots:
    """The plots of a page as SVG; None for what is not evaluable or not known."""

    roc: Markup | None
    precision: Markup | None
    presence: Markup | None
    reliability: Markup | None
    gate: Markup | None
    locations: Markup | None
    sizes: Markup | None
    calibration_effect: Markup | None


def evaluation_page(judged: Judged, evaluation: Evaluation, source: Source, context: Context | None = None) -> str:
    """Renders the page, in the order in which a clinical reader asks.

    Args:
        judged: the answer and the truth, for the plots.
        evaluation: the numbers.
        source: where they come from.
        context: what else is known; None for nothing.

    Returns:
        A complete HTML document.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=tables.number,
        signed=tables.signed,
        interval=tables.interval,
        signed_interval=tables.signed_interval,
        share=tables.share,
        percent=tables.percent,
        threshold=tables.threshold,
        is_unknown=math.isnan,
    )
    context = Context() if context is None else context
    return environment.get_template("page.html.j2").render(
        evaluation=evaluation,
        means=evaluation.by_location,
        source=source,
        context=context,
        plots=_plots(judged, evaluation, source, context),
        words=words,
        level=tables.percent(evaluation.level),
        chance=CHANCE_AUROC,
        one_gate=judged.one_gate,
        unknown=tables.UNKNOWN,
    )


def _plots(judged: Judged, evaluation: Evaluation, source: Source, context: Context) -> Plots:
    gate = source.thresholds.presence if source.thresholds is not None and judged.one_gate else None
    return Plots(
        _markup(roc_plot(evaluation)),
        _markup(precision_plot(evaluation)),
        _markup(presence_plot(judged, gate)),
        _markup(reliability_plot(judged, evaluation)),
        _markup(gate_plot(evaluation)),
        _markup(location_plot(evaluation)),
        _markup(size_plot(context.sizes)) if context.sizes else None,
        _markup(context.calibration_effect),
    )


def _markup(svg: str | None) -> Markup | None:
    """Plots hold no text of others, so they need no escaping."""
    return None if svg is None else Markup(svg)
