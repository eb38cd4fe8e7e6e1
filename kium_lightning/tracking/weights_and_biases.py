"""Opening a W&B run that never asks, never hangs and keeps its files in the run's folder."""

import logging
import netrc
import os
import socket
import sys
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from lightning.pytorch.loggers import WandbLogger

from kium_lightning.errors import ConfigError

_LOG = logging.getLogger(__name__)

_DEFAULT_HOST = "https://api.wandb.ai"
_FLUSH_INTERVAL_S = "0.5"  # the default of 15 s loses a short run that is killed

Mode = Literal["auto", "online", "offline"]


def open_wandb(folder: str, project: str, name: str, group: str | None, mode: Mode, patience_s: float) -> WandbLogger:
    """Starts a W&B run of its own for this job.

    Args:
        folder: the job's folder; W&B's files go below it.
        project: W&B project.
        name: the run's name, for people.
        group: shared by the jobs of a sweep; None for none.
        mode: ``auto`` is online when somebody is logged in and the server answers, else offline.
        patience_s: how long to wait for the server before going offline.

    Returns:
        A Lightning logger around the run.

    Raises:
        ConfigError: the mode is ``online`` and nobody is logged in.
    """
    import wandb  # takes a second, and other loggers do without it

    os.environ.setdefault("WANDB_X_TRANSACTION_LOG_FLUSH_INTERVAL", _FLUSH_INTERVAL_S)
    os.environ["WANDB_DATA_DIR"] = str(Path(folder) / "wandb-staging")
    chosen = _choose(mode, patience_s)

    def start(mode: Literal["online", "offline"]) -> WandbLogger:
        settings = wandb.Settings(init_timeout=patience_s, silent=True, console="off")
        run = wandb.init(
            project=project, name=name, group=group, dir=folder, mode=mode, settings=settings, reinit="finish_previous"
        )
        return WandbLogger(experiment=run)

    if chosen == "offline":
        return start("offline")
    try:
        return start("online")
    except (wandb.errors.CommError, wandb.errors.UsageError, TimeoutError) as error:
        _LOG.warning("W&B cannot be used online (%s). This run is logged offline below %s.", error, folder)
        return start("offline")


def _choose(mode: Mode, patience_s: float) -> Literal["online", "offline"]:
    if mode == "online" and not _is_logged_in(os.environ.get("WANDB_BASE_URL", _DEFAULT_HOST)):
        raise ConfigError("logger.wandb.mode=online needs a login. Run `wandb login` first, or choose mode=auto.")
    if mode != "auto":
        return mode
    if os.environ.get("WANDB_MODE") in ("offline", "dryrun", "disabled"):
        return "offline"
    url = os.environ.get("WANDB_BASE_URL", _DEFAULT_HOST)
    if not _is_logged_in(url):
        return "offline"
    if not _answers(url, patience_s):
        _LOG.warning("%s does not answer. This run is logged to W&B offline; send it later with `wandb sync`.", url)
        return "offline"
    return "online"


def _is_logged_in(url: str) -> bool:
    if os.environ.get("WANDB_API_KEY") or os.environ.get("WANDB_IDENTITY_TOKEN_FILE"):
        return True
    path = Path(os.environ.get("NETRC", "~/.netrc")).expanduser()
    host = urlsplit(url).hostname
    try:
        return host is not None and netrc.netrc(path).authenticators(host) is not None
    except (OSError, netrc.NetrcParseError):
        return False


def _answers(url: str, patience_s: float) -> bool:
    """Whether the server takes a connection; behind a proxy only W&B itself can tell."""
    if os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy"):
        return True
    parts = urlsplit(url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    try:
        with socket.create_connection((parts.hostname, port), timeout=patience_s):
            return True
    except OSError:
        return False


def finish_wandb(failed: bool = False) -> None:
    """Ends this process's W&B run, if there is one, so that the next job of a multirun gets its own."""
    wandb = sys.modules.get("wandb")  # not imported where another logger was chosen
    if wandb is not None and wandb.run is not None:
        wandb.finish(exit_code=1 if failed else 0)
