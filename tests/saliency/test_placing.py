import numpy as np
import pytest
import torch
from torch import nn

from kium_lightning.anatomy import View
from kium_lightning.data.rows import Window
from kium_lightning.data.transforms import Preparation, normalize
from kium_lightning.images.box import Box
from kium_lightning.images.cleaning import clean_view
from kium_lightning.saliency.feature_map import Grid, find_feature_map
from kium_lightning.saliency.grad_cam import heat_maps
from kium_lightning.saliency.placing import Placement, place_back, placement
from kium_lightning.saliency.pointing import peak


class Detector(nn.Module):
    """Responds to what is brighter than the background."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.maps = nn.Conv2d(1, 2, stride, stride)
        for parameter, value in zip(self.maps.parameters(), (1 / stride**2, -0.1), strict=True):
            nn.init.constant_(parameter, value)
        self.classifier = nn.Linear(2, 1)
        nn.init.ones_(self.classifier.weight)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.classifier(torch.relu(self.maps(images)).mean((2, 3)))
        return logits


def film(spot: tuple[int, int], margins: tuple[int, int, int, int], grey: int, spot_grey: int) -> np.ndarray:
    """A noisy grey picture of 200 x 240 px with one spot at (x, y) of the file, between black margins."""
    left, top, right, bottom = margins
    picture = np.random.default_rng(0).normal(grey, 2.0, (240, 200)).round().astype(np.uint8)
    image = np.zeros((240 + top + bottom, 200 + left + right), np.uint8)
    image[top : top + 240, left : left + 200] = picture
    rows, columns = np.ogrid[: image.shape[0], : image.shape[1]]
    image[(rows - spot[1]) ** 2 + (columns - spot[0]) ** 2 <= 7**2] = spot_grey
    return image


@pytest.mark.parametrize(
    "view", [View.LEFT_ANTERIOR_FRONTAL, View.RIGHT_ANTERIOR_FRONTAL, View.RIGHT_POSTERIOR_LATERAL]
)
@pytest.mark.parametrize("margins", [(0, 0, 0, 0), (31, 17, 50, 9)])
@pytest.mark.parametrize("polarity", ["as_filmed", "inverted"])
@pytest.mark.parametrize("window", [None, Window(0.2, 0.1, 0.95, 0.8)])
def test_the_maximum_lies_on_the_spot_in_the_original_file(
    view: View, margins: tuple[int, int, int, int], polarity: str, window: Window | None
) -> None:
    spot = (margins[0] + 143, margins[1] + 88)
    greys = (100, 250) if polarity == "as_filmed" else (155, 5)
    raw = film(spot, margins, *greys)
    clean = clean_view(raw)
    assert clean.record.picture_box == Box(margins[0], margins[1], margins[0] + 200, margins[1] + 240)
    preparation = Preparation.from_values(96, polarity, 3, ["A"])
    images = normalize(preparation.after_cleaning(clean.image, view, window)).unsqueeze(0)

    net = Detector(stride=8)
    found = find_feature_map(net, [images])
    (cells,) = heat_maps(net, found, [images], torch.zeros(1, dtype=torch.int64))
    place = placement(raw.shape, clean.record.picture_box, window, preparation, view)
    heat = place_back(cells[0].numpy(), found.grid, place)

    assert heat.shape == raw.shape
    half_a_cell = 0.5 * 8 * np.array([place.part.width, place.part.height]) / 96
    assert (np.abs(np.subtract(peak(heat)[1:], spot)) <= half_a_cell + 0.5).all()
    inside = np.zeros(raw.shape, bool)
    inside[place.part.slices] = True
    np.testing.assert_array_equal(np.isnan(heat), ~inside)


def test_cell_centres_keep_their_values_and_the_rest_is_linear_between_them() -> None:
    cells = np.array([[1.0, 3.0], [5.0, 7.0]], np.float32)
    place = Placement(8, 8, Box(0, 0, 8, 8), 8, is_mirrored=False)
    heat = place_back(cells, Grid(1, 4), place)
    np.testing.assert_array_equal(heat[1::4, 1::4], cells)
    assert heat[3, 3] == pytest.approx(4)
    assert (heat[0, 0], heat[7, 7]) == (1, 7)  # beyond the outermost centres


def test_a_mirrored_view_is_mirrored_back() -> None:
    cells = np.arange(9, dtype=np.float32).reshape(3, 3)
    straight = place_back(cells, Grid(0, 4), Placement(9, 9, Box(0, 0, 9, 9), 9, is_mirrored=False))
    mirrored = place_back(cells, Grid(0, 4), Placement(9, 9, Box(0, 0, 9, 9), 9, is_mirrored=True))
    np.testing.assert_allclose(mirrored, straight[:, ::-1])
