"""The task of giving images of a kind near embeddings."""

import torch

from kium_lightning.data.dataset import Batch
from kium_lightning.errors import ConfigError
from kium_lightning.losses.contrastive import ContrastiveLoss
from kium_lightning.tasks.rows import ScoredRows
from kium_lightning.tasks.task import Task


class Contrastive(Task):
    """Trains a net whose outputs are points (B, D), with a loss that compares the points of a batch.

    Where a row is drawn twice, both draws are points of the same kind. A part is scored by comparing all its rows at
    once, so that its loss does not depend on the batch size.
    """

    def setup(self, stage: str) -> None:
        """Makes room for the embeddings of a part's rows.

        Raises:
            ConfigError: the loss judges logits.
        """
        if not isinstance(self.loss, ContrastiveLoss):
            raise ConfigError(
                f"{type(self.loss).__name__} compares no points. Choose model/loss=supervised_contrastive or nt_xent."
            )
        super().setup(stage)

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """Returns the loss of a batch."""
        points, kinds = self._points(batch), self._kinds(batch["labels"], batch["row"])
        loss: torch.Tensor = self.loss(points.flatten(0, 1), kinds.repeat(len(points)))
        self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=len(batch["row"]))
        return loss

    def judge(self, batch: Batch, part: str) -> None:
        """Keeps the embeddings of a batch."""
        self.gather(batch, torch.cat([*self._points(batch)], dim=1))

    def results(self, scored: ScoredRows) -> tuple[ScoredRows, dict[str, float]]:
        """Compares all rows at once, and keeps their embeddings (n, D) in place of scores."""
        points = torch.from_numpy(scored.scores).to(self.device, torch.float32).chunk(self._draws, dim=1)
        kinds = self._kinds(torch.from_numpy(scored.labels), torch.from_numpy(scored.rows)).to(self.device)
        loss = self.loss(torch.cat(points), kinds.repeat(self._draws))
        kept = ScoredRows(scored.rows, points[0].cpu().numpy().astype("float64"), scored.labels)
        return kept, {"loss": float(loss)}

    def _points(self, batch: Batch) -> torch.Tensor:
        """Embeddings (draws, B, D) of a batch."""
        self._draws = 2 if "other" in batch else 1
        if "other" not in batch:
            return self.output(batch)[None]
        # Apart from each other, as two passes: batch norms then see the same mixture whatever the number of draws.
        other: Batch = {**batch, "image": batch["other"]}
        return torch.stack([self.output(batch), self.output(other)])

    def _kinds(self, labels: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Which rows are alike (B,), from labels (B, K) and rows (B,).

        Raises:
            ConfigError: rows have several labels, or none of them would have a partner.
        """
        if self.loss.alike == "row":
            if self._draws == 1:
                raise ConfigError(
                    "Without labels the partners are two draws of one image, but every row is given once. Set "
                    "data.draws=2."
                )
            return rows
        if labels.shape[1] != 1:
            raise ConfigError(
                f"These rows have {labels.shape[1]} labels, so it is not said which are alike. Choose rows with "
                "one, such as data=anterior_binary."
            )
        return labels[:, 0]
