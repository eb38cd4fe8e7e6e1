"""Reading MedicalNet's 3D ResNet18 weights into a 2D net."""

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from kium_lightning.errors import WeightsError

_PREFIX = "module."
_COUNTER = "num_batches_tracked"
_MOST_NAMED = 12


def load_medicalnet(trunk: nn.Module, path: Path) -> None:
    """Copies the weights of a MedicalNet file into a 2D ResNet18 trunk, or changes nothing.

    The file is a checkpoint whose ``state_dict`` holds keys with the prefix ``module.`` of a parallel wrapper. A
    ResNet18 with shortcut A has 17 convolutions (1 stem, 8 blocks of 2) without bias and 17 batch norms. A batch norm
    has weight, bias, running mean and running variance, so there are 17 + 17 x 4 = 85 keys; files of newer torch add
    each batch norm's ``num_batches_tracked``, which makes 17 + 17 x 5 = 102. There is neither a downsampling
    convolution nor a classifier.

    Source: Chen et al., "Med3D: Transfer Learning for 3D Medical Image Analysis", 2019.

    Args:
        trunk: a ResNet18 without classifier, shortcut A.
        path: the ``.pth`` file.

    Raises:
        WeightsError: the file cannot be read, or a key or a shape on either side has no partner; the message names
            them.
    """
    state = flattened(read_medicalnet(path))
    expected = trunk.state_dict()
    if not any(key.endswith(_COUNTER) for key in state):
        expected = {key: value for key, value in expected.items() if not key.endswith(_COUNTER)}
    faults = _faults(expected, state)
    if faults:
        remedy = " MedicalNet's ResNet18 needs shortcut: A." if any("downsample" in fault for fault in faults) else ""
        raise WeightsError(f"{path} does not fit this net: {'; '.join(faults)}.{remedy}")
    trunk.load_state_dict(state, strict=False)  # the counters may be absent; all else was matched above


def read_medicalnet(path: Path) -> dict[str, Tensor]:
    """Reads the tensors of a MedicalNet checkpoint, their names without the wrapper's prefix.

    Raises:
        WeightsError: the file is missing, damaged or holds no state dict.
    """
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        cause = (str(error).splitlines() or [type(error).__name__])[0]
        raise WeightsError(
            f"{path} cannot be read as weights ({cause}). Download MedicalNet's resnet_18.pth."
        ) from error
    state = checkpoint.get("state_dict", checkpoint) if isinstance(checkpoint, dict) else None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"{path} holds no state dict of tensors. Give MedicalNet's resnet_18.pth.")
    return {key.removeprefix(_PREFIX): value for key, value in state.items()}


def flattened(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Turns 3D kernels (out, in, D, H, W) into 2D ones (out, in, H, W) by summing over depth; copies the rest.

    The sum, unlike the mean, keeps every response as it was: a volume that repeats one picture in depth gives the 3D
    net the same activations as the picture gives the 2D net, so that the batch norms' statistics stay right.
    """
    return {key: value.sum(dim=2) if value.ndim == 5 else value.clone() for key, value in state.items()}


def _faults(expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> list[str]:
    missing = [key for key in expected if key not in state]
    unknown = [key for key in state if key not in expected]
    misshapen = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(value.shape)}"
        for key, value in expected.items()
        if key in state and state[key].shape != value.shape
    ]
    named = (
        ("the file lacks", missing),
        ("the net has no", unknown),
        ("after summing over depth the shape differs in", misshapen),
    )
    return [f"{what} {_listed(keys)}" for what, keys in named if keys]


def _listed(keys: list[str]) -> str:
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    return ", ".join(keys[:_MOST_NAMED]) + more
