"""Where numbers come from: the records of the runs, the newest audit, and the model card."""

import re
from pathlib import Path

import pytest
from simulated_answer import simulate

from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.records import read_record, write_record
from kium_lightning.report.audited import Check, newest_audit
from kium_lightning.report.context import Context, Source
from kium_lightning.report.evaluation import evaluate_answer
from kium_lightning.report.model_card import model_card
from kium_lightning.report.provenance import Provenance, provenance_of, shown_hardware, shown_path, shown_revision
from kium_lightning.report.reading import read_judged


def member(checkpoint: Path, target: str = "binary", **more: object) -> dict[str, object]:
    return {
        "circulation": "anterior",
        "target": target,
        "name": "mednet_anterior",
        "checkpoint": str(checkpoint),
        "digest": "abc123",
        **more,
    }


@pytest.fixture
def provenance(tmp_path: Path) -> Provenance:
    """Two folds of one net and a bare checkpoint from elsewhere."""
    members = []
    for fold in (0, 1):
        folder = tmp_path / "train" / str(fold)
        write_record(
            folder,
            "train",
            "mednet_anterior",
            split={"digest": "5p11t", "fold": fold, "path": "/somewhere/split.json"},
            patients={"training": 80, "validation": 20},
            weights={"source": "hub", "name": "timm/resnet18"},
            versions={"python": "3.11", "torch": "2.15"},
            hardware={"cpu_threads": 2, "architecture": "x86_64", "gpu": "H100", "gpus": 1},
            revision="0123456789abcdef+changes",
            overrides=["experiment=demo", f"data.fold={fold}"],
            epochs=3,
            seconds=12.5,
        )
        members.append(member(folder / "checkpoints" / "best.ckpt", fold=fold))
    members.append(member(Path("/elsewhere/net.ckpt"), target="multilabel", fold=None))
    write_record(tmp_path / "predict" / "now", "predict", members=members, seconds=3.0, device="cpu")
    return provenance_of(read_record(tmp_path / "predict" / "now"), tmp_path, [("intervals", "many"), ("unknown", "")])


def test_every_net_is_listed_with_what_its_training_recorded(provenance: Provenance) -> None:
    assert [net.fold for net in provenance.nets] == [0, 1, None]
    first, _, bare = provenance.nets
    assert first.place == "anterior presence"
    assert first.checkpoint == "train/0/checkpoints/best.ckpt"
    assert (first.weights, first.patients, first.epochs) == ("hub timm/resnet18", 80, 3)
    assert first.revision == "0123456789ab with uncommitted changes"
    assert (bare.checkpoint, bare.place, bare.weights) == ("/elsewhere/net.ckpt", "anterior locations", "")
    assert provenance.shared("split") == "5p11t"
    assert provenance.overrides == ("experiment=demo",)
    assert provenance.versions == "python 3.11, torch 2.15"
    assert dict(provenance.facts)["intervals"] == "many"
    assert "unknown" not in dict(provenance.facts)


def test_paths_below_the_outputs_do_not_name_the_machines_folders(tmp_path: Path) -> None:
    assert shown_path(tmp_path / "a" / "b.csv", tmp_path) == "a/b.csv"
    assert shown_path("/data/kium/truth.csv", tmp_path) == "/data/kium/truth.csv"


def test_what_is_not_recorded_is_empty() -> None:
    assert shown_revision(None) == ""
    assert shown_hardware({}) == ""
    assert shown_hardware({"cpu_threads": 1, "architecture": "x86_64"}) == "x86_64, 1 CPU thread"


def test_the_newest_audit_of_the_same_cohort_is_found(tmp_path: Path) -> None:
    ours, other = tmp_path / "cohorts" / "ours", tmp_path / "cohorts" / "other"
    for number, (cohort, value) in enumerate(((ours, "old"), (ours, "new"), (other, "foreign"))):
        write_record(
            tmp_path / "audit" / str(number),
            "audit",
            cohort={"name": "x", "folder": str(cohort)},
            summary={
                "verdict": "1 finding, 0 of them serious.",
                "findings": 1,
                "checks": [{"check": "Near-duplicates", "verdict": "found", "findings": 1, "said": value}],
            },
        )
    found = newest_audit(tmp_path, ours)
    assert found is not None
    assert found.checks == (Check("Near-duplicates", 1, "Found. new"),)
    assert found.verdict == "1 finding, 0 of them serious."
    assert found.folder == "audit/1"
    assert newest_audit(tmp_path, tmp_path / "cohorts" / "third") is None


def test_the_card_holds_results_with_intervals_baselines_and_limits(tmp_path: Path, provenance: Provenance) -> None:
    run = simulate(tmp_path / "run")
    judged = read_judged(run.answer, run.groundtruth, run.scores)
    evaluation = evaluate_answer(judged, level=0.95, draws=50, seed=0)
    thresholds = Thresholds.load(run.folder / "thresholds.json")
    source = Source("phantom", Path("output.csv"), Path("truth.csv"), "2023-10-01", thresholds)

    card = model_card(evaluation, source, Context(provenance=provenance))

    for value in (evaluation.auroc.value, evaluation.location_accuracy.value, evaluation.all_zero_accuracy):
        assert f"{value:.4f}" in card
    assert f"{evaluation.auroc.low:.4f} to {evaluation.auroc.high:.4f}" in card
    assert card.count("| mednet_anterior |") == 3
    assert "Not a medical device" in card
    assert "not shown to be better than calling none" in card
    assert not re.search(r"\bnan\b", card.lower())
    tables = [line for line in card.splitlines() if line.startswith("|")]
    widths = [line.count("|") for line in tables]
    assert set(widths) <= {5, 6}
