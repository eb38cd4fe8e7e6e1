"""Letters that a picture's edge cuts off: too low or too few to be told for text, but beside text that is."""

from collections.abc import Sequence

import cv2
import numpy as np

from kium_lightning.images.box import Box, GreyImage

_BESIDE = 2.5  # of a line's height: how far above and below it the next cut line lies
_ALONG = 2.0  # of a line's height: how far a cut line may go on to the side
_CLOSE = 1.2  # of a line's height: so close to the line a stroke need not be cut
_DEPTH = 1.0  # of a line's height: the strip along the upper and lower edge in which a cut line lies
_WIDTH = 2.5  # of a line's height: the strip along the left and right edge, a few letters wide
_LETTER = 0.5  # of a line's height, which has room around its letters: strokes so high stand for a line themselves
_FEW_LETTERS = 4.0  # of a line's height: what is cut by the edge and wider is no rest of a line
_CLEAR = 1.5  # of the contrast: asked of strokes beside what is itself only cut by the edge
_LEAST_AREA = 2  # pixels
_GAP = 0.7  # of the strip's depth: strokes no farther apart are of one line
_PADDING = 5  # pixels: what compression smeared around a stroke


def strokes_cut_by_edge(picture: GreyImage, lines: Sequence[Box], contrast: float) -> list[Box]:
    """Finds strokes that lie between a picture's edge and a line of certain text.

    A vessel that crosses the edge goes on beyond the strip, and is left alone.

    Args:
        picture: grey values of shape (H, W), without margins.
        lines: the boxes of certain lines of text, in pixels of the picture; they may lie in the margin.
        contrast: grey values by which a stroke differs from the background, at least.

    Returns:
        The boxes to cover.
    """
    found = _strokes_beside(picture, lines, contrast)
    whole, heights = Box.whole(picture), [line.height for line in lines]
    cut = [stroke for stroke in found if _is_line(stroke, heights, whole)]  # a block's next line may be cut too
    return sorted(found | _strokes_beside(picture, cut, _CLEAR * contrast))


def _strokes_beside(picture: GreyImage, lines: Sequence[Box], contrast: float) -> set[Box]:
    whole = Box.whole(picture)
    found: set[Box] = set()
    for line in lines:
        near = line.grown(round(_ALONG * line.height), round(_BESIDE * line.height)).within(whole)
        close = line.grown(round(_CLOSE * line.height), round(_CLOSE * line.height))
        deep, wide = round(_DEPTH * line.height), round(_WIDTH * line.height)
        for strip in (
            Box(0, 0, whole.right, deep),
            Box(0, whole.bottom - deep, whole.right, whole.bottom),
            Box(0, 0, wide, whole.bottom),
            Box(whole.right - wide, 0, whole.right, whole.bottom),
        ):
            room = strip.within(near)
            if not room.is_empty:
                found.update(_strokes_inside(picture, room, close, contrast))
    return found


def _is_line(stroke: Box, heights: Sequence[int], whole: Box) -> bool:
    """Whether a covered stroke lies at the edge, is as high as certain lines, and a few letters wide."""
    height, highest = stroke.height - 2 * _PADDING, max(heights)
    is_cut = stroke.within(whole.grown(-1, -1)) != stroke
    return is_cut and _LETTER * min(heights) <= height <= highest and stroke.width <= _FEW_LETTERS * highest


def _strokes_inside(picture: GreyImage, room: Box, close: Box, contrast: float) -> list[Box]:
    """The strokes of a room that touch none of its sides but those on the picture's edge, neighbours joined."""
    whole = Box.whole(picture)
    grey = picture[room.slices]
    apart = np.abs(grey.astype(np.float32) - float(np.median(grey))) > contrast
    _, _, stats, _ = cv2.connectedComponentsWithStats(apart.view(np.uint8), connectivity=8)
    strokes, vessels = [], []
    for x, y, width, height, area in stats[1:].tolist():
        stroke = Box(x, y, x + width, y + height).moved(room.left, room.top)
        goes_on = (
            (stroke.left == room.left > whole.left)
            or (stroke.top == room.top > whole.top)
            or (stroke.right == room.right < whole.right)
            or (stroke.bottom == room.bottom < whole.bottom)
        )
        if goes_on:
            vessels.append(stroke)
        elif area >= _LEAST_AREA:
            strokes.append(stroke)
    gap = round(_GAP * min(room.width, room.height))
    cut = [stroke.grown(_PADDING, _PADDING).within(whole) for stroke in _with_neighbours(strokes, gap, whole, close)]
    return _joined(sorted(cut), vessels, gap)


def _with_neighbours(strokes: list[Box], gap: int, whole: Box, close: Box) -> list[Box]:
    """Keeps the strokes that the picture's edge cuts or that are close to the line, and those beside them."""
    inner = whole.grown(-1, -1)
    fresh = [stroke for stroke in strokes if stroke.within(inner) != stroke or stroke.within(close) == stroke]
    kept: list[Box] = []
    while fresh:
        kept += fresh
        reached = [stroke.grown(gap, 0) for stroke in fresh]
        rest = [stroke for stroke in strokes if stroke not in kept]
        fresh = [stroke for stroke in rest if any(stroke.meets(near) for near in reached)]
    return kept


def _joined(strokes: list[Box], vessels: list[Box], gap: int) -> list[Box]:
    """Joins strokes side by side, so that specks between them go too, but not over what goes on beyond the room."""
    joined: list[Box] = []
    for stroke in strokes:
        if joined and stroke.left - joined[-1].right <= gap:
            both = joined[-1].joined(stroke)
            if not any(both.meets(vessel) for vessel in vessels):
                joined[-1] = both
                continue
        joined.append(stroke)
    return joined
