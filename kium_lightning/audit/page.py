"""One self-contained HTML page of an audit: no script, no font and no picture from elsewhere."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from numpy.typing import NDArray

from kium_lightning.audit.audit import Audit
from kium_lightning.audit.finding import Finding, Outcome, Severity, Shown, Verdict
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.errors import ImageError

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_THUMBNAIL = 224  # pixels, the longer side
_QUALITY = 85
_WITH_PICTURES = 100  # findings; the page would else outgrow what a browser likes to open


@dataclass(frozen=True)
class Picture:
    """A thumbnail as a data URI, and the words below it."""

    uri: str
    caption: str
    width: int
    height: int


@dataclass(frozen=True)
class Card:
    """A finding with its pictures."""

    finding: Finding
    pictures: tuple[Picture, ...]
    is_serious: bool


@dataclass(frozen=True)
class Section:
    """The findings of one check: those with pictures as cards, the others as rows of a table."""

    outcome: Outcome
    cards: tuple[Card, ...]
    rows: tuple[Card, ...]


@dataclass(frozen=True)
class Origin:
    """What was audited and when.

    Attributes:
        cohort: its name.
        folder: where it lies.
        split_file: that was read; None where there is none.
        date: in words.
        threshold_p: below which a probe is a finding.
    """

    cohort: str
    folder: Path
    split_file: Path | None
    date: str
    threshold_p: float


def audit_page(audit: Audit, origin: Origin, cache_folder: Path) -> str:
    """Renders the page.

    Args:
        audit: what was found.
        origin: what was audited.
        cache_folder: where what cleaning found is remembered.

    Returns:
        A complete HTML document.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cleaned = CleanedViews(cache_folder)
    left = _WITH_PICTURES
    sections = []
    for outcome in audit.outcomes:
        cards = [_card(finding, cleaned, place < left) for place, finding in enumerate(outcome.findings)]
        left = max(0, left - len(cards))
        with_pictures = tuple(card for card in cards if card.pictures)
        sections.append(Section(outcome, with_pictures, tuple(card for card in cards if not card.pictures)))
    return environment.get_template("audit.html.j2").render(
        audit=audit, origin=origin, sections=sections, clean=Verdict.CLEAN, found=Verdict.FOUND
    )


def _card(finding: Finding, cleaned: CleanedViews, has_room: bool) -> Card:
    pictures = _pictures(finding.shown, cleaned) if has_room else ()
    return Card(finding, pictures, finding.severity is Severity.SERIOUS)


def _pictures(shown: Sequence[Shown], cleaned: CleanedViews) -> tuple[Picture, ...]:
    pictures = []
    for each in shown:
        try:
            pictures.append(thumbnail(cleaned.read(each.file.path), each.caption))
        except ImageError:
            continue  # the file was readable a minute ago; the finding stands without its picture
    return tuple(pictures)


def thumbnail(image: NDArray[np.uint8], caption: str) -> Picture:
    """Shrinks a grey picture (H, W) to a JPEG data URI."""
    height, width = image.shape
    scale = min(1.0, _THUMBNAIL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    done, content = cv2.imencode(
        ".jpg", cv2.resize(image, size, interpolation=cv2.INTER_AREA), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )
    if not done:
        raise RuntimeError(f"OpenCV could not encode the picture of {caption}")
    uri = f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode('ascii')}"
    return Picture(uri, caption, *size)
