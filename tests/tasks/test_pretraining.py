"""Pretraining and what follows it, end to end through the train verb."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from commands import call_verb, smoke_settings
from PIL import Image

from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.splits import HeldOut
from kium_lightning.records import Record, read_record
from kium_lightning.settings import build, compose
from kium_lightning.tasks.checkpoint import load_task

Capture = pytest.CaptureFixture[str]

SMALL_PAINTER = ["widths=[4,8]", "latent_channels=2"]
SMALL_ENCODER = ["architecture=resnet10t.c3_in1k", "pretrained=false"]
STEPS = ["trainer.max_epochs=2", "seed=1"]


class Trainings:
    """Trains models below an outputs folder of their own, each once."""

    def __init__(self, cohort: CohortFolder, outputs: Path) -> None:
        self._settings = smoke_settings(cohort)
        self.cohort = cohort
        self.outputs = outputs

    def settings(self, model: str) -> list[str]:
        """The words that make a model small."""
        nodes = {
            "autoencoder": ("", SMALL_PAINTER),
            "autoencoder_classifier": ("autoencoder.", SMALL_PAINTER),
        }
        node, words = nodes.get(model, ("encoder.", SMALL_ENCODER))
        own = [f"model.net.{node}{word}" for word in words]
        if model == "autoencoder_classifier":
            own.append("model.net.classifier.pretrained=false")
        return [f"model={model}", *self._settings, *STEPS, *own]

    def train(self, capsys: Capture, model: str, *changes: str) -> Record:
        """A finished run of a model."""
        folder = self.outputs / "train" / model / "-".join(["run", *map(str, range(len(changes)))])
        if not (folder / "record.json").is_file():
            done = call_verb(capsys, "train", *self.settings(model), *changes, f"hydra.run.dir={folder}")
            assert done.returncode == 0, done.stdout + done.stderr
        return read_record(folder)

    def failure(self, capsys: Capture, model: str, *changes: str) -> str:
        """The one sentence with which a training ends."""
        done = call_verb(capsys, "train", *self.settings(model), *changes, f"hydra.run.dir={self.outputs / 'failed'}")
        assert done.returncode == 1
        said = done.stderr.strip().splitlines()
        assert [line.startswith("Error: ") for line in said if "reading views" not in line] == [True], done.stderr
        return said[-1]


@pytest.fixture(scope="module")
def trainings(phantom_cohort: CohortFolder, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An outputs folder in which nothing else has run."""
    outputs = tmp_path_factory.mktemp("pretraining")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIUM_OUTPUTS", str(outputs))
        yield Trainings(phantom_cohort, outputs)


def held_out_rows(trainings: Trainings, model: str) -> RowDataset:
    settings = [*trainings.settings(model), "name=here", "folder=/unused"]
    data = build(compose("train", settings).data)
    data.prepare_data()
    data.setup("fit")
    rows: RowDataset = data.held_out_rows
    return rows


def parts(record: Record, prefix: str) -> dict[str, torch.Tensor]:
    state = torch.load(record.folder / record.facts["checkpoint"], weights_only=True)["state_dict"]
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


def test_an_autoencoder_is_watched_by_its_error_and_reports_it(trainings: Trainings, capsys: Capture) -> None:
    record = trainings.train(capsys, "autoencoder")
    task = load_task(record.folder / record.facts["checkpoint"]).task
    assert (task.monitor, task.mode) == ("val/reconstruction_error", "min")
    rows = held_out_rows(trainings, "autoencoder")
    images = torch.stack([rows[row]["image"] for row in range(len(rows))])
    with torch.inference_mode():
        painted = task(images)
    errors = 127.5 * np.sqrt(((painted - images).numpy().astype(np.float64) ** 2).mean(axis=(1, 2, 3)))
    table = pd.read_csv(record.folder / "reconstruction_errors.csv")
    np.testing.assert_allclose(table["error"], errors, rtol=1e-3)
    np.testing.assert_allclose(table["flat_error"], 127.5 * images.numpy().std(axis=(1, 2, 3)), rtol=1e-3)
    assert list(table["Index"]) == list(rows.table["Index"])
    assert record.facts["held_out"]["reconstruction_error"] == pytest.approx(errors.mean(), rel=1e-3)
    by_epoch = pd.read_csv(record.folder / "logs" / "metrics.csv")["val/reconstruction_error"].dropna()
    assert record.facts["score"] == pytest.approx(by_epoch.min(), rel=1e-5)
    assert np.asarray(Image.open(record.folder / "reconstructions.png").convert("L")).std() > 10


def test_a_classifier_looks_through_the_newest_autoencoder_and_does_not_change_it(
    trainings: Trainings, capsys: Capture
) -> None:
    first = trainings.train(capsys, "autoencoder")
    second = trainings.train(capsys, "autoencoder_classifier")
    given, kept = parts(first, "net."), parts(second, "net.autoencoder.")
    assert given.keys() == kept.keys()
    assert all(torch.equal(given[key], kept[key]) for key in given)
    weights = second.facts["weights"]
    assert (weights["source"], weights["name"], weights["classifier.source"]) == ("run", "autoencoder", "none")
    assert weights["checkpoint"] == str(first.folder / first.facts["checkpoint"])

    through = load_task(first.folder / first.facts["checkpoint"]).task
    task = load_task(second.folder / second.facts["checkpoint"]).task
    rows = held_out_rows(trainings, "autoencoder_classifier")
    images = torch.stack([rows[row]["image"] for row in range(len(rows))])
    with torch.inference_mode():
        logits = task(images)
        torch.testing.assert_close(logits, task.net.get_submodule("classifier")(through(images)))
    scores = pd.read_csv(second.folder / "held_out_scores.csv")["score_sum"]
    np.testing.assert_allclose(torch.sigmoid(logits[:, 0]), scores, atol=1e-5)


@pytest.mark.parametrize("pretraining", ["contrastive", "contrastive_self_supervised"])
def test_a_probe_takes_the_encoder_of_a_contrastive_run_and_does_not_change_it(
    pretraining: str, trainings: Trainings, capsys: Capture
) -> None:
    first = trainings.train(capsys, pretraining)
    named = [] if pretraining == "contrastive" else [f"model.start_from={pretraining}"]
    second = trainings.train(capsys, "contrastive_probe", *named)
    given, kept = parts(first, "net.encoder."), parts(second, "net.encoder.")
    assert given.keys() == kept.keys()
    assert all(torch.equal(given[key], kept[key]) for key in given)
    assert second.facts["weights"]["name"] == pretraining
    task = load_task(second.folder / second.facts["checkpoint"]).task
    rows = held_out_rows(trainings, "contrastive_probe")
    images = torch.stack([rows[row]["image"] for row in range(len(rows))])
    with torch.inference_mode():
        scores = torch.sigmoid(task(images))[:, 0]
    np.testing.assert_allclose(pd.read_csv(second.folder / "held_out_scores.csv")["score_sum"], scores, atol=1e-5)


def test_finetuning_starts_from_the_encoder_and_changes_it(trainings: Trainings, capsys: Capture) -> None:
    first = trainings.train(capsys, "contrastive")
    second = trainings.train(capsys, "contrastive_finetuned")
    given, kept = parts(first, "net.encoder."), parts(second, "net.encoder.")
    changed = [float((given[key] - kept[key]).abs().max()) for key in given if key.endswith("weight")]
    assert 0 < max(changed) < 1e-3


@pytest.mark.parametrize("pretraining", ["contrastive", "contrastive_self_supervised"])
def test_a_contrastive_run_reports_embeddings_that_its_checkpoint_gives_again(
    pretraining: str, trainings: Trainings, capsys: Capture
) -> None:
    record = trainings.train(capsys, pretraining)
    task = load_task(record.folder / record.facts["checkpoint"]).task
    assert (task.monitor, task.mode) == ("val/loss", "min")
    rows = held_out_rows(trainings, pretraining)
    with torch.inference_mode():
        points = [task(torch.stack([rows[row][part] for row in range(len(rows))])) for part in ("image", "other")]
    table = pd.read_csv(record.folder / "embeddings.csv")
    found = table[[name for name in table.columns if name.startswith("embedding_")]]
    np.testing.assert_allclose(found, points[0], atol=1e-4)
    kinds = list(range(len(rows))) if pretraining == "contrastive_self_supervised" else rows.labels[:, 0].tolist()
    expected = task.loss(torch.cat(points), torch.tensor([*kinds, *kinds]))
    assert record.facts["held_out"]["loss"] == pytest.approx(expected.item(), rel=1e-3)
    plane = table[["first_component", "second_component"]].to_numpy()
    centred = found.to_numpy() - found.to_numpy().mean(axis=0)
    np.testing.assert_allclose((plane**2).sum(axis=0), np.linalg.svd(centred)[1][:2] ** 2, rtol=1e-6)
    assert len(pd.read_csv(record.folder / "neighbours.csv")) == 1
    assert (record.folder / "embeddings.png").is_file()


def test_what_pretraining_cannot_do_is_one_sentence(trainings: Trainings, capsys: Capture, tmp_path: Path) -> None:
    autoencoder = trainings.train(capsys, "autoencoder").folder
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KIUM_OUTPUTS", str(tmp_path))
        message = trainings.failure(capsys, "autoencoder_classifier")
    assert "Run `python -m kium_lightning.train model=autoencoder` first" in message
    message = trainings.failure(capsys, "autoencoder_classifier", "model.net.autoencoder.latent_channels=3")
    assert "does not fit the autoencoder of this net" in message
    message = trainings.failure(capsys, "contrastive_probe", f"model.start_from={autoencoder}")
    assert "does not fit the encoder of this net" in message
    message = trainings.failure(capsys, "autoencoder", f"model.start_from={autoencoder}")
    assert "takes no part of another net" in message
    message = trainings.failure(capsys, "contrastive_self_supervised", "data.draws=1")
    assert "Set data.draws=2" in message
    message = trainings.failure(capsys, "contrastive", "data=anterior")
    assert "rows have 5 labels" in message


def test_no_net_starts_from_one_that_saw_the_patients_who_judge_it(trainings: Trainings, capsys: Capture) -> None:
    saw_them = trainings.train(capsys, "contrastive")
    message = trainings.failure(capsys, "contrastive_probe", "data.fold=1")
    assert "No finished run of contrastive holds out fold 1" in message
    assert "model=contrastive data.fold=1` first" in message
    for named in (saw_them.folder, saw_them.folder / saw_them.facts["checkpoint"]):
        message = trainings.failure(capsys, "contrastive_probe", "data.fold=1", f"model.start_from={named}")
        assert "was trained on patients who are held out here" in message


def test_by_name_a_net_starts_from_the_newest_run_with_its_own_patients_held_out(
    trainings: Trainings, capsys: Capture
) -> None:
    own = trainings.train(capsys, "autoencoder")
    trainings.train(capsys, "autoencoder", "data.fold=1")  # newer
    started = trainings.train(capsys, "autoencoder_classifier")
    assert started.facts["weights"]["checkpoint"] == str(own.folder / own.facts["checkpoint"])


def test_a_net_does_not_start_from_one_that_saw_other_images(trainings: Trainings, capsys: Capture) -> None:
    trainings.train(capsys, "contrastive")
    message = trainings.failure(capsys, "contrastive_probe", "data.polarity=inverted")
    assert "data.polarity was as_filmed, not inverted" in message


@pytest.mark.parametrize(
    ("other", "safe"),
    [
        (HeldOut("/cohort", "abc", 0, "next_fold"), True),
        (HeldOut("/cohort", "abc", 0, "held_out"), False),
        (HeldOut("/cohort", "abc", 1, "next_fold"), False),
        (HeldOut("/cohort", "another split", 0, "next_fold"), False),
        (HeldOut("/another cohort", "abc", 1, "held_out"), True),
    ],
)
def test_held_out_patients_are_safe_from_the_same_fold_and_from_other_cohorts(other: HeldOut, safe: bool) -> None:
    assert HeldOut("/cohort", "abc", 0, "next_fold").is_safe_from(other) is safe


def test_where_the_held_out_patients_choose_the_epoch_they_may_have_chosen_another_nets_too() -> None:
    own = HeldOut("/cohort", "abc", 0, "held_out")
    assert own.is_safe_from(HeldOut("/cohort", "abc", 0, "next_fold"))
    assert own.is_safe_from(own)
