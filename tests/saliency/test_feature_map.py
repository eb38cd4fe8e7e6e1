from collections.abc import Sequence

import pytest
import torch
from torch import nn

from kium_lightning.errors import ConfigError
from kium_lightning.nets.autoencoder import Autoencoder, ReconstructionClassifier
from kium_lightning.nets.backbone import TimmNet
from kium_lightning.nets.mednet import MedNetResNet18
from kium_lightning.nets.resnet18 import ResNet18
from kium_lightning.nets.swin import SwinV2CrTiny
from kium_lightning.saliency.feature_map import Grid, find_feature_map
from kium_lightning.saliency.grad_cam import Evidence, heat_maps, map_of_view


class Stack(nn.Module):
    """Modules in a row, and the mean of the map that they give."""

    def __init__(self, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.trunk = nn.Sequential(*modules)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.trunk(images).mean((2, 3))  # type: ignore[no-any-return]


def conv(kernel: int, stride: int, padding: int | str, incoming: int = 2, dilation: int = 1) -> nn.Conv2d:
    return nn.Conv2d(incoming, 2, kernel, stride, padding, dilation)


STACKS: dict[str, list[nn.Module]] = {
    "resnet": [conv(7, 2, 3, 1), nn.AvgPool2d(3, 2, 1), conv(3, 2, 1), conv(3, 1, 1)],
    "vgg": [conv(3, 1, 1, 1), nn.AvgPool2d(2), conv(3, 1, 1), nn.AvgPool2d(2)],
    "densenet": [conv(7, 2, 3, 1), nn.AvgPool2d(3, 2, 1), nn.AvgPool2d(2)],
    "patches": [conv(4, 4, 0, 1), conv(2, 2, 0)],
    "no padding": [conv(5, 1, 0, 1), conv(3, 2, 0)],
    "dilated": [conv(3, 2, 1, 1), conv(3, 2, 2, 2, dilation=2)],
    "same": [conv(5, 1, "same", 1), conv(3, 2, 1)],
}


@pytest.mark.parametrize("name", STACKS)
def test_cells_lie_where_the_pixels_that_they_depend_on_have_their_middle(name: str) -> None:
    net = Stack(STACKS[name])
    for parameter in net.parameters():
        nn.init.constant_(parameter, 0.1)  # so that no dependence cancels out
    images = torch.zeros(1, 1, 64, 64, requires_grad=True)
    found = find_feature_map(net, [images])

    cells = net.trunk(images)
    for cell in (cells.shape[-1] // 2, cells.shape[-1] // 2 + 1):  # away from the edges, which cut windows off
        (gradient,) = torch.autograd.grad(cells[0, 0, cell, cell], images, retain_graph=True)
        weight = gradient[0, 0].sum(0)
        middle = (weight * torch.arange(64)).sum() / weight.sum()
        assert found.grid.first + found.grid.step * cell == pytest.approx(float(middle), abs=1e-3)


def test_the_last_map_of_each_net_of_the_report_is_found() -> None:
    image = torch.zeros(1, 1, 128, 128)
    for net, name, channels, grid in (
        (MedNetResNet18(1, False), "backbone", 512, Grid(0, 32)),
        (ResNet18(6, False), "backbone.layer4", 512, Grid(0, 32)),
        (SwinV2CrTiny(5, 128, False), "backbone.stages", 768, Grid(15.5, 32)),
    ):
        found = find_feature_map(net.eval(), [image])
        assert (found.name, found.channels, found.side, found.grid) == (name, channels, 4, grid)


@pytest.mark.parametrize("net", [MedNetResNet18(1, False), ResNet18(2, False), SwinV2CrTiny(2, 128, False)])
def test_heat_maps_depend_on_the_image_and_fit_the_feature_map(net: nn.Module) -> None:
    torch.manual_seed(0)
    images = torch.rand(3, 1, 128, 128) * 2 - 1
    found = find_feature_map(net.eval(), [images])
    maps = heat_maps(net, found, [images], torch.zeros(3, dtype=torch.int64))
    assert maps.shape == (3, 1, 4, 4)
    assert (maps >= 0).all()
    # Positive evidence need not be there in every image, but the maps before it is cut are never alike.
    both = maps - heat_maps(_Negative(net), found, [images], torch.zeros(3, dtype=torch.int64))
    assert not torch.allclose(both[0], both[1], rtol=1e-3)


class _Negative(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return -self.net(*inputs)  # type: ignore[no-any-return]


def test_another_layer_can_be_named_and_an_unknown_one_is_told_those_there_are() -> None:
    net, image = ResNet18(2, False).eval(), torch.zeros(1, 1, 64, 64)
    assert find_feature_map(net, [image], "backbone.layer2").grid == Grid(0, 8)
    with pytest.raises(ConfigError, match=r"layer=backbone\.layer5 .* backbone\.layer4 \(2 x 2\)"):
        find_feature_map(net, [image], "backbone.layer5")


def test_a_net_without_a_map_is_told_so() -> None:
    net = nn.Sequential(nn.Flatten(), nn.Linear(16, 2))
    with pytest.raises(ConfigError, match="No module of Sequential gives a feature map"):
        find_feature_map(net, [torch.zeros(1, 1, 4, 4)])


class Mean(nn.Module):
    """Two channels, each a 1x1 convolution of the image, whose means are mixed: its Grad-CAM is known."""

    mixing = torch.tensor([[1.0, -2.0], [0.5, 3.0]])

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 1, bias=False)
        self.maps.weight.data = torch.tensor([1.0, -0.5]).reshape(2, 1, 1, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.maps(images).mean((2, 3)) @ self.mixing.T
        return logits


def test_heat_maps_of_a_linear_net_are_the_ones_that_follow_from_its_weights() -> None:
    net = Mean().requires_grad_(False)  # a frozen net is explained as well
    images = torch.randn(3, 1, 4, 4)
    outputs = torch.tensor([0, 1, 0])
    maps = heat_maps(net, find_feature_map(net, [images]), [images], outputs)
    for image, output, found in zip(images, outputs, maps, strict=True):
        first, second = Mean.mixing[output]
        expected = torch.relu(first * image[0] + second * -0.5 * image[0]) / 16
        torch.testing.assert_close(found[0], expected)


class EachView(nn.Module):
    """Looks at each view by itself, or at all as one volume, and takes the view's number, too."""

    inputs = ("image", "view")

    def __init__(self, is_volume: bool) -> None:
        super().__init__()
        self.is_volume = is_volume
        self.maps = nn.Conv3d(1, 2, (1, 2, 2), (1, 2, 2)) if is_volume else nn.Conv2d(1, 2, 2, 2)

    def forward(self, images: torch.Tensor, view: torch.Tensor) -> torch.Tensor:
        if self.is_volume:
            features = self.maps(images.unsqueeze(1)).relu().mean((2, 3, 4))
        else:
            features = self.maps(images.flatten(0, 1).unsqueeze(1)).relu().mean((2, 3))
            features = features.unflatten(0, images.shape[:2]).mean(1)
        return features + view.float().mean(1, keepdim=True)  # type: ignore[no-any-return]


@pytest.mark.parametrize("is_volume", [False, True])
def test_a_net_that_sees_the_views_apart_gets_a_map_for_each(is_volume: bool) -> None:
    net = EachView(is_volume)
    nn.init.ones_(net.maps.weight)
    images = torch.full((2, 8, 8, 8), -1.0)
    images[1, 5, 6:, :2] = 1.0
    inputs = [images, torch.arange(8).repeat(2, 1)]
    found = find_feature_map(net, inputs)
    assert found.grid == Grid(0.5, 2)
    maps = heat_maps(net, found, inputs, torch.zeros(2, dtype=torch.int64))
    assert maps.shape == (2, 8, 4, 4)
    assert map_of_view(maps[1], 5, 8)[3, 0] == maps.max() > 0
    assert maps.count_nonzero() == 1


class EachPresentView(nn.Module):
    """Looks at each view that is there by itself, and at no other."""

    inputs = ("image", "present")

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 2, 2, bias=False)
        nn.init.ones_(self.maps.weight)

    def forward(self, images: torch.Tensor, present: torch.Tensor) -> torch.Tensor:
        features = self.maps(images[present].unsqueeze(1)).relu().mean((2, 3))
        return torch.stack([views.sum(0) for views in features.split(present.sum(1).tolist())])


def test_maps_stay_with_their_patients_where_a_net_leaves_missing_views_out() -> None:
    net = EachPresentView()
    present = torch.ones(3, 8, dtype=torch.bool)
    present[0, 2:6] = present[1, 5] = False
    images = torch.full((3, 8, 8, 8), -1.0)
    for row, view in ((0, 7), (1, 6), (2, 1)):
        images[row, view, 6:, :2] = 1.0
    inputs = [images, present]
    found = find_feature_map(net, [part[:1] for part in inputs], None, present[:1])
    for evidence in Evidence:
        maps = heat_maps(net, found, inputs, torch.zeros(3, dtype=torch.int64), evidence, present)
        assert maps.shape == (3, 8, 4, 4)
        torch.testing.assert_close(maps.isnan(), ~present[:, :, None, None].expand(3, 8, 4, 4))
        assert (maps > 0).nonzero().tolist() == [[0, 7, 3, 0], [1, 6, 3, 0], [2, 1, 3, 0]]


def test_evidence_against_is_shown_of_the_views_that_are_there() -> None:
    net = EachPresentView()
    present = torch.tensor([[True, False]])
    images = torch.ones(1, 2, 4, 4)
    found = find_feature_map(net, [images, present], None, present)
    negative = _Negative(net)
    output = torch.zeros(1, dtype=torch.int64)
    maps = heat_maps(negative, found, [images, present], output, Evidence.FOR, present)
    assert (maps[0, 0] == 0).all()
    maps = heat_maps(negative, found, [images, present], output, Evidence.EITHER, present)
    assert (maps[0, 0] > 0).all()


def test_views_share_maps_where_there_are_fewer() -> None:
    maps = torch.arange(2.0).reshape(2, 1, 1).expand(2, 3, 3)
    assert [float(map_of_view(maps, channel, 8)[0, 0]) for channel in range(8)] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert [float(map_of_view(maps[:1], channel, 8)[0, 0]) for channel in range(8)] == [0] * 8


def test_a_layer_without_gradient_is_told_in_a_sentence() -> None:
    net = Detached()
    images = torch.zeros(1, 1, 8, 8)
    with pytest.raises(ConfigError, match="lets no gradient through to maps"):
        heat_maps(net, find_feature_map(net, [images]), [images], torch.zeros(1, dtype=torch.int64))


class Detached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 2, 2)
        self.classifier = nn.Linear(2, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            features = self.maps(images).mean((2, 3))
        return self.classifier(features)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("name", "size", "side"),
    [("swin_tiny_patch4_window7_224", 224, 7), ("swinv2_tiny_window8_256", 256, 8), ("convnext_atto", 64, 2)],
)
def test_the_last_map_of_a_net_of_timm_is_one_of_the_image_and_not_of_attention(
    name: str, size: int, side: int
) -> None:
    torch.manual_seed(0)
    net = TimmNet(name, 2, 1, size, False).eval()
    images = torch.rand(1, 1, size, size)
    found = find_feature_map(net, [images])
    assert (found.side, found.grid) == (side, Grid(15.5, 32))
    channels = net.backbone.num_features
    assert found.channels == channels

    kept: list[torch.Tensor] = []
    hook = found.module.register_forward_hook(lambda _module, _given, output: kept.append(output))
    logit = net(images)[0, 1]
    hook.remove()
    (gradient,) = torch.autograd.grad(logit, kept)
    features = kept[0]
    axis = next(axis for axis in (1, 3) if features.shape[axis] == channels)
    features, gradient = features.movedim(axis, 0).flatten(1), gradient.movedim(axis, 0).flatten(1)
    expected = torch.relu(gradient.mean(1) @ features).detach().reshape(side, side)
    maps = heat_maps(net, found, [images], torch.ones(1, dtype=torch.int64))
    torch.testing.assert_close(maps[0, 0], expected, rtol=1e-3, atol=1e-6)


def test_a_net_of_token_sequences_is_refused_unless_a_layer_is_named() -> None:
    net, image = TimmNet("vit_tiny_patch16_224", 2, 1, 224, False).eval(), torch.zeros(1, 1, 224, 224)
    with pytest.raises(ConfigError, match=r"with a sequence of patches\. Set layer=backbone\.patch_embed\.proj"):
        find_feature_map(net, [image])
    found = find_feature_map(net, [image], "backbone.patch_embed.proj")
    assert (found.side, found.grid) == (14, Grid(7.5, 16))


def test_cells_lie_where_the_last_net_puts_them_that_sees_something_of_the_images_size() -> None:
    classifier = TimmNet("densenet121", 2, 1, 128, False)
    alone = find_feature_map(classifier.eval(), [torch.zeros(1, 1, 128, 128)])
    behind = ReconstructionClassifier(Autoencoder(1, [4, 4, 4, 4], 4), classifier).eval()
    found = find_feature_map(behind, [torch.zeros(1, 1, 128, 128)])
    assert (found.name, found.grid) == (f"classifier.{alone.name}", alone.grid)


def test_a_strided_layer_that_is_named_puts_its_own_cells() -> None:
    assert find_feature_map(ResNet18(2, False).eval(), [torch.zeros(1, 1, 64, 64)], "backbone.conv1").grid == Grid(0, 2)
