from pathlib import Path

import pytest
import timm
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from kium_lightning.errors import ConfigError, WeightsError
from kium_lightning.nets.attention_lstm import ResNet50AttentionLSTM, SpatialAttention
from kium_lightning.nets.backbone import TimmNet
from kium_lightning.nets.resnet3d import ResNet3D18
from kium_lightning.settings import build, compose, plain


@pytest.fixture(scope="module")
def lstm_net() -> ResNet50AttentionLSTM:
    torch.manual_seed(0)
    net = ResNet50AttentionLSTM(3, 16, False)
    with torch.no_grad():
        for name, parameter in net.lstm.named_parameters():
            parameter.mul_(4 if "weight" in name else 1)  # a fresh LSTM answers much the same to everything
    return net.eval()


@pytest.fixture(scope="module")
def views() -> Tensor:
    """Three patients with five views each."""
    return torch.randn(3, 5, 48, 48, generator=torch.Generator().manual_seed(1))


PRESENT = torch.tensor([[1, 1, 0, 1, 0], [0, 1, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=torch.bool)


@pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])
@pytest.mark.parametrize("pixels", [-1.0, 7.0, float("nan")])
def test_logits_do_not_depend_on_the_pixels_of_a_missing_view(
    lstm_net: ResNet50AttentionLSTM, views: Tensor, training: bool, pixels: float
) -> None:
    other = torch.where(PRESENT[..., None, None], views, torch.tensor(pixels))
    lstm_net.train(training)
    try:
        with torch.no_grad():
            assert torch.equal(lstm_net(other, PRESENT), lstm_net(views, PRESENT))
    finally:
        lstm_net.eval()


def test_logits_are_those_without_the_missing_views_and_without_the_other_patients(
    lstm_net: ResNet50AttentionLSTM, views: Tensor
) -> None:
    with torch.no_grad():
        together = lstm_net(views, PRESENT)
        for patient, present in enumerate(PRESENT):
            alone = lstm_net(views[patient, present][None], torch.ones(1, int(present.sum()), dtype=torch.bool))
            torch.testing.assert_close(together[patient], alone[0], rtol=1e-4, atol=1e-5)
    assert (together[0] - together[2]).abs().max() > 1e-3


def test_every_present_view_and_their_order_matter(lstm_net: ResNet50AttentionLSTM, views: Tensor) -> None:
    everything = torch.ones(3, 5, dtype=torch.bool)
    with torch.no_grad():
        logits = lstm_net(views, everything)
        for place in range(5):
            changed = views.clone()
            changed[:, place] = changed[:, place].flip(0, -1)
            assert (lstm_net(changed, everything) - logits).abs().max() > 1e-4, place
        assert (lstm_net(views.flip(1), everything) - logits).abs().max() > 1e-4


def test_the_lstm_net_trains_every_parameter_in_bfloat16() -> None:
    net = ResNet50AttentionLSTM(22, 8, False).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = net(torch.randn(2, 5, 64, 64), PRESENT[:2])
    assert logits.shape == (2, 22)
    logits.float().square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in net.parameters())


def test_attention_is_a_convolution_over_the_mean_and_the_maximum_of_the_channels() -> None:
    attention, features = SpatialAttention(), torch.randn(2, 6, 9, 8)
    patches = functional.unfold(torch.stack([features.sum(1) / 6, features.max(1).values], dim=1), 7, padding=3)
    kernel, bias = attention.convolution.weight.flatten(), attention.convolution.bias
    assert bias is not None
    expected = 1 / (1 + torch.exp(-(torch.einsum("k,nkp->np", kernel, patches) + bias)))
    torch.testing.assert_close(attention(features), expected.view(2, 1, 9, 8))


def test_resnet50_from_a_file_answers_grey_as_torchvisions_answers_equal_channels(tmp_path: Path) -> None:
    colour = torchvision.models.resnet50(weights=None).eval()
    torch.save(colour.state_dict(), tmp_path / "resnet50.pth")
    net = ResNet50AttentionLSTM(1, 4, str(tmp_path / "resnet50.pth")).eval()
    colour.fc = nn.Identity()
    images = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        pooled = net.backbone(images).mean(dim=(2, 3))
        expected = colour(images.expand(-1, 3, -1, -1))
        torch.testing.assert_close(pooled, expected, rtol=1e-3, atol=1e-3 * expected.abs().max().item())
    assert net.weights_record["source"] == "file"


def test_efficientnet_gives_each_view_the_kernel_of_a_colour_in_turn(tmp_path: Path) -> None:
    colour: nn.Module = timm.create_model("efficientnet_b4", pretrained=False)
    torch.save(colour.state_dict(), tmp_path / "b4.pth")
    net = TimmNet("efficientnet_b4", 1, 8, 64, str(tmp_path / "b4.pth"))
    loaded, given = net.backbone.state_dict(), colour.state_dict()
    kernels = given.pop("conv_stem.weight")
    for view, colour_place in enumerate([0, 1, 2, 0, 1, 2, 0, 1]):
        torch.testing.assert_close(loaded["conv_stem.weight"][:, view], kernels[:, colour_place] * 0.375)
    assert loaded["classifier.weight"].shape == (1, 1792)
    for key in given:
        if not key.startswith("classifier"):
            assert torch.equal(loaded[key], given[key]), key


@pytest.mark.parametrize("outputs", [1, 22])
def test_efficientnet_gives_one_logit_per_output(outputs: int) -> None:
    with torch.no_grad():
        assert TimmNet("efficientnet_b4", outputs, 8, 64, False).eval()(torch.randn(2, 8, 64, 64)).shape == (2, outputs)


def test_resnet3d_from_a_file_answers_views_as_torchvisions_answers_a_film_of_equal_channels(tmp_path: Path) -> None:
    colour = torchvision.models.video.r3d_18(weights=None).eval()
    torch.save(colour.state_dict(), tmp_path / "r3d_18.pth")
    net = ResNet3D18(22, str(tmp_path / "r3d_18.pth")).eval()
    colour.fc = nn.Identity()
    images = torch.randn(2, 8, 32, 32)
    with torch.no_grad():
        features = colour(torch.stack([images] * 3, dim=1))
        expected = functional.linear(features, net.backbone.fc.weight, net.backbone.fc.bias)  # type: ignore[union-attr,arg-type]
        torch.testing.assert_close(net(images), expected, rtol=1e-3, atol=1e-4)
    assert expected.shape == (2, 22)
    assert net.weights_record["source"] == "file"


@pytest.mark.parametrize("content", ["net", "bytes", "list"])
def test_resnet3d_refuses_what_is_no_file_of_that_net(tmp_path: Path, content: str) -> None:
    path = tmp_path / "weights.pth"
    torch.save(torchvision.models.resnet18(weights=None).state_dict() if content == "net" else [1, 2], path)
    if content == "bytes":
        path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"weights\.pth does not fit r3d_18"):
        ResNet3D18(1, str(path))


def test_3d_kernels_in_a_2d_memory_format_are_told() -> None:
    settings = ["model=resnet3d", "model.net.pretrained=false", "model.memory_format=channels_last"]
    model = plain(compose("train", [*settings, "name=here", "folder=/unused"]))["model"]
    with pytest.raises(ConfigError, match=r"ResNet3D18 has 3D kernels\. Set model\.memory_format=contiguous"):
        build(model)
