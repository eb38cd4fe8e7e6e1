"""Focal loss: cross-entropy that fades where the net is already right."""

import torch
from torch import Tensor
from torch.nn import functional

from kium_lightning.errors import ConfigError
from kium_lightning.losses.elementwise import ElementwiseLoss, Reduction


def focal_loss(logits: Tensor, targets: Tensor, gamma: float, alpha: float | None) -> Tensor:
    """Computes -alpha_t (1 - p_t)^gamma log p_t for each logit, where p_t is the probability of the truth.

    Both factors are taken from log-sigmoids, so that neither overflows nor loses its gradient at any logit.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, equation 5.

    Args:
        logits: (B, K).
        targets: (B, K) in {0, 1}.
        gamma: focusing exponent >= 0; 0 gives cross-entropy.
        alpha: weight in [0, 1] of the positives, 1 - alpha of the negatives; None weighs both with 1.

    Returns:
        Losses (B, K) >= 0.
    """
    towards_truth = logits * (2 * targets - 1)
    losses = -torch.exp(gamma * functional.logsigmoid(-towards_truth)) * functional.logsigmoid(towards_truth)
    return losses if alpha is None else losses * (alpha * targets + (1 - alpha) * (1 - targets))


class Focal(ElementwiseLoss):
    """Focal loss.

    Args:
        gamma: focusing exponent >= 0.
        alpha: weight in [0, 1] of the positives; None for no weights.
        reduction: ``mean`` or ``sum`` over all logits.

    Raises:
        ConfigError: gamma or alpha is outside its range.
    """

    def __init__(self, gamma: float = 2.0, alpha: float | None = 0.25, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        if not gamma >= 0:
            raise ConfigError(f"The focal loss's gamma must be at least 0, not {gamma}.")
        if alpha is not None and not 0 <= alpha <= 1:
            raise ConfigError(f"The focal loss's alpha must lie in [0, 1] or be null, not {alpha}.")
        self.gamma = gamma
        self.alpha = alpha

    def elementwise(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Computes losses (B, K) from float32 logits (B, K) and targets (B, K) in {0, 1}."""
        return focal_loss(logits, targets, self.gamma, self.alpha)
