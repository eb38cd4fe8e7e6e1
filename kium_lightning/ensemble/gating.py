"""The two stages on a stream of patients: who passes the gate waits for the locators until there are enough."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation
from kium_lightning.data.folding import VIEWS_PER_PATIENT
from kium_lightning.data.transforms import Preparation
from kium_lightning.ensemble.engines import Engine
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.fusion import PatientScores, fuse_locations, fuse_presence
from kium_lightning.ensemble.gate import calls_hang_on, gate_hangs_on, lets_pass
from kium_lightning.ensemble.patient_pixels import Pixels
from kium_lightning.ensemble.stages import Stage, Started, ViewScores, chosen, joined
from kium_lightning.ensemble.thresholds import Thresholds


class StartedPatients(NamedTuple):
    """Patients whose presence is being scored.

    Attributes:
        positions: (n,) in the catalog.
        pixels: of theirs, on the device.
        presence: of the first stage.
    """

    positions: NDArray[np.int64]
    pixels: Pixels
    presence: Started


class GatedScores:
    """Fills the scores of n patients, some at a time and in any order.

    Args:
        ensemble: the members and the rules that join their scores.
        engine: runs their nets.
        gate: decides for whom the locators run; None runs them on everybody, and nothing is scored twice.
        patients: n.

    Attributes:
        keys: the pixels that both stages take.
        presence_views: per circulation (n, 4); NaN where a patient was not scored.
        location_views: per circulation (n, 4, arteries); NaN where no locator ran.
        presence: (n,) fused.
        locations: (n, 21) fused.
        scored: (n,) True where presence is known.
        passed: (n,) True where the gate let the patient through.
    """

    def __init__(self, ensemble: Ensemble, engine: Engine, gate: Thresholds | None, patients: int) -> None:
        self._ensemble = ensemble
        self._exact = engine.exact
        self._gate = gate
        self._rules = ensemble.rules
        self._first = Stage(ensemble.presence, engine, ensemble.rules)
        self._second = Stage(ensemble.locators, engine, ensemble.rules)
        decides = gate is not None and self._exact is not None
        self._presence_margin = max(map(engine.margin, ensemble.presence.values())) if decides else 0.0
        self._location_margin = max(map(engine.margin, ensemble.locators.values())) if decides else 0.0
        self._exact_stages: dict[str, Stage] = {}
        self._waiting: list[tuple[NDArray[np.int64], Pixels]] = []
        self._enough = 1
        self._rescored: set[int] = set()
        self.keys: list[tuple[Preparation, Circulation]] = [*self._first.keys.values(), *self._second.keys.values()]
        self.presence_views = {each: np.full((patients, VIEWS_PER_PATIENT), np.nan) for each in Circulation}
        self.location_views = {
            each: np.full((patients, VIEWS_PER_PATIENT, len(each.arteries)), np.nan) for each in Circulation
        }
        self.presence = np.full(patients, np.nan)
        self.locations = np.full((patients, len(LOCATION_COLUMNS)), np.nan)
        self.scored = np.zeros(patients, dtype=bool)
        self.passed = np.zeros(patients, dtype=bool)

    @property
    def rescored(self) -> int:
        """How many patients were scored again in float32, as a decision hung on the rounding."""
        return len(self._rescored)

    def start(self, positions: NDArray[np.int64], pixels: Pixels) -> StartedPatients:
        """Begins to score the presence of patients; on a GPU the work goes on after this returns."""
        self._enough = max(self._enough, len(positions))
        return StartedPatients(positions, pixels, self._first.start(pixels))

    def decide(self, patients: StartedPatients) -> None:
        """Waits for presence scores and lets the gate decide who is to be located."""
        positions, pixels, started = patients
        self._keep_presence(positions, self._first.scores(started))
        if self._presence_margin > 0 and self._gate is not None:
            near = np.flatnonzero(gate_hangs_on(self.presence[positions], self._gate, self._presence_margin))
            if near.size:
                exact = self._exact_stage("first")
                again = exact.scores(exact.start(chosen(pixels, exact.keys.values(), near)))
                self._keep_presence(positions[near], again)
                self._rescored.update(positions[near].tolist())
        presence = self.presence[positions]
        passed = np.ones(len(positions), dtype=bool) if self._gate is None else lets_pass(presence, self._gate)
        self.passed[positions] = passed
        rows = np.flatnonzero(passed)
        if rows.size:
            self._waiting.append((positions[rows], chosen(pixels, self._second.keys.values(), rows)))
        if sum(len(places) for places, _ in self._waiting) >= self._enough:
            self._locate(self._enough)

    def finish(self) -> None:
        """Locates in those who still wait."""
        if self._waiting:
            self._locate(sum(len(places) for places, _ in self._waiting))

    def _locate(self, most: int) -> None:
        """Runs the locators on those who have waited longest, at most so many as a batch of the first stage has."""
        positions = np.concatenate([places for places, _ in self._waiting])
        pixels = joined(part for _, part in self._waiting)
        later = np.arange(most, len(positions))
        self._waiting = [(positions[later], chosen(pixels, pixels, later))] if later.size else []
        now = np.arange(min(most, len(positions)))
        positions, pixels = positions[now], chosen(pixels, pixels, now)
        self._keep_locations(positions, self._second.scores(self._second.start(pixels)))
        if self._location_margin == 0 or self._gate is None:
            return
        scores = PatientScores(self.presence[positions], self.locations[positions])
        near = np.flatnonzero(calls_hang_on(scores, self._gate, self._location_margin))
        if near.size:
            exact = self._exact_stage("second")
            again = exact.scores(exact.start(chosen(pixels, exact.keys.values(), near)))
            self._keep_locations(positions[near], again)
            self._rescored.update(positions[near].tolist())

    def _exact_stage(self, name: str) -> Stage:
        """A stage in float32, made when it is first needed."""
        if name not in self._exact_stages:
            assert self._exact is not None
            members = self._ensemble.presence if name == "first" else self._ensemble.locators
            self._exact_stages[name] = Stage(members, self._exact, self._rules)
        return self._exact_stages[name]

    def _keep_presence(self, positions: NDArray[np.int64], scores: ViewScores) -> None:
        views = {circulation: of_views[:, :, 0] for circulation, of_views in scores.items()}
        for circulation, of_views in views.items():
            self.presence_views[circulation][positions] = of_views
        self.presence[positions] = fuse_presence(views, self._rules)
        self.scored[positions] = True

    def _keep_locations(self, positions: NDArray[np.int64], scores: ViewScores) -> None:
        for circulation, of_views in scores.items():
            self.location_views[circulation][positions] = of_views
        self.locations[positions] = fuse_locations(scores, self._rules)
