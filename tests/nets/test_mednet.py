import itertools
from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from kium_lightning.errors import ConfigError, WeightsError
from kium_lightning.nets.medicalnet import flattened, load_medicalnet
from kium_lightning.nets.mednet import MedNetResNet18, ResNet18Trunk, Shortcut, Strides, ZeroPaddedShortcut

STAGES: dict[Strides, list[tuple[int, int]]] = {
    "torchvision": [(1, 1), (2, 1), (2, 1), (2, 1)],
    "dilated": [(1, 1), (2, 1), (1, 2), (1, 4)],
}
WIDTHS = [64, 128, 256, 512]


def medicalnet_state(counters: bool, seed: int = 0) -> dict[str, Tensor]:
    """A state dict with the keys and shapes of MedicalNet's ResNet18, written out from its description."""
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, Tensor] = {}

    def convolution(name: str, outgoing: int, incoming: int, size: int) -> None:
        scale = (2 / (incoming * size**3)) ** 0.5
        state[f"{name}.weight"] = torch.randn(outgoing, incoming, size, size, size, generator=generator) * scale

    def norm(name: str, width: int) -> None:
        state[f"{name}.weight"] = torch.rand(width, generator=generator) + 0.5
        state[f"{name}.bias"] = torch.randn(width, generator=generator) * 0.1
        state[f"{name}.running_mean"] = torch.randn(width, generator=generator) * 0.1
        state[f"{name}.running_var"] = torch.rand(width, generator=generator) + 0.5
        if counters:
            state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    convolution("conv1", 64, 1, 7)
    norm("bn1", 64)
    incoming = 64
    for (stage, width), block in itertools.product(enumerate(WIDTHS, start=1), range(2)):
        convolution(f"layer{stage}.{block}.conv1", width, incoming, 3)
        norm(f"layer{stage}.{block}.bn1", width)
        convolution(f"layer{stage}.{block}.conv2", width, width, 3)
        norm(f"layer{stage}.{block}.bn2", width)
        incoming = width
    return state


def write_medicalnet(path: Path, state: dict[str, Tensor]) -> Path:
    torch.save({"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}}, path)
    return path


def answer_in_3d(state: dict[str, Tensor], volume: Tensor, strides: Strides) -> Tensor:
    """MedicalNet's ResNet18 up to its last features, from functional 3D operations."""

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance, weight, bias = (
            state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        return functional.batch_norm(x, mean, variance, weight, bias)

    x = functional.conv3d(volume, state["conv1.weight"], stride=2, padding=3)
    x = functional.max_pool3d(functional.relu(norm(x, "bn1")), 3, stride=2, padding=1)
    for stage, (stride, dilation) in enumerate(STAGES[strides], start=1):
        for block in range(2):
            name = f"layer{stage}.{block}"
            step = stride if block == 0 else 1
            y = functional.conv3d(x, state[f"{name}.conv1.weight"], stride=step, padding=dilation, dilation=dilation)
            y = functional.relu(norm(y, f"{name}.bn1"))
            y = functional.conv3d(y, state[f"{name}.conv2.weight"], padding=dilation, dilation=dilation)
            y = norm(y, f"{name}.bn2")
            shortcut = functional.avg_pool3d(x, kernel_size=1, stride=step)
            zeros = shortcut.new_zeros(len(x), y.shape[1] - x.shape[1], *shortcut.shape[2:])
            x = functional.relu(y + torch.cat([shortcut, zeros], dim=1))
    return x


@pytest.mark.parametrize(("counters", "keys"), [(False, 85), (True, 102)])
def test_medicalnet_file_fills_every_parameter(tmp_path: Path, counters: bool, keys: int) -> None:
    state = medicalnet_state(counters)
    assert len(state) == keys
    net = MedNetResNet18(1, str(write_medicalnet(tmp_path / "resnet_18.pth", state)))
    loaded = net.backbone.state_dict()
    assert len(loaded) == 102
    for key, value in state.items():
        expected = torch.einsum("oidhw->oihw", value) if value.ndim == 5 else value
        torch.testing.assert_close(loaded[key], expected)
    assert net.weights_record["source"] == "file"
    assert len(net.weights_record["sha256"]) == 64


@pytest.mark.parametrize(("strides", "depth"), [("torchvision", 512), ("dilated", 640)])
def test_flattened_net_answers_a_picture_as_the_3d_net_a_volume_that_repeats_it(strides: Strides, depth: int) -> None:
    state = medicalnet_state(counters=True)
    trunk = ResNet18Trunk(strides, "A").eval()
    trunk.load_state_dict(flattened(state))
    picture = torch.randn(1, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features = trunk(picture)
        volume = answer_in_3d(state, picture.unsqueeze(2).expand(-1, -1, depth, -1, -1), strides)
    middle = volume[:, :, volume.shape[2] // 2]  # so deep inside that no border is in its field of view
    torch.testing.assert_close(features, middle, rtol=1e-3, atol=1e-3 * middle.abs().max().item())


def test_trunk_with_shortcut_b_is_torchvisions() -> None:
    reference = torchvision.models.resnet18(weights=None).eval()
    reference.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    reference.avgpool = nn.Identity()
    reference.fc = nn.Identity()
    trunk = ResNet18Trunk("torchvision", "B").eval()
    trunk.load_state_dict(reference.state_dict())
    images = torch.randn(2, 1, 65, 96)
    with torch.no_grad():
        torch.testing.assert_close(trunk(images).flatten(1), reference(images))


@pytest.mark.parametrize(("strides", "side"), [("torchvision", 3), ("dilated", 9)])
@pytest.mark.parametrize("shortcut", ["A", "B"])
def test_dilated_layout_keeps_an_eighth_of_the_resolution(strides: Strides, side: int, shortcut: Shortcut) -> None:
    with torch.no_grad():
        assert ResNet18Trunk(strides, shortcut)(torch.randn(1, 1, 70, 70)).shape == (1, 512, side, side)


def test_zero_padded_shortcut_is_strided_pooling_with_zero_channels() -> None:
    features = torch.randn(2, 3, 7, 6, requires_grad=True)
    padded = ZeroPaddedShortcut(missing=2, stride=2)(features)
    torch.testing.assert_close(padded[:, :3], functional.avg_pool2d(features, kernel_size=1, stride=2))
    assert padded.shape == (2, 5, 4, 3)
    assert not padded[:, 3:].any()
    padded.sum().backward()
    assert features.grad is not None
    assert features.grad.sum() == 2 * 3 * 4 * 3


@pytest.mark.parametrize("outputs", [1, 5])
def test_mednet_gives_one_logit_per_output_and_trains(outputs: int) -> None:
    net = MedNetResNet18(outputs, False)
    logits = net(torch.randn(2, 1, 64, 64))
    assert logits.shape == (2, outputs)
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())


def test_head_is_the_reports() -> None:
    layers = [
        (type(layer).__name__, getattr(layer, "out_features", None)) for layer in MedNetResNet18(1, False).classifier
    ]
    assert [name for name, _ in layers] == ["Linear", "Dropout", "ReLU", "Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert [width for _, width in layers if width] == [256, 128, 16, 1]


def test_unmatched_keys_are_named_and_the_net_stays_as_it_was(tmp_path: Path) -> None:
    state = medicalnet_state(counters=True)
    state["layer9.conv1.weight"] = state.pop("layer1.0.conv1.weight")
    state["layer4.1.bn2.bias"] = torch.zeros(3)
    trunk = ResNet18Trunk("torchvision", "A")
    before = {key: value.clone() for key, value in trunk.state_dict().items()}
    with pytest.raises(WeightsError) as caught:
        load_medicalnet(trunk, write_medicalnet(tmp_path / "resnet_18.pth", state))
    message = str(caught.value)
    assert "lacks layer1.0.conv1.weight" in message
    assert "has no layer9.conv1.weight" in message
    assert "layer4.1.bn2.bias (3,) instead of (512,)" in message
    assert all(torch.equal(before[key], value) for key, value in trunk.state_dict().items())


def test_some_counters_missing_is_a_fault(tmp_path: Path) -> None:
    state = medicalnet_state(counters=True)
    del state["bn1.num_batches_tracked"]
    with pytest.raises(WeightsError, match=r"lacks bn1\.num_batches_tracked"):
        MedNetResNet18(1, str(write_medicalnet(tmp_path / "resnet_18.pth", state)))


def test_medicalnet_file_does_not_fit_shortcut_b(tmp_path: Path) -> None:
    path = write_medicalnet(tmp_path / "resnet_18.pth", medicalnet_state(counters=False))
    with pytest.raises(WeightsError, match=r"downsample.*needs shortcut: A"):
        MedNetResNet18(1, str(path), shortcut="B")


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut off"])
def test_damaged_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "resnet_18.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        MedNetResNet18(1, str(path))


@pytest.mark.parametrize("content", [[1, 2], {"epoch": 3}, {"state_dict": {}}])
def test_file_without_tensors_is_an_error(tmp_path: Path, content: object) -> None:
    path = tmp_path / "resnet_18.pth"
    torch.save(content, path)
    with pytest.raises(WeightsError, match="holds no state dict"):
        MedNetResNet18(1, str(path))


def test_unknown_layout_is_an_error() -> None:
    with pytest.raises(ConfigError, match="torchvision, dilated"):
        MedNetResNet18(1, False, strides="wide")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="A or B"):
        MedNetResNet18(1, False, shortcut="C")  # type: ignore[arg-type]
