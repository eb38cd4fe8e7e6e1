import numpy as np
from altered_files import sketch

from kium_lightning.anatomy import View
from kium_lightning.audit.view_features import LENGTH, mirror_image, view_features


def test_the_features_of_a_mirror_image_are_those_of_the_picture_rearranged() -> None:
    rng = np.random.default_rng(0)
    pictures = [sketch(view, rng) for view in View]
    pictures += [rng.integers(0, 256, (128, 128), dtype=np.uint8), np.full((128, 128), 9, np.uint8)]
    plain = np.stack([view_features(picture) for picture in pictures])
    flipped = np.stack([view_features(np.ascontiguousarray(picture[:, ::-1])) for picture in pictures])
    assert plain.shape == (len(pictures), LENGTH)
    np.testing.assert_allclose(mirror_image(plain), flipped, atol=1e-5)
    assert np.abs(plain - flipped).max() > 0.01
    np.testing.assert_array_equal(mirror_image(mirror_image(plain)), plain)
