"""Files of published weights: in a cache of this machine, or on a hub that is asked only when it answers at once."""

import http.client
import os
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import huggingface_hub
import timm
import torch

from kium_lightning.errors import WeightsError

_PROBE_SECONDS = 3.0  # hub clients retry for most of a minute; one short look tells whether asking them is of use
_MOST_SHOWN = 800  # characters of a foreign error message, enough to name the first unmatched keys
_TRUE = {"1", "ON", "YES", "TRUE"}  # what the hub's client takes for true


class Source(Protocol):
    """A place that may have a file of weights."""

    @property
    def name(self) -> str:
        """What a record calls this source."""
        ...

    def cached(self) -> Path | None:
        """Finds the file on this machine without asking a network."""
        ...

    def fetch(self) -> Path:
        """Downloads the file into its cache.

        Raises:
            WeightsError: the file cannot be had; the message is the cause.
        """
        ...


@dataclass(frozen=True)
class HubFile:
    """A file in a repository of the Hugging Face hub.

    Attributes:
        repository: such as ``timm/resnet18.tv_in1k``.
        filename: the file's name in it.
    """

    repository: str
    filename: str

    @property
    def name(self) -> str:
        """Repository and file."""
        return f"{self.repository}/{self.filename}"

    def cached(self) -> Path | None:
        """Finds the file in the hub's cache folder, which HF_HOME or HF_HUB_CACHE may have moved."""
        found = huggingface_hub.try_to_load_from_cache(self.repository, self.filename)
        return Path(found) if isinstance(found, str) else None

    def fetch(self) -> Path:
        """Downloads the file, after a look of at most three seconds whether it can be reached.

        Raises:
            WeightsError: HF_HUB_OFFLINE is set, the hub cannot be reached or it refuses the file.
        """
        _require_reachable(huggingface_hub.hf_hub_url(self.repository, self.filename))
        try:
            return Path(huggingface_hub.hf_hub_download(self.repository, self.filename, etag_timeout=_PROBE_SECONDS))
        except Exception as error:  # the hub's client raises errors of its own, of its HTTP library and OSError
            raise WeightsError(f"the hub did not give the file ({brief(error)})") from error


@dataclass(frozen=True)
class UrlFile:
    """A file behind a plain address, kept in torch's hub cache under its last path component.

    Attributes:
        url: the address; the file's name ends in the first digits of its SHA-256, as torch's hub demands.
    """

    url: str

    @property
    def name(self) -> str:
        """The address."""
        return self.url

    def cached(self) -> Path | None:
        """Finds the file in torch's hub cache, which TORCH_HOME may have moved."""
        path = self._path()
        return path if path.is_file() else None

    def fetch(self) -> Path:
        """Downloads the file, after a look of at most three seconds whether it can be reached.

        Raises:
            WeightsError: HF_HUB_OFFLINE is set, the address cannot be reached or the file is damaged.
        """
        _require_reachable(self.url)
        path = self._path()
        path.parent.mkdir(parents=True, exist_ok=True)
        digits = path.stem.rsplit("-", 1)[-1]
        try:
            torch.hub.download_url_to_file(self.url, str(path), hash_prefix=digits, progress=False)
        except (OSError, RuntimeError) as error:
            raise WeightsError(f"the download failed ({brief(error)})") from error
        return path

    def _path(self) -> Path:
        return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(self.url).path).name


def timm_sources(architecture: str) -> tuple[Source, ...]:
    """Lists where timm keeps the weights of an architecture: the hub first, then their first publisher's address."""
    settings = timm.get_pretrained_cfg(architecture)
    sources: list[Source] = []
    if settings is not None and settings.hf_hub_id:
        sources.append(HubFile(settings.hf_hub_id, "model.safetensors"))
    if settings is not None and isinstance(settings.url, str) and settings.url:
        sources.append(UrlFile(settings.url))
    return tuple(sources)


def brief(error: BaseException) -> str:
    """Puts a foreign error into one line of bounded length."""
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    text = " ".join(str(reason).split()) or type(error).__name__
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]} ..."


def _require_reachable(url: str) -> None:
    if huggingface_hub.constants.HF_HUB_OFFLINE or os.environ.get("HF_HUB_OFFLINE", "").upper() in _TRUE:
        raise WeightsError("HF_HUB_OFFLINE is set and the file is not in the cache")
    cause = _unreachable(url)
    if cause is not None:
        raise WeightsError(f"{urlsplit(url).netloc} cannot be reached ({cause})")


def _unreachable(url: str) -> str | None:
    """Asks for a file's header, through the environment's proxies; returns why there was no answer in time."""
    answer: list[str | None] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=_PROBE_SECONDS):
                answer.append(None)
        except urllib.error.HTTPError as error:
            # A refusal is an answer: the real client explains it better, or has the credentials.
            answer.append(None if error.code < 500 else f"HTTP {error.code}")
        except (OSError, ValueError, http.client.HTTPException) as error:
            answer.append(brief(error))

    # A thread, because the socket's timeout does not cover looking up the host's name.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(_PROBE_SECONDS)
    return answer[0] if answer else f"no answer within {_PROBE_SECONDS:.0f} s"
