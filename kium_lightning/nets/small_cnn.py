"""The report's small net: two convolutions and one linear layer, trained from nothing."""

from torch import Tensor, nn

_COLOURS = 3


class SmallCnn(nn.Module):
    """Two 3x3 convolutions of 64 and 128 channels, each halved by a maximum, an average over places, a linear layer.

    There is no batch norm. The report's listing takes colour images, so each grey view is shown as three equal
    channels.

    Source: the report's listing ``MyCNN``.

    Args:
        outputs: number of logits.
        views: channels of the input images, each repeated three times.
    """

    def __init__(self, outputs: int, views: int) -> None:
        super().__init__()
        self.layers = _layers(_COLOURS * views, outputs)

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
