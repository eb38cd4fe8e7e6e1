"""A ResNet50 for each view, attention over its last feature map, and an LSTM over the views of a patient."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence

from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import timm_sources

_ARCHITECTURE = "resnet50.tv_in1k"  # torchvision's weights, in timm's keeping
_FEATURES = 2048
_KERNEL = 7  # the attention's convolution, the best size in CBAM's comparison


class SpatialAttention(nn.Module):
    """CBAM's spatial attention: where in a feature map to look, from its channels' mean and maximum.

    Source: Woo et al., "CBAM: Convolutional Block Attention Module", ECCV 2018.
    """

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(2, 1, kernel_size=_KERNEL, padding=_KERNEL // 2)

    def forward(self, features: Tensor) -> Tensor:
        """Computes weights (N, 1, H, W) in 0..1 from features (N, C, H, W)."""
        pooled = torch.cat([features.mean(dim=1, keepdim=True), features.amax(dim=1, keepdim=True)], dim=1)
        return torch.sigmoid(self.convolution(pooled))


class ResNet50AttentionLSTM(nn.Module):
    """Reads the views of a patient one after the other and judges from what the LSTM remembers of them.

    It is the arrangement of the challenge's team Coding Vessels, which published neither the kind of attention nor
    the LSTM's width. A view that a patient lacks reaches neither the ResNet's batch norms nor the LSTM: the sequence
    is shorter by one. Every patient needs at least one view.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; Hochreiter and Schmidhuber, "Long
    Short-Term Memory", 1997.

    Args:
        outputs: number of logits.
        hidden: width of the LSTM's memory.
        pretrained: ``auto``, true, false or the path of a local file; see ``nets.pretrained.with_weights``. timm sums
            the first layer's kernels over the colours.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
    """

    inputs = ("image", "present")

    def __init__(self, outputs: int, hidden: int, pretrained: bool | str) -> None:
        super().__init__()
        self.backbone, self.weights_record = with_weights(pretrained, timm_sources(_ARCHITECTURE), _feature_maps)
        self.attention = SpatialAttention()
        self.lstm = nn.LSTM(_FEATURES, hidden)
        self.classifier = nn.Linear(hidden, outputs)

    def forward(self, images: Tensor, present: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, V, H, W) in [-1, 1] of which ``present`` (B, V) are there."""
        features = self.backbone(images[present].unsqueeze(1))
        pooled = (features * self.attention(features)).mean(dim=(2, 3))
        patients = pooled.split(present.sum(dim=1).tolist())
        _, (last, _) = self.lstm(pack_sequence(patients, enforce_sorted=False))
        logits: Tensor = self.classifier(last[-1])
        return logits


def _feature_maps(file: Path | None) -> nn.Module:
    """A grey-scale ResNet50 up to its last feature map."""
    trunk: Any = timm_net(_ARCHITECTURE, file, in_chans=1)
    trunk.reset_classifier(0, "")
    made: nn.Module = trunk
    return made
