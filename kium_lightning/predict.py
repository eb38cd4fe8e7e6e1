"""python -m kium_lightning.predict: runs the gated two-stage ensemble and writes output.csv."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from kium_lightning.console import say, say_written
from kium_lightning.errors import ConfigError, ThresholdError
from kium_lightning.records import finished_runs, write_record
from kium_lightning.settings import Config, build, outputs_dir, overrides, verb

if TYPE_CHECKING:
    from kium_lightning.data.catalog import Catalog
    from kium_lightning.data.cohort import CohortFolder
    from kium_lightning.ensemble.ensemble import Ensemble
    from kium_lightning.ensemble.predictor import Predictor
    from kium_lightning.ensemble.thresholds import Thresholds


def predict(config: Config) -> None:
    """Predicts as the config says and writes ``output.csv``, all scores and a record.

    Raises:
        KiumError: members, thresholds, patients or images are missing or do not fit together.
    """
    from kium_lightning.data.catalog import read_catalog
    from kium_lightning.ensemble.answer import THRESHOLDS_NAME, write_answer, write_scores
    from kium_lightning.ensemble.gate import decide
    from kium_lightning.ensemble.view_scores import write_view_scores
    from kium_lightning.memory import keep_freed_memory
    from kium_lightning.tracking.provenance import code_revision, hardware, versions

    started = time.monotonic()
    keep_freed_memory()
    folder = Path(config.folder).expanduser().resolve()
    ensemble: Ensemble = build(config.ensemble)
    for line in ensemble.lines():
        say(line)
    thresholds = _thresholds(config, ensemble)
    cohort = _cohort(config, ensemble)
    images, csv, truth = cohort.part(config.part)
    # Its images are looked at as they are scored, and once only.
    catalog: Catalog = read_catalog(images, csv, config.on_fault, images="listed")
    predictor: Predictor = build(config.predictor)
    scores = predictor.score(ensemble, catalog, thresholds, config.on_fault)
    for line in scores.lines():
        say(line)
    decision = decide(scores.fused, thresholds)
    calibrated = thresholds.calibration.presence

    written = [
        write_answer(folder, scores.patients, decision.scores.presence, decision.calls),
        write_scores(
            folder,
            scores.patients,
            decision.scores.presence,
            {circulation: calibrated(presence) for circulation, presence in scores.by_circulation.items()},
            decision.passed,
            decision.scores.locations,
        ),
        write_view_scores(folder, scores),
        folder / THRESHOLDS_NAME,
    ]
    thresholds.save(folder / THRESHOLDS_NAME)
    seconds = time.monotonic() - started
    record = write_record(
        folder,
        "predict",
        groundtruth=str(truth) if truth.is_file() else None,
        cohort={"name": cohort.name, "path": str(cohort.path), "part": config.part},
        truth=str(cohort.truth) if cohort.truth.is_dir() else None,
        members=ensemble.describe(),
        thresholds={
            "rule": thresholds.rule,
            "calibration": thresholds.calibration.name,
            "fitted_on": dict(thresholds.fitted_on),
        },
        passed=int(decision.passed.sum()),
        patients=len(scores.patients),
        dropped=sorted({fault.patient for fault in (*catalog.dropped, *scores.faults) if fault.patient is not None}),
        engine=predictor.engine,
        device=str(predictor.device),
        precision=predictor.precision,
        rescored=scores.rescored,
        seconds=round(seconds, 1),
        revision=code_revision(),
        overrides=overrides(),
        versions=versions(),
        hardware=hardware(),
    )
    say(
        f"{len(scores.patients)} patients, {int(decision.passed.sum())} passed the gate at {thresholds.presence:.4f}, "
        f"{int(decision.calls.sum())} locations called, {seconds:.1f} s on {predictor.device}"
    )
    say_written([*written, record])


def _thresholds(config: Config, ensemble: "Ensemble") -> "Thresholds":
    from kium_lightning.ensemble.answer import THRESHOLDS_NAME
    from kium_lightning.ensemble.rules import FixedRule
    from kium_lightning.ensemble.thresholds import Thresholds

    if config.thresholds_file is not None:
        say(f"thresholds: {config.thresholds_file}")
        return Thresholds.load(Path(config.thresholds_file).expanduser().absolute())
    if config.get("thresholds") is not None:
        rule = build(config.thresholds)
        if not isinstance(rule, FixedRule):
            raise ConfigError(
                "These thresholds have to be fitted, which a prediction does not. Fit them with "
                "`python -m kium_lightning.calibrate thresholds=...`; predict then takes them by itself. Only "
                "thresholds=published and published_realigned are given tables."
            )
        say(f"thresholds: {rule.thresholds.rule}")
        return rule.thresholds
    wanted = (ensemble.digests, asdict(ensemble.rules))
    for record in finished_runs(outputs_dir(), "calibrate"):
        if (record.facts["members"], record.facts["rules"]) == wanted:
            path = record.folder / THRESHOLDS_NAME
            say(f"thresholds: {path} (of {record.facts['patients']} patients)")
            return Thresholds.load(path)
    raise ThresholdError(
        "No thresholds were fitted for these four members and rules. Run `python -m kium_lightning.calibrate` with the "
        "same ensemble first, or choose thresholds=published or thresholds_file=PATH."
    )


def _cohort(config: Config, ensemble: "Ensemble") -> "CohortFolder":
    from kium_lightning.data.cohort import Cohort, FolderCohort

    if config.get("cohort") is not None:
        cohort: Cohort = build(config.cohort)
        return cohort.ensure()
    name, path = ensemble.cohort()
    return FolderCohort(str(path), name).ensure()


main = verb("predict")(predict)

if __name__ == "__main__":
    main()
