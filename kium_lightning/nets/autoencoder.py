"""A convolutional autoencoder, and a classifier that looks at what it lets through."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from kium_lightning.errors import ConfigError


class Autoencoder(nn.Module):
    """Squeezes an image into a small latent and paints it again from there.

    Each width halves the image's sides, so its stride is 2 to the number of widths. The latent has ``latent_channels``
    values per patch of stride x stride pixels and nothing leads past it: with four widths and 16 channels it holds
    14 x 14 x 16 = 3136 numbers of a 224 px image, a sixteenth of its 50,176 pixels.

    Source: Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", Science 2006, for the
    idea; enlarging by repetition before a convolution is Odena et al., "Deconvolution and Checkerboard Artifacts",
    Distill 2016.

    Args:
        views: channels of the image.
        widths: channels of each level, from fine to coarse.
        latent_channels: values per patch of the latent.

    Attributes:
        stride: sides of the patch that one place of the latent stands for, pixels.

    Raises:
        ConfigError: there is no level or no channel, or the latent holds as many numbers as the image.
    """

    def __init__(self, views: int, widths: Sequence[int], latent_channels: int) -> None:
        super().__init__()
        self.stride = 2 ** len(widths)
        if not widths or min(widths) < 1 or not 1 <= latent_channels < views * self.stride**2:
            raise ConfigError(
                f"An autoencoder with widths {list(widths)} and {latent_channels} latent channels has no bottleneck. "
                f"Give one positive width per level and 1 to {views * self.stride**2 - 1} latent channels."
            )
        down, before = [], views
        for width in widths:
            down += [nn.Conv2d(before, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        self.encoder = nn.Sequential(*down, nn.Conv2d(before, latent_channels, 1))
        up: list[nn.Module] = [nn.Conv2d(latent_channels, before, 1)]
        for width in [*reversed(widths[:-1]), widths[0]]:
            up += [
                nn.Upsample(scale_factor=2),
                nn.Conv2d(before, width, 3, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            before = width
        self.decoder = nn.Sequential(*up, nn.Conv2d(before, views, 3, padding=1))

    def forward(self, images: Tensor) -> Tensor:
        """Paints images (B, V, H, W) in [-1, 1] again, in the same shape and range.

        Raises:
            ConfigError: a side is no multiple of the stride.
        """
        height, width = images.shape[-2:]
        if height % self.stride or width % self.stride:
            raise ConfigError(
                f"This autoencoder halves an image {self.stride.bit_length() - 1} times, which {width} x {height} px "
                f"do not allow. Set data.image_size to a multiple of {self.stride}."
            )
        return functional.tanh(self.decoder(self.encoder(images)))


class ReconstructionClassifier(nn.Module):
    """Classifies what a trained autoencoder makes of an image; the autoencoder stays as it was trained.

    Args:
        autoencoder: maps images to images of the same shape; it is frozen, its batch norms keep their statistics.
        classifier: maps images to logits.

    Attributes:
        starts: the autoencoder is a whole other net.
        weights_record: which weights the classifier started from, strings only.
    """

    starts: ClassVar[dict[str, str]] = {"autoencoder": ""}

    def __init__(self, autoencoder: nn.Module, classifier: nn.Module) -> None:
        super().__init__()
        self.autoencoder = autoencoder.requires_grad_(False).eval()
        self.classifier = classifier
        record: dict[str, str] = getattr(classifier, "weights_record", {})
        self.weights_record = {f"classifier.{key}": value for key, value in record.items()}

    def train(self, mode: bool = True) -> "ReconstructionClassifier":
        """Changes the classifier alone between training and evaluation."""
        super().train(mode)
        self.autoencoder.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, K) from images (B, V, H, W) in [-1, 1]."""
        with torch.no_grad():
            painted = self.autoencoder(images)
        logits: Tensor = self.classifier(painted)
        return logits
