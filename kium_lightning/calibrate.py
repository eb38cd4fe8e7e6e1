"""python -m kium_lightning.calibrate: fits the operating points of a trained ensemble, and says how good they are."""

import textwrap
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kium_lightning.console import say, say_written, show
from kium_lightning.errors import ConfigError, SplitError, ThresholdError
from kium_lightning.files import write_json, write_text
from kium_lightning.numbers import share, whole
from kium_lightning.records import Record, write_record
from kium_lightning.settings import Config, build, outputs_dir, overrides, verb

if TYPE_CHECKING:
    from kium_lightning.ensemble.calibration import Calibrator
    from kium_lightning.ensemble.ensemble import Ensemble
    from kium_lightning.ensemble.nested import NestedAnswer
    from kium_lightning.ensemble.out_of_fold import ScoredPatients
    from kium_lightning.ensemble.rules import ThresholdRule
    from kium_lightning.ensemble.thresholds import Thresholds

_TEXT_WIDTH = 100
_WORST = 4  # of each kind, on the page


def calibrate(config: Config) -> None:
    """Fits as the config says; writes ``thresholds.json``, the scores they come from, how good they are, and a record.

    Raises:
        KiumError: members, patients or images are missing or do not fit together.
    """
    from kium_lightning.data.catalog import read_catalog
    from kium_lightning.data.cohort import FolderCohort
    from kium_lightning.ensemble.answer import THRESHOLDS_NAME
    from kium_lightning.ensemble.calibration import Calibrator
    from kium_lightning.ensemble.ensemble import Ensemble
    from kium_lightning.ensemble.nested import fit_operating_points
    from kium_lightning.ensemble.out_of_fold import score_out_of_fold, score_patients, write_scored_patients
    from kium_lightning.ensemble.predictor import Predictor
    from kium_lightning.ensemble.rules import ThresholdRule
    from kium_lightning.memory import keep_freed_memory
    from kium_lightning.tracking.provenance import code_revision, hardware, versions

    started = time.monotonic()
    keep_freed_memory()
    _check(config)
    folder = Path(config.folder).expanduser().resolve()
    ensemble: Ensemble = build(config.ensemble)
    rule: ThresholdRule = build(config.thresholds)
    calibrator: Calibrator = build(config.calibration)
    predictor: Predictor = build(config.predictor)
    for line in ensemble.lines():
        say(line)

    name, path = ensemble.cohort()
    cohort = FolderCohort(str(path), name).ensure()
    catalog = read_catalog(cohort.train_set, cohort.train_csv, config.on_fault)
    if config.patients == "training":
        scored = score_patients(predictor, ensemble, catalog.subset(ensemble.trained_on()))
    else:
        scored = score_out_of_fold(predictor, ensemble, catalog)
    facts = {
        "seen": config.patients == "training",
        "folds": scored.fold_count,
        "cohort": str(path),
        "members": ensemble.digests,
        "rules": asdict(ensemble.rules),
        "precision": predictor.precision,
    }
    thresholds = fit_operating_points(scored.fused, scored.labels, calibrator, rule).fitted_with(**facts)
    thresholds_file = folder / THRESHOLDS_NAME
    thresholds.save(thresholds_file)
    written = [thresholds_file, write_scored_patients(folder, scored)]
    own = {
        "thresholds": str(thresholds_file),
        "members": ensemble.digests,
        "rules": asdict(ensemble.rules),
        "patients": config.patients,
        "cohort": {"name": name, "path": str(path)},
        "nets": ensemble.describe(),
        "warnings": _warnings(ensemble, scored, config.patients),
        "device": str(predictor.device),
        "seconds": round(time.monotonic() - started, 1),
        "revision": code_revision(),
        "overrides": overrides(),
        "versions": versions(),
        "hardware": hardware(),
    }
    written += _write_estimate(config, own, scored, thresholds, _nested(config, scored, calibrator, rule))
    record = write_record(folder, "calibrate", **own)
    _say_operating_points(thresholds, scored, config.patients)
    for sentence in own["warnings"]:
        say(textwrap.fill(sentence, _TEXT_WIDTH))
    say_written([*written, record])


def _check(config: Config) -> None:
    if config.patients not in ("unseen", "training"):
        raise ConfigError(f"patients={config.patients} is no choice. Choose patients=unseen or patients=training.")
    share("level", config.level)
    for name, least in (("draws", 1), ("seed", 0), ("inner_folds", 2), ("least_positives", 1)):
        whole(name, config[name], least)


def _warnings(ensemble: "Ensemble", scored: "ScoredPatients", whom: str) -> list[str]:
    """What somebody has to know who reads the estimate or uses the thresholds."""
    if whom == "training":
        return []
    found = []
    if ensemble.is_chosen_by_held_out:
        found.append(
            "These patients also chose the best epoch of a net (data.validation=held_out), so that all numbers are "
            "somewhat high."
        )
    if scored.fold_count > 1:
        found.append(
            "Scores of several folds are pooled. Each fold's patients trained the nets that score the others, so that "
            "intervals are somewhat too narrow."
        )
    if ensemble.averaged > 1:
        found.append(
            f"Predictions average {ensemble.averaged} nets in a place, while the thresholds, what they let pass and "
            "these numbers are of one net for each patient. ensemble.folds=newest keeps both of one kind."
        )
    return found


def _nested(
    config: Config, scored: "ScoredPatients", calibrator: "Calibrator", rule: "ThresholdRule"
) -> "NestedAnswer | None":
    """The answer for patients who had no part in their thresholds; None, with the reason said, where there is none."""
    from kium_lightning.ensemble.nested import inner_folds, nested_answer

    if config.patients == "training":
        say(
            textwrap.fill(
                "How good these thresholds are is not estimated: the nets have seen these patients, so that any number "
                "would be too high.",
                _TEXT_WIDTH,
            )
        )
        return None
    try:
        several = scored.fold_count > 1
        folds = scored.folds if several else inner_folds(scored.labels, config.inner_folds, config.seed)
        return nested_answer(scored.fused, scored.labels, folds, calibrator, rule)
    except (ThresholdError, SplitError) as error:
        say(textwrap.fill(f"How good these thresholds are cannot be estimated: {error}", _TEXT_WIDTH))
        return None


def _write_estimate(
    config: Config,
    own: dict[str, Any],
    scored: "ScoredPatients",
    thresholds: "Thresholds",
    answer: "NestedAnswer | None",
) -> list[Path]:
    """Prints and writes how good the operating points are on patients outside of their fit."""
    from kium_lightning.data.cohort import CohortFolder
    from kium_lightning.ensemble.out_of_fold import OUT_OF_FOLD_NAME
    from kium_lightning.report.audited import newest_audit
    from kium_lightning.report.calibrated import calibration_effect, judged_nested
    from kium_lightning.report.context import Context, Source
    from kium_lightning.report.evaluation import evaluate_answer
    from kium_lightning.report.page import evaluation_page
    from kium_lightning.report.plots.calibration import effect_plot
    from kium_lightning.report.provenance import provenance_of, shown_path
    from kium_lightning.report.tables import headline_table
    from kium_lightning.report.words import verdict
    from kium_lightning.report.worst import Pictures, find_worst

    if answer is None:
        return []
    folder, outputs, cohort = Path(config.folder).expanduser().resolve(), outputs_dir(), Path(own["cohort"]["path"])
    judged = judged_nested(scored, answer)
    effect = calibration_effect(thresholds.calibration.name, scored, answer)
    evaluation = evaluate_answer(judged, config.level, config.draws, config.seed, config.least_positives)
    show(headline_table(evaluation))
    for sentence in (verdict(evaluation), effect.sentence()):
        say(textwrap.fill(sentence, _TEXT_WIDTH))
    source = Source(
        f"{own['cohort']['name']}, out of fold",
        Path(shown_path(folder / OUT_OF_FOLD_NAME, outputs)),
        Path(shown_path(CohortFolder(cohort, "").train_csv, outputs)),
        f"{datetime.now():%Y-%m-%d %H:%M}",
        thresholds,
    )
    numbers, page = folder / "out_of_fold.json", folder / "out_of_fold.html"
    context = Context(
        warnings=tuple(own["warnings"]),
        worst=find_worst(judged, _WORST),
        pictures=Pictures(notes=["Pictures are on the pages of evaluate."]),
        audited=newest_audit(outputs, cohort),
        provenance=provenance_of(
            Record(folder, "calibrate", "", datetime.now(UTC).isoformat(), {**own, "members": own["nets"]}), outputs, ()
        ),
        calibration_effect=None if effect.changes_nothing else effect_plot(effect),
    )
    write_json(numbers, {**evaluation.as_json(), "calibration": effect.as_json(), **context.as_json()})
    write_text(page, evaluation_page(judged, evaluation, source, context))
    return [numbers, page]


def _say_operating_points(thresholds: "Thresholds", scored: "ScoredPatients", whom: str) -> None:
    gate = thresholds.fitted_on.get("gate", {})
    folds = f" of {scored.fold_count} folds" if scored.fold_count > 1 else ""
    say(
        f"{thresholds.rule} thresholds, calibration {thresholds.calibration.name}, of {len(scored.patients)} {whom} "
        f"patients{folds}; gate {thresholds.presence:.4f}"
    )
    if "floor" in gate:
        say(
            textwrap.fill(
                f"Sensitivity floor {gate['floor']:g}: {gate['missed']} of {gate['positives']} patients with an "
                f"aneurysm are missed; {gate['share_passed']:.1%} of all patients go to stage 2, against "
                f"{gate['share_passed_by_median']:.1%} by the report's median.",
                _TEXT_WIDTH,
            )
        )
    if thresholds.never_called:
        say(textwrap.fill(f"Never called: {', '.join(thresholds.never_called)}.", _TEXT_WIDTH))


main = verb("calibrate")(calibrate)

if __name__ == "__main__":
    main()
