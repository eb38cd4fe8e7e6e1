"""What an ensemble makes of patients whom none of the nets that score them saw."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kium_lightning.anatomy import INDEX_COLUMN, LABEL_COLUMNS, LOCATION_COLUMNS, PRESENCE_COLUMN, Circulation
from kium_lightning.data.catalog import Catalog
from kium_lightning.ensemble.ensemble import Ensemble
from kium_lightning.ensemble.fusion import PatientScores
from kium_lightning.ensemble.predictor import Predictor
from kium_lightning.ensemble.rounding import SCORE_DECIMALS, rounded
from kium_lightning.files import replacing

OUT_OF_FOLD_NAME = "out_of_fold.csv"
FOLD_COLUMN = "fold"


@dataclass(frozen=True, eq=False)
class ScoredPatients:
    """The raw scores of n labelled patients by an ensemble, no gate in between.

    Attributes:
        patients: (n,) their ``Index``.
        labels: (n, 22) in the order of ``LABEL_COLUMNS``, 0 or 1.
        folds: (n,) the fold whose nets scored the patient; -1 where the nets of all folds did.
        by_circulation: per circulation (n,) presence in [0, 1].
        fused: presence and the 21 locations.
    """

    patients: NDArray[np.int64]
    labels: NDArray[np.int64]
    folds: NDArray[np.int64]
    by_circulation: dict[Circulation, NDArray[np.float64]]
    fused: PatientScores

    @property
    def fold_count(self) -> int:
        """How many folds the patients come from."""
        return len(np.unique(self.folds))


def score_patients(predictor: Predictor, ensemble: Ensemble, catalog: Catalog) -> ScoredPatients:
    """Scores labelled patients with all nets of an ensemble."""
    scores = predictor.score(ensemble, catalog, gate=None)
    return ScoredPatients(
        np.asarray(catalog.patients, np.int64),
        catalog.table[list(LABEL_COLUMNS)].to_numpy(np.int64),
        np.full(len(catalog.patients), -1),
        scores.by_circulation,
        scores.fused,
    )


def score_out_of_fold(predictor: Predictor, ensemble: Ensemble, catalog: Catalog) -> ScoredPatients:
    """Scores each patient with the nets of the fold that held the patient out.

    Args:
        predictor: runs the nets.
        ensemble: whose nets know their folds.
        catalog: of the cohort that they were trained on.

    Returns:
        The patients of all folds that all four members have, in the order of their ``Index``.

    Raises:
        RunError: a net has no run's record, or there is no fold that all members held out.
        CohortError: a held-out patient is not in the catalog.
    """
    parts = []
    for fold, (alone, patients) in ensemble.by_fold().items():
        part = score_patients(predictor, alone, catalog.subset(patients))
        parts.append((fold, part))
    patients_of_all = np.concatenate([part.patients for _, part in parts])
    order = np.argsort(patients_of_all)

    def joined(arrays: list[NDArray[np.float64]]) -> NDArray[np.float64]:
        together: NDArray[np.float64] = np.concatenate(arrays)[order]
        return together

    return ScoredPatients(
        patients_of_all[order],
        np.concatenate([part.labels for _, part in parts])[order],
        np.concatenate([np.full(len(part.patients), fold) for fold, part in parts])[order],
        {each: joined([part.by_circulation[each] for _, part in parts]) for each in Circulation},
        PatientScores(
            joined([part.fused.presence for _, part in parts]), joined([part.fused.locations for _, part in parts])
        ),
    )


def write_scored_patients(folder: Path, scored: ScoredPatients) -> Path:
    """Writes the scores into a run's folder and returns the file's path.

    The columns are ``Index``, ``fold``, ``Aneurysm``, the presence of each circulation, and the 21 locations.
    """
    columns = {PRESENCE_COLUMN: scored.fused.presence}
    columns |= {circulation.value: scored.by_circulation[circulation] for circulation in Circulation}
    table = pd.DataFrame({INDEX_COLUMN: scored.patients, FOLD_COLUMN: scored.folds})
    table = table.assign(**{name: rounded(values) for name, values in columns.items()})
    locations = pd.DataFrame(rounded(scored.fused.locations), columns=list(LOCATION_COLUMNS))
    path = folder / OUT_OF_FOLD_NAME
    with replacing(path) as temporary:
        pd.concat([table, locations], axis=1).to_csv(temporary, index=False, float_format=f"%.{SCORE_DECIMALS}f")
    return path
