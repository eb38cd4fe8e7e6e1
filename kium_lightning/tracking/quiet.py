"""Keeping a training's terminal to what concerns its user."""

import logging
import warnings

# Advice that does not apply here, and notes from one library to another.
_IRRELEVANT = (
    r".*`isinstance\(treespec, LeafSpec\)` is deprecated.*",
    r".*does not have many workers.*",
    r".*module\(s\) in eval mode at the start of training.*",  # a net that keeps a part of itself frozen
    r".*smaller than the logging interval.*",  # the epoch's mean is logged all the same
    r".*Starting from v1\.9\.0, `tensorboardX` has been removed.*",
)


def quieten_libraries() -> None:
    """Leaves Lightning's warnings but not its notes, each printed once, and hides warnings that concern no user."""
    for name in ("lightning.pytorch", "lightning.fabric"):
        logger = logging.getLogger(name)
        logger.handlers.clear()  # Hydra's handler prints them too
        logger.setLevel(logging.WARNING)
    for message in _IRRELEVANT:
        warnings.filterwarnings("ignore", message=message)
