"""The report's small net: two convolutions and one linear layer, trained from nothing."""

from pathlib import Path

from torch import Tensor, nn

from kium_lightning.errors import WeightsError
from kium_lightning.nets.pretrained import with_weights

_COLOURS = 3


class SmallCnn(nn.Module):
    """Two 3x3 convolutions of 64 and 128 channels, each halved by a maximum, an average over places, a linear layer.

    There is no batch norm. The report's listing takes colour images, so each grey view is shown as three equal
    channels.

    Source: the report's listing ``MyCNN``.

    Args:
        outputs: number of logits.
        views: channels of the input images, each repeated three times.
        pretrained: false; every net has this setting, but nobody publishes weights of this one. ``auto`` says so in
            a warning, true and a path are errors.

    Attributes:
        weights_record: that the net started at random, strings only.

    Raises:
        WeightsError: ``pretrained`` asks for weights.
    """

    def __init__(self, outputs: int, views: int, pretrained: bool | str) -> None:
        super().__init__()

        def build(file: Path | None) -> nn.Sequential:
            if file is not None:
                raise WeightsError(f"The small net starts at random, not from {file}. Set model.net.pretrained=false.")
            return _layers(_COLOURS * views, outputs)

        self.layers, self.weights_record = with_weights(pretrained, (), build)

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, views, H, W) in [-1, 1], H and W at least 4."""
        logits: Tensor = self.layers(images.repeat_interleave(_COLOURS, dim=1))
        return logits


def _layers(channels: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, 64, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=2),
        nn.Conv2d(64, 128, kernel_size=3, padding=1),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(kernel_size=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(128, outputs),
    )
