"""Binary cross-entropy, plain or with a weight for the positives of each label."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from kium_lightning.errors import ConfigError
from kium_lightning.losses.elementwise import ElementwiseLoss, Reduction

_LARGEST_WEIGHT = 100.0


def positive_weights(labels: NDArray[np.integer], largest: float = _LARGEST_WEIGHT) -> list[float]:
    """Weighs each label's positives so that they count as much as its negatives: negatives over positives.

    Args:
        labels: (n, K) in {0, 1}, of the training rows.
        largest: bound of the weights, which lie in [1 / largest, largest]: a label with a handful of positives must
            not drown the others, and one without positives or without negatives has no ratio.

    Returns:
        K weights > 0.

    Raises:
        ValueError: the labels are not a matrix with at least one row.
    """
    if labels.ndim != 2 or len(labels) == 0:
        raise ValueError(f"Labels must be a matrix (n, K) with rows, not of shape {labels.shape}.")
    positives = (labels > 0).sum(axis=0)
    negatives = len(labels) - positives
    ratios = negatives / np.maximum(positives, 1)
    ratios[positives == 0] = largest
    return [float(weight) for weight in np.clip(ratios, 1 / largest, largest)]


class BinaryCrossEntropy(ElementwiseLoss):
    """Binary cross-entropy of the sigmoid of each logit.

    Args:
        reduction: ``mean`` or ``sum`` over all logits.
    """

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)

    def elementwise(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Computes losses (B, K) from float32 logits (B, K) and targets (B, K) in {0, 1}."""
        return functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")


class WeightedBinaryCrossEntropy(ElementwiseLoss):
    """Binary cross-entropy whose positive part is multiplied by a weight per label.

    Args:
        positive_weights: K weights > 0, such as ``positive_weights(labels)`` of the training rows. The word ``auto``
            in a YAML file stands for those and must have been replaced by them.
        reduction: ``mean`` or ``sum`` over all logits.

    Raises:
        ConfigError: the weights are not a list of positive numbers.
    """

    weights: Tensor

    def __init__(self, positive_weights: list[float], reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        if isinstance(positive_weights, str) or not positive_weights:
            raise ConfigError(
                f"positive_weights is {positive_weights!r}. Give one number per label; `auto` is filled in by the "
                "train verb, from the training labels."
            )
        if not all(0 < weight < float("inf") for weight in positive_weights):
            raise ConfigError(f"positive_weights must be finite numbers above 0, not {positive_weights}.")
        # Not in the state dict: the weights are configuration, stored with the task's.
        self.register_buffer("weights", torch.tensor(positive_weights, dtype=torch.float32), persistent=False)

    def elementwise(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Computes losses (B, K) from float32 logits (B, K) and targets (B, K) in {0, 1}.

        Raises:
            ConfigError: there is not one weight per label.
        """
        if logits.shape[-1] != len(self.weights):
            raise ConfigError(
                f"The loss has {len(self.weights)} positive_weights for {logits.shape[-1]} labels. Give one per label."
            )
        return functional.binary_cross_entropy_with_logits(
            logits, targets, pos_weight=self.weights.float(), reduction="none"
        )
