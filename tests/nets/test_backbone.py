from pathlib import Path

import pytest
import timm
import torch
import torchvision
from torch import nn

from kium_lightning.errors import ConfigError, WeightsError
from kium_lightning.nets.backbone import TimmNet

# Smallest of their kind, so that a test takes a moment: plain, of fixed size with tokens, of fixed size with windows.
SMALL = ["test_resnet.r160_in1k", "test_vit.r160_in1k", "swin_tiny_patch4_window7_224"]


@pytest.fixture(scope="module")
def colour_densenet() -> nn.Module:
    torch.manual_seed(0)
    net: nn.Module = torchvision.models.densenet121(weights=None)
    return net.eval()


@pytest.fixture(scope="module")
def densenet_file(colour_densenet: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("densenet") / "densenet121.pth"
    torch.save(colour_densenet.state_dict(), path)
    return path


@pytest.mark.parametrize(
    ("name", "published"),
    # Parameters with 1000 classes and three channels, as torchvision's documentation states them.
    [("densenet121.tv_in1k", 7_978_856), ("resnet50.tv_in1k", 25_557_032), ("vgg16.tv_in1k", 138_357_544)],
)
def test_a_net_has_its_published_parameters_but_for_the_head(name: str, published: int) -> None:
    with torch.device("meta"):
        net = TimmNet(name, 5, 3, 224, False)
    width = {"densenet121": 1024, "resnet50": 2048, "vgg16": 4096}[name.partition(".")[0]]
    assert sum(parameter.numel() for parameter in net.parameters()) == published - (width + 1) * (1000 - 5)


@pytest.mark.parametrize("image_size", [64, 96])
@pytest.mark.parametrize("views", [1, 8])
@pytest.mark.parametrize("name", SMALL)
def test_a_net_takes_the_rows_views_at_the_datas_size_and_trains(name: str, views: int, image_size: int) -> None:
    net = TimmNet(name, 4, views, image_size, False)
    logits = net(torch.randn(2, views, image_size, image_size))
    assert logits.shape == (2, 4)
    logits.square().sum().backward()
    without = [key for key, value in net.named_parameters() if value.grad is None or not value.grad.isfinite().all()]
    assert not without


@pytest.mark.parametrize("name", SMALL)
def test_a_net_answers_twice_alike_and_each_picture_by_itself(name: str) -> None:
    net = TimmNet(name, 3, 1, 64, False).eval()
    images = torch.randn(3, 1, 64, 64)
    with torch.no_grad():
        together = net(images)
        assert torch.equal(net(images), together)
        torch.testing.assert_close(net(images[1:2]), together[1:2], rtol=1e-4, atol=1e-5)


def test_the_reports_densenet_is_torchvisions_with_another_classifier(
    colour_densenet: nn.Module, densenet_file: Path
) -> None:
    net = TimmNet("densenet121.tv_in1k", 1, 1, 64, str(densenet_file)).eval()
    reference = torchvision.models.densenet121(weights=None).eval()
    reference.load_state_dict(colour_densenet.state_dict())
    head = net.backbone.get_classifier()  # type: ignore[operator]
    reference.classifier = nn.Linear(1024, 1)
    reference.classifier.load_state_dict(head.state_dict())
    grey = torch.randn(2, 1, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(net(grey), reference(grey.expand(-1, 3, -1, -1)), rtol=1e-3, atol=1e-5)
    assert net.weights_record["source"] == "file"


def test_a_new_head_does_not_excuse_a_file_of_another_net(densenet_file: Path) -> None:
    with pytest.raises(WeightsError, match=r"densenet121\.pth does not fit resnet50\.tv_in1k .*Missing key"):
        TimmNet("resnet50.tv_in1k", 2, 1, 64, str(densenet_file))


def test_a_file_with_another_head_is_refused_as_not_the_published_one(tmp_path: Path) -> None:
    path = tmp_path / "two_classes.pth"
    torch.save(timm.create_model("test_resnet", num_classes=2).state_dict(), path)
    with pytest.raises(WeightsError, match=r"fc\.weight"):
        TimmNet("test_resnet", 2, 1, 64, str(path))


def test_position_embeddings_of_a_file_are_resampled_to_the_datas_size(tmp_path: Path) -> None:
    path = tmp_path / "vit.pth"
    published: nn.Module = timm.create_model("test_vit")
    torch.save(published.state_dict(), path)
    net = TimmNet("test_vit.r160_in1k", 2, 1, 64, str(path))
    embeddings, state = net.backbone.state_dict()["pos_embed"], published.state_dict()
    assert embeddings.shape[1] < state["pos_embed"].shape[1]
    torch.testing.assert_close(net.backbone.state_dict()["blocks.0.mlp.fc1.weight"], state["blocks.0.mlp.fc1.weight"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("densnet121", r"timm has no net 'densnet121'\. Did you mean .*densenet121.*\? Set model\.net\.name\.$"),
        ("ResNet50", r"Did you mean .*resnet50.*\?"),
        ("hf-hub:timm/resnet18", r"timm has no net"),
        ("", r"timm\.list_models\(\) lists the names"),
        ("densenet121.imagenet", r"no weights 'imagenet' of densenet121; it offers ra_in1k, tv_in1k\."),
    ],
)
def test_an_unknown_net_is_told_its_like_in_one_sentence(name: str, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected) as caught:
        TimmNet(name, 1, 1, 64, False)
    assert "\n" not in str(caught.value)


def test_a_size_that_a_net_cannot_be_built_for_is_told() -> None:
    with pytest.raises(ConfigError, match=r"nest_tiny cannot take images of 100 x 100 px .*data\.image_size"):
        TimmNet("nest_tiny", 1, 1, 100, False)


def test_a_size_that_a_net_finds_out_later_not_to_fit_is_told() -> None:
    net = TimmNet("inception_v3", 1, 1, 64, False).eval()
    with pytest.raises(ConfigError, match=r"inception_v3 cannot take images of 64 x 48 px .*data\.image_size"):
        net(torch.zeros(1, 1, 48, 64))
