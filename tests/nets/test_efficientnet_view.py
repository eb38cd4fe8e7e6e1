from pathlib import Path

import pytest
import timm
import torch
import torchvision
from torch import nn

from kium_lightning.nets.efficientnet_view import EfficientNetB0View


@pytest.fixture(scope="module")
def net() -> EfficientNetB0View:
    torch.manual_seed(0)
    return EfficientNetB0View(2, 1, False).eval()


@pytest.mark.parametrize(("outputs", "views", "image_size"), [(1, 1, 64), (1, 1, 100), (3, 8, 64)])
def test_one_logit_per_output_and_every_parameter_learns(outputs: int, views: int, image_size: int) -> None:
    net = EfficientNetB0View(outputs, views, False)
    logits = net(torch.randn(2, views, image_size, image_size), torch.arange(views).repeat(2, 1))
    assert logits.shape == (2, outputs)
    logits.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in net.parameters())


def test_parameters_are_torchvisions_with_the_one_hot_joined_to_the_last_layer() -> None:
    # 5,288,548 with 1000 classes and three channels, as torchvision's documentation states it
    assert sum(value.numel() for value in torchvision.models.efficientnet_b0(weights=None).parameters()) == 5_288_548
    net = EfficientNetB0View(1000, 3, False)
    assert sum(value.numel() for value in net.parameters()) == 5_288_548 + 8 * 1000


def test_the_same_picture_is_judged_by_its_view_as_the_weights_say(net: EfficientNetB0View) -> None:
    picture = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        logits = torch.cat([net(picture, torch.tensor([[view]])) for view in range(8)])
    weights = net.classifier.weight[:, -8:]  # of the one-hot
    assert len(torch.unique(logits[:, 0])) == 8
    for view in range(1, 8):
        torch.testing.assert_close(logits[view] - logits[0], weights[:, view] - weights[:, 0], rtol=1e-3, atol=1e-5)


def test_a_views_weights_learn_from_rows_of_that_view_alone() -> None:
    net = EfficientNetB0View(1, 1, False)
    net(torch.randn(3, 1, 64, 64), torch.tensor([[2], [5], [2]])).sum().backward()
    assert net.classifier.weight.grad is not None
    assert net.classifier.weight.grad[0, -8:].tolist() == [0, 0, 2, 0, 0, 1, 0, 0]


def test_rows_of_several_views_set_the_one_hot_of_each() -> None:
    net = EfficientNetB0View(1, 2, False)
    net(torch.randn(2, 2, 64, 64), torch.tensor([[0, 3], [0, 4]])).sum().backward()
    assert net.classifier.weight.grad is not None
    assert net.classifier.weight.grad[0, -8:].tolist() == [2, 0, 0, 1, 1, 0, 0, 0]


def test_the_same_picture_and_view_are_answered_alike(net: EfficientNetB0View) -> None:
    images, views = torch.randn(2, 1, 64, 64), torch.tensor([[1], [7]])
    with torch.no_grad():
        assert torch.equal(net(images, views), net(images, views))


def test_features_are_those_of_the_file(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published: nn.Module = timm.create_model("efficientnet_b0").eval()
    path = tmp_path / "efficientnet_b0.pth"
    torch.save(published.state_dict(), path)
    net = EfficientNetB0View(1, 1, str(path)).eval()
    grey = torch.randn(1, 1, 64, 64)
    with torch.no_grad():
        features = published.forward_head(  # type: ignore[operator]
            published.forward_features(grey.expand(-1, 3, -1, -1)),  # type: ignore[operator]
            pre_logits=True,
        )
        expected = net.classifier(torch.cat([features, torch.eye(8)[[6]]], dim=1))
        torch.testing.assert_close(net(grey, torch.tensor([[6]])), expected, rtol=1e-3, atol=1e-5)
    assert net.weights_record["source"] == "file"
