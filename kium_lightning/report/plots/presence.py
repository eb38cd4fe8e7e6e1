"""Plots of the presence score: ROC, precision and recall, and every patient's score."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from kium_lightning.report.curves import GRID, Curve
from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation
from kium_lightning.report.plots.style import (
    BAND,
    DASHED,
    GREY,
    INK,
    NEGATIVE,
    POSITIVE,
    along_diagonal,
    beside,
    plot,
    unit_square,
)
from kium_lightning.report.reading import Judged
from kium_lightning.report.tables import number

_SIZE = 4.6, 4.4  # inches


def roc_plot(evaluation: Evaluation) -> str | None:
    """Draws the ROC curve of the presence score with its band, and the gate's operating point where it is known.

    Returns:
        SVG text; None where all patients have, or none has, an aneurysm.
    """
    curves = evaluation.presence.curves
    if curves is None:
        return None
    with plot("roc", *_SIZE) as ((axes,), svg):
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=DASHED)
        along_diagonal(axes, f"chance, {CHANCE_AUROC:.1f}")
        _draw(axes, curves.roc)
        if evaluation.gate_sensitivity is not None and evaluation.gate_specificity is not None:
            alarm, found = 1 - evaluation.gate_specificity.value, evaluation.gate_sensitivity.value
            axes.plot(alarm, found, marker="D", markersize=7, color=POSITIVE, linestyle="none")
            beside(axes, "gate", alarm, found, POSITIVE)
        unit_square(axes, "1 − specificity", "sensitivity")
    return svg[0]


def precision_plot(evaluation: Evaluation) -> str | None:
    """Draws precision against sensitivity with its band and the gate; None as for ``roc_plot``."""
    curves = evaluation.presence.curves
    if curves is None:
        return None
    prevalence = evaluation.presence.prevalence
    with plot("precision", *_SIZE) as ((axes,), svg):
        axes.axhline(prevalence, color=GREY, linewidth=1, linestyle=DASHED)
        axes.text(0.02, prevalence - 0.015, f"chance, {number(prevalence)}", color=GREY, fontsize=9, va="top")
        _draw(axes, curves.precision, "steps-pre")
        found, passed = evaluation.gate_sensitivity, evaluation.gate_passed
        if found is not None and passed is not None and passed.count:
            precise = found.count / passed.count
            axes.plot(found.value, precise, marker="D", markersize=7, color=POSITIVE, linestyle="none")
            beside(axes, "gate", found.value, precise, POSITIVE, below=False)
        unit_square(axes, "sensitivity", "precision (share of those who pass)")
    return svg[0]


def presence_plot(judged: Judged, gate: float | None) -> str:
    """Draws every patient's presence score, as a probability, in two rows: with and without an aneurysm.

    Args:
        judged: the answer and the truth.
        gate: the presence threshold; None where it is not known or is not the same for all patients.
    """
    with plot("presence", 9.4, 2.7) as ((axes,), svg):
        groups = ((1, "with\naneurysm", POSITIVE, "o"), (0, "without", NEGATIVE, "s"))
        for height, (label, _, colour, marker) in zip((1, 0), groups, strict=True):
            scores = np.sort(judged.forecast[judged.has_aneurysm == label])
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
                axes.plot([np.median(scores)] * 2, [height - 0.36, height + 0.36], color=INK, linewidth=1.6)
        if gate is not None:
            axes.axvline(gate, color=POSITIVE, linewidth=1, linestyle=(0, (4, 3)))
            axes.text(gate, 1.5, f"gate {number(gate)}", color=POSITIVE, fontsize=9, ha="center", va="bottom")
        axes.set(ylim=(-0.5, 1.5), yticks=[1, 0], yticklabels=[groups[0][1], groups[1][1]], xlabel="presence score")
        axes.set_xlim(*_padded(judged.forecast, gate))
        axes.tick_params(axis="y", length=0)
    return svg[0]


def _draw(axes: Axes, curve: Curve, steps: str = "default") -> None:
    axes.fill_between(GRID, curve.low, curve.high, color=NEGATIVE, alpha=BAND, linewidth=0)
    axes.plot(curve.across, curve.up, color=NEGATIVE, linewidth=1.8, drawstyle=steps)


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
