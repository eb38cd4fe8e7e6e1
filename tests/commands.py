"""Running verbs: as a user types them, or in this process where starting Python anew would cost seconds each time."""

import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from kium_lightning.data.cohort import CohortFolder

REPORT_MODELS = ("mednet_anterior", "mednet_posterior", "swin_anterior", "resnet18_posterior")


class Done(NamedTuple):
    """How a verb ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def written(self) -> dict[str, Path]:
        """The files that its last lines name, by file name."""
        paths = [Path(line.removeprefix("wrote ")) for line in self.stdout.splitlines() if line.startswith("wrote ")]
        return {path.name: path for path in paths}


def run_verb(verb: str, *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> Done:
    """Runs a verb in a process of its own, with standard input closed, from another folder than the checkout."""
    command = [sys.executable, "-m", f"kium_lightning.{verb}" if verb else "kium_lightning", *arguments]
    process = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command],
        cwd=cwd,
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    return Done(process.returncode, process.stdout, process.stderr)


def call_verb(capsys: pytest.CaptureFixture[str], verb: str, *arguments: str) -> Done:
    """Runs a verb in this process."""
    status = 0
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [f"kium_lightning.{verb}", *arguments])
        patch.delitem(sys.modules, f"kium_lightning.{verb}", raising=False)
        try:
            runpy.run_module(f"kium_lightning.{verb}", run_name="__main__")
        except SystemExit as leaving:
            status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    printed = capsys.readouterr()
    return Done(status, printed.out, printed.err)


def smoke_settings(cohort: CohortFolder) -> list[str]:
    """Overrides that make a training a matter of seconds."""
    return [
        "cohort=kium",
        f"cohort.folder={cohort.path}",
        "cohort.name=phantom_tiny",
        "trainer=smoke",
        "logger=csv",
        "data.image_size=64",
        "data.batch_size=8",
        "data.workers=0",
        "pretrained=false",
    ]
