"""An EfficientNet-B4 that looks at all views of a row at once, as channels of one picture."""

from pathlib import Path
from typing import Any

from torch import Tensor, nn

from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import timm_sources

_ARCHITECTURE = "efficientnet_b4"


class EfficientNetB4(nn.Module):
    """EfficientNet-B4 with one input channel per view and one linear layer to the outputs.

    With eight views it is the net of the challenge's team AID. Pretrained first-layer kernels are made for three
    colours. timm gives channel ``v`` the kernel of the colour ``v % 3``, times ``3 / views``; for one channel it sums
    the colours. Eight views thus enter the pretrained net as a false-colour picture of three mixtures, in its usual
    range. One grey kernel for all views would keep less: the net would begin with their mean alone.

    Source: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019.

    Args:
        outputs: number of logits.
        views: how many views a row has.
        pretrained: ``auto``, true, false or the path of a local file; see ``nets.pretrained.with_weights``.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(self, outputs: int, views: int, pretrained: bool | str) -> None:
        super().__init__()

        def make(file: Path | None) -> nn.Module:
            backbone: Any = timm_net(_ARCHITECTURE, file, in_chans=views)
            backbone.reset_classifier(outputs)
            made: nn.Module = backbone
            return made

        self.backbone, self.weights_record = with_weights(pretrained, timm_sources(_ARCHITECTURE), make)

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, views, H, W) in [-1, 1]."""
        logits: Tensor = self.backbone(images)
        return logits
