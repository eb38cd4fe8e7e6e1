"""Writing checkpoint files without loss of time between epochs."""

import os
import shutil
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from kium_lightning.errors import RunError
from kium_lightning.files import replacing

_Moment = tuple[Any, ...]


class CheckpointFiles(TorchCheckpointIO):
    """Writes a checkpoint straight to its file, and one that was just written under another name as a second name.

    Lightning's own writer gathers the whole file in memory first. And after the best epoch so far ``best.ckpt`` and
    ``last.ckpt`` hold the same state, so that the second is a hard link to the first, or a copy where the disk knows no
    links. Neither is ever changed in place: the next epoch's file replaces the name, and the other name keeps its file.

    What differs by name alone is what a callback that watches no score remembers of its own last file.
    """

    def __init__(self) -> None:
        self._moment: _Moment | None = None
        self._written: Path | None = None

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Writes a checkpoint under its final name only when complete.

        Raises:
            RunError: the file cannot be written.
        """
        if storage_options is not None or "://" in str(path):  # not a file of this machine
            super().save_checkpoint(checkpoint, path, storage_options)
            return
        moment, target = _moment_of(checkpoint), Path(path)
        try:
            with replacing(target) as temporary:
                if self._written is not None and moment == self._moment and self._written.is_file():
                    _second_name(self._written, temporary)
                else:
                    torch.save(checkpoint, temporary)
        except (OSError, RuntimeError) as error:  # torch's writer has its own for a full disk
            raise RunError(
                f"{target} cannot be written ({str(error).splitlines()[0]}). Make room on the disk and go on with "
                f"resume={target.with_name('last.ckpt')}."
            ) from error
        self._moment, self._written = moment, target


def _moment_of(checkpoint: dict[str, Any]) -> _Moment:
    """What two checkpoints have in common if they hold the same state: the step, and parameters not touched since."""
    untouched = tuple((name, value.data_ptr(), value._version) for name, value in checkpoint["state_dict"].items())
    return sorted(checkpoint), checkpoint.get("epoch"), checkpoint.get("global_step"), untouched


def _second_name(written: Path, name: Path) -> None:
    try:
        os.link(written, name)
    except OSError:  # a disk without hard links
        shutil.copyfile(written, name)
