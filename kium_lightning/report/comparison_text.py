"""The comparison of runs in words: tables for the terminal and a page of Markdown."""

import math
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from kium_lightning.metrics.intervals import PairedDifference
from kium_lightning.report.comparison import Compared, Group
from kium_lightning.report.tables import UNKNOWN, interval, number, percent, signed

_RIGHT = {"AUROC", "interval", "AP", "by fold", "from best", "p", "watched", "parameters", "epochs", "minutes"}
_ONLY_IN_FILES = {"watched", "parameters", "epochs", "minutes", "run"}  # for want of room beside the scores


def title(group: Group) -> str:
    """What the runs of a group have in common, such as ``any anterior artery: 96 patients of ..., 41 with``."""
    first = group.runs[0]
    folds = f"fold{'s' if len(group.folds) > 1 else ''} {', '.join(map(str, group.folds))}"
    whom = f" (cohort {group.cohort}, {folds})"
    if not first.patients:
        return f"Pretraining, {group.question}{whom}"
    return f"{group.question}: {first.patients} patients, {first.positives} with an aneurysm there{whom}"


def terminal_table(group: Group, outputs: Path) -> Table:
    """A group as a table for the terminal, which fits 120 columns; what a run cost and its folder are in the files."""
    table = Table(
        title=title(group), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    headings = [heading for heading in _headings(group) if heading not in _ONLY_IN_FILES or not _asks(group)]
    for heading in headings:
        folds = heading in ("settings", "run")
        table.add_column(heading, justify="right" if heading in _RIGHT else "left", no_wrap=not folds, overflow="fold")
    for place, run in enumerate(group.runs, start=1):
        cells = _cells(place, run, outputs)
        table.add_row(*(cells[heading] for heading in headings))
    return table


def markdown(groups: Sequence[Group], outputs: Path, level: float) -> str:
    """All groups as a page."""
    parts = ["# Runs compared", "", *notes(level, groups), ""]
    for group in groups:
        headings = _headings(group)
        aligned = ["---:" if heading in _RIGHT else "---" for heading in headings]
        parts += [f"## {title(group)}", "", _line(headings), _line(aligned)]
        for place, run in enumerate(group.runs, start=1):
            cells = _cells(place, run, outputs)
            parts.append(_line([cells[heading].replace("|", "\\|") for heading in headings]))
        parts.append("")
    return "\n".join(parts)


def notes(level: float, groups: Sequence[Group] = ()) -> list[str]:
    """How the tables are to be read, a sentence or two each."""
    return [
        *dict.fromkeys(_few(group) for group in groups if group.left_out),
        "Only runs of one table answer the same question about the same patients. AUROC and AP (average precision) are "
        f"means over what is asked of each patient, the {percent(level)} interval is over patients. By chance the "
        "AUROC is 0.500.",
        f"From best: AUROC minus that of the table's first run, its {percent(level)} interval, and p of a difference "
        "as large by chance, paired over patients. p is corrected neither for the number of runs nor for the best "
        "being picked on these patients.",
        "Intervals and p are DeLong's where one thing is asked of each patient, else by drawing patients anew.",
        "Every patient was held out from the net that scores it. Where several folds stand together, their scores are "
        "pooled; by fold: the AUROC of each alone. Only runs with data.validation=held_out chose their epoch by these "
        "patients, too, which makes their numbers somewhat high.",
    ]


def _few(group: Group) -> str:
    least = group.runs[0].scored.least_positives
    return (
        f"{title(group)}: {', '.join(group.left_out)} left out of all numbers, since fewer than {least} patients have "
        "an aneurysm there (or have none)."
    )


def _asks(group: Group) -> bool:
    return group.runs[0].patients > 0


def _headings(group: Group) -> list[str]:
    settings = ["settings"] if any(run.settings for run in group.runs) else []
    scores = ["AUROC", "interval", "AP"] if _asks(group) else []
    scores += ["by fold"] if scores and len(group.folds) > 1 else []
    scores += ["from best", "p"] if scores and len(group.runs) > 1 else []
    return ["", "model", *settings, *scores, "watched", "parameters", "epochs", "minutes", "run"]


def _cells(place: int, run: Compared, outputs: Path) -> dict[str, str]:
    facts, folder = run.record.facts, run.record.folder
    score = facts["score"]
    return {
        "": str(place),
        "model": run.record.name,
        "settings": run.settings,
        "AUROC": number(run.auroc.value),
        "interval": interval(run.auroc),
        "AP": number(run.average_precision),
        "by fold": " ".join(number(value, 2).removeprefix("0") for value in run.scored.by_fold),
        "from best": "" if place == 1 else _difference(run.from_best),
        "p": "" if place == 1 else _chance(run.from_best.p),
        "watched": UNKNOWN if score is None else f"{str(facts['monitor']).removeprefix('val/')} {score:.3f}",
        "parameters": f"{facts['parameters'] / 1e6:.1f} M",
        "epochs": str(facts["epochs"]),
        "minutes": f"{run.scored.seconds / 60:.1f}",
        "run": str(folder.relative_to(outputs) if folder.is_relative_to(outputs) else folder),
    }


def _difference(found: PairedDifference) -> str:
    if math.isnan(found.low):
        return signed(found.value, 3)
    return f"{signed(found.value, 3)} ({signed(found.low, 3)} to {signed(found.high, 3)})"


def _chance(p: float) -> str:
    return "<0.001" if p < 0.001 else number(p)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
