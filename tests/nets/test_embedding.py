from pathlib import Path
from typing import Any

import pytest
import timm
import torch

from kium_lightning.errors import ConfigError
from kium_lightning.nets.embedding import Embedding, Encoder, EncoderClassifier, Tuned

SMALL = "resnet10t.c3_in1k"


def test_an_encoder_is_timms_net_without_its_classifier(tmp_path: Path) -> None:
    colour: Any = timm.create_model(SMALL).eval()
    torch.save(colour.state_dict(), tmp_path / "weights.pth")
    encoder = Encoder(SMALL, 1, str(tmp_path / "weights.pth")).eval()
    grey = torch.randn(2, 1, 64, 64)
    with torch.inference_mode():
        expected = colour.forward_head(colour.forward_features(grey.expand(2, 3, 64, 64)), pre_logits=True)
        torch.testing.assert_close(encoder(grey), expected, rtol=1e-3, atol=1e-5)
    assert expected.shape[1] == encoder.features
    assert encoder.weights_record["source"] == "file"


@pytest.mark.parametrize("views", [1, 8])
def test_points_have_length_one(views: int) -> None:
    net = Embedding(Encoder(SMALL, views, False), 5).eval()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        points = net(torch.randn(3, views, 64, 64))
    assert points.dtype == torch.float32
    torch.testing.assert_close(points.norm(dim=1), torch.ones(3))
    assert points.shape == (3, 5)


@pytest.mark.parametrize(("tuned", "learnt"), [("head", set()), ("all", {"encoder"})])
def test_what_is_tuned_changes_and_nothing_else(tuned: Tuned, learnt: set[str]) -> None:
    net = EncoderClassifier(Encoder(SMALL, 1, False), 2, tuned)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=0.1)
    net.eval()
    net.train()
    net(torch.randn(4, 1, 64, 64)).square().sum().backward()
    optimizer.step()
    assert net.encoder.training == (tuned == "all")
    changed = {name.split(".")[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == learnt | {"classifier", "standardized"}


def test_an_unknown_way_of_tuning_is_told() -> None:
    with pytest.raises(ConfigError, match="Choose head or all"):
        EncoderClassifier(Encoder(SMALL, 1, False), 2, "encoder")  # type: ignore[arg-type]


@pytest.mark.parametrize("tuned", ["head", "all"])
def test_the_scale_of_features_does_not_matter_to_a_linear_layer_on_them(tuned: Tuned) -> None:
    torch.manual_seed(0)
    encoder = Encoder(SMALL, 1, False)
    images = torch.randn(8, 1, 64, 64)
    with torch.no_grad():
        for _ in range(30):
            encoder(images)  # until its batch norms know what they see; before, most features are next to constant
    net = EncoderClassifier(encoder, 2, tuned)
    before = net(images)
    encoder.forward = lambda images: 7.0 * encoder.backbone(images)  # type: ignore[method-assign]
    torch.testing.assert_close(net(images), before, rtol=1e-2, atol=1e-2)


def test_a_batch_of_one_row_trains() -> None:
    encoder = Encoder(SMALL, 1, False)
    image = torch.randn(1, 1, 64, 64)
    for net in (Embedding(encoder, 5), EncoderClassifier(encoder, 2, "head")):
        net.train()
        output = net(image)
        output.sum().backward()
        assert torch.isfinite(output).all()
        gradients = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
        assert gradients
        assert all(torch.isfinite(gradient).all() for gradient in gradients)
