import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning as L
import pytest
import torch
from tiny_task import tiny_model, tiny_trainer

from kium_lightning.data.datamodule import Angiograms
from kium_lightning.errors import RunError
from kium_lightning.settings import build
from kium_lightning.tasks.checkpoint import load_task
from kium_lightning.tasks.classification import Classification


@pytest.fixture
def fitted(noise_data: Angiograms, tmp_path: Path) -> Classification:
    """A task trained for two epochs: its best and last checkpoints, and one of what it is now."""
    L.seed_everything(0, verbose=False)
    task: Classification = build(tiny_model())
    trainer = tiny_trainer(tmp_path, noise_data, 2)
    trainer.fit(task, datamodule=noise_data)
    trainer.save_checkpoint(tmp_path / "now.ckpt")
    return task


def plain_values(value: Any) -> bool:
    if isinstance(value, dict):
        return all(plain_values(key) and plain_values(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(plain_values(item) for item in value)
    return value is None or isinstance(value, str | int | float | bool | torch.Tensor)


def test_a_checkpoint_holds_tensors_and_plain_values_only(fitted: Classification, tmp_path: Path) -> None:
    for name in ("best.ckpt", "last.ckpt"):
        checkpoint = torch.load(tmp_path / "checkpoints" / name, weights_only=True)
        assert plain_values(checkpoint["kium_lightning"])
        assert not any(isinstance(value, torch.nn.Module) for value in checkpoint.values())


def test_a_task_is_rebuilt_from_its_file_alone(fitted: Classification, tmp_path: Path) -> None:
    loaded = load_task(tmp_path / "now.ckpt")  # its net would refuse to look for pretrained weights
    images = torch.randn(3, 1, 32, 32)
    with torch.inference_mode():
        assert torch.equal(loaded.task(images), fitted.eval()(images))
    assert not loaded.task.training
    assert loaded.task.rows.plain() == {"kind": "folded", "circulation": "posterior", "target": "multilabel"}
    assert loaded.task.monitor == fitted.monitor
    assert loaded.weights == {"source": "none", "cause": "no network"}


def test_a_checkpoint_of_weights_only_is_rebuilt_as_well(noise_data: Angiograms, tmp_path: Path) -> None:
    task: Classification = build(tiny_model())
    trainer = tiny_trainer(tmp_path, noise_data, 1)
    trainer.fit(task, datamodule=noise_data)
    trainer.save_checkpoint(tmp_path / "weights.ckpt", weights_only=True)
    assert "optimizer_states" not in torch.load(tmp_path / "weights.ckpt", weights_only=True)
    images = torch.randn(3, 1, 32, 32)
    with torch.inference_mode():
        assert torch.equal(load_task(tmp_path / "weights.ckpt").task(images), task.eval()(images))


def test_a_checkpoint_brings_the_preparation_of_its_images(
    fitted: Classification, noise_data: Angiograms, tmp_path: Path
) -> None:
    assert load_task(tmp_path / "checkpoints" / "best.ckpt").preparation == noise_data.preparation


def test_the_last_checkpoint_is_of_the_last_epoch_even_if_the_best_is_older(
    fitted: Classification, tmp_path: Path
) -> None:
    epochs = {
        name: torch.load(tmp_path / "checkpoints" / f"{name}.ckpt", weights_only=True)["epoch"]
        for name in ("best", "last")
    }
    assert epochs == {"best": 0, "last": 1}


def test_a_trainer_resumes_as_if_it_had_not_been_interrupted(
    fitted: Classification, noise_data: Angiograms, tmp_path: Path
) -> None:
    L.seed_everything(1, verbose=False)
    resumed: Classification = build(tiny_model())
    trainer = tiny_trainer(tmp_path / "resumed", noise_data, 4)
    trainer.fit(resumed, datamodule=noise_data, ckpt_path=str(tmp_path / "now.ckpt"))
    assert trainer.current_epoch == 4

    L.seed_everything(0, verbose=False)
    uninterrupted: Classification = build(tiny_model())
    tiny_trainer(tmp_path / "uninterrupted", noise_data, 4).fit(uninterrupted, datamodule=noise_data)
    for name, parameter in uninterrupted.named_parameters():
        torch.testing.assert_close(resumed.get_parameter(name), parameter)


def test_a_trainer_resumes_from_its_last_checkpoint(
    fitted: Classification, noise_data: Angiograms, tmp_path: Path
) -> None:
    last = tmp_path / "checkpoints" / "last.ckpt"
    trainer = tiny_trainer(tmp_path / "resumed", noise_data, 3)
    trainer.fit(build(tiny_model()), datamodule=noise_data, ckpt_path=str(last))
    assert trainer.current_epoch == 3


def test_a_trainer_validates_the_best_checkpoint(
    fitted: Classification, noise_data: Angiograms, tmp_path: Path
) -> None:
    path = tmp_path / "checkpoints" / "best.ckpt"
    states = torch.load(path, weights_only=True)["callbacks"]
    watched = next(state for name, state in states.items() if name.startswith("ModelCheckpoint"))
    task: Classification = build(tiny_model())
    trainer = tiny_trainer(tmp_path / "validated", noise_data, 1)
    (results,) = trainer.validate(task, datamodule=noise_data, ckpt_path=str(path), verbose=False)
    assert results[fitted.monitor] == pytest.approx(float(watched["best_model_score"]))
    assert task.last_scored is not None
    assert len(task.last_scored.rows) == len(noise_data.validation)


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"There is no checkpoint .*gone\.ckpt.*Name another"):
        load_task(tmp_path / "gone.ckpt")


def save(content: Any) -> Callable[[Path], None]:
    return lambda path: torch.save(content, path)


FOREIGN: dict[str, Callable[[Path], Any]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("epoch,score\n0,0.5\n"),
    "zip": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)),
    "tensor": save(torch.zeros(3)),
    "list": save([1, 2]),
    "state dict": save({"conv1.weight": torch.zeros(3)}),
    "foreign Lightning": save({"state_dict": {}, "epoch": 1, "pytorch-lightning_version": "2.6.0"}),
    "empty description": save({"state_dict": {}, "kium_lightning": {}}),
    "wrong description": save({"state_dict": {}, "kium_lightning": {"model": 3, "preparation": {}, "weights": {}}}),
    "whole module": save(torch.nn.Linear(1, 1)),
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file_is_refused_in_one_sentence(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "some.ckpt"
    FOREIGN[kind](path)
    with pytest.raises(RunError, match=re.escape(str(path))) as caught:
        load_task(path)
    assert len(str(caught.value)) < 400 + len(str(path))
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_was_cut_off_is_refused(fitted: Classification, tmp_path: Path) -> None:
    whole = (tmp_path / "checkpoints" / "best.ckpt").read_bytes()
    cut = tmp_path / "cut.ckpt"
    for length in (10, len(whole) // 2, len(whole) - 10):
        cut.write_bytes(whole[:length])
        with pytest.raises(RunError, match=r"cut\.ckpt"):
            load_task(cut)


def change(checkpoint: dict[str, Any], key: str, value: Any) -> dict[str, Any]:
    return checkpoint | {"kium_lightning": checkpoint["kium_lightning"] | {key: value}}


def test_a_checkpoint_whose_parts_do_not_fit_is_refused(fitted: Classification, tmp_path: Path) -> None:
    checkpoint = torch.load(tmp_path / "checkpoints" / "best.ckpt", weights_only=True)
    description = checkpoint["kium_lightning"]
    other_net = description["model"] | {"net": description["model"]["net"] | {"outputs": 5}}
    other_size = description["preparation"] | {"image_size": 3}
    for key, value in {"model": other_net, "preparation": other_size}.items():
        path = tmp_path / f"other-{key}.ckpt"
        torch.save(change(checkpoint, key, value), path)
        with pytest.raises(RunError, match=re.escape(str(path))):
            load_task(path)


def test_a_checkpoint_cannot_name_foreign_code(fitted: Classification, tmp_path: Path) -> None:
    content = torch.load(tmp_path / "now.ckpt", weights_only=True)
    content["kium_lightning"]["model"]["loss"] = {"_target_": "os.getcwd"}
    torch.save(content, tmp_path / "foreign.ckpt")
    with pytest.raises(RunError, match=r"os\.getcwd"):
        load_task(tmp_path / "foreign.ckpt")
