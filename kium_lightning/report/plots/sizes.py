"""Sensitivity against the size of aneurysms."""

from collections.abc import Sequence

import numpy as np

from kium_lightning.report.estimates import Share
from kium_lightning.report.plots.style import NEGATIVE, POSITIVE, plot
from kium_lightning.report.sizes import SizeBin

_APART = 0.1


def size_plot(bins: Sequence[SizeBin]) -> str:
    """Draws the share of aneurysms that passed the gate and that were called, by their size, with Wilson intervals."""
    with plot("sizes", 9.4, 3.3) as ((axes,), svg):
        places = np.arange(len(bins))
        series: list[tuple[str, list[Share | None], float, str, str]] = [
            ("the patient passed the gate", [each.passed for each in bins], -_APART, NEGATIVE, "o"),
            ("its location was called", [each.called for each in bins], _APART, POSITIVE, "s"),
        ]
        for label, shares, shift, colour, marker in series:
            known = [(place + shift, share) for place, share in zip(places, shares, strict=True) if share is not None]
            if known:
                across = [place for place, _ in known]
                axes.vlines(across, [s.low for _, s in known], [s.high for _, s in known], color=colour, linewidth=1.4)
                axes.plot(across, [s.value for _, s in known], marker, color=colour, markersize=6.5, label=label)
        axes.set(xlim=(-0.5, len(bins) - 0.5), ylim=(-0.02, 1.02), ylabel="share of aneurysms")
        axes.set_xticks(places, [f"{each.label} mm\n({each.called.total})" for each in bins])
        axes.tick_params(axis="x", length=0)
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=9)
    return svg[0]
