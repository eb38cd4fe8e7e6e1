"""Any net of timm's collection, its head replaced by a linear layer."""

from difflib import get_close_matches
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from kium_lightning.errors import ConfigError
from kium_lightning.nets.pretrained import timm_net, with_weights
from kium_lightning.nets.sources import brief, timm_sources


class TimmNet(nn.Module):
    """A net of timm's collection for as many channels as a row has views and as many logits as it has labels.

    ``densenet121.tv_in1k``, ``vgg16.tv_in1k`` and ``resnet50.tv_in1k`` are torchvision's nets and weights, which the
    report tried: the classifier is replaced by a linear layer. The report showed them the grey view as three equal
    channels; one channel with the kernels of the first layer summed gives the same answer.

    With several views as channels, as in team AID's EfficientNet-B4 of all eight, timm gives channel ``v`` the kernel
    of the colour ``v % 3``, times ``3 / views``. The views thus enter a pretrained net as a false-colour picture of
    three mixtures, in its usual range. One kernel for all views would keep less: the net would begin with their mean.

    Source: timm (Wightman, "PyTorch Image Models"), whose documentation names the paper of each net.

    Args:
        name: timm's name of the architecture, with or without a tag that names its weights, such as
            ``vit_tiny_patch16_224`` or ``densenet121.tv_in1k``.
        outputs: number of logits.
        views: channels of the input images.
        image_size: side of the square input images in pixels; it matters to nets of fixed size, such as ViT and Swin,
            whose position embeddings are built for it.
        pretrained: ``auto``, true, false or the path of a local file; see ``nets.pretrained.with_weights``.

    Attributes:
        weights_record: which weights the net started from, strings only.

    Raises:
        ConfigError: timm has no such net or no such weights, or cannot build it for this size.
        WeightsError: the weights cannot be had or do not fit.
    """

    def __init__(self, name: str, outputs: int, views: int, image_size: int, pretrained: bool | str) -> None:
        super().__init__()
        self.name = name
        size = image_size if _has_fixed_size(name) else None

        def build(file: Path | None) -> nn.Module:
            try:
                return timm_net(name, file, in_chans=views, image_size=size, outputs=outputs)
            except (AssertionError, RuntimeError, TypeError, ValueError) as error:  # timm has none of its own
                raise _misfit(name, image_size, image_size, error) from error

        self.backbone, self.weights_record = with_weights(pretrained, timm_sources(name), build)

    def forward(self, images: Tensor) -> Tensor:
        """Computes logits (B, outputs) from images (B, views, S, S) in [-1, 1].

        Raises:
            ConfigError: the net cannot take images of this size.
        """
        try:
            logits: Tensor = self.backbone(images)
        except (torch.OutOfMemoryError, torch.AcceleratorError):
            raise
        except (AssertionError, RuntimeError) as error:  # some nets find out only now that their windows do not fit
            raise _misfit(self.name, images.shape[-1], images.shape[-2], error) from error
        return logits


def _has_fixed_size(name: str) -> bool:
    """Whether a net must be told the size of its images.

    Raises:
        ConfigError: timm has no such net or no such weights.
    """
    architecture, _, tag = name.partition(".")
    known = timm.list_models()
    if architecture not in known:
        close = get_close_matches(architecture.lower(), known, n=5)
        like = f"Did you mean {_either(close)}?" if close else "timm.list_models() lists the names."
        raise ConfigError(f"timm has no net {architecture!r}. {like} Set model.net.name.")
    tags = [weights.partition(".")[2] for weights in timm.list_pretrained(f"{architecture}.*")]
    if tag and tag not in tags:
        offered = f"offers {', '.join(tags)}" if tags else "offers none"
        raise ConfigError(f"timm has no weights {tag!r} of {architecture}; it {offered}. Set model.net.name.")
    settings = timm.get_pretrained_cfg(name)
    return bool(settings is not None and settings.fixed_input_size)


def _misfit(name: str, width: int, height: int, error: Exception) -> ConfigError:
    return ConfigError(
        f"{name} cannot take images of {width} x {height} px ({brief(error).rstrip('.')}). Choose another "
        "data.image_size, such as 224, or another model.net.name."
    )


def _either(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
