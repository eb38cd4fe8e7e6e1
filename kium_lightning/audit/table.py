"""An audit in the terminal."""

from rich import box
from rich.markup import escape
from rich.table import Table

from kium_lightning.audit.audit import Audit
from kium_lightning.audit.finding import Severity, Verdict

_ROWS = 40
_COLOURS = {Verdict.CLEAN: "green", Verdict.FOUND: "red", Verdict.NOT_CHECKED: "yellow"}


def outcome_table(audit: Audit) -> Table:
    """Builds the table of the checks and how each ended."""
    counted = ", ".join(f"{audit.patients[part]} patients of {part}" for part in audit.patients)
    table = Table(title=f"Audit of {counted}", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("check", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("what was looked at")
    for outcome in audit.outcomes:
        colour = _COLOURS[outcome.verdict]
        table.add_row(outcome.check, f"[{colour}]{outcome.words}[/{colour}]", outcome.said)
    return table


def finding_table(audit: Audit) -> Table:
    """Builds the table of the first findings, serious ones first."""
    found = audit.findings
    more = f", the first {_ROWS} of {len(found)}" if len(found) > _ROWS else ""
    table = Table(title=f"Findings{more}", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    table.add_column("kind", no_wrap=True)
    table.add_column("finding and remedy")
    for finding in found[:_ROWS]:
        style = "bold" if finding.severity is Severity.SERIOUS else ""
        table.add_row(
            f"[{style}]{finding.kind}[/{style}]" if style else str(finding.kind),
            escape(f"{finding.sentence} {finding.remedy}"),
        )
    return table
