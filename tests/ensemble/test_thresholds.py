import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kium_lightning import settings
from kium_lightning.anatomy import LOCATION_COLUMNS
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.gate import apply_gate, passes
from kium_lightning.ensemble.gate_rules import QuantileGate
from kium_lightning.ensemble.location_rules import QuantileLocations
from kium_lightning.ensemble.rules import FixedRule, TwoStageRule, fit_quantiles
from kium_lightning.ensemble.thresholds import Thresholds
from kium_lightning.errors import ConfigError, ThresholdError

# reference/challenge.md: the published table, in the challenge's column order
PUBLISHED = (
    "0.6356 0.6347 0.6183 0.6208 0.627 0.6252 0.548 0.5475 0.5911 0.5887 0.6467 0.6463 0.4094 0.4105 0.5806 0.5885 "
    "0.9278 0.9153 0.8203 0.8055 0.3095"
)
COLUMNS = (
    "L_ICA R_ICA L_PCOM R_PCOM L_AntChor R_AntChor L_ACA R_ACA L_ACOM R_ACOM L_MCA R_MCA L_VA R_VA L_PICA R_PICA "
    "L_SCA R_SCA BA L_PCA R_PCA"
)


REPORT = TwoStageRule(QuantileGate(0.5), QuantileLocations(0.9))


def table(**changes: Any) -> dict[str, Any]:
    return {"rule": "quantile", "presence": 0.5, "locations": dict.fromkeys(LOCATION_COLUMNS, 0.25), **changes}


def random_scores(patients: int) -> PatientScores:
    random = np.random.default_rng(11)
    return PatientScores(random.random(patients), random.random((patients, 21)))


def test_saving_and_loading_gives_the_same_table(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(21).round(6)
    written = Thresholds(
        0.123456,
        dict(zip(LOCATION_COLUMNS, values.tolist(), strict=True)),
        "quantile",
        {"patients": 901, "split": "a1b2", "members": {"presence": ["x", "y"]}},
    )
    written.save(tmp_path / "thresholds.json")

    assert Thresholds.load(tmp_path / "thresholds.json") == written
    assert [path.name for path in tmp_path.iterdir()] == ["thresholds.json"]


def test_location_values_follow_the_column_order_whatever_the_order_of_the_table() -> None:
    values = {column: position / 100 for position, column in enumerate(LOCATION_COLUMNS)}
    shuffled = {column: values[column] for column in reversed(LOCATION_COLUMNS)}

    np.testing.assert_array_equal(Thresholds(0.5, shuffled, "test").location_values, np.arange(21) / 100)


def test_quantiles_are_those_of_pandas_per_location() -> None:
    scores = random_scores(137)
    found = REPORT.fit(scores, np.zeros((137, 22), np.int64))

    expected = pd.DataFrame(scores.locations, columns=list(LOCATION_COLUMNS)).quantile(0.9)
    assert found.presence == pytest.approx(float(pd.Series(scores.presence).median()), abs=5e-7)
    for column in LOCATION_COLUMNS:
        assert found.locations[column] == pytest.approx(expected[column], abs=5e-7)
    assert found.rule == "quantile"
    assert found.fitted_on == {
        "patients": 137,
        "gate": {"rule": "quantile", "quantile": 0.5},
        "locations": {"rule": "quantile", "quantile": 0.9},
    }


def test_the_reports_rule_passes_half_of_its_patients_and_calls_a_tenth_of_each_location() -> None:
    scores = random_scores(1000)
    found = fit_quantiles(scores.presence, scores.locations)

    assert passes(scores.presence, found.presence).mean() == 0.5
    everyone = apply_gate(np.ones(1000), scores.locations, found)
    np.testing.assert_allclose(everyone.mean(axis=0), 0.1, atol=1e-9)


def test_fitting_on_unknown_or_no_scores_is_an_error_sentence() -> None:
    scores = random_scores(5)
    scores.locations[1, 3:5] = np.nan
    with pytest.raises(ThresholdError, match="2 of the scores to fit thresholds on are NaN"):
        fit_quantiles(scores.presence, scores.locations)
    with pytest.raises(ThresholdError, match="fitted on no patients"):
        fit_quantiles(np.zeros(0), np.zeros((0, 21)))
    with pytest.raises(ThresholdError, match=r"Labels of shape \(4, 22\) do not fit scores of 5 patients"):
        REPORT.fit(scores, np.zeros((4, 22), np.int64))
    with pytest.raises(ConfigError, match=r"thresholds.locations.quantile=90 is no quantile"):
        QuantileLocations(90)


def test_the_published_table_stands_in_column_order() -> None:
    config = settings.compose("thresholds/published")
    rule = settings.build(config.thresholds)

    assert isinstance(rule, FixedRule)
    expected = dict(zip(COLUMNS.split(), map(float, PUBLISHED.split()), strict=True))
    assert rule.thresholds.presence == 0.65
    assert dict(rule.thresholds.locations) == expected
    np.testing.assert_array_equal(rule.thresholds.location_values, list(map(float, PUBLISHED.split())))
    assert rule.thresholds.locations["BA"] == 0.8203


def test_the_realigned_table_moves_only_the_basilar_value_to_the_end_of_the_order() -> None:
    published, realigned = (
        settings.build(settings.compose(f"thresholds/{name}").thresholds).thresholds
        for name in ("published", "published_realigned")
    )

    order = [column for column in LOCATION_COLUMNS if column != "BA"] + ["BA"]
    assert [realigned.locations[column] for column in order] == published.location_values.tolist()
    assert (published.rule, realigned.rule) == ("published", "published_realigned")


def test_every_rule_of_the_config_group_builds_and_fits() -> None:
    scores, labels = random_scores(60), np.random.default_rng(1).integers(0, 2, (60, 22))
    options = sorted(path.stem for path in (settings.conf_dir() / "thresholds").glob("*.yaml"))
    assert {"quantile", "published"} <= set(options)
    for option in options:
        config = settings.compose("calibrate", ["folder=/runs/here", f"thresholds={option}"])
        found = settings.build(config.thresholds).fit(scores, labels)
        assert isinstance(found, Thresholds), option


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read as a threshold table"),
        ("[]", 'has no "locations"'),
        (json.dumps({"rule": "quantile", "locations": {}}), 'has no "presence"'),
        (json.dumps(table(locations={"L_ICA": 0.5})), "lacks R_ICA, L_PCOM"),
        (json.dumps(table(locations={**dict.fromkeys(LOCATION_COLUMNS, 0.5), "L_BA": 0.5})), "has the unknown L_BA"),
        (json.dumps(table(presence="high")), "threshold of Aneurysm is 'high', which is no number"),
        (json.dumps(table(presence=None)), "threshold of Aneurysm is None, which is no number"),
        (json.dumps(table(presence=True)), "threshold of Aneurysm is True, which is no number"),
        (json.dumps(table(locations={**dict.fromkeys(LOCATION_COLUMNS, 0.5), "BA": 1.2})), "of BA is 1.2, outside"),
        (json.dumps(table(presence=float("nan"))), "threshold of Aneurysm is nan, which is no number"),
        (json.dumps(table(fitted_on=3)), '"fitted_on" is no mapping'),
    ],
)
def test_a_damaged_table_is_refused_with_file_fault_and_remedy(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ThresholdError) as error:
        Thresholds.load(path)

    for part in (message, str(path), "kium_lightning.calibrate"):
        assert part in str(error.value)


def test_a_missing_table_is_an_error_sentence(tmp_path: Path) -> None:
    with pytest.raises(ThresholdError, match=r"There is no threshold table .*none.json. Fit a new table with"):
        Thresholds.load(tmp_path / "none.json")
