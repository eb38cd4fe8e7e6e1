"""The nets that see a whole patient at once, from training to a checkpoint that gives the same scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from commands import call_verb, smoke_settings
from torch.utils.data import default_collate

from kium_lightning.anatomy import CSV_COLUMNS, View
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.datamodule import Angiograms
from kium_lightning.records import read_record
from kium_lightning.settings import build, compose
from kium_lightning.tasks.checkpoint import load_task

COLUMNS = {
    "efficientnet_b4_patient": ["Aneurysm"],
    "resnet50_attention_lstm": list(CSV_COLUMNS[1:]),
    "resnet3d": list(CSV_COLUMNS[1:]),
}


@pytest.fixture(scope="module")
def lossy_cohort(phantom_cohort: CohortFolder, tmp_path_factory: pytest.TempPathFactory) -> CohortFolder:
    """The phantom cohort, of whose every patient another view is missing."""
    cohort = CohortFolder(tmp_path_factory.mktemp("lossy"), "phantom_tiny")
    cohort.train_set.mkdir()
    lost = {f"{1001 + number}{list(View)[number % 8].code}.jpg" for number in range(12)}
    for path in phantom_cohort.train_set.iterdir():
        if path.is_file() and path.name not in lost:
            (cohort.train_set / path.name).symlink_to(path)
    assert len(list(cohort.train_set.glob("*.jpg"))) == 12 * 7
    return cohort


@pytest.mark.parametrize("model", COLUMNS)
def test_a_checkpoint_gives_the_scores_of_its_training(
    model: str, lossy_cohort: CohortFolder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = [f"model={model}", *smoke_settings(lossy_cohort), "data.on_fault=mask"]
    settings += ["data.image_size=48", "data.batch_size=3"]
    done = call_verb(capsys, "train", *settings, f"hydra.run.dir={tmp_path}")
    assert done.returncode == 0, done.stderr
    written = pd.read_csv(tmp_path / "held_out_scores.csv")

    loaded = load_task(tmp_path / read_record(tmp_path).facts["checkpoint"])
    data: Angiograms = build(compose("train", [*settings, "name=here", f"folder={tmp_path}"]).data)
    data.prepare_data()
    data.setup("fit")
    assert loaded.preparation == data.preparation
    batch = default_collate([data.held_out_rows[row] for row in range(len(data.held_out_rows))])
    assert (~batch["present"]).sum(dim=1).tolist() == [1] * len(data.held_out_rows)
    with torch.inference_mode():
        scores = loaded.task.predict_step(batch)
    assert list(written["Index"]) == data.held_out_rows.patients
    np.testing.assert_allclose(written[[f"score_{name}" for name in COLUMNS[model]]], scores, atol=1e-5)
    assert written.shape[1] == 2 + 2 * len(COLUMNS[model])

    metrics = pd.read_csv(tmp_path / "logs" / "metrics.csv")
    assert loaded.task.monitor in metrics.columns
    assert (tmp_path / "worst_views.png").is_file()
