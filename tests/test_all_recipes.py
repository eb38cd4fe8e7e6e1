"""Every recipe below conf/model trains on a tiny cohort in one sweep, and one table compares them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from commands import Done, call_verb, smoke_settings

from kium_lightning.data.cohort import CohortFolder
from kium_lightning.records import finished_runs
from kium_lightning.settings import conf_dir

RECIPES = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml"))
PRETRAINING = {"autoencoder", "contrastive", "contrastive_self_supervised"}
WEIGHTS_ONLY = ["callbacks.last=null", "+callbacks.checkpoint.save_weights_only=true"]  # VGG16 alone has half a GB


@pytest.fixture
def own_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    outputs = tmp_path / "outputs"
    monkeypatch.setenv("KIUM_OUTPUTS", str(outputs))
    yield outputs
    shutil.rmtree(outputs, ignore_errors=True)


def test_all_recipes_train_in_one_sweep_and_stand_in_one_table(
    phantom_cohort: CohortFolder, own_outputs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = call_verb(capsys, "train", "-m", "model=glob(*)", *smoke_settings(phantom_cohort), *WEIGHTS_ONLY)
    assert sweep.returncode == 0, sweep.stdout + sweep.stderr
    records = finished_runs(own_outputs, "train")
    assert sorted(record.name.split("-")[0] for record in records) == RECIPES
    assert len({record.facts["sweep"] for record in records}) == 1
    assert len({record.facts["split"]["digest"] for record in records}) == 1

    compared: Done = call_verb(capsys, "compare", "sweep=newest", "draws=20", "least_positives=1")
    assert compared.returncode == 0, compared.stderr
    table = pd.read_csv(compared.written["comparison.csv"])
    assert sorted(name.split("-")[0] for name in table["model"]) == RECIPES
    scored = table[~table["model"].isin(PRETRAINING)]
    assert (scored["patients"] == scored["patients"].iloc[0]).all()
    assert scored["auroc"].notna().any()
    for _, group in scored.groupby("question"):
        assert group["auroc"].dropna().is_monotonic_decreasing
    assert table[table["model"].isin(PRETRAINING)]["score"].notna().all()
