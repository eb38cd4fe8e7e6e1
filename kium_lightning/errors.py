"""One exception per kind of trouble; each message is a clear sentence or two: what, where, remedy."""


class KiumError(Exception):
    """Trouble that a user can mend; its message is shown without a traceback."""


class ConfigError(KiumError):
    """The configuration asks for something that does not exist or does not fit together."""


class SettingError(ConfigError):
    """One setting of a node does not fit.

    Args:
        key: its key inside the node.
        fault: how it does not fit and what to do: "is 1.4. Give it a number from 0 to 1."
    """

    def __init__(self, key: str, fault: str) -> None:
        super().__init__(key, fault)
        self.key, self.fault = key, fault

    def __str__(self) -> str:
        return f"{self.key} {self.fault}"

    def inside(self, node: str) -> "SettingError":
        """The same fault with the key as a user writes it, for a node such as ``cohort.film``."""
        return SettingError(f"{node}.{self.key}" if node else self.key, self.fault)


class CohortError(KiumError):
    """The images or labels on disk are not a cohort in the challenge's form."""


class ImageError(KiumError):
    """An image cannot be read or is not an angiogram's view."""


class SplitError(KiumError):
    """A split file does not fit its catalog, or patients would leak between parts."""


class WeightsError(KiumError):
    """Weights cannot be had, or do not fit the net."""


class RunError(KiumError):
    """A training run, a checkpoint or a table written by one is missing, unfinished or does not fit."""


class ThresholdError(KiumError):
    """A threshold table is missing, incomplete or unreadable."""
