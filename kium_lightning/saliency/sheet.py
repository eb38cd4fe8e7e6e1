"""The contact sheet of a patient: every view with its heat map over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kium_lightning.files import replacing
from kium_lightning.saliency.placing import HeatMap
from kium_lightning.saliency.pointing import Mask, Peak

_ACROSS = 4
_CELL = 3.5  # inches
_DPI = 110
_MOST_OPAQUE = 0.7
_OUTLINE, _PEAK = "#00e5ff", "white"
_STEPS = 256


@dataclass(frozen=True, eq=False)
class Panel:
    """One view and one label.

    Attributes:
        title: above it.
        picture: (H, W) of the original file.
        heat: (H, W), NaN where the net did not look.
        peak: of the heat map.
        outline: (H, W) of the aneurysms with this label that the view shows.
        other_outline: of those without it.
    """

    title: str
    picture: NDArray[np.uint8]
    heat: HeatMap
    peak: Peak
    outline: Mask
    other_outline: Mask


@dataclass(frozen=True, eq=False)
class Band:
    """All views of one label, which share one scale.

    Attributes:
        name: of the label.
        panels: in the order of the views.
    """

    name: str
    panels: Sequence[Panel]


def draw_sheet(path: Path, title: str, bands: Sequence[Band], note: str) -> None:
    """Draws a patient's heat maps, one band per label, transparent where there is little evidence.

    Args:
        path: of the PNG file.
        title: above everything.
        bands: the labels.
        note: a line below everything.
    """
    across = min(_ACROSS, max(len(band.panels) for band in bands))
    lines = [-(-len(band.panels) // across) for band in bands]
    tallest = max(panel.picture.shape[0] / panel.picture.shape[1] for band in bands for panel in band.panels)
    width = max(across, 2) * _CELL + 1.1  # a narrower sheet would cut its title off
    figure = Figure(figsize=(width, sum(lines) * (_CELL * tallest + 0.45) + 0.9), layout="constrained")
    whole = figure.subfigures(len(bands), 1, squeeze=False, height_ratios=lines)
    for band, down, (part,) in zip(bands, lines, whole, strict=True):
        axes = part.subplots(down, across, squeeze=False)
        greatest = max(panel.peak.value for panel in band.panels)
        for place in axes.flat:
            place.set_axis_off()
        for place, panel in zip(axes.flat, band.panels, strict=False):
            _draw(place, panel, greatest)
        scale = ScalarMappable(Normalize(0, 1), _colours())
        bar = part.colorbar(scale, ax=axes, fraction=0.03, pad=0.01, aspect=30)
        bar.set_label(f"evidence for {band.name}, share of the greatest", fontsize=10)
    figure.suptitle(title, fontsize=13)
    figure.supxlabel(note, fontsize=9)
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=_DPI)


def _draw(axes: Axes, panel: Panel, greatest: float) -> None:
    axes.imshow(panel.picture, cmap="gray", vmin=0, vmax=255)
    if greatest > 0:
        axes.imshow(_colours()(np.nan_to_num(panel.heat) / greatest))
    for mask, line in ((panel.outline, "solid"), (panel.other_outline, "dotted")):
        if mask.any():
            axes.contour(mask, levels=[0.5], colors=_OUTLINE, linewidths=1.5, linestyles=line)
    if panel.peak.value > 0:
        axes.plot(panel.peak.x, panel.peak.y, "+", color="black", markersize=13, markeredgewidth=3.4)
        axes.plot(panel.peak.x, panel.peak.y, "+", color=_PEAK, markersize=12, markeredgewidth=1.6)
    axes.set_title(panel.title, fontsize=10)


def _colours() -> ListedColormap:
    """A perceptually even colour map that begins transparent."""
    colours = colormaps["plasma"](np.linspace(0, 1, _STEPS))
    colours[:, 3] = _MOST_OPAQUE * np.linspace(0, 1, _STEPS)
    return ListedColormap(colours)
