"""What the phantom verb can do, and how a plain word on the command line chooses it."""

import re
from collections.abc import Sequence

ACTIONS = {
    "cohort": "makes the cohort, unless it is there already",
    "gallery": "writes one PNG with all views of several patients, with and without their truth",
    "statistics": "measures many patients' vessels and holds them against what is known",
    "boxes": "derives where each artery's aneurysms lie in the views, for rule-based crops",
}
_WITH_VALUE = frozenset(  # Hydra's flags whose value is a word of its own
    {"--cfg", "-c", "--package", "-p", "--config-path", "-cp", "--config-name", "-cn", "--config-dir", "-cd"}
    | {"--info", "-i", "--experimental-rerun"}
)
_WORD = re.compile(r"[A-Za-z_]\w*")


def with_action(arguments: Sequence[str]) -> list[str]:
    """Turns the first plain word of a command line into an override; the rest is Hydra's.

    >>> with_action(["gallery", "cohort.seed=4"])
    ['action=gallery', 'cohort.seed=4']
    >>> with_action(["--cfg", "job"])
    ['--cfg', 'job']
    """
    turned = list(arguments)
    for place, argument in enumerate(arguments):
        follows_flag = place > 0 and arguments[place - 1] in _WITH_VALUE
        if _WORD.fullmatch(argument) and not follows_flag:
            turned[place] = f"action={argument}"
            break
    return turned
