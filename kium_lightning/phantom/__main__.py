"""Makes synthetic patients and shows them: python -m kium_lightning.phantom [cohort | gallery | statistics | boxes]."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kium_lightning.console import say_written
from kium_lightning.errors import ConfigError
from kium_lightning.numbers import share, whole
from kium_lightning.phantom.actions import ACTIONS, with_action
from kium_lightning.settings import Config, build, overrides, verb

if TYPE_CHECKING:
    from kium_lightning.phantom.cohort import PhantomCohort

_NOT_OF_WINDOWS = ("action=", "boxes.file=", "boxes.picture=", "boxes.workers=")  # settings that change no window


@verb("phantom")
def main(config: Config) -> None:
    """Does with the chosen cohort what the action says."""
    # Heavy imports wait until they are needed, so that --help and --cfg answer at once.
    from kium_lightning.phantom.cohort import PhantomCohort

    action = str(config.action)
    if action not in ACTIONS:
        raise ConfigError(f"There is no action {action}. Say {', '.join(ACTIONS)}, or nothing to make the cohort.")
    cohort = build(config.cohort)
    if not isinstance(cohort, PhantomCohort):
        raise ConfigError("This cohort is not made but given. Choose one of the phantoms, such as cohort=phantom_demo.")
    if action == "gallery":
        from kium_lightning.phantom import gallery

        gallery.main(cohort, config.gallery.patients, config.gallery.tile_px, Path(config.gallery.file))
        return
    if action == "statistics":
        from kium_lightning.phantom import statistics

        chosen = config.statistics
        seed = whole("statistics.seed", chosen.seed, 0)
        patients = whole("statistics.patients", chosen.patients, 2)
        workers = None if chosen.workers is None else whole("statistics.workers", chosen.workers, 1)
        statistics.main(cohort, seed, patients, Path(chosen.file), workers)
        return
    if action == "boxes":
        _boxes(cohort, config)
        return
    made = cohort.ensure()
    say_written([made.train_set, made.test_set, made.truth])


def _boxes(cohort: "PhantomCohort", config: Config) -> None:
    from kium_lightning.phantom import boxes

    chosen = config.boxes
    picture = Path(chosen.picture).expanduser().absolute()
    if picture.suffix not in boxes.PICTURES:
        raise ConfigError(f"boxes.picture is {chosen.picture}. Let its name end with {' or '.join(boxes.PICTURES)}.")
    workers = None if chosen.workers is None else whole("boxes.workers", chosen.workers, 1)
    seed, patients = whole("boxes.seed", chosen.seed, 0), whole("boxes.patients", chosen.patients, 20)
    tail, margin = share("boxes.tail", chosen.tail), share("boxes.margin", chosen.margin)
    of_result = [each for each in overrides() if not each.startswith(_NOT_OF_WINDOWS)]
    command = " ".join(["python -m kium_lightning.phantom boxes", *of_result])
    file = Path(chosen.file).expanduser().absolute()
    boxes.main(cohort, seed, patients, workers, tail, margin, command, file, picture)


if __name__ == "__main__":
    sys.argv[1:] = with_action(sys.argv[1:])
    main()
