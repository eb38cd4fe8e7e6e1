from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.fabric.utilities.cloud_io import _atomic_save
from torch import nn

from kium_lightning.tasks.checkpoint_files import CheckpointFiles


@pytest.fixture
def net() -> nn.Linear:
    return nn.Linear(3, 2)


def state(net: nn.Module, step: int) -> dict[str, Any]:
    return {"epoch": 0, "global_step": step, "state_dict": net.state_dict(), "callbacks": {"best": 0.5}}


def weights_in(path: Path) -> torch.Tensor:
    loaded: torch.Tensor = torch.load(path, weights_only=True)["state_dict"]["weight"]
    return loaded


def train_a_step(net: nn.Module) -> None:
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(1.0)


def test_a_file_holds_what_lightnings_own_writer_writes(net: nn.Linear, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.ckpt", tmp_path / "theirs.ckpt"
    CheckpointFiles().save_checkpoint(state(net, 1), ours)
    _atomic_save(state(net, 1), theirs)
    loaded, expected = (torch.load(path, weights_only=True) for path in (ours, theirs))
    torch.testing.assert_close(loaded.pop("state_dict"), expected.pop("state_dict"), rtol=0, atol=0)
    assert loaded == expected


def test_the_same_state_is_written_once_under_both_names(net: nn.Linear, tmp_path: Path) -> None:
    files, best, last = CheckpointFiles(), tmp_path / "best.ckpt", tmp_path / "last.ckpt"
    files.save_checkpoint(state(net, 1), best)
    files.save_checkpoint(state(net, 1), last)
    assert best.samefile(last)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["best.ckpt", "last.ckpt"]


def test_the_best_checkpoint_stays_as_it_was_when_the_last_one_goes_on(net: nn.Linear, tmp_path: Path) -> None:
    files, best, last = CheckpointFiles(), tmp_path / "best.ckpt", tmp_path / "last.ckpt"
    files.save_checkpoint(state(net, 1), best)
    files.save_checkpoint(state(net, 1), last)
    before = net.weight.detach().clone()
    train_a_step(net)
    files.save_checkpoint(state(net, 2), last)
    torch.testing.assert_close(weights_in(best), before, rtol=0, atol=0)
    torch.testing.assert_close(weights_in(last), net.weight.detach(), rtol=0, atol=0)


def test_weights_that_changed_within_a_step_are_written_anew(net: nn.Linear, tmp_path: Path) -> None:
    files, best, last = CheckpointFiles(), tmp_path / "best.ckpt", tmp_path / "last.ckpt"
    files.save_checkpoint(state(net, 1), best)
    train_a_step(net)
    files.save_checkpoint(state(net, 1), last)
    torch.testing.assert_close(weights_in(last), net.weight.detach(), rtol=0, atol=0)
    assert not best.samefile(last)


def test_a_checkpoint_of_weights_alone_is_not_taken_for_a_whole_one(net: nn.Linear, tmp_path: Path) -> None:
    files = CheckpointFiles()
    weights = {name: value for name, value in state(net, 1).items() if name != "callbacks"}
    files.save_checkpoint(weights, tmp_path / "weights.ckpt")
    files.save_checkpoint(state(net, 1), tmp_path / "last.ckpt")
    assert "callbacks" in torch.load(tmp_path / "last.ckpt", weights_only=True)


def test_without_hard_links_the_second_name_is_a_copy(
    net: nn.Linear, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    files, best, last = CheckpointFiles(), tmp_path / "best.ckpt", tmp_path / "last.ckpt"
    files.save_checkpoint(state(net, 1), best)
    files.save_checkpoint(state(net, 1), last)
    assert best.read_bytes() == last.read_bytes()
    assert not best.samefile(last)


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(net: nn.Linear, tmp_path: Path) -> None:
    files, last = CheckpointFiles(), tmp_path / "last.ckpt"
    files.save_checkpoint(state(net, 1), last)
    before = last.read_bytes()
    train_a_step(net)
    with pytest.raises(Exception, match="pickle"):
        files.save_checkpoint({**state(net, 2), "callbacks": lambda: None}, last)
    assert last.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]
