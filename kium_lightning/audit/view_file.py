"""One image file of a cohort, and where it stands in it."""

from pathlib import Path
from typing import NamedTuple

from kium_lightning.anatomy import View


class Owner(NamedTuple):
    """A patient as filed: two parts of a cohort may use one ``Index``.

    Attributes:
        part: ``train_set`` or ``test_set``.
        patient: the ``Index``.
    """

    part: str
    patient: int


class ViewFile(NamedTuple):
    """An image file.

    Attributes:
        owner: whose it is said to be.
        view: what it is said to show.
        path: the file.
    """

    owner: Owner
    view: View
    path: Path

    @property
    def name(self) -> str:
        """The patient and the view, such as ``1001 LI-A``."""
        return f"{self.owner.patient} {self.view.code}"
