"""From the scores of single views to one patient's presence score and 21 location scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from kium_lightning.anatomy import LOCATION_COLUMNS, Circulation
from kium_lightning.data.folding import VIEWS_PER_PATIENT, Reduction, unfold, unfolded_locations
from kium_lightning.errors import ConfigError, RunError

_REDUCTIONS: dict[str, Reduction] = {"mean": np.mean, "max": np.max, "min": np.min, "median": np.median}


@dataclass(frozen=True)
class FuseRules:
    """Which statistic joins scores, each one of ``mean``, ``max``, ``min`` and ``median``.

    The defaults are the published report's: Aneurysm = max(mean of the 4 anterior images, mean of the 4 posterior
    images); a location is the maximum of its side's two projections; the basilar artery the maximum of both sides.

    Attributes:
        folds: joins the scores of nets that were trained on different folds, view by view.
        presence_views: joins the four presence scores of a circulation.
        presence_circulations: joins the two circulations' presence.
        projections: joins the frontal and the lateral location score of a side.
        basilar: joins the two sides' scores of the basilar artery.

    Raises:
        ConfigError: a rule has an unknown name.
    """

    folds: str = "mean"
    presence_views: str = "mean"
    presence_circulations: str = "max"
    projections: str = "max"
    basilar: str = "max"

    def __post_init__(self) -> None:
        for field in fields(self):
            rule = getattr(self, field.name)
            if rule not in _REDUCTIONS:
                raise ConfigError(
                    f"The fuse rule {field.name}={rule!r} does not exist. Choose one of {', '.join(_REDUCTIONS)}."
                )


REPORT_RULES = FuseRules()


def fuse_folds(scores: Sequence[NDArray[np.float64]], rules: FuseRules = REPORT_RULES) -> NDArray[np.float64]:
    """Joins the scores that nets of different folds give to the same views.

    Args:
        scores: of each net (n, K), in [0, 1].
        rules: the statistics to join with.

    Returns:
        (n, K).
    """
    return _REDUCTIONS[rules.folds](np.stack([_as_float(each) for each in scores], axis=1), axis=1)


@dataclass(frozen=True, eq=False)
class PatientScores:
    """Fused scores of n patients.

    Attributes:
        presence: (n,) in [0, 1].
        locations: (n, 21) in the challenge's column order, in [0, 1]; NaN where no locator ran.
    """

    presence: NDArray[np.float64]
    locations: NDArray[np.float64]

    def __post_init__(self) -> None:
        expected = (len(self.presence), len(LOCATION_COLUMNS))
        if self.presence.ndim != 1 or self.locations.shape != expected:
            raise RunError(
                f"Presence scores of shape {self.presence.shape} and location scores of shape {self.locations.shape} "
                f"do not belong together. Give (n,) and (n, {len(LOCATION_COLUMNS)}), one row per patient."
            )


def fuse_views(
    view_scores: Mapping[Circulation, NDArray[np.float64]], rules: FuseRules = REPORT_RULES
) -> dict[Circulation, NDArray[np.float64]]:
    """Joins the four presence scores of each circulation.

    Args:
        view_scores: for both circulations (n, 4), views in folded order L-A, L-B, R-A, R-B; NaN where a view was not
            scored.
        rules: the statistics to join with.

    Returns:
        For both circulations (n,); NaN where any of the four is NaN.

    Raises:
        RunError: a circulation is missing, or the shapes do not fit.
    """
    _check_circulations(view_scores, dict.fromkeys(Circulation, (VIEWS_PER_PATIENT,)))
    join = _REDUCTIONS[rules.presence_views]
    return {circulation: join(_as_float(view_scores[circulation]), axis=1) for circulation in Circulation}


def fuse_presence(
    view_scores: Mapping[Circulation, NDArray[np.float64]], rules: FuseRules = REPORT_RULES
) -> NDArray[np.float64]:
    """Joins the presence scores of a patient's eight views to one.

    Args:
        view_scores: for both circulations (n, 4), views in folded order L-A, L-B, R-A, R-B.
        rules: the statistics to join with.

    Returns:
        (n,) in the range of the scores; NaN where any view's score is NaN.

    Raises:
        RunError: a circulation is missing, or the shapes do not fit.
    """
    by_circulation = fuse_views(view_scores, rules)
    return _REDUCTIONS[rules.presence_circulations](np.stack(list(by_circulation.values()), axis=1), axis=1)


def fuse_locations(
    view_scores: Mapping[Circulation, NDArray[np.float64]], rules: FuseRules = REPORT_RULES
) -> NDArray[np.float64]:
    """Joins the location scores of a patient's eight views to the 21 locations.

    Args:
        view_scores: for both circulations (n, 4, arteries), views in folded order, arteries as in
            ``circulation.arteries``; NaN in all views of a patient whom no locator saw.
        rules: the statistics to join with.

    Returns:
        (n, 21) in the challenge's column order; NaN where a score that is joined is NaN.

    Raises:
        RunError: a circulation is missing, or the shapes do not fit.
    """
    _check_circulations(
        view_scores, {circulation: (VIEWS_PER_PATIENT, len(circulation.arteries)) for circulation in Circulation}
    )
    fused = np.full((len(view_scores[Circulation.ANTERIOR]), len(LOCATION_COLUMNS)), np.nan)
    for circulation in Circulation:
        columns = [LOCATION_COLUMNS.index(location.column) for location in unfolded_locations(circulation)]
        fused[:, columns] = unfold(
            _as_float(view_scores[circulation]),
            circulation,
            join_projections=_REDUCTIONS[rules.projections],
            join_sides=_REDUCTIONS[rules.basilar],
        )
    return fused


def _as_float(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    # Nets score in float32; a float32 mean would depend on the order of summation more than it must.
    return np.asarray(scores, dtype=np.float64)


def _check_circulations(
    view_scores: Mapping[Circulation, NDArray[np.float64]], expected: dict[Circulation, tuple[int, ...]]
) -> None:
    missing = [circulation for circulation in Circulation if circulation not in view_scores]
    if missing:
        raise RunError(f"There are no scores of the {missing[0]} circulation. Give those of both circulations.")
    patients = len(view_scores[Circulation.ANTERIOR])
    for circulation, shape in expected.items():
        found = view_scores[circulation].shape
        if found != (patients, *shape):
            wanted = ", ".join(map(str, (patients, *shape)))
            raise RunError(
                f"The {circulation} scores have the shape {found}, but ({wanted}) is needed: one row per patient, "
                f"{VIEWS_PER_PATIENT} views. Score every view of the same patients in both circulations."
            )
