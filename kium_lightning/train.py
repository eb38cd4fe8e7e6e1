"""python -m kium_lightning.train: trains one net by the name of a recipe."""

import math
import time
from pathlib import Path
from typing import Any

from kium_lightning.console import say, say_written
from kium_lightning.errors import RunError
from kium_lightning.records import RECORD_NAME, read_record, write_record
from kium_lightning.settings import Config, build, outputs_dir, overrides, plain, sweep_name, verb


def train(config: Config) -> float:
    """Trains as the config says and leaves checkpoints, tables, a picture and a record in ``config.folder``.

    Returns:
        The watched score of the best epoch on the patients who choose it, for sweeps.

    Raises:
        KiumError: whatever is wrong with the data, the weights or the configuration.
    """
    # Heavy imports wait until they are needed, so that --help and --cfg answer at once.
    import lightning as L
    import torch.utils.deterministic

    from kium_lightning.data.datamodule import Angiograms
    from kium_lightning.memory import keep_freed_memory
    from kium_lightning.tasks.checkpoint import Describe, load_task
    from kium_lightning.tasks.starting import start_net
    from kium_lightning.tasks.task import Task
    from kium_lightning.tasks.training_runs import find_training
    from kium_lightning.tracking.out_of_fold import write_out_of_fold
    from kium_lightning.tracking.quiet import quieten_libraries
    from kium_lightning.tracking.reports import report_held_out
    from kium_lightning.tracking.weights_and_biases import finish_wandb

    started = time.monotonic()
    quieten_libraries()
    keep_freed_memory()
    folder = Path(config.folder).expanduser().resolve()
    resume = None if config.resume is None else Path(config.resume).expanduser().absolute()
    # A file that is missing or foreign is told before the data are prepared.
    resumed = None if resume is None else load_task(resume)
    if resumed is None and config.model.start_from is not None:
        find_training(str(config.model.start_from), outputs_dir())
    data: Angiograms = build(config.data)
    data.prepare_data()
    data.setup("fit")
    if resumed is not None and resumed.held_out != data.held_out:
        raise RunError(
            f"{resume} held out other patients than this run would. Give the cohort, data.fold and "
            "data.split_file that it was trained with."
        )
    settings = plain(config)
    model = _with_label_weights(settings["model"], data)
    # Only now: whether a cohort was made or found must not change the net's random weights.
    L.seed_everything(config.seed, workers=True, verbose=False)
    # With trainer.deterministic torch would also fill all new memory, up to 5 % of a step, for who reads it unwritten.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    task: Task = build(model)
    weights: dict[str, str] = dict(getattr(task.net, "weights_record", {}))
    if resumed is not None:
        weights = resumed.weights
    elif task.start_from is not None:
        weights = start_net(task.net, task.start_from, outputs_dir(), data.held_out, data.preparation)
    describe = Describe(model, data.preparation.plain(), weights, data.held_out)
    facts = _facts(config, settings, data, weights)
    try:
        loggers = [build(node) for node in config.logger.values() if node is not None]
        for logger in loggers:
            logger.log_hyperparams(settings | {"run": facts})
        callbacks = [build(node) for node in config.callbacks.values() if node is not None]
        trainer: L.Trainer = build(config.trainer, logger=loggers, callbacks=[describe, *callbacks])
        try:
            trainer.fit(task, datamodule=data, ckpt_path=resume, weights_only=True)
        except SystemExit as error:  # how Lightning ends on a signal
            last = folder / "checkpoints" / "last.ckpt"
            raise RunError(f"Training was stopped from outside. Go on with resume={last}, if it is there.") from error
        best = Path(trainer.checkpoint_callback.best_model_path)  # type: ignore[union-attr]
        if not best.is_relative_to(folder):
            raise RunError(f"{resume} has been trained for all epochs. Set trainer.max_epochs higher.")
        score = _best_score(trainer)
        results = trainer.test(task, datamodule=data, ckpt_path=str(best), weights_only=True, verbose=False)[0]
        written = report_held_out(task, data, folder, trainer)
    except BaseException:
        finish_wandb(failed=True)
        raise
    finish_wandb()
    write_record(
        folder,
        "train",
        config.name,
        checkpoint=str(best.relative_to(folder)),
        monitor=task.monitor,
        score=score,
        parameters=sum(parameter.numel() for parameter in task.net.parameters()),
        held_out={name.removeprefix("held_out/"): value for name, value in results.items()},
        epochs=trainer.current_epoch,
        seconds=round(time.monotonic() - started, 1),
        **facts,
    )
    judged = task.monitor.replace("val/", "held_out/")
    say(f"{config.name}: {judged} {results[judged]:.4f} on fold {data.fold} ({data.split.path})")
    if math.isnan(score):
        say(
            f"{task.monitor} cannot be known: the patients who choose the epoch are all alike in these labels. So "
            "best.ckpt holds the first epoch. Choose another data.fold, or take last.ckpt."
        )
    try:
        collected = write_out_of_fold(read_record(folder), outputs_dir())
    except RunError as error:  # another fold's damage must not fail this training
        collected = None
        say(f"The folds' held-out scores were not put together: {error}")
    say_written([best, *written, *([collected] if collected else []), folder / RECORD_NAME])
    return score


def _best_score(trainer: Any) -> float:
    """The watched score of the best epoch; NaN where it cannot be known, for which Lightning writes an infinity."""
    best = trainer.checkpoint_callback.best_model_score
    return float(best) if best is not None and math.isfinite(best) else math.nan


def _with_label_weights(model: dict[str, Any], data: Any) -> dict[str, Any]:
    """Fills ``positive_weights: auto`` from the training labels, so that the checkpoint holds numbers."""
    from kium_lightning.losses.bce import positive_weights

    loss = model["loss"]
    if loss.get("positive_weights") != "auto":
        return model
    return {**model, "loss": {**loss, "positive_weights": positive_weights(data.training.labels)}}


def _facts(config: Config, settings: dict[str, Any], data: Any, weights: dict[str, str]) -> dict[str, Any]:
    from kium_lightning.tasks.fold_runs import recipe_digest
    from kium_lightning.tracking.provenance import code_revision, hardware, versions

    return {
        "revision": code_revision(),
        "overrides": overrides(),
        "sweep": sweep_name(),
        "seed": config.seed,
        "rows": data.rows.plain(),
        "question": data.rows.question,
        "recipe": recipe_digest(settings, weights, data.folder.train_csv),
        "cohort": {"name": data.folder.name, "path": str(data.folder.path)},
        "split": {
            "path": str(data.split.path),
            "digest": data.split.digest,
            "fold": data.fold,
            "validation": data.validation_by,
        },
        "patients": {
            "training": len(data.training.patients),
            "validation": len(data.validation.patients),
            "held_out": len(data.held_out_rows.patients),
        },
        "weights": weights,
        "versions": versions(),
        "hardware": hardware(),
    }


main = verb("train")(train)

if __name__ == "__main__":
    main()
