from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from random_cohort import plain_view

from kium_lightning.anatomy import View
from kium_lightning.data.transforms import Augmentation, Preparation, normalize
from kium_lightning.errors import ConfigError
from kium_lightning.images.cleaning import clean_view
from kium_lightning.settings import build, compose

LEFT, RIGHT = View.LEFT_ANTERIOR_FRONTAL, View.RIGHT_ANTERIOR_FRONTAL
LEFT_LATERAL, RIGHT_LATERAL = View.LEFT_POSTERIOR_LATERAL, View.RIGHT_POSTERIOR_LATERAL


def raw(seed: int = 0) -> NDArray[np.uint8]:
    """A raw view with black margins, so that cleaning has something to do."""
    return np.pad(plain_view(seed, 180, 200), ((7, 0), (0, 11)))


def resized(image: cv2.typing.MatLike, size: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA), dtype=np.uint8)


@pytest.mark.parametrize("view", [LEFT, LEFT_LATERAL, RIGHT_LATERAL])
def test_a_binary_net_gets_inverted_then_median_filtered_then_resized_views(view: View) -> None:
    prepare = Preparation.from_values(64, "inverted", 3, ["A"])
    expected = resized(cv2.medianBlur(cv2.bitwise_not(clean_view(raw()).image), 3), 64)
    np.testing.assert_array_equal(prepare(raw(), view), expected)


def test_the_median_filter_works_on_the_full_size_image() -> None:
    clean = clean_view(raw()).image
    too_late = cv2.medianBlur(resized(cv2.bitwise_not(clean), 64), 3)
    assert not np.array_equal(Preparation.from_values(64, "inverted", 3, [])(raw(), LEFT), too_late)


def test_a_multilabel_net_gets_views_as_filmed_and_only_resized() -> None:
    prepare = Preparation.from_values(48, "as_filmed", 1, ["A"])
    np.testing.assert_array_equal(prepare(raw(), LEFT), resized(clean_view(raw()).image, 48))


def test_margins_do_not_reach_the_net() -> None:
    prepare = Preparation.from_values(48, "as_filmed", 1, [])
    np.testing.assert_array_equal(prepare(raw(), LEFT), prepare(clean_view(raw()).image, LEFT))
    assert prepare(raw(), LEFT).min() > 30


@pytest.mark.parametrize("size", [33, 64])
def test_only_right_views_of_the_named_projections_are_mirrored(size: int) -> None:
    prepare = Preparation.from_values(size, "inverted", 3, ["A"])
    plain = prepare(raw(), LEFT)
    for view in View:
        mirrored = view.code[0] == "R" and view.code.endswith("A")
        assert prepare.mirrors(view) == mirrored
        np.testing.assert_array_equal(prepare(raw(), view), plain[:, ::-1] if mirrored else plain)


def test_no_view_is_mirrored_where_no_projection_is_named() -> None:
    prepare = Preparation.from_values(64, "as_filmed", 1, [])
    assert not any(prepare.mirrors(view) for view in View)


def test_preparing_leaves_the_raw_image_alone() -> None:
    image = raw()
    before = image.copy()
    Preparation.from_values(64, "inverted", 3, ["A"])(image, RIGHT)
    np.testing.assert_array_equal(image, before)


def test_settings_give_the_same_preparation_back() -> None:
    prepare = Preparation.from_values(64, "inverted", 3, ["A", "B"])
    settings = prepare.plain()
    assert Preparation.from_values(**settings) == prepare  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "polarity", "kernel", "projections"),
    [
        (31, "inverted", 3, ["A"]),
        (64, "inverted", 2, ["A"]),
        (64, "inverted", 0, []),
        (64, "blue", 3, []),
        (64, "inverted", 3, ["C"]),
    ],
)
def test_settings_outside_their_range_are_refused(
    size: int, polarity: str, kernel: int, projections: list[str]
) -> None:
    with pytest.raises(ConfigError, match=r"data\.(image_size|median_kernel|polarity) is .*(Give it|Choose)"):
        Preparation.from_values(size, polarity, kernel, projections)


def test_normalize_maps_grey_levels_to_minus_one_to_one() -> None:
    greys = np.arange(256, dtype=np.uint8).reshape(16, 16)
    tensor = normalize(greys)
    assert tensor.shape == (1, 16, 16)
    assert str(tensor.dtype) == "torch.float32"
    np.testing.assert_allclose(tensor.numpy()[0], (greys / 255 - 0.5) / 0.5, atol=1e-6)
    assert (tensor.min().item(), tensor.max().item()) == (-1.0, 1.0)


def augmentation(name: str) -> Augmentation:
    built: Augmentation = build(compose("train", [f"transforms={name}"]).transforms)
    return built


@pytest.fixture(params=["light", "strong", "elastic_blur"])
def changing(request: pytest.FixtureRequest) -> Callable[[], Augmentation]:
    return lambda: augmentation(request.param)


def test_the_same_seed_gives_the_same_change_whatever_came_before(changing: Callable[[], Augmentation]) -> None:
    image = resized(plain_view(0), 64)
    used, fresh = changing(), changing()
    for seed in range(20):
        used(image, seed + 1000)
        np.testing.assert_array_equal(used(image, seed), fresh(image, seed))


def test_other_seeds_give_other_changes_of_the_same_kind(changing: Callable[[], Augmentation]) -> None:
    image = resized(plain_view(0), 64)
    before = image.copy()
    augment = changing()
    changed = [augment(image, seed) for seed in range(40)]
    assert {(one.shape, one.dtype.name) for one in changed} == {((64, 64), "uint8")}
    assert len({one.tobytes() for one in changed}) > 30
    assert np.mean([one.mean() for one in changed]) == pytest.approx(image.mean(), abs=12)
    np.testing.assert_array_equal(image, before)


def test_the_reports_method_changes_nothing() -> None:
    image = resized(plain_view(0), 64)
    np.testing.assert_array_equal(augmentation("none")(image, 3), image)
