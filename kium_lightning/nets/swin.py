"""The report's locator of the anterior circulation: a Swin Transformer V2-CR."""

from torch import Tensor, nn

from kium_lightning.errors import ConfigError
from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import timm_sources

_ARCHITECTURE = "swinv2_cr_tiny_ns_224"
_CLASSES = 1000
_SMALLEST = 32  # pixels; below that an attention window would have no token


class SwinV2CrTiny(nn.Module):
    """Swin Transformer V2-CR tiny with its ImageNet head, and a linear layer from the 1000 classes to the outputs.

    The net's attention windows grow with the image (7 tokens at 224 px, 8 at 256, 4 at 128). Its position bias is a
    small network of the distance between tokens, so weights pretrained at 224 px fit every size unchanged.

    Source: Liu et al., "Swin Transformer V2", CVPR 2022; timm's ``swinv2_cr_tiny_ns_224``; the head is the report's.

    Args:
        outputs: number of logits.
        image_size: side of the square input images in pixels, at least 32; multiples of 32 waste nothing on padding.
        pretrained: ``auto``, true, false or the path of a local file; see ``nets.pretrained.with_weights``.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        ConfigError: the image size is below 32.
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(self, outputs: int, image_size: int, pretrained: bool | str) -> None:
        super().__init__()
        if image_size < _SMALLEST:
            raise ConfigError(
                f"swinv2_cr_tiny needs images of at least {_SMALLEST} px, not {image_size}. Set data.image_size to 224 "
                "or 256, for example."
            )
        self.image_size = image_size
        self.backbone, self.weights_record = with_weights(
            pretrained,
            timm_sources(_ARCHITECTURE),
            lambda file: timm_net(_ARCHITECTURE, file, in_chans=1, image_size=image_size),
        )
        self.classifier = nn.Linear(_CLASSES, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, 1, S, S) in [-1, 1].

        Raises:
            ConfigError: the images do not have the size that the net was built for.
        """
        if images.shape[-2] != self.image_size or images.shape[-1] != self.image_size:
            raise ConfigError(
                f"This net was built for images of {self.image_size} x {self.image_size} px but was given "
                f"{images.shape[-1]} x {images.shape[-2]}. Set the net's image_size to the data's."
            )
        logits: Tensor = self.classifier(self.backbone(images))
        return logits
