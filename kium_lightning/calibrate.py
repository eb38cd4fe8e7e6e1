"""python -m kium_lightning.calibrate: fits the thresholds of a trained ensemble."""

from dataclasses import asdict
from pathlib import Path

from kium_lightning.console import say, say_written
from kium_lightning.errors import ConfigError
from kium_lightning.records import write_record
from kium_lightning.settings import Config, build, verb


def calibrate(config: Config) -> None:
    """Fits thresholds as the config says and writes ``thresholds.json``, the scores they come from and a record.

    Raises:
        KiumError: members, patients or images are missing or do not fit together.
    """
    from kium_lightning.data.catalog import read_catalog
    from kium_lightning.data.cohort import FolderCohort
    from kium_lightning.ensemble.answer import THRESHOLDS_NAME
    from kium_lightning.ensemble.ensemble import Ensemble
    from kium_lightning.ensemble.out_of_fold import score_out_of_fold, score_patients, write_scored_patients
    from kium_lightning.ensemble.predictor import Predictor
    from kium_lightning.ensemble.rules import ThresholdRule

    if config.patients not in ("unseen", "training"):
        raise ConfigError(f"patients={config.patients} is no choice. Choose patients=unseen or patients=training.")
    folder = Path(config.folder).expanduser().resolve()
    ensemble: Ensemble = build(config.ensemble)
    rule: ThresholdRule = build(config.thresholds)
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
    fitted = rule.fit(scored.fused, scored.labels)
    facts = {
        "seen": config.patients == "training",
        "cohort": str(path),
        "members": ensemble.digests,
        "rules": asdict(ensemble.rules),
        "precision": str(predictor.precision).removeprefix("torch."),
    }
    thresholds = fitted.fitted_with(**facts)

    thresholds_file = folder / THRESHOLDS_NAME
    thresholds.save(thresholds_file)
    scores_file = write_scored_patients(folder, scored)
    record = write_record(
        folder,
        "calibrate",
        thresholds=str(thresholds_file),
        members=ensemble.digests,
        rules=asdict(ensemble.rules),
        patients=config.patients,
    )
    whom = f"{len(scored.patients)} {config.patients} patients"
    say(f"{thresholds.rule} thresholds of {whom}; gate {thresholds.presence:.4f}")
    say_written([thresholds_file, scores_file, record])


main = verb("calibrate")(calibrate)

if __name__ == "__main__":
    main()
