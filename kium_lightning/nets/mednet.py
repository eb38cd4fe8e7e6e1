"""The report's presence net: a grey-scale ResNet18 that starts from MedicalNet's weights."""

from functools import partial
from pathlib import Path
from typing import Literal

from timm.models.resnet import BasicBlock
from torch import Tensor, nn
from torch.nn import functional

from kium_lightning.errors import ConfigError
from kium_lightning.nets.medicalnet import load_medicalnet
from kium_lightning.nets.pretrained import with_weights
from kium_lightning.nets.sources import HubFile

Strides = Literal["torchvision", "dilated"]
Shortcut = Literal["A", "B"]

_MEDICALNET = HubFile("TencentMedicalNet/MedicalNet-Resnet18", "resnet_18.pth")
_WIDTHS = (64, 128, 256, 512)
# (stride, dilation) of the four stages
_STAGES: dict[Strides, tuple[tuple[int, int], ...]] = {
    "torchvision": ((1, 1), (2, 1), (2, 1), (2, 1)),
    "dilated": ((1, 1), (2, 1), (1, 2), (1, 4)),
}


class MedNetResNet18(nn.Module):
    """A 2D ResNet18 for grey images with the report's four linear layers.

    With ``shortcut: A`` its parameters are those of MedicalNet's ResNet18 and the file's 3D kernels are summed over
    depth. The report handed MedicalNet's file to torchvision's net (``shortcut: B``) in a way that loaded nothing.

    Source: Chen et al., "Med3D: Transfer Learning for 3D Medical Image Analysis", 2019; He et al., "Deep Residual
    Learning for Image Recognition", CVPR 2016, for the shortcuts; the head is the report's.

    Args:
        outputs: number of logits.
        pretrained: ``auto``, true, false or the path of MedicalNet's ``resnet_18.pth``; see
            ``nets.pretrained.with_weights``.
        strides: ``torchvision`` halves the resolution in each of the last three stages; ``dilated`` is MedicalNet's
            layout: the third stage has stride 1 and dilation 2, the fourth stride 1 and dilation 4. It looks as
            closely as MedicalNet did, at about five times the cost of the whole net.
        shortcut: ``A`` pads missing channels with zeros and has no parameters, as MedicalNet; ``B`` is torchvision's
            1x1 convolution with batch norm, which MedicalNet's file does not fill.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        ConfigError: the strides or the shortcut are unknown.
        WeightsError: the weights cannot be had or do not fit; unmatched keys are named.
    """

    def __init__(
        self,
        outputs: int,
        pretrained: bool | str,
        strides: Strides = "torchvision",
        shortcut: Shortcut = "A",
    ) -> None:
        super().__init__()
        self.backbone, self.weights_record = with_weights(
            pretrained, (_MEDICALNET,), partial(_trunk, strides=strides, shortcut=shortcut)
        )
        self.classifier = nn.Sequential(
            nn.Linear(512, 256),
            nn.Dropout(0.3),
            nn.ReLU(),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Linear(128, 16),
            nn.ReLU(),
            nn.Linear(16, outputs),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, 1, H, W) in [-1, 1]."""
        features = functional.adaptive_avg_pool2d(self.backbone(images), 1).flatten(1)
        logits: Tensor = self.classifier(features)
        return logits


class ResNet18Trunk(nn.Module):
    """ResNet18 for one channel up to its last feature map, with the choice of strides and shortcut.

    Args:
        strides: see ``MedNetResNet18``.
        shortcut: see ``MedNetResNet18``.

    Raises:
        ConfigError: the strides or the shortcut are unknown.
    """

    def __init__(self, strides: Strides, shortcut: Shortcut) -> None:
        super().__init__()
        if strides not in _STAGES:
            raise ConfigError(f"strides is {strides!r}. Set it to one of {', '.join(_STAGES)}.")
        if shortcut not in ("A", "B"):
            raise ConfigError(f"shortcut is {shortcut!r}. Set it to A or B.")
        self.conv1 = nn.Conv2d(1, _WIDTHS[0], kernel_size=7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(_WIDTHS[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        incoming = _WIDTHS[0]
        stages = []
        for width, (stride, dilation) in zip(_WIDTHS, _STAGES[strides], strict=True):
            stages.append(_stage(incoming, width, stride, dilation, shortcut))
            incoming = width
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Computes features (B, 512, H', W'), H' = H / 32 or H / 8 if dilated, from images (B, 1, H, W)."""
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        features = self.layer2(self.layer1(features))
        deepest: Tensor = self.layer4(self.layer3(features))
        return deepest


class ZeroPaddedShortcut(nn.Module):
    """Shortcut A: every ``stride``-th pixel, and zeros for the channels that are missing."""

    def __init__(self, missing: int, stride: int) -> None:
        super().__init__()
        self.missing = missing
        self.stride = stride

    def forward(self, features: Tensor) -> Tensor:
        """Turns features (B, C, H, W) into (B, C + missing, ceil(H / stride), ceil(W / stride))."""
        return functional.pad(features[..., :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.missing))


def _stage(incoming: int, width: int, stride: int, dilation: int, shortcut: Shortcut) -> nn.Sequential:
    bridge: nn.Module | None = None
    if incoming != width or stride != 1:
        if shortcut == "A":
            bridge = ZeroPaddedShortcut(width - incoming, stride)
        else:
            convolution = nn.Conv2d(incoming, width, kernel_size=1, stride=stride, bias=False)
            bridge = nn.Sequential(convolution, nn.BatchNorm2d(width))
    # MedicalNet dilates a stage's first convolution as well, unlike the usual conversion of strides to dilations.
    first = BasicBlock(incoming, width, stride, bridge, dilation=dilation, first_dilation=dilation)
    return nn.Sequential(first, BasicBlock(width, width, dilation=dilation, first_dilation=dilation))


def _trunk(file: Path | None, strides: Strides, shortcut: Shortcut) -> ResNet18Trunk:
    trunk = ResNet18Trunk(strides, shortcut)
    if file is not None:
        load_medicalnet(trunk, file)
    return trunk
