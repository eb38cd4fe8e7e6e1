"""Reading image files once each: whole or not, what their content is, and the pictures that are wanted of them."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from torch.utils.data import Dataset

from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.known_files import KnownFile, KnownFiles, content_digest, state_of
from kium_lightning.data.packs import KEY_BYTES, NewPack, Packs
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import Source
from kium_lightning.errors import ImageError
from kium_lightning.images.reading import REMEDY, decode_grey, read_content


class WantedFile(NamedTuple):
    """A file to read.

    Attributes:
        path: of the file.
        sources: the pictures to prepare of it; none where it is only checked.
    """

    path: Path
    sources: tuple[Source, ...]


class ReadFile(NamedTuple):
    """What came of a file.

    Attributes:
        path: of the file.
        known: its content; None where it cannot be decoded.
        fault: why not, a sentence for people.
    """

    path: Path
    known: KnownFile | None
    fault: ImageError | None


class Done(NamedTuple):
    """What came of some files.

    Attributes:
        files: each of them, up to the one that could not be kept.
        trouble: why the cache could not be written; empty where it could.
    """

    files: list[ReadFile]
    trouble: str


def picture_key(digest: str, source: Source, preparation: Preparation) -> bytes:
    """The name of a prepared picture among those that were prepared alike."""
    kind = json.dumps([digest, preparation.mirrors(source.view), source.window])
    return hashlib.blake2b(kind.encode(), digest_size=KEY_BYTES).digest()


class Filling(Dataset[Done]):
    """Files in portions; to load one is to read its files and to write a pack of what is wanted of them.

    The pictures go from the process that makes them to the disk and never through another one.

    Args:
        portions: the files.
        preparation: the steps up to the net's input size.
        packs: where the pictures go.
        cleaned: remembers what cleaning found.
        known: the files that were read before.
    """

    def __init__(
        self,
        portions: Sequence[Sequence[WantedFile]],
        preparation: Preparation,
        packs: Packs,
        cleaned: CleanedViews,
        known: KnownFiles,
    ) -> None:
        self._portions = portions
        self._preparation = preparation
        self._packs = packs
        self._cleaned = cleaned
        self._known = known

    def __len__(self) -> int:
        return len(self._portions)

    def __getitem__(self, portion: int) -> Done:
        """Reads the files of a portion.

        Errors are returned: a loading process would wrap them in its own traceback.
        """
        files = self._portions[portion]
        done: list[ReadFile] = []
        try:
            with self._packs.writing(sum(len(file.sources) for file in files)) as pack:
                for file in files:
                    try:
                        done.append(ReadFile(file.path, self._read(file, pack), None))
                    except ImageError as error:
                        done.append(ReadFile(file.path, None, error))
        except OSError as error:
            return Done([], error.strerror or str(error))
        return Done(done, "")

    def _read(self, file: WantedFile, pack: NewPack) -> KnownFile:
        try:
            state = state_of(file.path)
        except OSError as error:
            raise ImageError(f"{file.path} cannot be read ({error.strerror}). {REMEDY}") from error
        content = read_content(file.path)
        digest = content_digest(content)
        keys = {picture_key(digest, source, self._preparation): source for source in file.sources}
        missing = {key: source for key, source in keys.items() if key not in self._packs.places}
        if missing:
            clean = self._cleaned.cleaned(content, str(file.path), digest).image
            for key, (_, view, window) in missing.items():
                pack.add(key, self._preparation.after_cleaning(clean, view, window))
        elif not keys and not self._known.has_content(digest):
            decode_grey(content, str(file.path))
        return KnownFile(file.path, state, digest)


def as_it_is(done: Any) -> Any:
    """What a loader makes of a portion: nothing."""
    return done
