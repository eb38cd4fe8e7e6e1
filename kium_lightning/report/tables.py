"""The tables of an evaluation in the terminal, and the words and number formats that the page shares with them."""

import math

from rich import box
from rich.table import Table

from kium_lightning.report.estimates import Estimate, Share
from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation, LocationResult

UNKNOWN = "–"
NOT_EVALUABLE = "not evaluable"
FEW_POSITIVES = 10


def number(value: float, digits: int = 3) -> str:
    """Formats a number; a dash where it is not known."""
    return UNKNOWN if math.isnan(value) else f"{value:.{digits}f}"


def signed(value: float, digits: int = 4) -> str:
    """Formats a difference with its sign (a true minus); a dash where it is not known."""
    return UNKNOWN if math.isnan(value) else f"{value:+.{digits}f}".replace("-", "−")


def interval(estimate: Estimate | Share, digits: int = 3) -> str:
    """Formats the ends of an interval; a dash where they are not known."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return UNKNOWN
    return f"{number(estimate.low, digits)} to {number(estimate.high, digits)}"


def share(counted: Share, digits: int = 3) -> str:
    """Formats a share with what it was counted from, such as ``0.857 (12/14)``; a dash where there is nothing."""
    return UNKNOWN if counted.total == 0 else f"{counted.value:.{digits}f} ({counted.count}/{counted.total})"


def ranking(value: float, location: LocationResult) -> str:
    """Formats an AUROC or average precision of a location, or says that it is not evaluable."""
    return number(value) if location.is_evaluable else NOT_EVALUABLE


def name(location: LocationResult) -> str:
    """Names a location, starred where its positives are so few that its numbers say little."""
    return f"{location.column}{'*' if 0 < location.positives < FEW_POSITIVES else ''}"


def percent(level: float) -> str:
    """Formats the level of intervals, such as ``95 %``."""
    return f"{100 * level:g} %"


def verdict(evaluation: Evaluation) -> str:
    """Says in a sentence how the location accuracy compares with calling no location at all."""
    gain = evaluation.accuracy_gain
    if gain.value == 0:
        return "The location accuracy is exactly that of an answer that calls no location in anybody."
    side = "above" if gain.value > 0 else "below"
    sure = gain.low > 0 or gain.high < 0
    doubt = "" if sure else " These patients are too few to tell the difference from none."
    return (
        f"The location accuracy is {abs(gain.value):.4f} {side} that of an answer that calls no location in anybody "
        f"({number(evaluation.all_zero_accuracy, 4)}).{doubt}"
    )


def notes(evaluation: Evaluation) -> list[str]:
    """Says how the numbers are to be read, one sentence or two each."""
    level = percent(evaluation.level)
    said = [
        f"Intervals are {level}: of the official numbers and of all locations together by drawing patients anew "
        "(percentile bootstrap), of shares of patients after Wilson.",
    ]
    if evaluation.gate_sensitivity is None:
        said.append(
            f"No table of scores came with this answer: the gate and the ranking of locations are unknown ({UNKNOWN})."
        )
    else:
        said.append(
            "AUROC and AP (average precision) of a location are of the whole system: patients whom the gate stopped "
            "have no location score and rank, tied, below all others. A positive who was stopped lowers them. An AP "
            "by chance would be the share of positives."
        )
    empty = [location.column for location in evaluation.locations if not location.is_evaluable]
    if empty:
        said.append(
            f"Not evaluable, since no patient has an aneurysm there: {', '.join(empty)}. Left out of the means."
        )
    few = [location.column for location in evaluation.locations if 0 < location.positives < FEW_POSITIVES]
    if few:
        said.append(f"Fewer than {FEW_POSITIVES} positives (*): one patient more or less changes these numbers a lot.")
    return said


def headline_table(evaluation: Evaluation) -> Table:
    """Builds the table of the official numbers, their baselines and the gate."""
    without = evaluation.patients - evaluation.with_aneurysm
    table = _table(f"{evaluation.patients} patients: {evaluation.with_aneurysm} with, {without} without an aneurysm")
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column(f"{percent(evaluation.level)} interval", justify="right")
    table.add_column("compare with")
    table.add_row(
        "AUROC, aneurysm (official)",
        f"[bold]{number(evaluation.auroc.value, 4)}[/bold]",
        interval(evaluation.auroc, 4),
        f"{number(CHANCE_AUROC, 4)} by chance",
    )
    table.add_row(
        "location accuracy (official)",
        f"[bold]{number(evaluation.location_accuracy.value, 4)}[/bold]",
        interval(evaluation.location_accuracy, 4),
        f"{number(evaluation.all_zero_accuracy, 4)} calling none in anybody",
    )
    gain = evaluation.accuracy_gain
    ends = UNKNOWN if math.isnan(gain.low) else f"{signed(gain.low)} to {signed(gain.high)}"
    table.add_row("  above calling none", signed(gain.value), ends, "0: no better", end_section=True)
    for title, counted, meaning in (
        ("gate: sensitivity", evaluation.gate_sensitivity, "with an aneurysm, who passed"),
        ("gate: specificity", evaluation.gate_specificity, "without one, who were stopped"),
        ("locations: sensitivity", evaluation.located, "aneurysms that were called"),
        ("locations: precision", evaluation.confirmed, "calls that are right"),
    ):
        if counted is None:
            table.add_row(title, UNKNOWN, UNKNOWN, meaning)
        else:
            table.add_row(title, share(counted), interval(counted), meaning)
    return table


def location_table(evaluation: Evaluation) -> Table:
    """Builds the table of the 21 locations with their means."""
    table = _table("Locations")
    table.add_column("location")
    for heading in ("positives", "stopped\nat gate", "AUROC", "AP", "sensitivity", "specificity", "false\ncalls"):
        table.add_column(heading, justify="right")
    for location in evaluation.locations:
        table.add_row(
            name(location),
            str(location.positives),
            UNKNOWN if location.stopped is None else str(location.stopped),
            ranking(location.auroc, location),
            number(location.average_precision),
            share(location.sensitivity),
            number(location.specificity.value),
            str(location.false_calls),
        )
    table.add_section()
    stopped = [location.stopped for location in evaluation.locations]
    table.add_row(
        "all, or mean",
        str(evaluation.located.total),
        UNKNOWN if None in stopped else str(sum(count for count in stopped if count is not None)),
        number(evaluation.mean_auroc),
        number(evaluation.mean_average_precision),
        share(evaluation.located),
        number(evaluation.spared.value),
        str(sum(location.false_calls for location in evaluation.locations)),
    )
    return table


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
