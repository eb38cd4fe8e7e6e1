"""Prepared views kept on disk, so that every file is read and decoded once, whatever folds and runs need it."""

import contextlib
import hashlib
import json
import logging
import math
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from torch.utils.data import DataLoader

from kium_lightning.console import track
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.filling import Done, Filling, ReadFile, WantedFile, as_it_is, picture_key
from kium_lightning.data.known_files import KnownFiles
from kium_lightning.data.packs import Packs, Place, PreparedViews
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import Source, use_one_thread
from kium_lightning.errors import ConfigError, ImageError
from kium_lightning.files import locked
from kium_lightning.images.cleaning import CLEANING_VERSION

_LOG = logging.getLogger(__name__)

_FORMAT = 3  # raised when the meaning of a cached picture changes, so that no old one is read
_LEAST_PORTION = 16  # files; a killed run loses at most one portion per process
_MOST_PORTIONS = 64  # of one filling, so that few packs are open at a time
_LARGEST_PACK = 2**29  # bytes; NumPy knows no element of 2 GiB
_LARGE = 2**30  # bytes; the user is told
_UNUSED_AFTER_S = 24 * 3600.0
_OLD_ARRAY = re.compile(r"\.?[0-9a-f]{24}(\.\d+\.[0-9a-f]{8})?\.npy")  # formats 1 and 2


class ViewCache:
    """Prepared views of one preparation, by the content of their files.

    Pictures are written in packs that appear when complete and never change, so that concurrent and killed runs do no
    harm and what was prepared before a run was killed is kept. A run waits for another one that prepares the same way.

    Args:
        folder: where everything cached lies.
        preparation: the steps up to the net's input size.
    """

    def __init__(self, folder: Path, preparation: Preparation) -> None:
        self._folder = folder
        self._preparation = preparation
        self._packs = Packs(folder / _version() / _settings_name(preparation), preparation.image_size)
        self._digests: dict[Path, str] = {}

    def fill(self, sources: Sequence[Source], others: Iterable[Path] = ()) -> dict[Path, ImageError]:
        """Reads files, each once, and prepares the views that are not there yet; memory does not grow with them.

        Args:
            sources: the pictures wanted.
            others: more files to be checked by decoding them. Files that were found whole before are not read again.

        Returns:
            The files that cannot be read, in the order given, and why.

        Raises:
            ConfigError: the cache cannot be written.
        """
        wanted: dict[Path, list[Source]] = {path: [] for path in others}
        for source in dict.fromkeys(sources):
            wanted.setdefault(source.path, []).append(source)
        files = [WantedFile(path, tuple(of_file)) for path, of_file in wanted.items()]
        faults: dict[Path, ImageError] = {}
        with self._writable():
            if not self._missing(files, self._known(files)):
                return {}
            self._packs.folder.mkdir(parents=True, exist_ok=True)
            _remove_outdated(self._folder)
            with locked(self._packs.folder / ".filling", "Another run prepares views in the same way; waiting for it."):
                self._packs.remove_abandoned()
                known = self._known(files)  # again, as another run may have read some of them
                for file in self._read(self._missing(files, known), known):
                    if file.fault is not None:
                        faults[file.path] = file.fault
        self._packs.look()
        return {path: faults[path] for path in wanted if path in faults}

    def views(self, sources: Sequence[Source]) -> PreparedViews:
        """The prepared views of some pictures, in their order; those are prepared that are not there yet.

        Raises:
            ImageError: files cannot be read; the message names all of them.
            ConfigError: the cache cannot be written.
        """
        if any(self._place(source) is None for source in sources):
            faults = self.fill(sources)
            if faults:
                raise ImageError("\n".join(map(str, faults.values())))
        places = [place for source in sources if (place := self._place(source)) is not None]
        gone = f"Something removed views from the cache in {self._folder} just now. Start again."
        if len(places) < len(sources):
            raise ConfigError(gone)
        try:
            return PreparedViews(places, self._preparation.image_size)
        except FileNotFoundError as error:
            raise ConfigError(gone) from error

    def _place(self, source: Source) -> Place | None:
        digest = self._digests.get(source.path)
        if digest is None:
            return None
        return self._packs.places.get(picture_key(digest, source, self._preparation))

    def _known(self, files: Sequence[WantedFile]) -> KnownFiles:
        return KnownFiles(self._folder, (file.path.parent for file in files))

    def _missing(self, files: Sequence[WantedFile], known: KnownFiles) -> list[WantedFile]:
        """The files that have to be read: they are new, or changed, or not all that is wanted of them is there."""
        self._packs.look()
        missing = []
        for file in files:
            digest = known.digest(file.path)
            if digest is not None:
                self._digests[file.path] = digest
            if digest is None or any(self._place(source) is None for source in file.sources):
                missing.append(file)
        return missing

    def _read(self, files: Sequence[WantedFile], known: KnownFiles) -> Iterator[ReadFile]:
        if not files:
            return
        size = self._preparation.image_size
        most = sum(len(file.sources) for file in files) * size * size
        if most > _LARGE:
            _LOG.info("Up to %.1f GiB of views at %d px will be kept in %s.", most / 2**30, size, self._packs.folder)
        largest = max(len(file.sources) for file in files) * size * size
        length = max(_LEAST_PORTION, math.ceil(len(files) / _MOST_PORTIONS))
        length = max(1, min(length, _LARGEST_PACK // max(1, largest)))
        portions = [files[start : start + length] for start in range(0, len(files), length)]
        cores = os.cpu_count() or 1
        # Processes, as cleaning spends its time in small steps that hold the interpreter lock, for which threads wait.
        loader: DataLoader[Done] = DataLoader(
            Filling(portions, self._preparation, self._packs, CleanedViews(self._folder), known),
            batch_size=None,
            collate_fn=as_it_is,
            num_workers=0 if len(portions) == 1 else min(len(portions), cores),
            worker_init_fn=use_one_thread,
        )
        yield from track(self._kept(loader, known), f"reading views at {size} px", total=len(files))

    def _kept(self, portions: Iterable[Done], known: KnownFiles) -> Iterator[ReadFile]:
        """The files of portions, after what is known of them was written down."""
        for portion in portions:
            if portion.trouble:
                raise OSError(None, portion.trouble)
            read = [file.known for file in portion.files if file.known is not None]
            known.add(read)
            self._digests |= {file.path: file.digest for file in read}
            yield from portion.files

    @contextlib.contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ConfigError(
                f"The cache in {self._folder} cannot be written ({error.strerror}). Make room there, or choose another "
                "folder with data.cache_folder; what was prepared so far is kept."
            ) from error


def prepared_views(sources: Sequence[Source], preparation: Preparation, folder: Path) -> PreparedViews:
    """Returns the prepared views of some pictures, from the cache or by filling it; see ``ViewCache``.

    Args:
        sources: the pictures, in the order wanted.
        preparation: the steps up to the net's input size.
        folder: where everything cached lies.

    Raises:
        ImageError: files cannot be read; the message names all of them.
        ConfigError: the cache cannot be written.
    """
    return ViewCache(folder, preparation).views(sources)


def _version() -> str:
    return f"views-{_FORMAT}-{CLEANING_VERSION}"


def _settings_name(preparation: Preparation) -> str:
    """The same for preparations that only mirror other views: whether a picture is mirrored stands in its key."""
    settings: Mapping[str, object] = preparation.plain() | {"mirrored_projections": None}
    name = f"{preparation.image_size}px-{preparation.polarity}-median{preparation.median_kernel}"
    return f"{name}-{hashlib.blake2b(json.dumps(settings).encode(), digest_size=4).hexdigest()}"


def _remove_outdated(folder: Path) -> None:
    """Removes what earlier versions kept and nobody has added to since yesterday; no run reads it any more."""
    old = [path for path in folder.glob("*.npy") if _OLD_ARRAY.fullmatch(path.name)]
    old += [path for path in folder.glob("views-*") if path.name != _version()]
    for path in old:
        with contextlib.suppress(OSError):  # another run was quicker
            newest = max(each.stat().st_mtime for each in (path, *path.glob("*")))
            if time.time() - newest > _UNUSED_AFTER_S:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
