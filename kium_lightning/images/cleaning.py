"""The fixed order of steps from a raw to a clean view, with a record of what was done."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kium_lightning.images.box import Box, GreyImage
from kium_lightning.images.contrast import least_contrast
from kium_lightning.images.covering import cover
from kium_lightning.images.cut_lines import strokes_cut_by_edge
from kium_lightning.images.edge_strokes import greys_of, strokes_at_edges
from kium_lightning.images.margins import find_picture_box
from kium_lightning.images.marks import find_marks
from kium_lightning.images.text import find_text

CLEANING_VERSION = 7  # to be raised when some image would come out differently, so that no old record is repeated
_MORE_PASSES = 2


class RawForm(StrEnum):
    """The three forms in which the challenge's images come."""

    CLEAN = "clean"
    MARGINS = "margins"
    TEXT = "text"


@dataclass(frozen=True)
class Cover:
    """A box that was painted over.

    Attributes:
        box: in pixels of the raw image.
        grey: the value it was painted with, the mean of a neighbouring background region.
    """

    box: Box
    grey: int


@dataclass(frozen=True)
class CleaningRecord:
    """What was done to one image.

    Attributes:
        form: the raw form it was taken for.
        picture_box: what was kept, in pixels of the raw image.
        covered: the text, dashes and ticks that were covered.
    """

    form: RawForm
    picture_box: Box
    covered: tuple[Cover, ...]

    def plain(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "form": self.form.value,
            "picture_box": list(self.picture_box),
            "covered": [{"box": list(cover.box), "grey": cover.grey} for cover in self.covered],
        }

    @classmethod
    def from_plain(cls, values: dict[str, Any]) -> "CleaningRecord":
        """Reads what ``plain`` wrote."""
        covered = tuple(Cover(Box(*cover["box"]), cover["grey"]) for cover in values["covered"])
        return cls(RawForm(values["form"]), Box(*values["picture_box"]), covered)


@dataclass(frozen=True)
class CleanView:
    """A clean image of shape (H, W) and what was done to get it."""

    image: GreyImage
    record: CleaningRecord


def clean_view(image: GreyImage) -> CleanView:
    """Cuts the margins off and covers burnt-in text, dashes and ticks.

    Args:
        image: grey values of shape (H, W).

    Returns:
        The clean view. A clean image comes out with the same content; cleaning twice changes nothing more.
    """
    box = find_picture_box(image)
    clean = image[box.slices].copy()
    covered, is_written = _covered(image, clean, box)
    again = is_written
    for _ in range(_MORE_PASSES):  # what was covered may have hidden the rest
        if not again:
            break
        more, again = _covered(clean.copy(), clean, Box.whole(clean))
        covered += [Cover(cover.box.moved(box.left, box.top), cover.grey) for cover in more]
    uncut = RawForm.CLEAN if box == Box.whole(image) else RawForm.MARGINS
    form = RawForm.TEXT if is_written else uncut
    return CleanView(clean, CleaningRecord(form, box, tuple(covered)))


def _covered(image: GreyImage, clean: GreyImage, box: Box) -> tuple[list[Cover], bool]:
    """Covers marks and text in place in the clean picture, which is a box of an image; tells whether there were any."""
    contrast = least_contrast(image, box)
    covered: list[Cover] = []

    def hide(part: Box) -> None:
        """Covers a box of the picture unless that has been done."""
        if not any(part.within(done.box) == part for done in covered):
            covered.append(Cover(part, cover(clean, part.moved(-box.left, -box.top))))

    marks = find_marks(clean, contrast)
    for mark in marks:
        hide(mark.moved(box.left, box.top))
    unmarked, unmarked_contrast = image, contrast
    if marks:
        unmarked = image.copy()  # letters that touch marks cannot be told apart
        unmarked[box.slices] = clean
        unmarked_contrast = least_contrast(unmarked, box)
    text = find_text(unmarked, box, unmarked_contrast)
    usual = max((line.height for line in text), default=0)
    for line in text:
        inside = line.within(box)
        if inside.height < line.height:
            inside = _whole_line(line, box, usual).within(box)
        if not inside.is_empty:
            hide(inside)
    if text:
        beside = [line.moved(-box.left, -box.top) for line in text]
        for stroke in strokes_cut_by_edge(clean, beside, contrast):
            hide(stroke.moved(box.left, box.top))
        for stroke in strokes_at_edges(image[box.slices], greys_of(image, text), usual, contrast):
            hide(stroke.moved(box.left, box.top))
    return covered, bool(text or marks)


def _whole_line(line: Box, picture: Box, usual: int) -> Box:
    """A line that the picture's upper or lower edge cuts, with what is too low in the picture to be found there.

    Its last letters may be missing, and of its height what lies on one side of the edge.
    """
    line = line.grown(line.height, 0)
    if line.top < picture.top:
        line = line.joined(Box(line.left, line.top, line.right, line.top + usual))
    if line.bottom > picture.bottom:
        line = line.joined(Box(line.left, line.bottom - usual, line.right, line.bottom))
    return line


def repeat_cleaning(image: GreyImage, record: CleaningRecord) -> GreyImage:
    """Does to an image what its record says, without looking for anything; gives what ``clean_view`` gave.

    Args:
        image: grey values of shape (H, W), the one that the record was made of.
        record: what ``clean_view`` found in it.
    """
    box = record.picture_box
    clean = image[box.slices].copy()
    for covered in record.covered:
        clean[covered.box.moved(-box.left, -box.top).slices] = covered.grey
    return clean
