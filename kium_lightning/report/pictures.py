"""The views of chosen patients for a page, and what the presence nets saw in them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import Target, View
from kium_lightning.data.catalog import Catalog, read_catalog
from kium_lightning.data.cleaned import CleanedViews
from kium_lightning.data.cohort import Part
from kium_lightning.errors import KiumError
from kium_lightning.report.thumbnails import heat_thumbnail, thumbnail
from kium_lightning.report.worst import Pictures

_BATCH = 16  # pictures at once
_Key = tuple[int, View]
_Heat = NDArray[np.float32]


def draw_pictures(
    part: Part,
    patients: Sequence[int],
    cache_folder: Path,
    members: Sequence[Mapping[str, Any]],
    truth: Path | None,
    device: str,
) -> Pictures:
    """Draws the eight views of patients, and over them the heat maps of the presence nets.

    What cannot be drawn because images or nets are gone is left out, and the notes say so.

    Args:
        part: where the patients' images and table are.
        patients: whose views.
        cache_folder: where prepared views are kept.
        members: of the ensemble, as a predict run's record lists them; none for no heat maps.
        truth: the folder of what is known of these patients' aneurysms, if it is there.
        device: to run the nets on, see ``find_device``.
    """
    try:
        catalog = read_catalog(part.images, part.table, "mask", images="listed").subset(patients)
        cleaned = CleanedViews(cache_folder)
        clean = {key: cleaned.view(path) for key, path in catalog.images.items()}
    except (KiumError, OSError) as error:
        return Pictures(notes=[f"The views cannot be shown: {first_sentence(error)}"])
    views = {key: thumbnail(view.image) for key, view in clean.items()}
    nets = [member for member in members if member["target"] == Target.BINARY]
    if not nets:
        return Pictures(views)
    try:
        heat, outlines = _heat_maps(catalog, cache_folder, nets, truth, device)
    except (KiumError, OSError) as error:
        return Pictures(views, notes=[f"There are no heat maps: {first_sentence(error)}"])
    maps = {}
    for key, share in heat.items():
        box = clean[key].record.picture_box.slices
        maps[key] = heat_thumbnail(clean[key].image, share[box], outlines[key][box])
    names = ", ".join(dict.fromkeys(str(member["name"]) for member in nets))
    notes = [
        f"Heat maps: Grad-CAM of the presence nets ({names}), averaged where a place has several. The brightest colour "
        "is the most evidence among a circulation's four views of this patient, however little that is: a map says "
        "where a net looked, and not that there is something."
    ]
    if any(outline.any() for outline in outlines.values()):
        notes.append("Outlined: the aneurysms that a view is known to show.")
    return Pictures(views, maps, notes)


def _heat_maps(
    catalog: Catalog, cache_folder: Path, nets: Sequence[Mapping[str, Any]], truth: Path | None, device: str
) -> tuple[dict[_Key, _Heat], dict[_Key, NDArray[np.bool_]]]:
    """The mean heat map of each view over the nets that see it, (H, W) of its file in [0, 1], and the outlines."""
    found: dict[_Key, list[_Heat]] = defaultdict(list)
    outlines: dict[_Key, NDArray[np.bool_]] = {}
    for member in nets:
        maps, known = _maps_of_net(catalog, cache_folder, Path(member["checkpoint"]), truth, device)
        outlines |= known
        for key, heat in maps.items():
            found[key].append(heat)
    return {key: np.mean(maps, axis=0, dtype=np.float32) for key, maps in found.items()}, outlines


def _maps_of_net(
    catalog: Catalog, cache_folder: Path, checkpoint: Path, truth: Path | None, device: str
) -> tuple[dict[_Key, _Heat], dict[_Key, NDArray[np.bool_]]]:
    # Nets are only loaded where there is something to explain.
    from kium_lightning.ensemble.engines import find_device
    from kium_lightning.saliency.running import cells_of, feature_map_of, rows_at_once
    from kium_lightning.saliency.subject import Subject
    from kium_lightning.saliency.table import heat_map
    from kium_lightning.tasks.checkpoint import load_task
    from kium_lightning.tasks.classification import Classification

    loaded = load_task(checkpoint)
    assert isinstance(loaded.task, Classification)  # a member of an ensemble
    task = loaded.task.to(find_device(device)).eval()
    nowhere = cache_folder / "no-truth"
    subject = Subject(task, loaded.preparation, catalog, nowhere if truth is None else truth, cache_folder)
    feature_map = feature_map_of(task, subject.dataset, None)
    cases = subject.cases({patient: [0] for patient in catalog.patients}, None)
    questions = list(dict.fromkeys(case.question for case in cases))
    cells = cells_of(task, feature_map, subject.dataset, questions, rows_at_once(task, _BATCH), "heat maps")
    maps, outlines = {}, {}
    for case in cases:
        image, place = subject.original(case)
        key = case.patient, case.view
        maps[key] = np.nan_to_num(heat_map(cells, case, feature_map.grid, place))
        outlines[key] = subject.outline(case, image.shape) | subject.other_outline(case, image.shape)
    for patient in catalog.patients:
        own = [key for key in maps if key[0] == patient]
        greatest = max((float(maps[key].max()) for key in own), default=0.0)
        if greatest > 0:
            for key in own:
                maps[key] = maps[key] / greatest
    return maps, outlines


def first_sentence(error: Exception) -> str:
    """What an error says, in one line for a page."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{Path(error.filename).name} cannot be read ({error.strerror})."
    return str(error).splitlines()[0]
