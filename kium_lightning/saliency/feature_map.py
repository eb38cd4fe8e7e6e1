"""Finding the feature map of a net that a heat map is made of, and where its cells lie in the image."""

import re
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kium_lightning.errors import ConfigError

_WINDOWED = (nn.Conv2d, nn.Conv3d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool2d, nn.AvgPool3d)
_ATTENTION = re.compile(r"(Attention|Attn)(Pool\w*|Cl|2d|V2)?$")  # classes whose inner outputs are no maps of the image
_MOST_EXTRA_TOKENS = 16  # beside those of the cells: a class token, registers
_MOST_LISTED = 6


class Grid(NamedTuple):
    """Where the cells of a feature map lie in the net's input image; the same for rows and columns.

    Attributes:
        first: the centre of the first cell; 0 is the centre of the first pixel.
        step: pixels from one cell to the next.
    """

    first: float
    step: float


class FeatureMap(NamedTuple):
    """A module of a net whose output is a map of the image.

    Attributes:
        name: of the module in the net.
        module: the module.
        channels: of its output.
        channel_axis: of its output: 1, or 3 where they stand last, as in Swin Transformers.
        side: cells along each side.
        grid: where these cells lie in the image.
    """

    name: str
    module: nn.Module
    channels: int
    channel_axis: int
    side: int
    grid: Grid


class _Pass(NamedTuple):
    """What one module did in a forward pass: its output's shape, and its input's side where that is a map."""

    name: str
    module: nn.Module
    shape: tuple[int, ...]
    incoming: int | None

    @property
    def channel_axis(self) -> int | None:
        """Where the channels of a square map stand, first if both can be; None for what is no map.

        One channel alone would be a map of attention and not of features.
        """
        if len(self.shape) in (4, 5) and self.shape[1] > 1 and self.shape[-1] == self.shape[-2] > 1:
            return 1
        return 3 if len(self.shape) == 4 and self.shape[1] == self.shape[2] > 1 and self.shape[3] > 1 else None

    @property
    def side(self) -> int:
        """Cells along a side of a map."""
        return self.shape[1] if self.channel_axis == 3 else self.shape[-1]


def find_feature_map(
    net: nn.Module, inputs: Sequence[Tensor], layer: str | None = None, present: Tensor | None = None
) -> FeatureMap:
    """Finds the last feature map of a net by looking on while it works.

    It is the output (B, C, H', W'), or (B, C, T, H', W') of a net over stacked views, or (B, H', W', C), of the last
    module that gives a square map of more than one cell and more than one channel: the last stage of a ResNet or of a
    Swin Transformer. What a module does within attention is no map: its rows and columns are places, all to all.
    The first dimension may also be B times the number of views, where a net looks at each view by itself, or the
    number of views that are there, where it leaves out those that patients lack.

    Args:
        net: in evaluation mode.
        inputs: what it takes; images (B, V, S, S) first.
        layer: the name of a module to use instead, such as ``backbone.layer3``; None for the last one.
        present: (B, V) bool, which views are there; None for all.

    Raises:
        ConfigError: the net has no such map, or goes on after its last one with a sequence of patches, as a ViT; or it
            has no module of the name given, or this module's output is no map.
    """
    images = inputs[0]
    batches = {len(images), len(images) * images.shape[1]}
    if present is not None:
        batches.add(int(present.sum()))
    passes = _watch(net, inputs)
    maps = [done for done in passes if done.shape[0] in batches and done.channel_axis is not None]
    if layer is None and not maps:
        raise ConfigError(
            f"No module of {type(net).__name__} gives a feature map: there is nothing to make a heat map of. Explain "
            "a run whose net is convolutional or a Swin Transformer."
        )
    chosen = maps[-1] if layer is None else next((done for done in reversed(maps) if done.name == layer), None)
    if chosen is None:
        raise ConfigError(
            f"layer={layer} is no module of {type(net).__name__} that gives a feature map. Choose one such as "
            f"{', '.join(_by_side(maps))}, or null for the last one."
        )
    place, axis = passes.index(chosen), chosen.channel_axis
    assert axis is not None  # it is a map
    if layer is None and any(_is_sequence(done, chosen.side, batches) for done in passes[place + 1 :]):
        raise ConfigError(
            f"{type(net).__name__} goes on after its last feature map, {chosen.name}, with a sequence of patches. Set "
            f"layer={chosen.name} to see this map all the same, or explain a run whose net is convolutional or a Swin "
            "Transformer."
        )
    grid = _grid(passes[: place + 1], images.shape[-1], chosen.side)
    return FeatureMap(chosen.name, chosen.module, chosen.shape[axis], axis, chosen.side, grid)


def _watch(net: nn.Module, inputs: Sequence[Tensor]) -> list[_Pass]:
    """What each module outside of attention did in one forward pass, in the order in which they were done."""
    passes: list[_Pass] = []

    def note(module: nn.Module, given: tuple[Any, ...], output: Any, name: str) -> None:
        if isinstance(output, Tensor):
            came = given[0] if given and isinstance(given[0], Tensor) and given[0].ndim >= 4 else None
            passes.append(_Pass(name, module, tuple(output.shape), None if came is None else came.shape[-1]))

    attention = tuple(f"{name}." for name, module in net.named_modules() if name and _is_attention(name, module))
    watched = [(name, module) for name, module in net.named_modules() if name and not name.startswith(attention)]
    hooks = [module.register_forward_hook(partial(note, name=name)) for name, module in watched]
    try:
        with torch.no_grad():
            net(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return passes


def _is_attention(name: str, module: nn.Module) -> bool:
    return "attn" in name.rpartition(".")[2] or _ATTENTION.search(type(module).__name__) is not None


def _is_sequence(done: _Pass, side: int, batches: set[int]) -> bool:
    """Whether an output (B, N, C) is a sequence of all cells of a map."""
    shape = done.shape
    return len(shape) == 3 and shape[0] in batches and 0 <= shape[1] - side**2 <= _MOST_EXTRA_TOKENS


def _by_side(maps: Sequence[_Pass]) -> list[str]:
    """The last module of each resolution, coarse ones first."""
    last = {done.side: done.name for done in maps}
    return [f"{name} ({side} x {side})" for side, name in sorted(last.items())][:_MOST_LISTED]


def _grid(passes: Sequence[_Pass], image_side: int, side: int) -> Grid:
    """Follows the modules that make the map smaller from the image to the feature map.

    A convolution or pooling with kernel k, padding p and stride s has its first window centred at (k - 1) / 2 - p, and
    its windows s apart (Araujo et al., "Computing Receptive Fields of Convolutional Neural Networks", Distill 2019).
    With the usual padding of (k - 1) / 2 the cells of a ResNet lie at 0, s, 2 s, ...: half a cell to the upper left of
    where stretching the map over the image would put them. Whatever is not done by such a module, as a Swin
    Transformer's merging of patches, joins neighbouring cells. A net may make an image of the image first, as an
    autoencoder does; what counts starts with the last module that makes something of the image's size smaller.
    """
    first, step, now = 0.0, 1.0, image_side
    starts = [place for place, done in enumerate(passes) if _shrinks(done, now, side)]
    passes = passes[starts[-1] :] if starts else passes
    while now > side:
        shrinking = next((done for done in passes if _shrinks(done, now, side)), None)
        if shrinking is None:
            factor = now / side
            return Grid(first + (factor - 1) / 2 * step, step * factor)
        reach, stride, padding = _window(shrinking, now)
        first += ((reach - 1) / 2 - padding) * step
        step *= stride
        now = shrinking.shape[-1]
    return Grid(first, step)


def _shrinks(done: _Pass, now: int, side: int) -> bool:
    return isinstance(done.module, _WINDOWED) and done.incoming == now and side <= done.shape[-1] < now


def _window(done: _Pass, incoming: int) -> tuple[int, int, int]:
    """How far the windows of a module reach, how far they lie apart, and the padding before the first."""
    module: Any = done.module
    kernel, stride, dilation = (_last(getattr(module, name, 1)) for name in ("kernel_size", "stride", "dilation"))
    reach = dilation * (kernel - 1) + 1
    padding = 0 if isinstance(module.padding, str) else _last(module.padding)
    if padding == 0:  # none, or one that is added outside of the module, as in TensorFlow's way
        padding = max((done.shape[-1] - 1) * stride + reach - incoming, 0) // 2
    return reach, stride, padding


def _last(value: int | Sequence[int]) -> int:
    return value if isinstance(value, int) else value[-1]
