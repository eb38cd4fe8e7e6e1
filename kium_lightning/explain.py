"""python -m kium_lightning.explain: draws where a net sees evidence for an aneurysm."""

import textwrap
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.console import say, say_written, show
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.numbers import listed, share, whole
from kium_lightning.records import newest_run, write_record
from kium_lightning.settings import Config, build, outputs_dir, verb

if TYPE_CHECKING:
    import pandas as pd

    from kium_lightning.anatomy import View
    from kium_lightning.data.cohort import CohortFolder
    from kium_lightning.saliency.cases import Case
    from kium_lightning.saliency.feature_map import FeatureMap
    from kium_lightning.saliency.running import Cells
    from kium_lightning.saliency.subject import Subject
    from kium_lightning.tasks.training_runs import TrainingRun

_TEXT_WIDTH = 100


def explain(config: Config) -> None:
    """Explains as the config says; writes sheets, heat maps, a table and a record, and prints the scores on phantoms.

    Raises:
        KiumError: the run, the patients, the labels or the layer are missing or do not fit together.
    """
    from kium_lightning.saliency.patient_sheet import patient_title, write_patient
    from kium_lightning.saliency.running import cells_of, feature_map_of, row_scores, rows_at_once
    from kium_lightning.saliency.table import table_of_maps, write_table

    started = time.monotonic()
    _check_numbers(config)
    folder = Path(config.folder).expanduser().resolve()
    run, cohort = _run_and_cohort(config)
    subject = _subject(config, run, cohort)
    feature_map = feature_map_of(subject.task, subject.dataset, config.layer)
    say(f"net: {run.name} ({run.checkpoint})")
    say(f"layer: {_described(feature_map, subject.preparation.image_size)}")
    batch_size = rows_at_once(subject.task, config.batch_size)
    scores = row_scores(subject.task, subject.dataset, batch_size)
    to_draw, to_score = _cases(config, subject, scores)
    cases = list(dict.fromkeys([*to_draw, *to_score]))
    questions = list(dict.fromkeys(case.question for case in cases))
    cells = cells_of(
        subject.task, feature_map, subject.dataset, questions, batch_size, "heat maps", folder=Path(config.cache_folder)
    )
    controls = _controls(config, subject, run, feature_map, to_score)
    table = table_of_maps(subject, feature_map.grid, cases, scores, cells, controls, config.tolerance_mm)

    are_labels_known = cohort.part(config.part).labels.is_file()
    if not are_labels_known:  # the catalog's zeros stand for nothing
        table["labelled"] = np.nan
    written = [write_table(folder, table)]
    note = f"Grad-CAM of {run.name} at {_described(feature_map, subject.preparation.image_size)}.   + maximum"
    maps, views = len(cells[cases[0].question]), cases[0].views
    if maps < views:
        shared = f"The net joins the views early: {maps} map{'s' if maps > 1 else ''} for {views} views."
        say(shared)
        note += f"   {shared}"
    for patient in dict.fromkeys(case.patient for case in to_draw):
        title = patient_title(subject, patient, are_labels_known)
        own = [case for case in to_draw if case.patient == patient]
        outlined = (
            "   outlined: aneurysms that the view shows, dotted those without the label"
            if patient in subject.truths
            else ""
        )
        written += write_patient(folder, subject, feature_map.grid, own, scores, cells, title, note + outlined)
    record = write_record(
        folder,
        "explain",
        run.name,
        checkpoint=str(run.checkpoint),
        cohort={"name": cohort.name, "path": str(cohort.path), "part": config.part},
        layer=feature_map.name,
        cells=feature_map.side,
        maps=len(table),
        seconds=round(time.monotonic() - started, 1),
        scores=_scores(config, subject, table, len(controls)),
    )
    say_written([*written, record])


def _check_numbers(config: Config) -> None:
    for name, least in (("drawn", 1), ("controls", 0), ("batch_size", 1), ("draws", 1), ("seed", 0)):
        whole(name, config[name], least)
    share("level", config.level)
    tolerance = config.tolerance_mm
    if not isinstance(tolerance, int | float) or isinstance(tolerance, bool) or not tolerance >= 0:
        raise ConfigError(f"tolerance_mm is {tolerance!r}. Give it a number of at least 0.")
    for name in ("patients", "labels", "views"):
        if config[name] is not None and not listed(name, config[name]):
            raise ConfigError(f"{name} is empty. Name some, such as {name}=[...], or leave it out.")


def _run_and_cohort(config: Config) -> "tuple[TrainingRun, CohortFolder]":
    from kium_lightning.data.cohort import Cohort, FolderCohort
    from kium_lightning.tasks.training_runs import find_training

    source = config.run if config.run is not None else str(newest_run(outputs_dir(), "train").folder)
    run = find_training(source, outputs_dir())
    if config.get("cohort") is not None:
        cohort: Cohort = build(config.cohort)
        return run, cohort.ensure()
    if run.record is None:
        raise RunError(
            f"{run.checkpoint} does not say which patients it was trained on. Name its run's folder, or a cohort such "
            "as cohort=kium cohort.folder=PATH."
        )
    trained_on = run.record.facts["cohort"]
    return run, FolderCohort(trained_on["path"], trained_on["name"]).ensure()


def _subject(config: Config, run: "TrainingRun", cohort: "CohortFolder") -> "Subject":
    from kium_lightning.data.catalog import read_catalog
    from kium_lightning.ensemble.engines import find_device
    from kium_lightning.saliency.subject import Subject
    from kium_lightning.tasks.checkpoint import load_task
    from kium_lightning.tasks.classification import Classification

    device = find_device(config.device)
    loaded = load_task(run.checkpoint)
    if not isinstance(loaded.task, Classification):
        raise RunError(f"{run.checkpoint} holds a net that scores no labels. Name another run.")
    part = cohort.part(config.part)
    catalog = read_catalog(part.images, part.labels if part.labels.is_file() else part.table, config.on_fault)
    if config.patients is not None:
        catalog = catalog.subset(whole("patients", patient, 0) for patient in listed("patients", config.patients))
    return Subject(
        loaded.task.to(device),
        loaded.preparation,
        catalog,
        cohort.truth / config.part,
        Path(config.cache_folder),
    )


def _cases(config: Config, subject: "Subject", scores: NDArray[np.float64]) -> "tuple[list[Case], list[Case]]":
    """What to draw, and what can be scored."""
    from kium_lightning.saliency.cases import chosen_labels, patients_to_draw, telling_labels

    rows, patients = subject.task.rows, subject.catalog.patients
    views = _views(listed("views", config.views), subject)
    wanted = chosen_labels(rows.label_names, listed("labels", config.labels))
    by_patient = scores.reshape(len(patients), len(rows.samples), -1)
    labels = subject.dataset.labels.reshape(by_patient.shape)
    telling = {
        patient: wanted or telling_labels(labels[place], by_patient[place]) for place, patient in enumerate(patients)
    }
    shown: Sequence[int] = patients
    if config.patients is None:
        shown = patients_to_draw(patients, rows.unfold_scores(by_patient), config.drawn)
    to_draw = subject.cases({patient: telling[patient] for patient in shown}, views)
    every = wanted or range(len(rows.label_names))
    known = subject.cases(dict.fromkeys(subject.truths, every), views)
    return to_draw, [case for case in known if subject.can_score(case)]


def _views(codes: Sequence[str], subject: "Subject") -> "list[View] | None":
    """The views with these codes; None, which is all, where none is named."""
    from kium_lightning.data.rows import chosen_views

    if not codes:
        return None
    seen = list(dict.fromkeys(view.code for sample in subject.task.rows.samples for view in sample.views))
    unseen = [code for code in codes if code not in seen]
    if unseen:
        raise ConfigError(f"The net looks at no view {unseen[0]}. Choose views from {', '.join(seen)}.")
    return list(chosen_views(codes))


def _controls(
    config: Config, subject: "Subject", run: "TrainingRun", feature_map: "FeatureMap", cases: "Sequence[Case]"
) -> "list[Cells]":
    """The cells of nets with random weights."""
    from kium_lightning.saliency.grad_cam import Evidence
    from kium_lightning.saliency.running import cells_of, feature_map_of, rows_at_once
    from kium_lightning.tasks.checkpoint import untrained_task
    from kium_lightning.tasks.classification import Classification

    questions = list(dict.fromkeys(case.question for case in cases))
    batch_size = rows_at_once(subject.task, config.batch_size)
    cells = []
    for number in range(config.controls if questions else 0):
        task = untrained_task(run.checkpoint, config.seed + number).to(subject.task.device)
        assert isinstance(task, Classification)  # as the trained one
        same = feature_map_of(task, subject.dataset, feature_map.name)
        what = f"heat maps of random weights {number + 1}"
        cells.append(
            cells_of(
                task, same, subject.dataset, questions, batch_size, what, Evidence.EITHER, Path(config.cache_folder)
            )
        )
    return cells


def _described(feature_map: "FeatureMap", image_size: int) -> str:
    return (
        f"{feature_map.name}, {feature_map.side} x {feature_map.side} cells, one every {feature_map.grid.step:g} of "
        f"{image_size} px"
    )


def _scores(config: Config, subject: "Subject", table: "pd.DataFrame", controls: int) -> dict[str, Any] | None:
    """Prints and returns how well the maps point at aneurysms; None where that is not known."""
    from kium_lightning.saliency.scores import score_table, summarize

    if "pointing" not in table:
        if not subject.truths:
            what = "No truth is known"
        elif any(truth.lacks_outlines for truth in subject.truths.values()):
            what = "The truth of these patients lacks the outlines of aneurysms, which cohort.truth=masks writes"
        else:
            what = "No view of these patients shows an aneurysm with these labels"
        say(f"{what}: the heat maps are not scored.")
        return None
    scored = table.dropna(subset=["pointing"])
    lines = summarize(scored, config.level, config.draws, config.seed)
    show(score_table(lines, config.level))
    sentence = (
        f"{len(scored)} maps of {scored['Index'].nunique()} patients whose views show an aneurysm with the label. "
        f"Pointing game: the maximum lies at most {config.tolerance_mm:g} mm from the aneurysm. Energy inside: the "
        f"share of the map within its outline. Random weights: the mean of {controls} nets. "
        f"{int((scored['maximum'] <= 0).sum())} maps of the trained net hold no evidence and count as chance."
    )
    say(textwrap.fill(sentence, _TEXT_WIDTH))
    return {"maps": len(scored), "patients": int(scored["Index"].nunique())} | {
        line.name: {"pointing": vars(line.pointing), "energy": vars(line.energy)} for line in lines
    }


main = verb("explain")(explain)

if __name__ == "__main__":
    main()
