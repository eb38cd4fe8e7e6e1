"""Clean views, each searched for margins and text only once, whatever sizes are made of it later."""

import contextlib
import json
from pathlib import Path

from kium_lightning.data.known_files import content_digest
from kium_lightning.files import write_json
from kium_lightning.images.box import GreyImage
from kium_lightning.images.cleaning import CLEANING_VERSION, CleaningRecord, CleanView, clean_view, repeat_cleaning
from kium_lightning.images.reading import decode_grey, read_content


class CleanedViews:
    """Cleans images and remembers on disk what was found, by the content of the file.

    Safe for concurrent and killed runs: a record appears under its name only when complete.

    Args:
        folder: where the records lie.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / f"cleaning-{CLEANING_VERSION}"

    def read(self, path: Path) -> GreyImage:
        """Reads and cleans an image.

        Returns:
            The clean view, (H, W) uint8.

        Raises:
            ImageError: the file cannot be read.
        """
        return self.view(path).image

    def view(self, path: Path) -> CleanView:
        """Reads and cleans an image.

        Returns:
            The clean view with the record of what was done.

        Raises:
            ImageError: the file cannot be read.
        """
        content = read_content(path)
        return self.cleaned(content, str(path), content_digest(content))

    def cleaned(self, content: bytes, name: str, digest: str) -> CleanView:
        """Decodes and cleans the content of an image file.

        Args:
            content: the bytes of the file.
            name: what error messages call it.
            digest: of the content, see ``content_digest``.

        Raises:
            ImageError: the content cannot be decoded.
        """
        image = decode_grey(content, name)
        record = self.known(digest)
        if record is not None:
            return CleanView(repeat_cleaning(image, record), record)
        view = clean_view(image)
        write_json(self._record_file(digest), view.record.plain())
        return view

    def known(self, digest: str) -> CleaningRecord | None:
        """What was found in an image before, by the digest of its content; None where it was not looked at."""
        with contextlib.suppress(FileNotFoundError, ValueError, KeyError, TypeError):  # a damaged record is made anew
            return CleaningRecord.from_plain(json.loads(self._record_file(digest).read_text("utf-8")))
        return None

    def _record_file(self, digest: str) -> Path:
        return self._folder / digest[:2] / f"{digest}.json"
