"""Looks for what would make results untrue: python -m kium_lightning.audit cohort=kium cohort.folder=PATH."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kium_lightning.console import say, say_written, show
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.files import write_json, write_text
from kium_lightning.numbers import share, whole
from kium_lightning.records import write_record
from kium_lightning.settings import Config, build, verb

if TYPE_CHECKING:
    from kium_lightning.audit.audit import AuditSettings

FOUND = 3  # the exit status where something was found; 1 and 2 are errors


@verb("audit")
def main(config: Config) -> None:
    """Audits the cohort, prints tables and writes ``audit.json``, ``audit.html`` and a record.

    Raises:
        KiumError: the cohort has no tables that can be read, or a setting is out of range.
        SystemExit: something was found; everything is written all the same.
    """
    # Heavy imports wait until they are needed, so that --help and --cfg answer at once.
    from kium_lightning.audit.audit import audit_cohort
    from kium_lightning.audit.page import Origin, audit_page
    from kium_lightning.audit.table import finding_table, outcome_table

    folder = Path(config.folder).expanduser().resolve()
    cohort: CohortFolder = build(config.cohort).ensure()
    settings = audit_settings(config, cohort)
    audit = audit_cohort(cohort, settings)
    if audit.findings:
        show(finding_table(audit))
    show(outcome_table(audit))
    say(audit.verdict)

    split_file = settings.split_file if settings.split_file.is_file() else None
    date = f"{datetime.now():%Y-%m-%d %H:%M}"
    origin = Origin(cohort.name, cohort.path, split_file, date, settings.probes.p)
    source = {"cohort": {"name": cohort.name, "folder": str(cohort.path)}, "split": split_file and str(split_file)}
    numbers, page = folder / "audit.json", folder / "audit.html"
    write_json(numbers, {**source, "date": date, **audit.plain()})
    write_text(page, audit_page(audit, origin, settings.cache_folder))
    record = write_record(folder, "audit", cohort.name, **source, date=date, summary=audit.summary())
    say_written([numbers, page, record])
    if audit.findings:
        raise SystemExit(FOUND)


def audit_settings(config: Config, cohort: CohortFolder) -> "AuditSettings":
    """Checks the numbers of the config.

    Raises:
        ConfigError: one is out of range.
    """
    from kium_lightning.audit.audit import AuditSettings
    from kium_lightning.audit.duplicates import LeastCorrelation
    from kium_lightning.audit.shortcuts import ProbeSettings
    from kium_lightning.data.datamodule import default_split_file

    duplicates, probes = config.duplicates, config.shortcuts
    folds = whole("folds", config.folds, 2)
    chosen = config.split_file
    return AuditSettings(
        split_file=default_split_file(cohort, folds) if chosen is None else Path(chosen).expanduser().absolute(),
        cache_folder=Path(config.cache_folder),
        workers=None if config.workers is None else whole("workers", config.workers, 1),
        least=LeastCorrelation(
            share("duplicates.least_correlation", duplicates.least_correlation),
            share("duplicates.least_correlation_of_one", duplicates.least_correlation_of_one),
        ),
        least_patients=whole("views.least_patients", config.views.least_patients, 20),
        probes=ProbeSettings(
            folds=whole("shortcuts.folds", probes.folds, 2),
            repeats=whole("shortcuts.repeats", probes.repeats, 1),
            permutations=whole("shortcuts.permutations", probes.permutations, 20),
            p=share("shortcuts.p", probes.p),
            least=whole("shortcuts.least", probes.least, 5),
            level=share("shortcuts.level", probes.level),
            draws=whole("shortcuts.draws", probes.draws, 1),
            seed=whole("shortcuts.seed", probes.seed, 0),
        ),
    )


if __name__ == "__main__":
    main()
