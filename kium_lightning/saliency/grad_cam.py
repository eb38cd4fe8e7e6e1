"""Heat maps by Grad-CAM."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from kium_lightning.errors import ConfigError
from kium_lightning.saliency.feature_map import FeatureMap


class Evidence(StrEnum):
    """What a heat map shows.

    ``for`` the label is Grad-CAM as published. ``either`` shows the evidence against the label where there is none for
    it: whether the logit of a net with random weights rises or falls with what it sees means nothing.
    """

    FOR = "for"
    EITHER = "either"


def heat_maps(
    net: nn.Module,
    feature_map: FeatureMap,
    inputs: Sequence[Tensor],
    outputs: Tensor,
    evidence: Evidence = Evidence.FOR,
    present: Tensor | None = None,
) -> Tensor:
    """Computes where in the images evidence for an output lies.

    The channels of the feature map are summed, each weighted with the mean gradient of the logit over the map;
    what is negative speaks against the label and becomes 0.

    Source: Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
    ICCV 2017.

    Args:
        net: in evaluation mode.
        feature_map: of this net, see ``find_feature_map``.
        inputs: what the net takes; images (B, V, S, S) first.
        outputs: (B,) int64, which logit of each row.
        evidence: what to show.
        present: (B, V) bool, which views are there; None for all.

    Returns:
        (B, M, H', W') float32 on the CPU, at least 0 and in no particular unit. M is 1 where the net's first layer
        mixes the views, and otherwise up to V: the maps of the views in order. NaN are the maps of missing views where
        the net leaves these out.

    Raises:
        ConfigError: the output does not depend on the feature map by gradients.
    """
    images = inputs[0].detach().clone().requires_grad_()  # for nets whose parameters are frozen
    # A recurrent layer gives gradients on a GPU only while it trains, unless cuDNN is left out.
    recurrent = any(isinstance(module, nn.RNNBase) for module in net.modules())
    cudnn = torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled and not recurrent)
    with cudnn, _channels_first(feature_map) as layer:
        try:
            cells = LayerGradCam(net, layer).attribute(
                images,
                target=outputs,
                additional_forward_args=tuple(inputs[1:]) or None,
            )
        except RuntimeError as error:
            if "does not require grad" not in str(error) and "not have been used in the graph" not in str(error):
                raise
            raise ConfigError(
                f"The net lets no gradient through to {feature_map.name}. Name a later module as layer, or explain "
                "another run."
            ) from error
    signed = _by_row(cells.detach().float().cpu(), images.shape[:2], present)
    if evidence is Evidence.EITHER:
        has_none = ~(signed > 0).flatten(1).any(1)  # whatever missing views are
        signed = torch.where(has_none[:, None, None, None], -signed, signed)
    return torch.relu(signed)


def _by_row(cells: Tensor, shape: torch.Size, present: Tensor | None) -> Tensor:
    """Sorts maps (N, 1, ..., H', W') into the rows (B, M, H', W') of images of which the net may have left some out."""
    rows, views = shape
    if present is None or len(cells) in (rows, rows * views):
        return cells.reshape(rows, -1, *cells.shape[-2:])
    scattered = cells.new_full((rows * views, *cells.shape[-2:]), torch.nan)
    scattered[present.cpu().flatten()] = cells.reshape(-1, *cells.shape[-2:])
    return scattered.reshape(rows, views, *cells.shape[-2:])


@contextmanager
def _channels_first(feature_map: FeatureMap) -> Iterator[nn.Module]:
    """A module that gives the feature map as (N, C, ...), which is what Grad-CAM takes."""
    if feature_map.channel_axis == 1:
        yield feature_map.module
        return
    seen = nn.Identity()

    def detour(_module: nn.Module, _given: tuple[Any, ...], output: Tensor) -> Tensor:
        turned: Tensor = seen(output.movedim(feature_map.channel_axis, 1))
        return turned.movedim(1, feature_map.channel_axis)

    hook = feature_map.module.register_forward_hook(detour)
    try:
        yield seen
    finally:
        hook.remove()


def map_of_view(maps: Tensor, channel: int, views: int) -> Tensor:
    """Takes the map of one view.

    Args:
        maps: (M, H', W') of one row.
        channel: the place of the view in the row.
        views: how many the row has.

    Returns:
        (H', W'). Where there are fewer maps than views, neighbouring views share one.
    """
    return maps[channel * len(maps) // views]
