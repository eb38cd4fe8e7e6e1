"""Views of patients that a net learnt from, to see on them what lower precision changes."""

from pathlib import Path

import numpy as np
import torch

from kium_lightning.anatomy import View
from kium_lightning.data.catalog import read_catalog
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.cohort import CohortFolder
from kium_lightning.data.transforms import Preparation
from kium_lightning.ensemble.engines import PixelBatch
from kium_lightning.ensemble.members import Member
from kium_lightning.errors import RunError
from kium_lightning.images.cleaning import clean_view
from kium_lightning.images.reading import read_grey

_PATIENTS = 16  # four views each; the ranges of activations are stable from a few dozen views on
_ORDER = {view: place for place, view in enumerate(View)}


def training_views(
    member: Member, preparation: Preparation, cache_folder: Path | None
) -> tuple[PixelBatch, PixelBatch]:
    """Reads the views of some patients that all nets of a member learnt from, spread over the cohort.

    Args:
        member: whose nets know their runs.
        preparation: of its nets.
        cache_folder: where it is remembered what cleaning found; None looks again.

    Returns:
        Two batches of four views for each of up to 8 patients: to calibrate on, and to see the difference on. One
        patient alone is in both.

    Raises:
        RunError: a net is a bare checkpoint, or no patient was learnt from by all nets.
        CohortError: the cohort is not where it was.
    """
    runs = [net.known for net in member.nets]
    shared = sorted(set.intersection(*(net.trained_on() for net in member.nets))) or sorted(member.nets[0].trained_on())
    cohort = CohortFolder(Path(runs[0].facts["cohort"]["path"]), runs[0].facts["cohort"]["name"])
    catalog = read_catalog(cohort.train_set, cohort.train_csv, "drop", images="listed")
    able = [
        patient for patient in shared if all((patient, view) in catalog.images for view in member.circulation.views)
    ]
    if not able:
        raise RunError(
            f"None of the patients that {member.name} learnt from has its four views in {cohort.train_set} any more. "
            "Put the images back, or choose predictor.precision=float32."
        )
    places = np.unique(np.linspace(0, len(able) - 1, min(_PATIENTS, len(able))).round().astype(int))
    cleaned = None if cache_folder is None else CleanedViews(cache_folder)

    def batch(patients: list[int]) -> PixelBatch:
        keys = [(patient, view) for patient in patients for view in member.circulation.views]
        pictures = []
        for key in keys:
            path = catalog.images[key]
            clean = clean_view(read_grey(path)).image if cleaned is None else cleaned.read(path)
            pictures.append(preparation.after_cleaning(clean, key[1]))
        return single_views(torch.from_numpy(np.stack(pictures)), [view for _, view in keys])

    chosen = [able[place] for place in places]
    return batch(chosen[::2]), batch(chosen[1::2] or chosen)


def single_views(pixels: torch.Tensor, views: list[View]) -> PixelBatch:
    """Puts pictures (B, S, S) of single views and their names into the form that engines take."""
    return {
        "pixels": pixels.unsqueeze(1),
        "view": torch.tensor([[_ORDER[view]] for view in views], device=pixels.device),
        "present": torch.ones(len(views), 1, dtype=torch.bool, device=pixels.device),
    }
