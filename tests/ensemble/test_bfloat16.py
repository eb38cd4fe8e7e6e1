"""Kernels rounded for bfloat16."""

import numpy as np
import pytest
import torch

from kium_lightning.ensemble.bfloat16 import in_bfloat16, nearest_bfloat16


def test_rounding_to_the_nearest_is_torchs() -> None:
    values = np.random.default_rng(0).normal(size=5000).astype(np.float32)
    values[:4] = [0.0, 1.00390625, -1.01171875, 3e38]  # zero, ties both ways, large
    expected = torch.from_numpy(values).to(torch.bfloat16).float().numpy()
    np.testing.assert_array_equal(nearest_bfloat16(values), expected)


@pytest.mark.parametrize("shape", [(8, 4, 3, 3), (2, 3, 4, 5, 5), (16, 1, 7, 7)])
def test_the_sum_of_a_kernel_is_kept_and_every_weight_is_one_of_bfloat16(shape: tuple[int, ...]) -> None:
    kernels = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    rounded = in_bfloat16(kernels)
    np.testing.assert_array_equal(nearest_bfloat16(rounded), rounded)
    off = np.abs(rounded.sum((-2, -1), dtype=np.float64) - kernels.sum((-2, -1), dtype=np.float64))
    plain = np.abs(nearest_bfloat16(kernels).sum((-2, -1), dtype=np.float64) - kernels.sum((-2, -1), dtype=np.float64))
    smallest = np.abs(kernels).min((-2, -1))
    assert (off <= np.maximum(smallest, 1e-3) * 2**-7).all()
    assert off.mean() < plain.mean() / 20
    np.testing.assert_allclose(rounded, kernels, rtol=0, atol=np.abs(kernels).max() * 2**-7)


def test_kernels_of_one_weight_are_rounded_to_the_nearest() -> None:
    kernels = np.random.default_rng(2).normal(size=(6, 5, 1, 1)).astype(np.float32)
    np.testing.assert_array_equal(in_bfloat16(kernels), nearest_bfloat16(kernels))
