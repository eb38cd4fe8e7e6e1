import pytest
import torch
from torch import nn

from kium_lightning.errors import ConfigError
from kium_lightning.nets.autoencoder import Autoencoder, ReconstructionClassifier


@pytest.mark.parametrize(("views", "widths", "channels"), [(1, [8, 16], 2), (8, [4], 3), (1, [8, 8, 8, 8], 16)])
def test_an_image_keeps_its_shape_and_range_and_the_latent_is_smaller(
    views: int, widths: list[int], channels: int
) -> None:
    net = Autoencoder(views, widths, channels).eval()
    images = torch.rand(2, views, 64, 96) * 2 - 1
    with torch.inference_mode():
        painted, latent = net(images), net.encoder(images)
    assert painted.shape == images.shape
    assert painted.abs().max() <= 1
    assert latent.shape == (2, channels, 64 // net.stride, 96 // net.stride)
    assert latent.numel() / images.numel() == pytest.approx(channels / (views * net.stride**2))
    assert latent.numel() < images.numel()


def test_the_shipped_latent_is_a_sixteenth_of_the_pixels() -> None:
    net = Autoencoder(1, [32, 64, 128, 256], 16).eval()
    with torch.inference_mode():
        latent = net.encoder(torch.zeros(1, 1, 224, 224))
    assert latent.shape == (1, 16, 14, 14)
    assert 16 * latent.numel() == 224 * 224


def test_nothing_leads_past_the_latent() -> None:
    net = Autoencoder(1, [8, 8], 2).eval()
    nn.init.zeros_(net.encoder[-1].weight)  # type: ignore[arg-type]  # a convolution's
    with torch.inference_mode():
        first, second = net(torch.rand(2, 1, 32, 32)).unbind()
    assert torch.equal(first, second)


def test_a_size_that_cannot_be_halved_and_a_net_without_a_bottleneck_are_told() -> None:
    with pytest.raises(ConfigError, match=r"Set data\.image_size to a multiple of 8"):
        Autoencoder(1, [4, 4, 4], 2)(torch.zeros(1, 1, 64, 60))
    for widths, channels in [([], 1), ([4, 4], 16), ([4, 4], 0), ([0, 4], 1)]:
        with pytest.raises(ConfigError, match="no bottleneck"):
            Autoencoder(1, widths, channels)


def classifier() -> ReconstructionClassifier:
    return ReconstructionClassifier(Autoencoder(1, [4, 4], 2), nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 3)))


def test_a_classifier_sees_what_the_autoencoder_paints() -> None:
    net = classifier()
    images = torch.rand(2, 1, 32, 32)
    net.train()
    painted = net.autoencoder.eval()(images)
    torch.testing.assert_close(net(images), net.classifier(painted))


def test_training_a_classifier_leaves_its_autoencoder_alone() -> None:
    net = classifier()
    assert not any(parameter.requires_grad for parameter in net.autoencoder.parameters())
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    for _ in range(2):
        net.train()
        net(torch.rand(4, 1, 32, 32)).square().sum().backward()
        optimizer.step()
    assert net.training
    assert net.classifier.training
    assert not any(module.training for module in net.autoencoder.modules())
    changed = {name.split(".")[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"classifier"}


def test_a_classifier_records_its_own_weights() -> None:
    inner = nn.Flatten()
    inner.weights_record = {"source": "file"}  # type: ignore[assignment]  # what with_weights gives
    assert ReconstructionClassifier(Autoencoder(1, [4, 4], 2), inner).weights_record == {"classifier.source": "file"}
