"""What the gate costs: sensitivity against the share of patients who pass."""

from kium_lightning.report.curves import GRID
from kium_lightning.report.evaluation import Evaluation
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


def gate_plot(evaluation: Evaluation) -> str | None:
    """Draws the trade-off over all thresholds; None where all patients have, or none has, an aneurysm."""
    curves = evaluation.presence.curves
    if curves is None:
        return None
    with plot("gate", 4.6, 4.4) as ((axes,), svg):
        prevalence = evaluation.presence.prevalence
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=DASHED)
        along_diagonal(axes, "by chance")
        axes.plot([0, prevalence, 1], [0, 1, 1], color=GREY, linewidth=0.8)
        axes.fill_between(GRID, curves.gate.low, curves.gate.high, color=NEGATIVE, alpha=BAND, linewidth=0)
        axes.plot(curves.gate.across, curves.gate.up, color=NEGATIVE, linewidth=1.8)
        for point in curves.points:
            axes.plot(point.passed, point.sensitivity, marker="o", markersize=4.5, color=INK, markerfacecolor="white")
        found, passed = evaluation.gate_sensitivity, evaluation.gate_passed
        if found is not None and passed is not None:
            axes.plot(passed.value, found.value, marker="D", markersize=7, color=POSITIVE, linestyle="none")
            beside(axes, "gate", passed.value, found.value, POSITIVE)
        unit_square(axes, "share of all patients who pass", "sensitivity")
    return svg[0]
