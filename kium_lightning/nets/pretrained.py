"""Which weights a net starts from: a published file, a local one or none, and the record of which it was."""

import hashlib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import timm
from torch import nn

from kium_lightning.errors import WeightsError
from kium_lightning.nets.sources import Source, brief

_Net = TypeVar("_Net", bound=nn.Module)


def with_weights(
    pretrained: bool | str, sources: Sequence[Source], build: Callable[[Path | None], _Net]
) -> tuple[_Net, dict[str, str]]:
    """Builds a net with the weights that were asked for, and records which ones it truly has.

    Args:
        pretrained: ``auto`` takes the first source that has the file and falls back to none with one warning that
            names the cause; True raises instead; False takes none; any other string is the path of a local file.
        sources: where to look, in order; every cache is asked before any network.
        build: makes the net, from a file of weights or at random for None. It must raise ``WeightsError`` if the file
            does not fit.

    Returns:
        The net and the record: ``source`` (``none``, ``file`` or ``hub``), and ``name`` with ``sha256`` of the file,
        or ``cause`` where there are none. Strings only.

    Raises:
        WeightsError: ``pretrained`` is none of these, a local file is missing or does not fit, or ``pretrained`` is
            True and no source has a file that fits.
    """
    if not isinstance(pretrained, bool | str):
        raise WeightsError(f"pretrained is {pretrained!r}. Set it to auto, true, false or the path of a local file.")
    if pretrained is False:
        return build(None), {"source": "none", "cause": "pretrained: false"}
    if isinstance(pretrained, str) and pretrained != "auto":
        path = Path(pretrained).expanduser().absolute()
        if not path.is_file():
            raise WeightsError(
                f"There is no file of weights {path}. Set pretrained to the path of a .pth or .safetensors file, or to "
                "auto, true or false."
            )
        return build(path), {"source": "file", "name": str(path), "sha256": _sha256(path)}
    try:
        source, path = _obtain(sources)
    except WeightsError as error:
        cause = str(error).rstrip(".")
        if pretrained is True:
            raise WeightsError(
                f"Pretrained weights cannot be had: {cause}. Connect to the network, set pretrained to the path of a "
                "local file, or set pretrained=auto or pretrained=false to start from random weights."
            ) from error
    else:
        return build(path), {"source": "hub", "name": source.name, "sha256": _sha256(path)}
    warnings.warn(
        f"The net starts from random weights, because pretrained ones cannot be had: {cause}. Set pretrained to the "
        "path of a local file to use one, or to false to silence this.",
        stacklevel=3,
    )
    return build(None), {"source": "none", "cause": cause}


def timm_net(
    architecture: str,
    file: Path | None,
    in_chans: int,
    image_size: int | None = None,
    outputs: int | None = None,
) -> nn.Module:
    """Makes a timm net at random or from a file, with its published head or with another in that one's place.

    timm itself fits the file's first layer to other channels than 3: it sums the kernels for one channel, and repeats
    and scales them for several.

    Args:
        architecture: timm's name.
        file: a state dict of the same architecture with the published head, ``.pth`` or ``.safetensors``.
        in_chans: channels of the input images.
        image_size: side of the input images in pixels, for nets that must know it.
        outputs: 0 for pooled features without a head, else the outputs of a new linear head at random; None keeps
            the published head (1000 classes for most nets).

    Raises:
        WeightsError: the file is unreadable or its keys or shapes do not fit; the message names them.
    """
    size: dict[str, Any] = {} if image_size is None else {"img_size": image_size}
    overlay = None if file is None else {"file": str(file)}
    published = timm.get_pretrained_cfg(architecture)
    try:
        net: nn.Module = timm.create_model(
            architecture,
            pretrained=file is not None,
            pretrained_cfg_overlay=overlay,
            in_chans=in_chans,
            num_classes=1000 if published is None else published.num_classes,
            **size,
        )
    except Exception as error:
        if file is None:
            raise
        raise WeightsError(f"{file} does not fit {architecture} ({brief(error)}). Give a file of that net.") from error
    if outputs is not None:
        # Not left to create_model: asked for another head it skips every key of the file that does not fit.
        net.reset_classifier(outputs)  # type: ignore[operator]
    return net


def _obtain(sources: Sequence[Source]) -> tuple[Source, Path]:
    for source in sources:
        path = source.cached()
        if path is not None:
            return source, path
    causes = []
    for source in sources:
        try:
            return source, source.fetch()
        except WeightsError as error:
            causes.append(f"{source.name}: {error}")
    raise WeightsError("; ".join(causes) or "nobody publishes any for this net")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
