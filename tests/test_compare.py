import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from rich.console import Console
from sklearn.metrics import average_precision_score, roc_auc_score

from kium_lightning.compare import chosen_runs, compare
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.metrics.delong import delong_difference, delong_interval
from kium_lightning.metrics.intervals import bootstrap_interval
from kium_lightning.records import Record, read_record, write_record
from kium_lightning.report.comparison import Group, compare_runs, comparison_table
from kium_lightning.report.comparison_text import markdown, notes, terminal_table
from kium_lightning.settings import Config, compose

PATIENTS = 60


def patients_table(seed: int, skill: float) -> pd.DataFrame:
    """The same labels whatever the seed, and scores that follow them as far as the skill goes."""
    columns = ("L_ICA", "BA")
    labels = (np.random.default_rng(0).random((PATIENTS, len(columns))) < 0.3).astype(np.int64)
    noise = np.random.default_rng(seed).random(labels.shape)
    table = pd.DataFrame({"Index": 1001 + np.arange(PATIENTS)})
    for place, name in enumerate(columns):
        table[name] = labels[:, place]
    return table.assign(**{f"score_{name}": skill * labels[:, k] + noise[:, k] for k, name in enumerate(columns)})


def write_run(outputs: Path, number: int, name: str, table: pd.DataFrame | None, **changed: Any) -> Path:
    """A finished training run with nothing but what a comparison reads."""
    folder = outputs / "train" / name / str(number)
    folder.mkdir(parents=True)
    if table is not None:
        table.to_csv(folder / "held_out_patients.csv", index=False)
    facts: dict[str, Any] = {
        "question": "each anterior artery",
        "cohort": {"name": "phantom", "path": "/cohort"},
        "split": {"path": "/split.json", "digest": "abc", "fold": 0},
        "overrides": [f"model={name}", "trainer=smoke"],
        "sweep": None,
        "monitor": "val/auroc",
        "score": 0.5,
        "parameters": 1_500_000,
        "epochs": 3,
        "seconds": 90.0,
        "weights": {"source": "none"},
    }
    write_record(folder, "train", name, **(facts | changed))
    return folder


def records(outputs: Path) -> list[Record]:
    return chosen_runs(outputs, [], None)


def groups_of(outputs: Path) -> list[Group]:
    return compare_runs(records(outputs), level=0.95, draws=200, seed=0)


def config(folder: Path, *overrides: str) -> Config:
    return compose("compare", [f"folder={folder}", "draws=50", *overrides])


def test_a_runs_numbers_are_scikit_learns_and_lie_in_their_interval(tmp_path: Path) -> None:
    table = patients_table(1, 0.4)
    write_run(tmp_path, 1, "resnet18", table)
    ((run,),) = [group.runs for group in groups_of(tmp_path)]
    columns = ["L_ICA", "BA"]
    expected = np.mean([roc_auc_score(table[name], table[f"score_{name}"]) for name in columns])
    precision = np.mean([average_precision_score(table[name], table[f"score_{name}"]) for name in columns])
    assert run.auroc.value == pytest.approx(expected)
    assert run.average_precision == pytest.approx(precision)
    assert run.auroc.low < expected < run.auroc.high
    assert (run.patients, run.positives) == (PATIENTS, int(table[columns].any(axis=1).sum()))


def test_the_interval_of_a_mean_auroc_is_the_bootstraps_of_one_cohort_after_another(tmp_path: Path) -> None:
    table = patients_table(1, 0.4)
    write_run(tmp_path, 1, "resnet18", table)
    ((run,),) = [group.runs for group in groups_of(tmp_path)]
    labels, scores = (table[[f"{kind}{name}" for name in ("L_ICA", "BA")]].to_numpy() for kind in ("", "score_"))

    def mean_auroc(truth: NDArray[np.int64], given: NDArray[np.float64]) -> float:
        return float(np.mean([roc_auc_score(truth[:, k], given[:, k]) for k in range(2)]))

    expected = bootstrap_interval(mean_auroc, labels, scores, draws=200, rng=np.random.default_rng(0))
    assert (run.auroc.low, run.auroc.high) == pytest.approx(expected)


def test_runs_are_sorted_by_skill_and_unknown_scores_come_last(tmp_path: Path) -> None:
    for number, (name, skill) in enumerate([("poor", 0.1), ("good", 2.0), ("fair", 0.5)]):
        write_run(tmp_path, number, name, patients_table(number, skill))
    (group,) = groups_of(tmp_path)
    assert [run.record.name for run in group.runs] == ["good", "fair", "poor"]


def test_only_runs_with_one_question_about_the_same_patients_share_a_table(tmp_path: Path) -> None:
    table = patients_table(0, 0.5)
    write_run(tmp_path, 1, "one", table)
    write_run(tmp_path, 2, "shuffled", table.sample(frac=1, random_state=0))
    write_run(tmp_path, 3, "fewer_patients", table.iloc[:40])
    write_run(tmp_path, 4, "another_question", table, question="each posterior artery")
    relabelled = table.assign(L_ICA=1 - table["L_ICA"])
    write_run(tmp_path, 5, "other_labels", relabelled)
    together = [{run.record.name for run in group.runs} for group in groups_of(tmp_path)]
    assert sorted(map(sorted, together)) == [
        ["another_question"], ["fewer_patients"], ["one", "shuffled"], ["other_labels"],
    ]  # fmt: skip


def test_the_folds_of_a_recipe_stand_together_as_one_run(tmp_path: Path) -> None:
    table = patients_table(1, 0.4)
    for fold in range(3):
        split = {"path": "/split.json", "digest": "abc", "fold": fold}
        given = ["model=one", f"data.fold={fold}"]
        write_run(tmp_path, fold, "one", table.iloc[fold::3], split=split, recipe="r", overrides=given)
    (group,) = groups_of(tmp_path)
    (run,) = group.runs
    assert group.folds == (0, 1, 2)
    assert run.patients == PATIENTS
    assert run.settings == ""
    columns = ["L_ICA", "BA"]
    assert run.auroc.value == pytest.approx(np.mean([roc_auc_score(table[n], table[f"score_{n}"]) for n in columns]))
    for fold, value in enumerate(run.scored.by_fold):
        part = table.iloc[fold::3]
        counted = [n for n in columns if min(part[n].sum(), (1 - part[n]).sum()) >= 5]
        assert value == pytest.approx(np.mean([roc_auc_score(part[n], part[f"score_{n}"]) for n in counted]))
    assert run.scored.seconds == 3 * 90.0


def test_a_fold_stands_alone_only_beside_a_run_that_has_no_more(tmp_path: Path) -> None:
    table = patients_table(1, 0.4)
    for fold in range(2):
        split = {"path": "/split.json", "digest": "abc", "fold": fold}
        write_run(tmp_path, fold, "one", table.iloc[fold::2], split=split, recipe="r")
    write_run(tmp_path, 0, "other", table.iloc[::2], split={"path": "/split.json", "digest": "abc", "fold": 0})
    groups = groups_of(tmp_path)
    assert [(group.folds, sorted(run.record.name for run in group.runs)) for group in groups] == [
        ((0,), ["one", "other"]),
        ((0, 1), ["one"]),
    ]


def test_an_interval_does_not_depend_on_the_other_runs(tmp_path: Path) -> None:
    write_run(tmp_path, 1, "one", patients_table(1, 0.4))
    alone = groups_of(tmp_path)[0].runs[0]
    write_run(tmp_path, 2, "two", patients_table(2, 0.9))
    beside = next(run for run in groups_of(tmp_path)[0].runs if run.record.name == "one")
    assert beside.auroc == alone.auroc


def test_one_question_is_held_against_the_best_after_delong(tmp_path: Path) -> None:
    tables = [
        patients_table(seed, skill)[["Index", "BA", "score_BA"]] for seed, skill in ((1, 0.9), (2, 0.2), (3, 0.4))
    ]
    for number, table in enumerate(tables):
        write_run(tmp_path, number, f"net{number}", table)
    (group,) = groups_of(tmp_path)
    best, *others = group.runs
    assert best.record.name == "net0"
    assert np.isnan(best.from_best).all()
    ends = delong_interval(tables[0]["BA"].to_numpy(), tables[0]["score_BA"].to_numpy())
    assert (best.auroc.low, best.auroc.high) == ends
    for run in others:
        table = tables[int(run.record.name[-1])]
        expected = delong_difference(
            table["BA"].to_numpy(), table["score_BA"].to_numpy(), tables[0]["score_BA"].to_numpy()
        )
        assert run.from_best == expected
        assert run.from_best.value == pytest.approx(run.auroc.value - best.auroc.value)


def test_several_questions_are_held_against_the_best_over_the_same_drawn_patients(tmp_path: Path) -> None:
    table = patients_table(1, 0.9)
    scores = [name for name in table if str(name).startswith("score_")]
    write_run(tmp_path, 1, "one", table)
    write_run(tmp_path, 2, "rescaled", table.assign(**{str(name): 10 * table[name] for name in scores}))
    write_run(tmp_path, 3, "poor", patients_table(3, 0.1))
    (group,) = groups_of(tmp_path)
    (_, equal, poor) = group.runs
    assert poor.record.name == "poor"
    assert equal.from_best == (0, 0, 0, 1)  # unpaired, two AUROCs of 60 patients would be uncertain by 0.1
    assert poor.from_best.low < poor.from_best.value < poor.from_best.high < 0
    assert poor.from_best.p < 0.02


def test_the_terminal_table_fits_120_columns_and_all_differences_stand_in_the_files(tmp_path: Path) -> None:
    names = ["contrastive_self_supervised", "resnet50_attention_lstm", "efficientnet_b0_view"]
    for number, name in enumerate(names):
        given = [f"model={name}", f"data.image_size={number}", "data.sampler=down_sampled"]
        write_run(tmp_path, number, name, patients_table(number, 0.9 - 0.4 * number), overrides=given)
    (group,) = groups_of(tmp_path)
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(terminal_table(group, tmp_path))
    printed = console.export_text()
    page = markdown([group], tmp_path, 0.95)
    for run in group.runs:
        line = next(line for line in printed.splitlines() if run.record.name in line)
        assert run.record.name in page
        if run is not group.runs[0]:
            low, high = (f"{abs(end):.3f}" for end in run.from_best[1:3])
            assert low in line
            assert high in line
            assert low in page
            assert high in page
    table = comparison_table([group])
    assert table["from_best"][1:].tolist() == [run.from_best.value for run in group.runs[1:]]
    assert table["from_best_p"][1:].tolist() == [run.from_best.p for run in group.runs[1:]]
    assert np.isnan(table["from_best"][0])
    assert "corrected neither" in " ".join(notes(0.95))


def test_a_run_that_scores_no_patients_shows_what_it_watched(tmp_path: Path) -> None:
    write_run(tmp_path, 1, "autoencoder", None, monitor="val/reconstruction_error", score=0.0123)
    write_run(tmp_path, 2, "resnet18", patients_table(1, 0.4))
    table = comparison_table(groups_of(tmp_path))
    assert list(table["model"]) == ["resnet18", "autoencoder"]
    assert np.isnan(table["auroc"][1])
    assert table["score"][1] == 0.0123


def test_settings_are_those_that_tell_runs_apart(tmp_path: Path) -> None:
    for number, view in enumerate(("LI-A", "LI-B")):
        given = ["model=per_view", "trainer=smoke", f"data.rows.views=[{view}]"]
        write_run(tmp_path, number, "per_view", patients_table(number, 0.4), overrides=given)
    (group,) = groups_of(tmp_path)
    assert sorted(run.settings for run in group.runs) == ["data.rows.views=[LI-A]", "data.rows.views=[LI-B]"]


def test_runs_can_be_chosen_by_name_and_by_sweep(tmp_path: Path) -> None:
    write_run(tmp_path, 1, "swin_anterior", patients_table(1, 0.4), sweep="train-old")
    write_run(tmp_path, 2, "swin_posterior", patients_table(1, 0.4), sweep="train-new")
    write_run(tmp_path, 3, "resnet18_posterior", patients_table(1, 0.4), sweep="train-new")

    def names(models: list[str], sweep: str | None) -> set[str]:
        return {record.name for record in chosen_runs(tmp_path, models, sweep)}

    assert names(["swin_*"], None) == {"swin_anterior", "swin_posterior"}
    assert names([], "newest") == {"swin_posterior", "resnet18_posterior"}
    assert names([], str(tmp_path / "sweeps" / "train-old")) == {"swin_anterior"}
    with pytest.raises(RunError, match="no finished training run of mednet"):
        names(["mednet_*"], None)
    with pytest.raises(RunError, match="in the sweep train-gone"):
        names([], "train-gone")


def test_the_verb_prints_and_writes_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIUM_OUTPUTS", str(tmp_path))
    for number, (name, skill) in enumerate([("poor", 0.1), ("good", 2.0)]):
        write_run(tmp_path, number, name, patients_table(number, skill))
    compare(config(tmp_path / "compare"))
    printed = capsys.readouterr().out
    table = pd.read_csv(tmp_path / "compare" / "comparison.csv")
    assert list(table["model"]) == ["good", "poor"]
    assert list(table["place"]) == [1, 2]
    assert (table["auroc_low"] <= table["auroc"]).all()
    assert printed.index("good") < printed.index("poor")
    page = (tmp_path / "compare" / "comparison.md").read_text(encoding="utf-8")
    for value in table["auroc"]:
        assert f"{value:.3f}" in printed
        assert f"{value:.3f}" in page
    assert len(read_record(tmp_path / "compare").facts["runs"]) == 2


def test_a_plain_pattern_chooses_as_a_list_of_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIUM_OUTPUTS", str(tmp_path))
    write_run(tmp_path, 1, "swin_anterior", patients_table(1, 0.4))
    write_run(tmp_path, 2, "resnet18_anterior", patients_table(2, 0.4))
    compare(config(tmp_path / "compare", "models=swin_*"))
    assert list(pd.read_csv(tmp_path / "compare" / "comparison.csv")["model"]) == ["swin_anterior"]
    with pytest.raises(RunError, match="no finished training run of mednet"):
        compare(config(tmp_path / "compare", "models=mednet"))


def test_a_damaged_table_of_scores_is_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path, 1, "one", patients_table(1, 0.4))
    (folder / "held_out_patients.csv").write_text("Index,score_BA\n1001,0.5\n")
    with pytest.raises(RunError, match=r"held_out_patients\.csv is not a table of patients' scores"):
        groups_of(tmp_path)


def with_few(table: pd.DataFrame, column: str, positives: int) -> pd.DataFrame:
    """The same table with so many positives in a column."""
    return table.assign(**{column: (np.arange(len(table)) < positives).astype(np.int64)})


@pytest.mark.parametrize(("positives", "counts"), [(4, False), (5, True), (55, True), (56, False)])
def test_a_column_counts_only_with_the_least_of_both_kinds_of_patients(
    tmp_path: Path, positives: int, counts: bool
) -> None:
    tables = {name: with_few(patients_table(seed, skill), "BA", positives) for name, seed, skill in (
        ("good", 1, 2.0), ("poor", 2, 0.2),
    )}  # fmt: skip
    for number, (name, table) in enumerate(tables.items()):
        write_run(tmp_path, number, name, table)
    (group,) = groups_of(tmp_path)
    columns = ["L_ICA", "BA"] if counts else ["L_ICA"]
    for run in group.runs:
        table = tables[run.record.name]
        for found, metric in ((run.auroc.value, roc_auc_score), (run.average_precision, average_precision_score)):
            assert found == pytest.approx(np.mean([metric(table[name], table[f"score_{name}"]) for name in columns]))
        assert run.scored.by_fold == (run.auroc.value,)
        assert run.positives == int(table[["L_ICA", "BA"]].any(axis=1).sum())
    first, second = group.runs
    assert second.from_best.value == pytest.approx(second.auroc.value - first.auroc.value)
    assert group.left_out == (() if counts else ("BA",))
    assert ("BA left out of all numbers, since fewer than 5" in markdown([group], tmp_path, 0.95)) is not counts


def test_without_any_column_that_counts_no_number_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KIUM_OUTPUTS", str(tmp_path))
    for number in range(2):
        table = with_few(with_few(patients_table(number, 0.5), "BA", 1), "L_ICA", 59)
        write_run(tmp_path, number, f"net{number}", table)
    compare(config(tmp_path / "compare"))
    table = pd.read_csv(tmp_path / "compare" / "comparison.csv")
    unknown = ["auroc", "auroc_low", "auroc_high", "auroc_by_fold", "average_precision", "from_best", "from_best_p"]
    assert table[unknown].isna().all(axis=None)
    assert (table["patients"] == PATIENTS).all()
    printed = capsys.readouterr().out
    assert "L_ICA, BA left out of all numbers" in printed
    assert "nan" not in printed.lower()

    compare(config(tmp_path / "compare", "least_positives=1"))
    assert pd.read_csv(tmp_path / "compare" / "comparison.csv")["auroc"].notna().all()
    with pytest.raises(ConfigError, match=r"least_positives is 0\. Give it a whole number of at least 1"):
        compare(config(tmp_path / "compare", "least_positives=0"))
