"""python -m kium_lightning.evaluate: scores output.csv against the ground truth."""

import textwrap
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kium_lightning.console import say, say_written, show
from kium_lightning.errors import ConfigError, RunError
from kium_lightning.files import write_json, write_text
from kium_lightning.numbers import share, whole
from kium_lightning.records import Record, newest_run, read_record, write_record
from kium_lightning.settings import Config, outputs_dir, verb

if TYPE_CHECKING:
    from kium_lightning.ensemble.thresholds import Thresholds
    from kium_lightning.report.context import Context
    from kium_lightning.report.reading import Judged

_TEXT_WIDTH = 100
_MOST_WORST = 8  # of each kind, or the page would be too large to open on a phone


@dataclass(frozen=True)
class Prediction:
    """The files of what is to be evaluated.

    Attributes:
        answer: ``output.csv``.
        scores: the scores it was made from; None for an answer file of unknown origin.
        thresholds: the table it was made with, likewise.
        record: of the predict run, likewise.
    """

    answer: Path
    scores: Path | None = None
    thresholds: Path | None = None
    record: Record | None = None


def evaluate(config: Config) -> None:
    """Evaluates as the config says; prints tables and writes JSON, a page, a model card and a record.

    Raises:
        KiumError: the answer or the ground truth is missing or not in its form, or they are of different patients.
    """
    from kium_lightning.report.context import Source
    from kium_lightning.report.evaluation import evaluate_answer
    from kium_lightning.report.gathering import origin_of, training_prevalence
    from kium_lightning.report.model_card import model_card
    from kium_lightning.report.page import evaluation_page
    from kium_lightning.report.provenance import shown_path
    from kium_lightning.report.reading import read_judged
    from kium_lightning.report.tables import headline_table, location_table
    from kium_lightning.report.words import against_verdict, brier_verdict, notes, presence_verdict, verdict

    started = time.monotonic()
    _check(config)
    folder = Path(config.folder).expanduser().resolve()
    prediction = find_prediction(config.predictions)
    groundtruth = find_groundtruth(config.groundtruth, prediction)
    say(f"answer: {prediction.answer}")
    say(f"ground truth: {groundtruth}")
    judged = read_judged(prediction.answer, groundtruth, prediction.scores)
    origin = origin_of(prediction.record)
    evaluation = evaluate_answer(
        judged, config.level, config.draws, config.seed, config.least_positives, training_prevalence(origin)
    )
    context = _context(config, judged, groundtruth, prediction, started)

    show(location_table(evaluation))
    show(headline_table(evaluation, context.probe, context.against))
    said = [presence_verdict(evaluation), verdict(evaluation), brier_verdict(evaluation)]
    said += [] if context.against is None else [against_verdict(evaluation, context.against)]
    for sentence in (*context.warnings, *said, *notes(evaluation)):
        say(textwrap.fill(sentence, _TEXT_WIDTH))

    source = Source(
        "" if origin is None else origin.cohort.name,
        Path(shown_path(prediction.answer, outputs_dir())),
        Path(shown_path(groundtruth, outputs_dir())),
        f"{datetime.now():%Y-%m-%d %H:%M}",
        _thresholds(prediction),
    )
    numbers, page, card = (folder / name for name in ("evaluation.json", "evaluation.html", "model_card.md"))
    written = [numbers, page]
    facts = {"answer": str(prediction.answer), "groundtruth": str(groundtruth)}
    table = None if source.thresholds is None else source.thresholds.as_dict()
    write_json(numbers, {**facts, "thresholds": table, **evaluation.as_json(), **context.as_json()})
    write_text(page, evaluation_page(judged, evaluation, source, context))
    if context.provenance is not None and context.provenance.nets:
        write_text(card, model_card(evaluation, source, context))
        written.append(card)
    record = write_record(
        folder,
        "evaluate",
        **facts,
        patients=evaluation.patients,
        auroc=evaluation.auroc.value,
        location_accuracy=evaluation.location_accuracy.value,
        all_zero_accuracy=evaluation.all_zero_accuracy,
        seconds=round(time.monotonic() - started, 1),
    )
    say_written([*written, record])


def _check(config: Config) -> None:
    share("level", config.level)
    for name, least in (("draws", 1), ("seed", 0), ("least_positives", 1)):
        whole(name, config[name], least)
    whole("worst", config.worst, 0, _MOST_WORST)
    for name, choices in (("heat_maps", ("worst", "none")), ("probe", ("metadata", "none"))):
        if config[name] not in choices:
            raise ConfigError(f"{name}={config[name]} is no choice. Choose {' or '.join(choices)}.")


def _context(config: Config, judged: "Judged", groundtruth: Path, prediction: Prediction, started: float) -> "Context":
    """Collects what stands beside the numbers; what cannot be had is left out with its reason."""
    from kium_lightning.report.audited import newest_audit
    from kium_lightning.report.context import Context
    from kium_lightning.report.draws import Draws
    from kium_lightning.report.gathering import NO_PROBE_WANTED, known_sizes, origin_of, probe_scores, warnings_of
    from kium_lightning.report.paired import compare_answers, judge_probe
    from kium_lightning.report.pictures import draw_pictures
    from kium_lightning.report.provenance import provenance_of, shown_hardware, shown_path, shown_revision
    from kium_lightning.report.reading import read_judged
    from kium_lightning.report.sizes import sensitivity_by_size
    from kium_lightning.report.worst import Pictures, find_worst
    from kium_lightning.tracking.provenance import code_revision, hardware, versions

    outputs, cache, origin = outputs_dir(), Path(config.cache_folder), origin_of(prediction.record)
    draws = Draws(len(judged.patients), config.level, config.draws, config.seed)
    against = None
    if config.against is not None:
        other = find_prediction(config.against, "against")
        name = shown_path(other.answer, outputs)
        against = compare_answers(
            judged,
            read_judged(other.answer, groundtruth, other.scores),
            name,
            draws,
            config.seed,
            config.least_positives,
        )
    aneurysms, no_sizes = known_sizes(origin, judged.patients)
    is_probed = config.probe == "metadata"
    probed, learned, no_probe = (
        probe_scores(origin, judged.patients, cache) if is_probed else (None, 0, NO_PROBE_WANTED)
    )
    worst = find_worst(judged, config.worst)
    pictures = Pictures(notes=["The images of these patients are not known."])
    if origin is not None:
        nets = origin.members if config.heat_maps == "worst" else ()
        part = origin.cohort.part(origin.part)
        pictures = draw_pictures(part, worst.patients, cache, nets, origin.truth, config.device)
    provenance = None
    if prediction.record is not None:
        own = (
            ("code that evaluated", shown_revision(code_revision())),
            ("hardware that evaluated", shown_hardware(hardware())),
            ("versions that evaluated", ", ".join(" ".join(pair) for pair in versions().items())),
            ("intervals", f"level {config.level:g}, {config.draws} drawn cohorts, seed {config.seed}"),
            ("evaluation took", f"{time.monotonic() - started:.1f} s"),
        )
        provenance = provenance_of(prediction.record, outputs, own)
    because = {"sizes": no_sizes, "probe": no_probe}
    return Context(
        sizes=None if aneurysms is None else sensitivity_by_size(judged, aneurysms, config.level),
        probe=None if probed is None else judge_probe(judged, probed, learned, draws, config.least_positives),
        worst=worst,
        pictures=pictures,
        audited=None if origin is None else newest_audit(outputs, origin.cohort.path),
        against=against,
        provenance=provenance,
        warnings=warnings_of(origin),
        because={part: reason for part, reason in because.items() if reason is not None},
    )


def find_prediction(predictions: str | None, key: str = "predictions") -> Prediction:
    """Finds the files of a prediction.

    Args:
        predictions: a predict run's folder or an answer file; None for the newest finished predict run.
        key: the setting that names it, for the message.

    Raises:
        RunError: there is no such run or file.
    """
    from kium_lightning.ensemble.answer import ANSWER_NAME, SCORES_NAME, THRESHOLDS_NAME

    if predictions is None:
        record = newest_run(outputs_dir(), "predict")
    else:
        path = Path(predictions).expanduser().absolute()
        if path.is_file():
            return Prediction(path)
        if not path.is_dir():
            raise RunError(f"There is no {path}. Give {key}= a predict run's folder or an answer file.")
        record = read_record(path)
    if record.verb != "predict":
        raise RunError(f"{record.folder} is the folder of a {record.verb} run. Give {key}= a predict run's folder.")
    folder = record.folder
    thresholds = folder / THRESHOLDS_NAME
    return Prediction(folder / ANSWER_NAME, folder / SCORES_NAME, thresholds if thresholds.is_file() else None, record)


def find_groundtruth(groundtruth: str | None, prediction: Prediction) -> Path:
    """Finds the labels that an answer is compared with: those given, else those that the predict run names.

    Raises:
        RunError: none are given and none are named.
    """
    if groundtruth is not None:
        return Path(groundtruth).expanduser().absolute()
    named = None if prediction.record is None else prediction.record.facts.get("groundtruth")
    if named is None:
        raise RunError(
            f"The truth about the patients of {prediction.answer} is not known. Give a csv file of their labels as "
            "groundtruth=PATH."
        )
    return Path(named)


def _thresholds(prediction: Prediction) -> "Thresholds | None":
    from kium_lightning.ensemble.thresholds import Thresholds

    return None if prediction.thresholds is None else Thresholds.load(prediction.thresholds)


main = verb("evaluate")(evaluate)

if __name__ == "__main__":
    main()
