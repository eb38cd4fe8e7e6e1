"""The plots of an evaluation, as SVG text that stands in a page."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation
from kium_lightning.report.reading import Judged
from kium_lightning.report.tables import NOT_EVALUABLE, name, number

_INK, _GREY, _RULE = "#1f2933", "#7b8794", "#d9dee3"
_POSITIVE, _NEGATIVE = "#b3413b", "#2f6690"  # told apart by shape, too, for print and for colour-blind readers
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "svg.fonttype": "none",  # text stays text: it can be searched and takes the page's font
}


@contextmanager
def _plot(salt: str, width: float, height: float, panels: int = 1) -> Iterator[tuple[list[Axes], list[str]]]:
    """Yields the axes of a new figure in inches, and a list that receives its SVG text when the block ends."""
    # The salt names the figure's inner parts: equal in every run, and different between the figures of a page.
    with style.context({**_STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, panels, sharey=panels > 1, squeeze=False)[0]
        svg: list[str] = []
        yield list(axes), svg
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
        text = buffer.getvalue()
        svg.append(text[text.index("<svg") :])


def roc_plot(judged: Judged, evaluation: Evaluation) -> str | None:
    """Draws the ROC curve of the presence score, with the gate's operating point where it is known.

    Returns:
        SVG text; None where all patients have, or none has, an aneurysm.
    """
    if not 0 < evaluation.with_aneurysm < evaluation.patients:
        return None
    false_positives, true_positives, _ = roc_curve(judged.has_aneurysm, judged.presence, drop_intermediate=False)
    with _plot("roc", 4.6, 4.4) as ((axes,), svg):
        axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle=(0, (4, 4)))
        axes.text(0.62, 0.57, f"chance, {CHANCE_AUROC:.1f}", color=_GREY, fontsize=9)
        axes.plot(false_positives, true_positives, color=_NEGATIVE, linewidth=1.8)
        if evaluation.gate_sensitivity is not None and evaluation.gate_specificity is not None:
            alarm, found = 1 - evaluation.gate_specificity.value, evaluation.gate_sensitivity.value
            axes.plot(alarm, found, marker="D", markersize=7, color=_POSITIVE, linestyle="none")
            right = alarm < 0.7
            axes.annotate(
                "gate",
                (alarm, found),
                xytext=(9 if right else -9, -4),
                textcoords="offset points",
                ha="left" if right else "right",
                va="top",
                color=_POSITIVE,
            )
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
        axes.set(xlabel="1 − specificity", ylabel="sensitivity")
    return svg[0]


def presence_plot(judged: Judged, gate: float | None) -> str:
    """Draws every patient's presence score in two rows, with and without an aneurysm.

    Args:
        judged: the answer and the truth.
        gate: the presence threshold, where it is known.
    """
    with _plot("presence", 4.6, 4.4) as ((axes,), svg):
        groups = ((1, "with\naneurysm", _POSITIVE, "o"), (0, "without", _NEGATIVE, "s"))
        for height, (label, _, colour, marker) in zip((1, 0), groups, strict=True):
            scores = np.sort(judged.presence[judged.has_aneurysm == label])
            axes.plot(
                scores,
                height + _spread(scores),
                marker=marker,
                markersize=4,
                markeredgewidth=0,
                alpha=0.55,
                color=colour,
                linestyle="none",
            )
            if scores.size:
                axes.plot([np.median(scores)] * 2, [height - 0.36, height + 0.36], color=_INK, linewidth=1.6)
        if gate is not None:
            axes.axvline(gate, color=_POSITIVE, linewidth=1, linestyle=(0, (4, 3)))
            axes.text(gate, 1.5, f"gate {number(gate)}", color=_POSITIVE, fontsize=9, ha="center", va="bottom")
        axes.set(ylim=(-0.5, 1.5), yticks=[1, 0], yticklabels=[groups[0][1], groups[1][1]], xlabel="presence score")
        axes.set_xlim(*_padded(judged.presence, gate))
        axes.tick_params(axis="y", length=0)
    return svg[0]


def location_plot(evaluation: Evaluation) -> str:
    """Draws AUROC and average precision, and sensitivity and specificity of the calls, one row per location."""
    locations = evaluation.locations
    rows = np.arange(len(locations))
    found = [location.sensitivity for location in locations]
    prevalence = [location.positives / evaluation.patients if location.positives else np.nan for location in locations]
    with _plot("locations", 9.4, 6.6, panels=2) as ((ranked, called), svg):
        ranked.axvline(CHANCE_AUROC, color=_GREY, linewidth=1, linestyle=(0, (4, 4)))
        called.hlines(rows, [s.low for s in found], [s.high for s in found], color=_POSITIVE, alpha=0.6)
        for axes, values, marker, colour, face, label in (
            (ranked, [x.auroc for x in locations], "o", _NEGATIVE, _NEGATIVE, "AUROC"),
            (ranked, [x.average_precision for x in locations], "D", _POSITIVE, "white", "average precision"),
            (ranked, prevalence, "|", _INK, _INK, "share of positives (AP by chance)"),
            (called, [s.value for s in found], "o", _POSITIVE, _POSITIVE, "sensitivity with interval"),
            (called, [x.specificity.value for x in locations], "s", _NEGATIVE, "white", "specificity"),
        ):
            axes.plot(values, rows, marker, color=colour, markerfacecolor=face, markersize=5.5, label=label)
        for row, location in enumerate(locations):
            if not location.is_evaluable:
                ranked.text(0.02, row, NOT_EVALUABLE, color=_GREY, fontsize=9, va="center")
        for axes in (ranked, called):
            axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6))
            axes.hlines(rows, 0, 1, color=_RULE, linewidth=0.6, zorder=0)
            axes.tick_params(axis="y", length=0)
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=9)
        ranked.set_yticks(rows, [f"{name(location)} ({location.positives})" for location in locations])
    return svg[0]


def _spread(sorted_scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offsets that keep neighbouring points apart; a fixed pattern, so that a page is the same in every run."""
    golden = (np.sqrt(5) - 1) / 2
    offsets: NDArray[np.float64] = 0.6 * ((np.arange(sorted_scores.size) * golden) % 1) - 0.3
    return offsets


def _padded(scores: NDArray[np.float64], gate: float | None) -> tuple[float, float]:
    """Limits around the scores in use: an early net's scores fill a small part of [0, 1]."""
    values = np.append(scores, [] if gate is None else [gate])
    margin = max(0.05 * float(np.ptp(values)), 0.01)
    return float(values.min()) - margin, float(values.max()) + margin
