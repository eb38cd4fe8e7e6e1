"""How all plots of a page look, and turning a figure into SVG text."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, GREY, RULE = "#1f2933", "#6b7785", "#d9dee3"
POSITIVE, NEGATIVE = "#b3413b", "#2f6690"  # told apart by shape, too, for print and for colour-blind readers
DASHED = (0, (4, 4))
BAND = 0.16  # opacity
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",  # text stays text: it can be searched and takes the page's font
}


@contextmanager
def plot(
    salt: str, width: float, height: float, panels: int = 1, *, share_axis: bool = True
) -> Iterator[tuple[list[Axes], list[str]]]:
    """Yields the axes of a new figure, and a list that receives its SVG text when the block ends.

    Args:
        salt: a word that no other figure of the page has.
        width: inches.
        height: inches.
        panels: side by side.
        share_axis: whether they have one vertical axis.
    """
    # The salt names the figure's inner parts: equal in every run, and different between the figures of a page.
    with style.context({**_STYLE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, panels, sharey=share_axis and panels > 1, squeeze=False)[0]
        svg: list[str] = []
        yield list(axes), svg
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
        text = buffer.getvalue()
        svg.append(_own_names(text[text.index("<svg") :], salt))


def _own_names(svg: str, salt: str) -> str:
    """Figures name their groups alike (``axes_1``); in one page each name may stand only once."""
    return svg.replace('<g id="', f'<g id="{salt}-')


def unit_square(axes: Axes, across: str, up: str) -> None:
    """Gives axes for two shares the same scale."""
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal", xlabel=across, ylabel=up)


def beside(axes: Axes, text: str, across: float, up: float, colour: str, *, below: bool = True) -> None:
    """Writes a word beside a point, on the side where there is room.

    Args:
        axes: whose data the point is in.
        text: what to write.
        across: of the point.
        up: of the point.
        colour: of the text.
        below: whether it stands below the point, or above.
    """
    to_right = across < 0.7
    axes.annotate(
        text,
        (across, up),
        xytext=(9 if to_right else -9, -4 if below else 9),
        textcoords="offset points",
        ha="left" if to_right else "right",
        va="top" if below else "bottom",
        color=colour,
        fontsize=9,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.0},
    )


def along_diagonal(axes: Axes, text: str) -> None:
    """Writes below the diagonal of a unit square what it stands for."""
    axes.text(
        0.79,
        0.77,
        text,
        color=GREY,
        fontsize=9,
        rotation=45,
        rotation_mode="anchor",
        ha="center",
        va="top",
    )
