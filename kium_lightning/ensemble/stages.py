"""One stage of the ensemble: the members of both circulations, ready to score patients' pixels."""

from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from kium_lightning.anatomy import Circulation
from kium_lightning.data.folding import VIEWS_PER_PATIENT
from kium_lightning.data.transforms import Preparation
from kium_lightning.ensemble.calibration_views import single_views
from kium_lightning.ensemble.engines import Engine, Scorer
from kium_lightning.ensemble.fusion import FuseRules, fuse_folds
from kium_lightning.ensemble.members import Member
from kium_lightning.ensemble.patient_pixels import Pixels
from kium_lightning.errors import RunError

Started = dict[Circulation, list[torch.Tensor]]
"""Of each circulation the scores (n * 4, K) that each net of its member gives, on the engine's device."""

ViewScores = dict[Circulation, NDArray[np.float64]]
"""Of each circulation (n, 4, K), the nets of a member averaged."""


class Stage:
    """The presence nets, or the locators, of both circulations.

    Args:
        members: one of each circulation.
        engine: runs their nets.
        rules: say how the nets of a member are averaged.

    Attributes:
        keys: the pixels that it takes: for each circulation the preparation of its nets.

    Raises:
        RunError: a member cannot be loaded, or not be run by this engine.
    """

    def __init__(self, members: Mapping[Circulation, Member], engine: Engine, rules: FuseRules) -> None:
        self._members = dict(members)
        self._rules = rules
        self._precision = engine.precision
        self._scorers: dict[Circulation, list[Scorer]] = {}
        preparations: dict[Circulation, Preparation] = {}
        for circulation, member in members.items():
            loaded = member.load()
            self._scorers[circulation] = engine.scorers(member, loaded)
            preparations[circulation] = loaded[0].preparation
        self.keys = {circulation: (preparations[circulation], circulation) for circulation in members}

    def start(self, pixels: Pixels) -> Started:
        """Begins to score the views of n patients; on a GPU the work goes on after this returns.

        Args:
            pixels: at least those of ``keys``, each (n, 4, S, S) uint8 on the engine's device.
        """
        started: Started = {}
        for circulation, scorers in self._scorers.items():
            views = pixels[self.keys[circulation]]
            batch = single_views(views.flatten(0, 1), list(circulation.views) * len(views))
            started[circulation] = [scorer(batch) for scorer in scorers]
        return started

    def scores(self, started: Started) -> ViewScores:
        """Waits for scores and averages the nets of each member.

        Raises:
            RunError: a score is NaN.
        """
        return {circulation: self._of_member(circulation, nets) for circulation, nets in started.items()}

    def _of_member(self, circulation: Circulation, nets: Iterable[torch.Tensor]) -> NDArray[np.float64]:
        of_nets = [scores.cpu().numpy().astype(np.float64) for scores in nets]
        for net, scores in zip(self._members[circulation].nets, of_nets, strict=True):
            if np.isnan(scores).any():
                raise RunError(
                    f"{net.checkpoint} gives scores that are no numbers in {self._precision}. Try "
                    "predictor.precision=float32; if that gives the same, its weights are damaged: train it again."
                )
        joined = fuse_folds(of_nets, self._rules)
        return joined.reshape(-1, VIEWS_PER_PATIENT, joined.shape[1])


def chosen(pixels: Pixels, keys: Iterable[tuple[Preparation, Circulation]], rows: NDArray[np.int64]) -> Pixels:
    """The pixels of some patients, of those keys alone, in memory of their own."""
    return {key: pixels[key][torch.from_numpy(rows).to(pixels[key].device)] for key in dict.fromkeys(keys)}


def joined(parts: Iterable[Pixels]) -> Pixels:
    """Puts the patients of several parts behind each other."""
    listed = list(parts)
    return {key: torch.cat([part[key] for part in listed]) for key in listed[0]}
