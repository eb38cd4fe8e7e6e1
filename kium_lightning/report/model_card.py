"""The model card of an ensemble, in Markdown: what it is, what it is for, and how good it was on these patients."""

from kium_lightning.report import words
from kium_lightning.report.context import Context, Source
from kium_lightning.report.estimates import Estimate, Share
from kium_lightning.report.evaluation import CHANCE_AUROC, Evaluation
from kium_lightning.report.provenance import Provenance
from kium_lightning.report.tables import UNKNOWN, interval, number, percent, share


def model_card(evaluation: Evaluation, source: Source, context: Context) -> str:
    """Writes the card, after Mitchell et al., "Model Cards for Model Reporting", FAT* 2019.

    Args:
        evaluation: the numbers.
        source: where they come from.
        context: what else is known; its provenance names the nets.
    """
    told = Provenance((), ()) if context.provenance is None else context.provenance
    parts = [
        [f"# Model card: gated ensemble{f' on {source.cohort}' if source.cohort else ''}", "", f"{source.date}."],
        ["## What it is", "", *_what(told)],
        ["## What it is for, and what not", "", *_USE],
        ["## What it was trained on", "", *_data(told, source, context)],
        ["## Operating point", "", *_operating_point(told, source)],
        ["## Results", "", *_results(evaluation, context)],
        ["## By location", "", *_locations(evaluation)],
        ["## By size", "", *_sizes(context)],
        ["## Limits", "", *_limits(evaluation, context)],
        ["## Provenance", "", *_provenance(told, source)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


_USE = [
    "For research on methods that find cerebral aneurysms in still images of angiograms: to compare nets, losses, "
    "thresholds and data.",
    "",
    "Not a medical device. Not to decide about a patient, not to read an angiogram first or alone, and not on other "
    "images than the eight views (both carotid and both vertebral injections, frontal and lateral) it was trained on.",
]


def _what(told: Provenance) -> list[str]:
    lines = [
        "Two stages. Presence nets score each of a patient's eight views; where their joint score passes the gate, "
        "locators score 21 arteries. A location is called where its score reaches its threshold.",
        "",
        *_row("Net", "Place", "Fold", "First weights", "Checkpoint"),
    ]
    for net in told.nets:
        fold = UNKNOWN if net.fold is None else str(net.fold)
        lines.append(_cells(net.name, net.place, fold, net.weights or UNKNOWN, f"`{net.checkpoint}` ({net.digest})"))
    return lines


def _data(told: Provenance, source: Source, context: Context) -> list[str]:
    counts = told.shared("patients")
    lines = [f"Cohort {source.cohort or UNKNOWN}" + (f", {counts} patients per net." if counts else ".")]
    lines.append(
        "Folds are drawn by patient, never by image" + (f" (split {told.shared('split')})." if counts else ".")
    )
    if told.overrides:
        lines.append(f"Settings: `{' '.join(told.overrides)}`.")
    audited = context.audited
    if audited is None:
        lines.append(context.why("audited"))
    else:
        lines.append(f"Audited on {audited.finished[:10]} (`{audited.folder}`): {audited.verdict}")
    return [" ".join(lines)]


def _operating_point(told: Provenance, source: Source) -> list[str]:
    return ["Not known." if source.thresholds is None else words.operating_point(source.thresholds, told)]


def _results(evaluation: Evaluation, context: Context) -> list[str]:
    presence = evaluation.presence
    lines = [
        f"{evaluation.patients} patients, {evaluation.with_aneurysm} with an aneurysm.",
        "",
        *_row("", "Value", f"{percent(evaluation.level)} interval", "To beat"),
        _estimate("AUROC, aneurysm", evaluation.auroc, evaluation.evaluable.reason or f"{CHANCE_AUROC} by chance"),
    ]
    if context.probe is not None:
        lines.append(_estimate("AUROC of file metadata alone", context.probe.auroc, f"{CHANCE_AUROC} by chance"))
    lines += [
        _estimate(
            "Location accuracy",
            evaluation.location_accuracy,
            f"{number(evaluation.all_zero_accuracy, 4)} calling no location in anybody",
        ),
        _estimate(
            "Brier score",
            presence.brier,
            f"{number(presence.brier_constant, 4)} saying {number(presence.constant)} to everybody",
        ),
        _estimate("Average precision", presence.average_precision, f"{number(presence.prevalence)} by chance"),
    ]
    for title, counted in (
        ("Gate: sensitivity", evaluation.gate_sensitivity),
        ("Gate: specificity", evaluation.gate_specificity),
        ("Locations: sensitivity", evaluation.located),
        ("Locations: precision", evaluation.confirmed),
    ):
        if counted is not None:
            lines.append(_share(title, counted))
    said = [words.presence_verdict(evaluation), words.verdict(evaluation), words.brier_verdict(evaluation)]
    if context.probe is not None:
        said.insert(1, words.probe_verdict(evaluation, context.probe))
    error = number(presence.calibration_error)
    return [
        *lines,
        "",
        " ".join(said),
        "",
        f"Calibration: expected calibration error {error}. {words.calibration_verdict(evaluation)}",
    ]


def _locations(evaluation: Evaluation) -> list[str]:
    lines = _row("Location", "Positives", "AUROC", "Sensitivity", "Specificity")
    for location in evaluation.locations:
        found = location.sensitivity
        is_known = location.is_evaluable
        lines.append(
            _cells(
                location.column,
                str(location.positives),
                f"{number(location.auroc.value)} ({interval(location.auroc, 2)})"
                if is_known
                else location.evaluable.reason,
                f"{share(found)}, {interval(found, 2)}"
                if is_known
                else (f"{found.count}/{found.total}" if found.total else UNKNOWN),
                number(location.specificity.value),
            )
        )
    means = evaluation.by_location
    means_shown = [f"{number(mean.value)} ({interval(mean, 2)})" for mean in (means.auroc, means.sensitivity)]
    return [*lines, _cells("mean of evaluable", "", *means_shown, number(means.specificity.value))]


def _sizes(context: Context) -> list[str]:
    if context.sizes is None:
        return [context.why("sizes")]
    if not context.sizes:
        return ["None of these patients has an aneurysm."]
    lines = _row("Diameter (mm)", "Aneurysms", "Patient passed the gate", "Location called")
    for each in context.sizes:
        passed = UNKNOWN if each.passed is None else f"{share(each.passed)}, {interval(each.passed, 2)}"
        called = f"{share(each.called)}, {interval(each.called, 2)}"
        lines.append(_cells(each.label, str(each.called.total), passed, called))
    return lines


def _limits(evaluation: Evaluation, context: Context) -> list[str]:
    limits = list(context.warnings)
    if not evaluation.accuracy_gain.low > 0:
        limits.append("Its location calls are not shown to be better than calling none; do not use them as they are.")
    if context.sizes is not None:
        limits.append("These are synthetic patients (phantoms): nothing here says how it does on real angiograms.")
    few = [location.column for location in evaluation.locations if not location.is_evaluable]
    if few:
        limits.append(f"What it does at {', '.join(few)} is not known: too few patients.")
    if context.probe is None:
        limits.append(context.why("probe"))
    limits += [
        "Eight still images hold less than the films they were taken from; what no view shows cannot be found.",
        "One cohort says nothing about other hospitals, machines or patients.",
    ]
    return [f"- {limit}" for limit in limits]


def _provenance(told: Provenance, source: Source) -> list[str]:
    facts = [
        ("Answer", str(source.answer)),
        ("Ground truth", str(source.groundtruth)),
        ("Split", told.shared("split")),
        ("Training ended", told.finished),
        ("Code that trained", told.shared("revision")),
        ("Hardware that trained", told.shared("hardware")),
        ("Versions", told.versions),
        *told.facts,
    ]
    return [f"- {name[:1].upper()}{name[1:]}: {value}" for name, value in facts if value]


def _estimate(title: str, estimate: Estimate, to_beat: str) -> str:
    return _cells(title, number(estimate.value, 4), interval(estimate, 4), to_beat)


def _share(title: str, counted: Share) -> str:
    return _cells(title, share(counted), interval(counted), "")


def _row(*headings: str) -> list[str]:
    return [_cells(*headings), _cells(*("---" for _ in headings))]


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
