import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "interval_coverage.py"
STUDIES = 300


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["interval_coverage.py", "--workers", "1", *arguments])
    status: int = benchmark.main()
    return status


def test_an_endless_study_finds_the_truths(benchmark: ModuleType) -> None:
    setting = benchmark.Setting(200_000, 0.8)
    truth, study = benchmark.truths(setting), benchmark.draw_study(setting, np.random.default_rng(0))
    found = {
        "AUROC": benchmark.auroc(study.labels, study.first),
        "AUROC difference": benchmark.auroc(study.labels, study.first) - benchmark.auroc(study.labels, study.second),
        "average precision": benchmark.average_precision(study.labels, study.first),
        "location accuracy": benchmark.location_accuracy(study.locations, study.calls),
        "accuracy gain": benchmark.accuracy_gain(study.locations, study.calls),
        "location sensitivity": study.calls[study.locations == 1].mean(),
        "gate sensitivity": study.passed[study.labels == 1].mean(),
    }
    assert found.keys() == truth.keys()
    for name, value in found.items():
        assert value == pytest.approx(truth[name], abs=1e-4 if "accuracy" in name else 5e-3)


def test_quoted_intervals_cover_the_truth_within_what_300_studies_can_tell(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    given = ["--patients", "120", "--aurocs", "0.8", "--draws", "400", "--json", str(tmp_path / "found.json")]
    run(benchmark, monkeypatch, "--studies", str(STUDIES), *given)
    covered = {
        (row["quantity"], row["method"]): row["covered"] / row["studies"]
        for row in json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    }
    noise = 3 * (0.95 * 0.05 / STUDIES) ** 0.5  # three standard errors: 91.2 to 98.8 %
    for name, methods in benchmark.QUOTED.items():
        for method in methods:
            assert covered[name, method] == pytest.approx(0.95, abs=noise), (name, method)


def test_the_exit_status_tells_of_coverage_outside_93_to_97_percent_in_standard_settings_alone(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--studies", "1", "--draws", "20", "--aurocs", "0.8"]  # one study covers 0 or 100 %
    assert run(benchmark, monkeypatch, "--patients", "120", *given) == 1
    assert run(benchmark, monkeypatch, "--patients", "50", *given) == 0
