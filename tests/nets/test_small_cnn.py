import pytest
import torch
from torch import nn
from torch.nn import functional

from kium_lightning.nets.small_cnn import SmallCnn
from kium_lightning.settings import build, compose


@pytest.mark.parametrize("outputs", [1, 6])
@pytest.mark.parametrize("views", [1, 8])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (50, 37)])
def test_one_logit_per_output_and_every_parameter_learns(outputs: int, views: int, height: int, width: int) -> None:
    net = SmallCnn(outputs, views)
    logits = net(torch.randn(2, views, height, width))
    assert logits.shape == (2, outputs)
    logits.square().sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in net.parameters())


def test_it_computes_the_reports_listing() -> None:
    torch.manual_seed(0)
    net = SmallCnn(1, 1)
    first, first_bias, second, second_bias, last, last_bias = net.parameters()
    grey = torch.randn(2, 1, 24, 24)
    x = grey.expand(-1, 3, -1, -1)
    x = functional.max_pool2d(functional.relu(functional.conv2d(x, first, first_bias, padding=1)), 2, stride=2)
    x = functional.max_pool2d(functional.relu(functional.conv2d(x, second, second_bias, padding=1)), 2, stride=2)
    torch.testing.assert_close(net(grey), functional.linear(x.mean(dim=(2, 3)), last, last_bias))


def test_parameters_are_the_listings_and_no_batch_norm_is_among_them() -> None:
    net = SmallCnn(1, 1)
    assert sum(parameter.numel() for parameter in net.parameters()) == (27 + 1) * 64 + (576 + 1) * 128 + 129
    assert not list(net.buffers())


def test_its_recipe_is_the_listings() -> None:
    config = compose("train", ["model=small_cnn", "name=here", "folder=/unused"])
    optimizer = build(config.model.optimizer)([nn.Parameter(torch.zeros(1))])
    assert type(optimizer) is torch.optim.Adam
    assert optimizer.defaults["lr"] == 1e-3
    assert optimizer.defaults["weight_decay"] == 0
    assert config.model.loss._target_.endswith("BinaryCrossEntropy")
