"""Images as points: an encoder's features, their projection to a sphere, and a linear classifier on them."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from kium_lightning.errors import ConfigError
from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import timm_sources

Tuned = Literal["head", "all"]


class Encoder(nn.Module):
    """A timm net without its classifier.

    Args:
        architecture: timm's name, such as ``resnet50.tv_in1k``.
        views: channels of the image; kernels of published weights are summed or repeated to fit.
        pretrained: ``auto``, true, false or the path of a local file; see ``nets.pretrained.with_weights``.

    Attributes:
        features: how many numbers describe an image.
        weights_record: which weights the net started from, strings only.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(self, architecture: str, views: int, pretrained: bool | str) -> None:
        super().__init__()
        backbone, self.weights_record = with_weights(
            pretrained, timm_sources(architecture), lambda file: timm_net(architecture, file, in_chans=views)
        )
        backbone.reset_classifier(0)  # type: ignore[operator]  # of all timm nets
        self.backbone = backbone
        self.features = int(backbone.num_features)  # type: ignore[arg-type]  # of all timm nets

    def forward(self, images: Tensor) -> Tensor:
        """Computes features (B, F) from images (B, V, H, W) in [-1, 1]."""
        features: Tensor = self.backbone(images)
        return features


class Embedding(nn.Module):
    """Projects an encoder's features to points of unit length, where contrastive losses compare them.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020: one hidden
    layer, thrown away after training, because the features before it serve other tasks better.

    Args:
        encoder: gives features.
        dimensions: of the points.

    Attributes:
        weights_record: which weights the encoder started from, strings only.
    """

    def __init__(self, encoder: Encoder, dimensions: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.projection = nn.Sequential(
            nn.Linear(encoder.features, encoder.features), nn.ReLU(), nn.Linear(encoder.features, dimensions)
        )
        self.weights_record = encoder.weights_record

    def forward(self, images: Tensor) -> Tensor:
        """Computes float32 points (B, dimensions) of length 1 from images (B, V, H, W) in [-1, 1]."""
        return functional.normalize(self.projection(self.encoder(images)).float(), dim=1)


class EncoderClassifier(nn.Module):
    """A linear layer on an encoder's features, with the encoder as it was trained before or tuned along.

    Args:
        encoder: gives features.
        outputs: number of logits.
        tuned: ``head`` trains the linear layer alone, a *linear probe*: the encoder is frozen, its batch norms keep
            their statistics. ``all`` trains the encoder as well.

    Attributes:
        starts: the encoder is that of a contrastive net.
        weights_record: which weights the encoder started from, strings only.

    Raises:
        ConfigError: ``tuned`` is neither.
    """

    starts = {"encoder": "encoder"}  # noqa: RUF012

    def __init__(self, encoder: Encoder, outputs: int, tuned: Tuned) -> None:
        super().__init__()
        if tuned not in ("head", "all"):
            raise ConfigError(f"model.net.tuned is {tuned!r}. Choose head or all.")
        self.encoder = encoder.requires_grad_(tuned == "all")
        self.classifier = nn.Linear(encoder.features, outputs)
        self.weights_record = encoder.weights_record
        self._tuned = tuned
        self.train()

    def train(self, mode: bool = True) -> "EncoderClassifier":
        """Changes between training and evaluation what is trained."""
        super().train(mode)
        if self._tuned == "head":
            self.encoder.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, V, H, W) in [-1, 1]."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and self._tuned == "all"):
            features = self.encoder(images)
        logits: Tensor = self.classifier(features)
        return logits
