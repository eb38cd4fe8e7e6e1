import json
import platform
import subprocess
from pathlib import Path

import pytest
import torch

from kium_lightning.tracking import provenance
from kium_lightning.tracking.provenance import code_revision, hardware, versions


def git(folder: Path, *arguments: str) -> str:
    author = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    done = subprocess.run(["git", "-C", str(folder), *author, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of somebody's with a copy of the package in it."""
    package = tmp_path / "kium_lightning"
    (package / "tracking").mkdir(parents=True)
    for name in ("settings.py", "tracking/provenance.py"):
        (package / name).write_text("content")
    git(tmp_path, "init", "--quiet")
    monkeypatch.setattr(provenance, "__file__", str(package / "tracking" / "provenance.py"))
    return tmp_path


def test_the_revision_is_the_commit_that_runs(checkout: Path) -> None:
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "first")
    assert code_revision() == git(checkout, "rev-parse", "HEAD")
    (checkout / "notes.txt").write_text("untracked files do not run")
    assert code_revision() == git(checkout, "rev-parse", "HEAD")
    (checkout / "kium_lightning" / "settings.py").write_text("changed")
    assert code_revision() == git(checkout, "rev-parse", "HEAD") + "+changes"


def test_a_package_inside_a_foreign_repository_has_no_revision(checkout: Path) -> None:
    (checkout / "README").write_text("another project")
    git(checkout, "add", "README")
    git(checkout, "commit", "--quiet", "--message", "another project")
    assert code_revision() is None


def test_a_package_outside_any_repository_has_no_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "kium_lightning" / "tracking" / "provenance.py"))
    assert code_revision() is None


def test_a_machine_without_git_gives_no_revision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_revision() is None


def test_versions_and_hardware_are_json_values_and_name_no_machine() -> None:
    facts = versions() | hardware()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["torch"] == torch.__version__.split("+")[0]
    assert facts["python"] == platform.python_version()
    assert platform.node() not in [str(value) for value in facts.values()]
