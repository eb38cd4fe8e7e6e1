"""A trained net and the patients on whom it is explained."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from kium_lightning.anatomy import Location, View
from kium_lightning.data.cache import prepared_views
from kium_lightning.data.catalog import Catalog
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.dataset import RowDataset
from kium_lightning.data.transforms import Preparation
from kium_lightning.data.views import row_sources
from kium_lightning.images.box import GreyImage
from kium_lightning.images.reading import read_grey
from kium_lightning.saliency.cases import Case, list_cases, shown_name
from kium_lightning.saliency.placing import Placement, placement
from kium_lightning.saliency.pointing import Mask
from kium_lightning.saliency.truth import PatientTruth
from kium_lightning.tasks.classification import Classification


class Subject:
    """A trained net and patients.

    Args:
        task: with its trained net, in evaluation mode.
        preparation: the steps from a raw view to the net's input.
        catalog: the patients.
        truth_folder: what is known of these patients, if they are phantoms; need not be there.
        cache_folder: where prepared views are kept.

    Attributes:
        names: what the net's labels are called to people.
        dataset: the patients' rows.
        truths: what is known of each patient; empty where nothing is.

    Raises:
        KiumError: an image or the truth cannot be read.
    """

    def __init__(
        self, task: Classification, preparation: Preparation, catalog: Catalog, truth_folder: Path, cache_folder: Path
    ) -> None:
        self.task = task
        self.preparation = preparation
        self.catalog = catalog
        self.names = [shown_name(name) for name in task.rows.label_names]
        sources, positions = row_sources(catalog, task.rows)
        views = prepared_views(sources, preparation, cache_folder)
        self.dataset = RowDataset(catalog, task.rows, views, positions)
        is_known = truth_folder.is_dir()
        self.truths = {patient: PatientTruth(truth_folder, patient) for patient in catalog.patients if is_known}
        self._cleaned = CleanedViews(cache_folder)

    def cases(self, labels: Mapping[int, Sequence[int]], views: Iterable[View] | None) -> list[Case]:
        """Lists the heat maps of patients, see ``list_cases``."""
        return list_cases(self.catalog, self.task.rows, labels, views)

    def can_score(self, case: Case) -> bool:
        """Whether it is known that the view shows an aneurysm with the label, and where."""
        truth = self.truths.get(case.patient)
        return truth is not None and truth.shows(case.view, case.locations)

    def original(self, case: Case) -> tuple[GreyImage, Placement]:
        """The file of a case, (H, W) grey values, and where in it lies what the net saw."""
        image = read_grey(case.path)
        picture = self._cleaned.view(case.path).record.picture_box
        return image, placement(image.shape, picture, case.window, self.preparation, case.view)

    def outline(self, case: Case, shape: tuple[int, ...]) -> Mask:
        """The aneurysms with the label that the view shows, (H, W) of its file; none where nothing is known."""
        return self._outline(case, case.locations, shape)

    def other_outline(self, case: Case, shape: tuple[int, ...]) -> Mask:
        """The aneurysms that the view shows but that do not set its label, (H, W)."""
        return self._outline(case, frozenset(Location) - case.locations, shape)

    def _outline(self, case: Case, locations: frozenset[Location], shape: tuple[int, ...]) -> Mask:
        truth = self.truths.get(case.patient)
        return np.zeros(shape, np.bool_) if truth is None else truth.outline(case.view, locations, shape)
