"""Contrastive losses: points of a kind are drawn together, all others pushed apart."""

from typing import Literal

import torch
from pytorch_metric_learning.losses import SupConLoss
from pytorch_metric_learning.reducers import DoNothingReducer
from torch import Tensor, nn

from kium_lightning.errors import ConfigError

Alike = Literal["labels", "row"]


class ContrastiveLoss(nn.Module):
    """Cross-entropy of finding a point's partners among all others, by cosine over temperature.

    For a point i with partners P(i), the loss is the mean over p in P(i) of
    -log(exp(s_ip / t) / sum of exp(s_ia / t) over all a other than i), where s is the cosine. Its mean over all points
    that have a partner is the loss of the batch.

    Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equation 2. Where the partners are the two
    draws of one image it is NT-Xent: Chen et al., "A Simple Framework for Contrastive Learning of Visual
    Representations", ICML 2020, equation 1. Computed by pytorch-metric-learning.

    Args:
        alike: which part of a batch says what is of a kind: ``labels`` (supervised), or ``row``, which makes partners
            of the draws of one image and needs no labels.
        temperature: > 0; the lower, the more the nearest points count.

    Raises:
        ConfigError: a value is outside its range.
    """

    def __init__(self, alike: Alike, temperature: float) -> None:
        super().__init__()
        if alike not in ("labels", "row"):
            raise ConfigError(f"A contrastive loss's alike is {alike!r}. Set it to labels or row.")
        if not temperature > 0:
            raise ConfigError(f"A contrastive loss's temperature must be above 0, not {temperature}.")
        self.alike = alike
        self.temperature = temperature
        self._by_point = SupConLoss(temperature=temperature, reducer=DoNothingReducer())

    def forward(self, embeddings: Tensor, kinds: Tensor) -> Tensor:
        """Computes the float32 scalar loss, in float32 even under autocast.

        Args:
            embeddings: (n, D), any floating type and length; their directions are compared.
            kinds: (n,), equal where two points are of a kind.

        Returns:
            The loss, >= 0; 0 with a gradient of 0 where no point has a partner or all points are of one kind, which
            leaves nothing to tell apart.

        Raises:
            ValueError: there is not one kind per embedding.
        """
        if embeddings.ndim != 2 or kinds.shape != embeddings.shape[:1]:
            raise ValueError(
                f"Embeddings are {tuple(embeddings.shape)} and kinds {tuple(kinds.shape)}; give (n, D) and (n,)."
            )
        with torch.autocast(embeddings.device.type, enabled=False):
            points = embeddings.float()
            partners = (kinds[:, None] == kinds[None]).sum(dim=1) - 1
            if not partners.any() or (partners == len(kinds) - 1).all():
                return (points * 0.0).sum()
            losses: Tensor = self._by_point(points, kinds)["loss"]["losses"]
            return losses[partners > 0].mean()
