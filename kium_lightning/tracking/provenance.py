"""Where a run's numbers come from: code revision, versions, hardware."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

_PACKAGES = ("kium_lightning", "torch", "torchvision", "timm", "lightning", "albumentations", "numpy", "pandas")


def code_revision() -> str | None:
    """The git revision of the checkout that runs, with ``+changes`` if it has uncommitted ones; None outside git."""
    package = Path(__file__).resolve().parent.parent
    try:
        revision = _git(package, "rev-parse", "HEAD")
        # An installed package may lie inside somebody else's repository.
        if not _git(package, "ls-files", "--", "settings.py"):
            return None
        return revision + ("+changes" if _git(package, "status", "--porcelain", "--untracked-files=no") else "")
    except (subprocess.CalledProcessError, FileNotFoundError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on."""
    return {"python": platform.python_version()} | {package: version(package) for package in _PACKAGES}


def hardware() -> dict[str, str | int]:
    """The devices that numbers and times depend on; no name of the machine."""
    facts: dict[str, str | int] = {"cpu_threads": torch.get_num_threads(), "architecture": platform.machine()}
    if torch.cuda.is_available():
        facts |= {"gpu": torch.cuda.get_device_name(), "gpus": torch.cuda.device_count()}
    return facts
