"""The trainings of one recipe on the folds of one split."""

import hashlib
import json
from pathlib import Path
from typing import Any

from kium_lightning.records import Record, finished_runs

# What a training does not depend on, or, as its fold, what tells the trainings of one recipe apart.
_OF_THE_MACHINE = {
    "data": ("cohort", "fold", "workers", "cache_folder", "split_file"),
    "trainer": ("default_root_dir", "accelerator", "enable_progress_bar"),
}
_OF_ITS_FOLDER = ("dirpath", "verbose", "leave")  # of callbacks
_OF_WEIGHTS = ("source", "name")  # the checkpoint differs where each fold starts from one of its own


def recipe_digest(settings: dict[str, Any], weights: dict[str, str], labels: Path) -> str:
    """A hash that is equal for trainings that differ at most in their fold, their machine and where they write.

    Args:
        settings: the resolved configuration of a training.
        weights: which weights its net truly started from.
        labels: the csv file of its patients' labels, whose content counts.
    """
    parts: dict[str, Any] = {name: settings[name] for name in ("model", "seed")}
    for name, left_out in _OF_THE_MACHINE.items():
        parts[name] = {key: value for key, value in settings[name].items() if key not in left_out}
    parts["callbacks"] = {
        name: {key: value for key, value in callback.items() if key not in _OF_ITS_FOLDER}
        for name, callback in settings["callbacks"].items()
        if callback is not None and name != "progress"
    }
    parts["weights"] = {key: value for key, value in weights.items() if key in _OF_WEIGHTS}
    parts["labels"] = hashlib.blake2b(labels.read_bytes(), digest_size=8).hexdigest()
    return hashlib.blake2b(json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=8).hexdigest()


def fold_runs(record: Record, outputs: Path) -> dict[int, Record]:
    """Finds the trainings of the same recipe on the other folds of the same split.

    Args:
        record: of a training.
        outputs: below it runs are looked for.

    Returns:
        By fold the newest finished training of the recipe, in the order of the folds; for the record's own fold the
        record itself.
    """
    own = int(record.facts["split"]["fold"])
    found = {own: record}
    for other in finished_runs(outputs, "train", record.name):
        fold = int(other.facts["split"]["fold"])
        if fold not in found and recipe_key(other) == recipe_key(record):
            found[fold] = other
    return dict(sorted(found.items()))


def recipe_key(record: Record) -> tuple[str, ...]:
    """What the trainings of one recipe on the folds of one split have in common, and no others."""
    facts = record.facts
    # A record without a recipe, of an older version, is like no other.
    recipe = str(facts.get("recipe", record.folder))
    return record.name, recipe, str(facts["cohort"]["path"]), str(facts["split"]["digest"])
