"""The report's locator of the posterior circulation: an ImageNet ResNet18 behind a learnt grey-to-colour layer."""

from torch import Tensor, nn

from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import timm_sources

_ARCHITECTURE = "resnet18.tv_in1k"  # torchvision's weights, in timm's keeping


class ResNet18(nn.Module):
    """A 1x1 convolution from 1 to 3 channels, ResNet18 with its ImageNet head, and three linear layers.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; the head is the report's.

    Args:
        outputs: number of logits.
        pretrained: ``auto``, true, false or the path of a local file; see ``nets.pretrained.with_weights``.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(self, outputs: int, pretrained: bool | str) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 3, kernel_size=1, bias=False)
        self.backbone, self.weights_record = with_weights(
            pretrained, timm_sources(_ARCHITECTURE), lambda file: timm_net(_ARCHITECTURE, file, in_chans=3)
        )
        self.classifier = nn.Sequential(
            nn.Dropout(0.5),
            nn.Linear(1000, 100),
            nn.ReLU(),
            nn.Linear(100, 10),
            nn.ReLU(),
            nn.Linear(10, outputs),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, 1, H, W) in [-1, 1]."""
        logits: Tensor = self.classifier(self.backbone(self.conv(images)))
        return logits
