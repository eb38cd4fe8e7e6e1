"""python -m kium_lightning.compare: puts trained runs beside each other in one table."""

from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

from kium_lightning.console import say, say_written, show
from kium_lightning.errors import RunError
from kium_lightning.files import replacing, write_text
from kium_lightning.numbers import listed, share, whole
from kium_lightning.records import finished_runs, write_record
from kium_lightning.settings import Config, outputs_dir, verb

if TYPE_CHECKING:
    from kium_lightning.records import Record


def compare(config: Config) -> None:
    """Compares runs as the config says; prints tables and writes ``comparison.csv``, ``comparison.md`` and a record.

    Raises:
        KiumError: there is no run to compare, or a run's files are damaged.
    """
    from kium_lightning.report.comparison import compare_runs, comparison_table
    from kium_lightning.report.comparison_text import markdown, notes, terminal_table

    level, draws, seed = share("level", config.level), whole("draws", config.draws, 1), whole("seed", config.seed, 0)
    least_positives = whole("least_positives", config.least_positives, 1)
    folder, outputs = Path(config.folder).expanduser().resolve(), outputs_dir()
    records = chosen_runs(outputs, listed("models", config.models), config.sweep)
    groups = compare_runs(records, level, draws, seed, least_positives)
    for group in groups:
        show(terminal_table(group, outputs))
    for sentence in notes(level, groups):
        say(sentence)
    table, page = folder / "comparison.csv", folder / "comparison.md"
    with replacing(table) as temporary:
        comparison_table(groups).to_csv(temporary, index=False)
    write_text(page, markdown(groups, outputs, level))
    record = write_record(folder, "compare", runs=[str(each.folder) for each in records])
    say_written([table, page, record])


def chosen_runs(outputs: Path, models: list[str], sweep: str | None) -> "list[Record]":
    """Finds the finished training runs to compare, newest first.

    Args:
        outputs: below it runs are looked for.
        models: names, or patterns such as ``*_anterior``; none for all.
        sweep: only the runs of this sweep: its name or folder, or ``newest``; None for all runs.

    Raises:
        RunError: there is none.
    """
    records = [record for record in finished_runs(outputs, "train") if "parameters" in record.facts]
    if sweep == "newest":
        sweep = next((record.facts["sweep"] for record in records if record.facts["sweep"]), "newest")
    if sweep is not None:
        name = Path(sweep).name
        records = [record for record in records if record.facts["sweep"] == name]
    if models:
        records = [record for record in records if any(fnmatch(record.name, pattern) for pattern in models)]
    if not records:
        which = f" of {', '.join(models)}" if models else ""
        where = f" in the sweep {sweep}" if sweep is not None else ""
        raise RunError(
            f"There is no finished training run{which}{where} below {outputs}. Train some with "
            "`python -m kium_lightning.train -m model=resnet18_anterior,swin_anterior`, or choose others."
        )
    return records


main = verb("compare")(compare)

if __name__ == "__main__":
    main()
