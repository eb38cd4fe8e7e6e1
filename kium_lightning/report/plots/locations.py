"""The forest plot of the locations."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from kium_lightning.report.estimates import Estimate, Share
from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation
from kium_lightning.report.locations import LocationResult
from kium_lightning.report.plots.style import DASHED, GREY, INK, NEGATIVE, POSITIVE, RULE, plot


def location_plot(evaluation: Evaluation) -> str:
    """Draws AUROC and sensitivity with their intervals, one row per location, and their means below."""
    locations, means = evaluation.locations, evaluation.by_location
    rows, below = np.arange(len(locations)), len(locations) + 0.4
    with plot("locations", 9.4, 7.2, panels=2) as ((ranked, called), svg):
        ranked.axvline(CHANCE_AUROC, color=GREY, linewidth=1, linestyle=DASHED)
        _draw(ranked, locations, [location.auroc for location in locations], means.auroc, NEGATIVE, "o")
        _draw(called, locations, [location.sensitivity for location in locations], means.sensitivity, POSITIVE, "s")
        for axes, title in ((ranked, "AUROC"), (called, "sensitivity")):
            axes.set(xlim=(-0.02, 1.02), ylim=(below + 0.8, -0.8))
            known = [row for row, location in zip(rows, locations, strict=True) if location.is_evaluable]
            axes.hlines(known, 0, 1, color=RULE, linewidth=0.6, zorder=0)
            axes.axhline(below - 0.7, color=GREY, linewidth=0.8)
            axes.tick_params(axis="y", length=0)
            axes.set_title(title, fontsize=10)
        ranked.set_yticks(
            [*rows, below], [*(f"{location.column} ({location.positives})" for location in locations), "mean"]
        )
    return svg[0]


def _draw(
    axes: Axes,
    locations: Sequence[LocationResult],
    values: Sequence[Estimate | Share],
    mean: Estimate,
    colour: str,
    marker: str,
) -> None:
    for row, (location, value) in enumerate(zip(locations, values, strict=True)):
        if not location.is_evaluable:
            axes.text(0.02, row, location.evaluable.reason, color=GREY, fontsize=8, va="center")
        elif not np.isnan(value.value):
            axes.plot([value.low, value.high], [row, row], color=colour, linewidth=1.4)
            axes.plot(value.value, row, marker, color=colour, markersize=3.5 + 0.35 * np.sqrt(location.positives))
    below = len(locations) + 0.4
    if not np.isnan(mean.value):
        axes.fill([mean.low, mean.value, mean.high, mean.value], [below, below - 0.3, below, below + 0.3], color=INK)
