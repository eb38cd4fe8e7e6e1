"""The task of painting images again through a bottleneck; labels are not used."""

import torch

from kium_lightning.data.dataset import Batch
from kium_lightning.tasks.rows import ScoredRows
from kium_lightning.tasks.task import Task

_GREYS = 255.0 / 2.0  # grey levels per unit of a normalized image


def reconstruction_errors(reconstructions: torch.Tensor, images: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
    """Computes how far each row's reconstruction is from its images: the root of the mean squared difference.

    Args:
        reconstructions: (B, V, S, S), -1..1.
        images: (B, V, S, S), -1..1.
        present: (B, V) bool; views that are missing do not count.

    Returns:
        (B,) float32, grey levels of 255.
    """
    squares = (reconstructions.float() - images.float()).square().mean(dim=(2, 3))
    mean = (squares * present).sum(dim=1) / present.sum(dim=1)
    return mean.sqrt() * _GREYS


class Reconstruction(Task):
    """Trains a net to give back the images that it is given.

    The net maps images (B, V, S, S) to the same shape, the loss maps both to a scalar.
    """

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Returns the loss of a batch."""
        loss: torch.Tensor = self.loss(self.output(batch).float(), batch["image"])
        self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=len(batch["row"]))
        return loss

    def judge(self, batch: Batch, part: str) -> None:
        """Keeps the errors of a batch."""
        output = self.output(batch).float()
        self.log(f"{part}/loss", self.loss(output, batch["image"]), batch_size=len(batch["row"]), sync_dist=True)
        self.gather(batch, reconstruction_errors(output, batch["image"], batch["present"])[:, None])

    def results(self, scored: ScoredRows) -> tuple[ScoredRows, dict[str, float]]:
        """Averages the errors, in grey levels, which stand in place of scores (n, 1)."""
        return scored, {"reconstruction_error": float(scored.scores.mean())}
