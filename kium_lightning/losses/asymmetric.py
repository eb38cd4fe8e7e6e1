"""Asymmetric Loss: easy negatives fade faster than easy positives, and very easy ones drop out."""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from kium_lightning.errors import ConfigError
from kium_lightning.losses.elementwise import ElementwiseLoss, Reduction

Focusing = Literal["differentiated", "constant"]


def asymmetric_loss(
    logits: Tensor,
    targets: Tensor,
    gamma_negative: float,
    gamma_positive: float,
    clip: float,
    focusing: Focusing = "differentiated",
) -> Tensor:
    """Computes the loss of each logit, with p its sigmoid and p_m = max(p - clip, 0).

    A positive costs -(1 - p)^gamma_positive log p, a negative -p_m^gamma_negative log(1 - p_m).

    Source: Ridnik et al., "Asymmetric Loss For Multi-Label Classification", ICCV 2021, equations 4 to 6.

    Args:
        logits: (B, K).
        targets: (B, K) in {0, 1}.
        gamma_negative: focusing exponent >= 0 of the negatives.
        gamma_positive: focusing exponent >= 0 of the positives.
        clip: probability in [0, 1) below which a negative costs nothing.
        focusing: ``differentiated`` lets the gradient pass through the focusing factors, as the formula says;
            ``constant`` treats them as weights, as the authors' published training does.

    Returns:
        Losses (B, K) >= 0.
    """
    log_positive = functional.logsigmoid(logits)
    log_negative = functional.logsigmoid(-logits)
    positive_weight = torch.exp(gamma_positive * log_negative)
    if clip > 0:
        shifted = (torch.sigmoid(logits) - clip).clamp(min=0)
        log_negative = torch.log((torch.sigmoid(-logits) + clip).clamp(max=1))  # at least log(clip): never infinite
    else:
        shifted = torch.sigmoid(logits)
    negative_weight = _power(shifted, gamma_negative)
    if focusing == "constant":
        positive_weight, negative_weight = positive_weight.detach(), negative_weight.detach()
    return -targets * positive_weight * log_positive - (1 - targets) * negative_weight * log_negative


def _power(base: Tensor, exponent: float) -> Tensor:
    """Raises a base in [0, 1] to an exponent >= 0, with gradient 0 where the base is 0."""
    if exponent == 0:
        return torch.ones_like(base)
    # The derivative at 0 is infinite for exponents below 1 and would turn into NaN when multiplied by a loss of 0.
    inside = base > 0
    return torch.where(inside, torch.where(inside, base, torch.ones_like(base)) ** exponent, torch.zeros_like(base))


class AsymmetricLoss(ElementwiseLoss):
    """Asymmetric Loss for several labels of which few are positive.

    Args:
        gamma_negative: focusing exponent >= 0 of the negatives.
        gamma_positive: focusing exponent >= 0 of the positives.
        clip: probability in [0, 1) below which a negative costs nothing.
        reduction: ``mean`` or ``sum`` over all logits; the report sums.
        focusing: ``differentiated`` or ``constant``, see ``asymmetric_loss``.

    Raises:
        ConfigError: an argument is outside its range.
    """

    def __init__(
        self,
        gamma_negative: float = 4.0,
        gamma_positive: float = 1.0,
        clip: float = 0.05,
        reduction: Reduction = "sum",
        focusing: Focusing = "differentiated",
    ) -> None:
        super().__init__(reduction)
        if not (gamma_negative >= 0 and gamma_positive >= 0):
            raise ConfigError(
                f"The asymmetric loss's gammas must be at least 0, not {gamma_negative} and {gamma_positive}."
            )
        if not 0 <= clip < 1:
            raise ConfigError(f"The asymmetric loss's clip must lie in [0, 1), not {clip}.")
        if focusing not in ("differentiated", "constant"):
            raise ConfigError(f"focusing is {focusing!r}. Set it to differentiated or constant.")
        self.gamma_negative = gamma_negative
        self.gamma_positive = gamma_positive
        self.clip = clip
        self.focusing: Focusing = focusing

    def elementwise(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Computes losses (B, K) from float32 logits (B, K) and targets (B, K) in {0, 1}."""
        return asymmetric_loss(logits, targets, self.gamma_negative, self.gamma_positive, self.clip, self.focusing)
