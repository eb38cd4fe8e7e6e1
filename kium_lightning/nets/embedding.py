"""Images as points: an encoder's features, their projection to a sphere, and a linear classifier on them."""

from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from kium_lightning.errors import ConfigError
from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import timm_sources

Tuned = Literal["head", "all"]

_TINY = 1e-10  # below the variance of features of an encoder that never learnt


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
        self.features = int(backbone.head_hidden_size)  # type: ignore[arg-type]  # of all timm nets

    def forward(self, images: Tensor) -> Tensor:
        """Computes features (B, F) from images (B, V, H, W) in [-1, 1]."""
        features: Tensor = self.backbone(images)
        return features


class _BatchNorm(nn.BatchNorm1d):
    """A batch norm that takes a single training row as it takes rows in evaluation."""

    def forward(self, input: Tensor) -> Tensor:
        if len(input) > 1:
            return super().forward(input)
        return functional.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


class Embedding(nn.Module):
    """Projects an encoder's features to points of unit length, where contrastive losses compare them.

    Angiograms look much alike, so their features share one large part. The batch norm takes it away; without it all
    points of an untrained net lie in one place, and in bfloat16 their differences are lost.

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", ICML 2020: one hidden
    layer, thrown away after training, because the features before it serve other tasks better; the hidden layer's batch
    norm as in the authors' code. A second one on the points, which that code has too, keeps two classes from becoming
    two points.

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
            nn.Linear(encoder.features, encoder.features, bias=False),
            _BatchNorm(encoder.features),
            nn.ReLU(),
            nn.Linear(encoder.features, dimensions),
        )
        self.weights_record = encoder.weights_record

    def forward(self, images: Tensor) -> Tensor:
        """Computes float32 points (B, dimensions) of length 1 from images (B, V, H, W) in [-1, 1]."""
        return functional.normalize(self.projection(self.encoder(images)).float(), dim=1)


class EncoderClassifier(nn.Module):
    """A linear layer on an encoder's features, with the encoder as it was trained before or tuned along.

    Features are brought to mean 0 and standard deviation 1 first, by a batch norm without parameters: their scale
    differs from one encoder to the next, and a layer on raw ones may learn next to nothing.

    Source: He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022, appendix A.1, for that.

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

    starts: ClassVar[dict[str, str]] = {"encoder": "encoder"}

    def __init__(self, encoder: Encoder, outputs: int, tuned: Tuned) -> None:
        super().__init__()
        if tuned not in ("head", "all"):
            raise ConfigError(f"model.net.tuned is {tuned!r}. Choose head or all.")
        self.encoder = encoder.requires_grad_(tuned == "all")
        self.standardized = _BatchNorm(encoder.features, eps=_TINY, affine=False)
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
        # Frozen parts need no gradients to be trained around, but heat maps ask for those of their feature maps.
        with torch.set_grad_enabled(torch.is_grad_enabled() and (self._tuned == "all" or not self.training)):
            features = self.encoder(images)
        logits: Tensor = self.classifier(self.standardized(features.float()))
        return logits
