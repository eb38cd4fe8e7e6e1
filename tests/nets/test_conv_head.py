import pytest
import torch
import torchvision
from torch import nn

from kium_lightning.errors import ConfigError
from kium_lightning.nets.conv_head import ResNet18ConvHead, log_mean_exp


@pytest.fixture(scope="module")
def net() -> ResNet18ConvHead:
    torch.manual_seed(0)
    return ResNet18ConvHead(3, 1, False).eval()


@pytest.mark.parametrize("outputs", [1, 5])
@pytest.mark.parametrize("views", [1, 8])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (96, 70)])
def test_one_logit_per_output_and_every_parameter_learns(outputs: int, views: int, height: int, width: int) -> None:
    net = ResNet18ConvHead(outputs, views, False)
    logits = net(torch.randn(2, views, height, width))
    assert logits.shape == (2, outputs)
    logits.square().sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.head.parameters())


def test_parameters_are_torchvisions_with_a_convolution_for_the_linear_layer() -> None:
    # 11,689,512 with 1000 classes and three channels, as torchvision's documentation states it
    net = ResNet18ConvHead(1000, 3, False)
    assert sum(parameter.numel() for parameter in net.parameters()) == 11_689_512


def test_pooled_by_the_mean_it_is_torchvisions_resnet18(net: ResNet18ConvHead) -> None:
    """Which shows that the backbone is that net, and why the mean would leave nothing of the head's idea."""
    reference = torchvision.models.resnet18(weights=None).eval()
    reference.conv1 = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
    reference.fc = nn.Linear(512, 3)
    state = net.backbone.state_dict()
    reference.load_state_dict(state | {"fc.weight": net.head.weight.flatten(1), "fc.bias": net.head.bias})
    images = torch.randn(2, 1, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(net.score_map(images).mean(dim=(2, 3)), reference(images), rtol=1e-3, atol=1e-4)


def test_logits_lie_between_the_mean_and_the_maximum_of_the_map() -> None:
    scores = 3 * torch.randn(4, 2, 5, 6)
    mean, highest = scores.mean(dim=(2, 3)), scores.amax(dim=(2, 3))
    pooled = [log_mean_exp(scores, sharpness) for sharpness in (1e-3, 1.0, 5.0, 1e4)]
    torch.testing.assert_close(pooled[0], mean, rtol=0, atol=0.01)
    torch.testing.assert_close(pooled[-1], highest, rtol=0, atol=0.01)
    for less, more in zip([mean, *pooled[:-1]], [*pooled[:-1], highest], strict=True):
        assert (more > less - 1e-3).all()


def test_pooling_a_flat_map_gives_its_value_at_any_size_and_precision() -> None:
    for size in (1, 7, 23):
        flat = torch.full((1, 1, size, size), -2.5)
        torch.testing.assert_close(log_mean_exp(flat, 5.0), torch.tensor([[-2.5]]))
        torch.testing.assert_close(log_mean_exp(flat.bfloat16(), 5.0), torch.tensor([[-2.5]]))


def test_one_high_place_counts_more_than_the_same_sum_spread_out() -> None:
    spread = torch.ones(1, 1, 4, 4)
    single = torch.zeros(1, 1, 4, 4)
    single[..., 1, 2] = 16.0
    assert log_mean_exp(single, 5.0) > log_mean_exp(spread, 5.0) + 10


def test_a_change_of_the_picture_changes_the_map_at_its_place(net: ResNet18ConvHead) -> None:
    picture = torch.zeros(1, 1, 256, 256)
    for top, left in [(32, 32), (32, 192), (192, 32)]:
        marked = picture.clone()
        marked[..., top : top + 32, left : left + 32] = 1.0
        with torch.no_grad():
            change = (net.score_map(marked) - net.score_map(picture)).abs().sum(dim=1)[0]
        row, column = divmod(int(change.argmax()), change.shape[1])
        assert abs(row - (top + 16) / 32) <= 1.5
        assert abs(column - (left + 16) / 32) <= 1.5


def test_the_same_picture_is_answered_alike(net: ResNet18ConvHead) -> None:
    images = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(net(images), net(images))


@pytest.mark.parametrize("sharpness", [0.0, -1.0, float("nan"), float("inf")])
def test_a_sharpness_that_is_none_is_told(sharpness: float) -> None:
    with pytest.raises(ConfigError, match=r"model\.net\.sharpness"):
        ResNet18ConvHead(1, 1, False, sharpness)
