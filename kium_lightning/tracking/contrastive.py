"""What a contrastive net makes of the held-out patients: where its embeddings lie, and whether neighbours are alike."""

from pathlib import Path

import lightning as L
import numpy as np
import pandas as pd
from lightning.pytorch.loggers import WandbLogger
from matplotlib import pyplot as plt
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from kium_lightning.data.datamodule import Angiograms
from kium_lightning.data.dataset import RowDataset
from kium_lightning.files import replacing
from kium_lightning.metrics.intervals import bootstrap_interval
from kium_lightning.metrics.ranking import auroc
from kium_lightning.tasks.contrastive import Contrastive
from kium_lightning.tasks.rows import ScoredRows
from kium_lightning.tracking.held_out import report_held_out

EMBEDDINGS_NAME = "embeddings.csv"
NEIGHBOURS_NAME = "neighbours.csv"
PICTURE_NAME = "embeddings.png"

_NEIGHBOURS = 15
_COLOURS = ("tab:blue", "tab:red")

Numbers = NDArray[np.float64]


def neighbour_scores(embeddings: Numbers, positive: NDArray[np.bool_], patients: NDArray[np.int64]) -> Numbers:
    """Scores rows by the share of positives among their nearest rows of other patients, by cosine.

    Args:
        embeddings: (n, D) of length 1.
        positive: (n,).
        patients: (n,) whose row it is; the other rows of a patient would give the answer away.

    Returns:
        (n,), 0..1; NaN where there is only one patient.
    """
    nearness = embeddings @ embeddings.T
    nearness[patients[:, None] == patients[None]] = -np.inf
    scores = np.full(len(embeddings), np.nan)
    for row, values in enumerate(nearness):
        nearest = np.argsort(-values, kind="stable")[: min(_NEIGHBOURS, int(np.isfinite(values).sum()))]
        if len(nearest):
            scores[row] = positive[nearest].mean()
    return scores


def neighbour_table(scored: ScoredRows, samples: int) -> pd.DataFrame:
    """Scores patients by the mean of their rows' neighbours.

    The neighbours are other patients of the same fold, whose labels it uses: it compares embeddings with each
    other, and says nothing about patients whose labels are unknown.

    Args:
        scored: embeddings in place of scores.
        samples: rows per patient.

    Returns:
        One row: ``neighbours, patients, positives, auroc, low, high``, the last two a 95 % interval over patients.
    """
    patients = scored.rows // samples
    positive = scored.labels.max(axis=1) == 1
    by_row = pd.DataFrame({"score": neighbour_scores(scored.scores, positive, patients), "positive": positive})
    of_patients = by_row.groupby(patients).agg({"score": "mean", "positive": "max"})
    labels, scores = of_patients["positive"].to_numpy(np.int64), of_patients["score"].to_numpy(np.float64)
    interval = bootstrap_interval(auroc, labels, scores, rng=np.random.default_rng(0))
    facts = {"neighbours": _NEIGHBOURS, "patients": len(labels), "positives": int(labels.sum())}
    return pd.DataFrame([{**facts, "auroc": auroc(labels, scores), "low": interval.low, "high": interval.high}])


def embedding_table(scored: ScoredRows, dataset: RowDataset, plane: Numbers) -> pd.DataFrame:
    """Lists every row with its labels, its place (n, 2) in the plane and all its coordinates."""
    table = dataset.table.iloc[scored.rows].reset_index(drop=True)
    names = [f"embedding_{place}" for place in range(scored.scores.shape[1])]
    places = pd.DataFrame(plane, columns=["first_component", "second_component"])
    return pd.concat([table, places, pd.DataFrame(scored.scores, columns=names)], axis=1)


def draw_embeddings(scored: ScoredRows, neighbours: pd.DataFrame, path: Path) -> Numbers:
    """Draws the plane in which the embeddings vary most, coloured by label; returns the places (n, 2) in it."""
    pca = PCA(n_components=2, svd_solver="full")
    plane: Numbers = pca.fit_transform(scored.scores)
    shares = pca.explained_variance_ratio_
    positive = scored.labels.max(axis=1) == 1
    facts = neighbours.iloc[0]
    figure, axis = plt.subplots(figsize=(7.2, 7.2), layout="constrained")
    for kind, name in enumerate(("without", "with")):
        chosen = positive == bool(kind)
        axis.scatter(
            plane[chosen, 0],
            plane[chosen, 1],
            s=14,
            alpha=0.6,
            color=_COLOURS[kind],
            label=f"{name} aneurysm ({chosen.sum()})",
        )
    axis.set_xlabel(f"first principal component ({100 * shares[0]:.0f} % of the variance)")
    axis.set_ylabel(f"second principal component ({100 * shares[1]:.0f} %)")
    axis.legend()
    axis.set_title(
        f"Embeddings of held-out views\n{int(facts['neighbours'])} nearest views of other held-out patients: AUROC "
        f"by patient {facts['auroc']:.2f} ({facts['low']:.2f} to {facts['high']:.2f})",
        fontsize=10,
    )
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)
    return plane


@report_held_out.register
def _(task: Contrastive, data: Angiograms, folder: Path, trainer: L.Trainer) -> list[Path]:
    """A picture and a table of the embeddings, and how well neighbours tell the label."""
    scored = task.last_scored
    if scored is None:
        raise RuntimeError("Test the task before reporting what is held out.")
    neighbours = neighbour_table(scored, len(data.rows.samples))
    plane = draw_embeddings(scored, neighbours, folder / PICTURE_NAME)
    tables = {
        EMBEDDINGS_NAME: embedding_table(scored, data.held_out_rows, plane),
        NEIGHBOURS_NAME: neighbours,
    }
    for name, table in tables.items():
        with replacing(folder / name) as temporary:
            table.to_csv(temporary, index=False)
    for logger in trainer.loggers:
        if isinstance(logger, WandbLogger):
            logger.log_table("held_out/neighbours", dataframe=neighbours)
            logger.log_image("held_out/embeddings", images=[str(folder / PICTURE_NAME)])
    return [*(folder / name for name in tables), folder / PICTURE_NAME]
