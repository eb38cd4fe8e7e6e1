"""python -m kium_lightning.evaluate: scores output.csv against the ground truth."""

import textwrap
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kium_lightning.console import say, say_written, show
from kium_lightning.errors import RunError
from kium_lightning.files import write_json, write_text
from kium_lightning.numbers import share, whole
from kium_lightning.records import Record, newest_run, read_record, write_record
from kium_lightning.settings import Config, outputs_dir, verb

if TYPE_CHECKING:
    from kium_lightning.ensemble.thresholds import Thresholds

_TEXT_WIDTH = 100


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
    """Evaluates as the config says; prints tables and writes ``evaluation.json``, ``evaluation.html`` and a record.

    Raises:
        KiumError: the answer or the ground truth is missing or not in its form, or they are of different patients.
    """
    from kium_lightning.report.evaluation import evaluate_answer
    from kium_lightning.report.page import Source, evaluation_page
    from kium_lightning.report.reading import read_judged
    from kium_lightning.report.tables import headline_table, location_table, notes, verdict

    level, draws, seed = share("level", config.level), whole("draws", config.draws, 1), whole("seed", config.seed, 0)
    folder = Path(config.folder).expanduser().resolve()
    prediction = find_prediction(config.predictions)
    groundtruth = find_groundtruth(config.groundtruth, prediction)
    say(f"answer: {prediction.answer}")
    say(f"ground truth: {groundtruth}")
    judged = read_judged(prediction.answer, groundtruth, prediction.scores)
    evaluation = evaluate_answer(judged, level, draws, seed)

    show(location_table(evaluation))
    show(headline_table(evaluation))
    for sentence in (verdict(evaluation), *notes(evaluation)):
        say(textwrap.fill(sentence, _TEXT_WIDTH))

    cohort = {} if prediction.record is None else prediction.record.facts.get("cohort", {})
    source = Source(
        str(cohort.get("name", "")),
        prediction.answer,
        groundtruth,
        f"{datetime.now():%Y-%m-%d %H:%M}",
        _thresholds(prediction),
    )
    numbers, page = folder / "evaluation.json", folder / "evaluation.html"
    origin = {"answer": str(prediction.answer), "groundtruth": str(groundtruth)}
    write_json(numbers, {**origin, **evaluation.as_json()})
    write_text(page, evaluation_page(judged, evaluation, source))
    record = write_record(
        folder,
        "evaluate",
        **origin,
        patients=evaluation.patients,
        auroc=evaluation.auroc.value,
        location_accuracy=evaluation.location_accuracy.value,
        all_zero_accuracy=evaluation.all_zero_accuracy,
    )
    say_written([numbers, page, record])


def find_prediction(predictions: str | None) -> Prediction:
    """Finds the files of a prediction.

    Args:
        predictions: a predict run's folder or an answer file; None for the newest finished predict run.

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
            raise RunError(f"There is no {path}. Give predictions= a predict run's folder or an answer file.")
        record = read_record(path)
    if record.verb != "predict":
        raise RunError(
            f"{record.folder} is the folder of a {record.verb} run. Give predictions= a predict run's folder."
        )
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
