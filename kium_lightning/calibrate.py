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
    from kium_lightning.anatomy import LABEL_COLUMNS
    from kium_lightning.data.catalog import read_catalog
    from kium_lightning.data.cohort import FolderCohort
    from kium_lightning.ensemble.answer import THRESHOLDS_NAME, write_scores
    from kium_lightning.ensemble.members import Ensemble
    from kium_lightning.ensemble.predictor import Predictor
    from kium_lightning.ensemble.rules import ThresholdRule

    if config.patients not in ("unseen", "training"):
        raise ConfigError(f"patients={config.patients} is no choice. Choose patients=unseen or patients=training.")
    folder = Path(config.folder).expanduser().resolve()
    ensemble: Ensemble = build(config.ensemble)
    rule: ThresholdRule = build(config.thresholds)
    predictor: Predictor = build(config.predictor)
    for member in ensemble.members:
        say(f"{member.target} {member.circulation}: {member.name} ({member.checkpoint})")

    name, path = ensemble.cohort()
    cohort = FolderCohort(str(path), name).ensure()
    patients = ensemble.patients(seen=config.patients == "training")
    catalog = read_catalog(cohort.train_set, cohort.train_csv, config.on_fault).subset(patients)
    scores = predictor.score(ensemble, catalog, gate=None)
    fitted = rule.fit(scores.fused, catalog.table[list(LABEL_COLUMNS)].to_numpy("int64"))
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
    fused = scores.fused
    scores_file = write_scores(
        folder, catalog.patients, fused.presence, scores.by_circulation, scores.passed, fused.locations
    )
    record = write_record(
        folder,
        "calibrate",
        thresholds=str(thresholds_file),
        members=ensemble.digests,
        rules=asdict(ensemble.rules),
        patients=config.patients,
    )
    say(f"{thresholds.rule} thresholds of {len(patients)} {config.patients} patients; gate {thresholds.presence:.4f}")
    say_written([thresholds_file, scores_file, record])


main = verb("calibrate")(calibrate)

if __name__ == "__main__":
    main()
