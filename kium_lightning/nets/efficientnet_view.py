"""An EfficientNet-B0 that is told which view it looks at."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from kium_lightning.anatomy import View
from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import timm_sources

_ARCHITECTURE = "efficientnet_b0.ra_in1k"
_FEATURES = 1280


class EfficientNetB0View(nn.Module):
    """EfficientNet-B0 whose pooled features are joined by the one-hot of the view before the one linear layer.

    A net for one artery may so be shown that artery's several views: the sum of the logit's contributions has a part
    of its own for each view, such as for how often an aneurysm is seen there.

    Source: Tan and Le, "EfficientNet", ICML 2019; the one-hot is that of the team AImagine in the K-ium challenge of
    2023, whose 21 nets, one per artery and its best views, reached an AUROC of 0.971 on the first test set (perhaps
    seen in training).

    Args:
        outputs: number of logits.
        views: channels of the input images; where there are several, the one-hots of all of them are set.
        pretrained: ``auto``, true, false or the path of a local file; see ``nets.pretrained.with_weights``.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
    """

    inputs = ("image", "view")

    def __init__(self, outputs: int, views: int, pretrained: bool | str) -> None:
        super().__init__()
        self.backbone, self.weights_record = with_weights(
            pretrained,
            timm_sources(_ARCHITECTURE),
            lambda file: timm_net(_ARCHITECTURE, file, in_chans=views, outputs=0),
        )
        self.classifier = nn.Linear(_FEATURES + len(View), outputs)

    def forward(self, images: Tensor, views: Tensor) -> Tensor:
        """Computes logits (B, outputs).

        Args:
            images: (B, V, S, S) in [-1, 1].
            views: (B, V) int64, which view each channel is, 0 to 7 in the order of ``View``.
        """
        features = self.backbone(images)
        shown = functional.one_hot(views, len(View)).amax(dim=1).to(features.dtype)
        logits: Tensor = self.classifier(torch.cat([features, shown], dim=1))
        return logits
