"""What the losses share: float32 whatever the precision of the net, checked shapes, mean or sum."""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

from kium_lightning.errors import ConfigError

Reduction = Literal["mean", "sum"]


class ElementwiseLoss(nn.Module, ABC):
    """A loss that judges every logit by itself and then takes the mean or the sum.

    Args:
        reduction: ``mean`` over all logits, which does not depend on the batch size; ``sum`` over all logits.

    Raises:
        ConfigError: the reduction is neither.
    """

    def __init__(self, reduction: Reduction) -> None:
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ConfigError(f"A loss's reduction is {reduction!r}. Set it to mean or sum.")
        self.reduction = reduction

    @abstractmethod
    def elementwise(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Computes losses (B, K) >= 0 from float32 logits (B, K) and targets (B, K) in {0, 1}."""

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Computes the float32 scalar loss, in float32 even under autocast.

        Args:
            logits: (B, K), any floating type.
            targets: (B, K) in {0, 1}, any type.

        Raises:
            ValueError: the shapes differ; broadcasting would silently pair logits with foreign targets.
        """
        if logits.shape != targets.shape:
            raise ValueError(f"Logits are {tuple(logits.shape)} but targets {tuple(targets.shape)}; shapes must agree.")
        with torch.autocast(logits.device.type, enabled=False):
            losses = self.elementwise(logits.float(), targets.float())
            return losses.mean() if self.reduction == "mean" else losses.sum()
