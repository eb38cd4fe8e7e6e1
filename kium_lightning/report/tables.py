"""The tables of an evaluation in the terminal, and the number formats that the page shares with them."""

import math

from rich import box
from rich.table import Table

from kium_lightning.metrics.intervals import PairedDifference
from kium_lightning.report.estimates import Estimate, Share
from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation
from kium_lightning.report.paired import Against, Probe

UNKNOWN = "–"
NOT_EVALUABLE = "not evaluable"


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


def signed_interval(estimate: Estimate | PairedDifference, digits: int = 4) -> str:
    """Formats the ends of a difference's interval; a dash where they are not known."""
    if math.isnan(estimate.low) or math.isnan(estimate.high):
        return UNKNOWN
    return f"{signed(estimate.low, digits)} to {signed(estimate.high, digits)}"


def share(counted: Share, digits: int = 3) -> str:
    """Formats a share with what it was counted from, such as ``0.857 (12/14)``; a dash where there is nothing."""
    return UNKNOWN if counted.total == 0 else f"{counted.value:.{digits}f} ({counted.count}/{counted.total})"


def threshold(value: float) -> str:
    """Formats a location's threshold; an infinite one is never reached."""
    return "never" if math.isinf(value) else number(value, 4)


def percent(level: float) -> str:
    """Formats the level of intervals, such as ``95 %``."""
    return f"{100 * level:g} %"


def headline_table(evaluation: Evaluation, probe: Probe | None = None, against: Against | None = None) -> Table:
    """Builds the table of the official numbers, their baselines, the gate, and what they are compared with."""
    level, presence = percent(evaluation.level), evaluation.presence
    with_one, without = evaluation.with_aneurysm, evaluation.without_aneurysm
    table = _table(f"{evaluation.patients} patients: {with_one} with, {without} without an aneurysm")
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column(f"{level} interval", justify="right")
    table.add_column("compare with")

    def row(title: str, estimate: Estimate, meaning: str, digits: int = 4) -> None:
        table.add_row(title, f"[bold]{number(estimate.value, digits)}[/bold]", interval(estimate, digits), meaning)

    chance = f"{number(CHANCE_AUROC, 4)} by chance"
    row("AUROC, aneurysm (official)", evaluation.auroc, evaluation.evaluable.reason or chance)
    table.add_row("  its interval by bootstrap", "", interval(presence.auroc_bootstrap, 4), "")
    if probe is not None:
        table.add_row("  file metadata alone", number(probe.auroc.value, 4), interval(probe.auroc, 4), "sees no vessel")
    row("location accuracy (official)", evaluation.location_accuracy, _none_in_anybody(evaluation))
    gain = evaluation.accuracy_gain
    table.add_row("  above calling none", signed(gain.value), signed_interval(gain), "0: no better")
    row(
        "Brier score", presence.brier, f"{number(presence.brier_constant, 4)} saying {number(presence.constant)} to all"
    )
    table.add_section()
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
    if against is not None:
        table.add_section()
        for title, apart in (
            ("AUROC above the other", against.auroc_difference),
            ("location accuracy above it", against.accuracy_difference),
        ):
            table.add_row(title, signed(apart.value), signed_interval(apart), f"p {number(apart.p)}")
    return table


def location_table(evaluation: Evaluation) -> Table:
    """Builds the table of the 21 locations with their means."""
    table = _table("Locations")
    table.add_column("location")
    for heading in ("positives", "stopped\nat gate", "AUROC", "interval", "AP", "sensitivity", "specificity"):
        table.add_column(heading, justify="right")
    table.add_column("false\ncalls", justify="right")
    for location in evaluation.locations:
        found = location.sensitivity
        ranked = [number(location.auroc.value), interval(location.auroc, 2), number(location.average_precision.value)]
        table.add_row(
            location.column,
            str(location.positives),
            UNKNOWN if location.stopped is None else str(location.stopped),
            *(ranked if location.is_evaluable else ["", NOT_EVALUABLE, ""]),
            share(found) if location.is_evaluable or not found.total else f"{found.count}/{found.total}",
            number(location.specificity.value),
            str(location.false_calls),
        )
    table.add_section()
    stopped = [location.stopped for location in evaluation.locations]
    means = evaluation.by_location
    table.add_row(
        "all, or mean",
        str(evaluation.located.total),
        UNKNOWN if None in stopped else str(sum(count for count in stopped if count is not None)),
        number(means.auroc.value),
        interval(means.auroc, 2),
        number(means.average_precision.value),
        share(evaluation.located),
        number(evaluation.spared.value),
        str(sum(location.false_calls for location in evaluation.locations)),
    )
    return table


def _none_in_anybody(evaluation: Evaluation) -> str:
    return f"{number(evaluation.all_zero_accuracy, 4)} calling none in anybody"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
