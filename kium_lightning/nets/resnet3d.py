"""A 3D ResNet over the views of a patient, stacked as the depth of one volume."""

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.video import R3D_18_Weights, r3d_18

from kium_lightning.errors import WeightsError
from kium_lightning.nets.pretrained import with_weights
from kium_lightning.nets.sources import UrlFile, brief

_KINETICS = UrlFile(R3D_18_Weights.KINETICS400_V1.url)
_STEM = "stem.0.weight"


class ResNet3D18(nn.Module):
    """torchvision's R3D-18 for grey volumes whose slices are views, and one linear layer to the outputs.

    Neighbours in depth are neighbours in the order of the views, so a kernel compares, say, frontal with lateral. A
    view that a patient lacks is a slice of zeros, the middle of the grey range. Weights are those of Kinetics-400
    videos; the first layer's kernels are summed over the colours, which answers a grey volume as the file's net
    answers three equal channels.

    Source: Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018.

    Args:
        outputs: number of logits.
        pretrained: ``auto``, true, false or the path of torchvision's ``r3d_18`` file; see
            ``nets.pretrained.with_weights``.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(self, outputs: int, pretrained: bool | str) -> None:
        super().__init__()
        self.backbone, self.weights_record = with_weights(pretrained, (_KINETICS,), partial(_grey_r3d, outputs=outputs))

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, V, H, W) in [-1, 1]."""
        logits: Tensor = self.backbone(images.unsqueeze(1))
        return logits


def _grey_r3d(file: Path | None, outputs: int) -> nn.Module:
    net: Any = r3d_18()
    net.stem[0] = nn.Conv3d(1, 64, kernel_size=(3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False)
    nn.init.kaiming_normal_(net.stem[0].weight, mode="fan_out", nonlinearity="relu")  # as torchvision's other layers
    if file is not None:
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
            net.load_state_dict(state | {_STEM: state[_STEM].sum(dim=1, keepdim=True)})
        except (OSError, EOFError, LookupError, TypeError, ValueError, RuntimeError, pickle.UnpicklingError) as error:
            raise WeightsError(
                f"{file} does not fit r3d_18 ({brief(error)}). Give torchvision's file of that net."
            ) from error
    net.fc = nn.Linear(net.fc.in_features, outputs)
    made: nn.Module = net
    return made
