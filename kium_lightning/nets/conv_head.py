"""A ResNet18 that scores every place of its last feature map and pools the scores, not the features."""

import math

import torch
from torch import Tensor, nn

from kium_lightning.errors import ConfigError
from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import timm_sources

_ARCHITECTURE = "resnet18.tv_in1k"  # torchvision's weights, in timm's keeping
_FEATURES = 512


class ResNet18ConvHead(nn.Module):
    """ResNet18 whose linear layer is replaced by a 1x1 convolution, so that each score keeps its place.

    The convolution gives a map of scores, one per label and place. They are pooled by the log-mean-exp

        logit = log(mean(exp(sharpness * score))) / sharpness

    which lies between the mean (sharpness near 0) and the maximum (sharpness without bound) of the map. The mean would
    make the net an ordinary one: a linear layer after average pooling is the average of a 1x1 convolution. The maximum
    would teach only one place of each picture. In between, one suspicious place decides, as it should for a sac that
    covers a few pixels, and every place is taught as much as it counts.

    Source: the report names the exchange of layers and not the pooling; Pinheiro and Collobert, "From Image-level to
    Pixel-level Labeling with Convolutional Networks", CVPR 2015, for the pooling and its sharpness of 5; He et al.,
    "Deep Residual Learning for Image Recognition", CVPR 2016.

    Args:
        outputs: number of logits.
        views: channels of the input images.
        pretrained: ``auto``, true, false or the path of a local file; see ``nets.pretrained.with_weights``.
        sharpness: how much the highest score of a map outweighs the others, > 0.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        ConfigError: the sharpness is no number above 0.
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(self, outputs: int, views: int, pretrained: bool | str, sharpness: float = 5.0) -> None:
        super().__init__()
        if not 0 < sharpness < math.inf:
            raise ConfigError(f"model.net.sharpness is {sharpness!r}. Give it a number above 0, such as 5.")
        self.sharpness = sharpness
        self.backbone, self.weights_record = with_weights(
            pretrained,
            timm_sources(_ARCHITECTURE),
            lambda file: timm_net(_ARCHITECTURE, file, in_chans=views, outputs=0),
        )
        self.head = nn.Conv2d(_FEATURES, outputs, kernel_size=1)

    def score_map(self, images: Tensor) -> Tensor:
        """Computes scores (B, outputs, S / 32, S / 32) on the scale of logits from images (B, views, S, S)."""
        scores: Tensor = self.head(self.backbone.forward_features(images))  # type: ignore[operator]
        return scores

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, views, S, S) in [-1, 1]."""
        return log_mean_exp(self.score_map(images), self.sharpness)


def log_mean_exp(scores: Tensor, sharpness: float) -> Tensor:
    """Pools maps (B, K, H, W) to float32 (B, K), between the mean and the maximum of each map.

    Args:
        scores: any floating type.
        sharpness: > 0; the higher, the nearer to the maximum.
    """
    places = scores.float().flatten(2)  # bfloat16 would lose the mean in the sum over many places
    return (torch.logsumexp(sharpness * places, dim=2) - math.log(places.shape[2])) / sharpness
