from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import nn

from kium_lightning.errors import ConfigError, WeightsError
from kium_lightning.nets.resnet18 import ResNet18
from kium_lightning.nets.swin import SwinV2CrTiny

ARCHITECTURE = "swinv2_cr_tiny_ns_224"


@pytest.fixture(scope="module")
def colour_swin() -> nn.Module:
    torch.manual_seed(0)
    net: nn.Module = timm.create_model(ARCHITECTURE, pretrained=False)
    return net.eval()


@pytest.fixture(scope="module")
def swin_file(colour_swin: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("swin") / "swin.pth"
    torch.save(colour_swin.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def colour_resnet() -> nn.Module:
    torch.manual_seed(0)
    net: nn.Module = torchvision.models.resnet18(weights=None)
    return net.eval()


@pytest.mark.parametrize("image_size", [128, 224, 256])
def test_swin_gives_one_logit_per_output_at_every_size(image_size: int) -> None:
    net = SwinV2CrTiny(5, image_size, False).eval()
    with torch.no_grad():
        assert net(torch.randn(2, 1, image_size, image_size)).shape == (2, 5)


def test_swin_from_a_file_answers_grey_as_the_file_answers_equal_channels(
    colour_swin: nn.Module, swin_file: Path
) -> None:
    net = SwinV2CrTiny(5, 224, str(swin_file)).eval()
    images = torch.randn(1, 1, 224, 224)
    with torch.no_grad():
        expected = net.classifier(colour_swin(images.expand(-1, 3, -1, -1)))
        torch.testing.assert_close(net(images), expected, rtol=1e-3, atol=1e-4)
    assert net.weights_record["source"] == "file"


@pytest.mark.parametrize("image_size", [128, 256])
def test_swin_weights_of_224_fit_other_sizes_unchanged(
    colour_swin: nn.Module, swin_file: Path, image_size: int
) -> None:
    net = SwinV2CrTiny(5, image_size, str(swin_file))
    loaded, first = net.backbone.state_dict(), "patch_embed.proj.weight"
    for key, value in colour_swin.state_dict().items():
        expected = value.sum(dim=1, keepdim=True) if key == first else value
        torch.testing.assert_close(loaded[key], expected, msg=key)


def test_swin_reads_safetensors(colour_swin: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_file(colour_swin.state_dict(), path)
    net = SwinV2CrTiny(5, 128, str(path))
    torch.testing.assert_close(net.backbone.state_dict()["head.fc.bias"], colour_swin.state_dict()["head.fc.bias"])


def test_swin_refuses_a_file_of_another_net_and_names_keys(colour_resnet: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "resnet.pth"
    torch.save(colour_resnet.state_dict(), path)
    with pytest.raises(WeightsError, match=r"resnet\.pth does not fit .*Missing key"):
        SwinV2CrTiny(5, 128, str(path))


def test_swin_refuses_images_of_another_size() -> None:
    with pytest.raises(ConfigError, match="built for images of 128 x 128 px but was given 96 x 128"):
        SwinV2CrTiny(5, 128, False)(torch.randn(1, 1, 128, 96))


def test_swin_refuses_an_image_size_without_windows() -> None:
    with pytest.raises(ConfigError, match="at least 32"):
        SwinV2CrTiny(5, 16, False)


def test_resnet18_is_torchvisions_between_the_reports_layers(colour_resnet: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    torch.save(colour_resnet.state_dict(), path)
    net = ResNet18(6, str(path)).eval()
    images = torch.randn(2, 1, 96, 96)
    with torch.no_grad():
        classes = colour_resnet(images * net.conv.weight.view(1, 3, 1, 1))
        torch.testing.assert_close(net(images), net.classifier(classes), rtol=1e-3, atol=1e-5)
    layers = [(type(layer).__name__, getattr(layer, "out_features", None)) for layer in net.classifier]
    assert [name for name, _ in layers] == ["Dropout", "Linear", "ReLU", "Linear", "ReLU", "Linear"]
    assert [width for _, width in layers if width] == [100, 10, 6]


def test_resnet18_refuses_a_head_of_another_width(tmp_path: Path) -> None:
    path = tmp_path / "resnet18.pth"
    torch.save(torchvision.models.resnet18(weights=None, num_classes=7).state_dict(), path)
    with pytest.raises(WeightsError, match=r"fc\.weight"):
        ResNet18(6, str(path))


@pytest.mark.parametrize("content", [b"", b"no weights"])
def test_damaged_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "resnet18.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="does not fit"):
        ResNet18(6, str(path))


def test_resnet18_takes_any_size_and_trains() -> None:
    net = ResNet18(6, False)
    logits = net(torch.randn(2, 1, 70, 64))
    assert logits.shape == (2, 6)
    logits.sum().backward()
    assert net.conv.weight.grad is not None
