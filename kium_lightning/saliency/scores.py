"""Judging the heat maps of a net on phantoms: beside random weights, beside other patients' maps, beside chance."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.table import Table

from kium_lightning.anatomy import INDEX_COLUMN
from kium_lightning.metrics.intervals import bootstrap_interval
from kium_lightning.report.estimates import Estimate
from kium_lightning.saliency.placing import HeatMap
from kium_lightning.saliency.pointing import Mask, area_share, energy_inside, grown, pointing

MEASURES = ("pointing", "energy")
# What is judged: the prefix of its columns, and what it is called.
COMPARED = {
    "": "trained net",
    "random_": "random weights",
    "other_": "maps of other patients",
    "chance_": "chance",
}


class Judge:
    """Scores heat maps against one outline.

    Args:
        mask: (H, W), where the aneurysms are.
        tolerance: pixels by which a maximum may miss them.
    """

    def __init__(self, mask: Mask, tolerance: float) -> None:
        self._mask = mask
        self._tolerated = grown(mask, tolerance)

    def score(self, heat: HeatMap) -> dict[str, float]:
        """Pointing game and energy inside, 0 to 1."""
        return {"pointing": pointing(heat, self._tolerated), "energy": energy_inside(heat, self._mask)}

    def chance(self, heat: HeatMap) -> dict[str, float]:
        """What an even map would get."""
        return {"pointing": area_share(heat, self._tolerated), "energy": area_share(heat, self._mask)}


def prefixed(prefix: str, scores: Mapping[str, float]) -> dict[str, float]:
    """The scores under the names of their columns."""
    return {f"{prefix}{name}": value for name, value in scores.items()}


def mean_scores(scores: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each score; NaN where there are none."""
    return {name: float(np.mean([one[name] for one in scores])) if scores else np.nan for name in MEASURES}


class Line(NamedTuple):
    """The scores of one thing that is judged, means over maps with intervals over patients."""

    name: str
    pointing: Estimate
    energy: Estimate


def summarize(table: pd.DataFrame, level: float, draws: int, seed: int) -> list[Line]:
    """Joins the scores of maps.

    Args:
        table: a row per scored map, with ``Index`` and each measure under each prefix of ``COMPARED``.
        level: of the bootstrap intervals over patients.
        draws: cohorts that the bootstrap draws.
        seed: of these draws.
    """
    return [
        Line(name, *(_estimate(table, prefix + measure, level, draws, seed) for measure in MEASURES))
        for prefix, name in COMPARED.items()
    ]


def _estimate(table: pd.DataFrame, column: str, level: float, draws: int, seed: int) -> Estimate:
    known = table.dropna(subset=[column])
    by_patient = known.groupby(INDEX_COLUMN)[column].agg(["sum", "count"]).to_numpy(np.float64)
    interval = bootstrap_interval(_mean, by_patient, level=level, draws=draws, rng=np.random.default_rng(seed))
    return Estimate(_mean(by_patient), interval.low, interval.high)


def _mean(patients: NDArray[np.float64]) -> float:
    """The mean over maps from (patients, 2), each patient's sum and count; NaN where there are none."""
    return float(patients[:, 0].sum() / patients[:, 1].sum()) if len(patients) else np.nan


def score_table(lines: Sequence[Line], level: float) -> Table:
    """The scores as a table for the terminal."""
    table = Table()
    table.add_column("heat maps of")
    for name in ("pointing game", "energy inside"):
        table.add_column(f"{name} ({level:.0%} interval)", justify="right")
    for line in lines:
        table.add_row(line.name, _written(line.pointing), _written(line.energy))
    return table


def _written(estimate: Estimate) -> str:
    if np.isnan(estimate.value):
        return "–"
    return f"{estimate.value:.3f} ({estimate.low:.3f}–{estimate.high:.3f})"
