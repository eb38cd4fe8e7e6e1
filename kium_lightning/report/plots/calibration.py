"""The reliability plot: presence scores against what was observed."""

import numpy as np

from kium_lightning.report.calibrated import CalibrationEffect
from kium_lightning.report.evaluation import Evaluation
from kium_lightning.report.plots.style import DASHED, GREY, INK, NEGATIVE, POSITIVE, along_diagonal, plot, unit_square
from kium_lightning.report.reading import Judged

_TICK = 0.03
_RARE = 0.01  # below it the axes of locations are linear
_NARROW = 0.3


def reliability_plot(judged: Judged, evaluation: Evaluation) -> str:
    """Draws the observed share of aneurysms in bins of patients against their mean score, with Wilson intervals.

    The ticks along the upper and lower edge are the patients with and without an aneurysm.
    """
    bins = evaluation.presence.reliability
    with plot("reliability", 4.6, 4.4) as ((axes,), svg):
        axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=DASHED)
        axes.axhline(evaluation.presence.prevalence, color=GREY, linewidth=0.6)
        for label, at, colour in ((1, 1 - _TICK, POSITIVE), (0, 0.0, NEGATIVE)):
            scores = judged.forecast[judged.has_aneurysm == label]
            axes.vlines(scores, at, at + _TICK, color=colour, alpha=0.35, linewidth=0.7)
        axes.vlines(bins.scores, bins.low, bins.high, color=INK, linewidth=1.2)
        size = 4 + 4 * np.sqrt(bins.counts / max(int(bins.counts.max(initial=1)), 1))
        axes.plot(bins.scores, bins.shares, color=INK, linewidth=0.8, alpha=0.5)
        axes.scatter(bins.scores, bins.shares, s=size**2, color=INK, zorder=3)
        unit_square(axes, "mean presence score of a bin", "share with an aneurysm")
        spread = float(np.ptp(judged.forecast)) if judged.forecast.size else 1.0
        if spread < _NARROW:  # or all dots would stand over each other
            middle = float(judged.forecast.mean())
            axes.set(xlim=(middle - 0.6 * spread - _TICK / 10, middle + 0.6 * spread + _TICK / 10), aspect="auto")
            axes.locator_params(axis="x", nbins=4)
            axes.set_xlabel("mean presence score of a bin (stretched)")
        else:
            along_diagonal(axes, "calibrated")
    return svg[0]


def effect_plot(effect: CalibrationEffect) -> str:
    """Draws raw and calibrated scores as two reliability plots beside each other: presence, and all locations."""
    with plot("calibration-effect", 9.4, 4.4, panels=2, share_axis=False) as ((presence, locations), svg):
        for axes, pair in ((presence, effect.presence), (locations, effect.locations)):
            axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=DASHED)
            for kind, name, colour, face in zip(
                pair, ("raw", f"calibrated ({effect.name})"), (NEGATIVE, POSITIVE), ("white", POSITIVE), strict=True
            ):
                axes.plot(
                    kind.bins.scores,
                    kind.bins.shares,
                    "o-",
                    color=colour,
                    markerfacecolor=face,
                    markersize=6,
                    linewidth=0.8,
                    label=f"{name}: error {kind.error:.3f}",
                )
                axes.vlines(kind.bins.scores, kind.bins.low, kind.bins.high, color=colour, alpha=0.5)
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=9)
        unit_square(presence, "mean presence score of a bin", "share with an aneurysm")
        # Most locations are rare: linear axes would crowd them in a corner; two of a kind keep the diagonal straight.
        locations.set_xscale("symlog", linthresh=_RARE)
        locations.set_yscale("symlog", linthresh=_RARE)
        ticks = [0, 0.01, 0.1, 1]
        locations.set(xlim=(-0.001, 1.15), ylim=(-0.001, 1.15), box_aspect=1, xticks=ticks, yticks=ticks)
        locations.set(xticklabels=[f"{tick:g}" for tick in ticks], yticklabels=[f"{tick:g}" for tick in ticks])
        locations.set(xlabel="mean location score of a bin", ylabel="share with an aneurysm there")
    return svg[0]
