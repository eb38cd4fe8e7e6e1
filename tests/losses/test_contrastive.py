import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pytorch_metric_learning.losses import NTXentLoss
from torch import Tensor

from kium_lightning.errors import ConfigError
from kium_lightning.losses.contrastive import Alike, ContrastiveLoss

Points = NDArray[np.float64]


def supervised(points: Points, kinds: list[int], temperature: float) -> float:
    """Khosla et al. 2020, equation 2, as printed, over the anchors that have a partner."""
    z = points / np.linalg.norm(points, axis=1, keepdims=True)
    losses = []
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        partners = [p for p in others if kinds[p] == kinds[i]]
        total = sum(np.exp(z[i] @ z[a] / temperature) for a in others)
        if partners:
            logs = [np.log(np.exp(z[i] @ z[p] / temperature) / total) for p in partners]
            losses.append(-sum(logs) / len(partners))
    return float(np.mean(losses))


def nt_xent(first: Points, second: Points, temperature: float) -> float:
    """Chen et al. 2020, equation 1 and algorithm 1: images 2k - 1 and 2k are the draws of one."""
    z = np.stack([first, second], axis=1).reshape(2 * len(first), -1)

    def similar(i: int, j: int) -> float:
        return float(z[i] @ z[j] / (np.linalg.norm(z[i]) * np.linalg.norm(z[j])))

    def loss(i: int, j: int) -> float:
        total = sum(np.exp(similar(i, k) / temperature) for k in range(len(z)) if k != i)
        return float(-np.log(np.exp(similar(i, j) / temperature) / total))

    return sum(loss(2 * k, 2 * k + 1) + loss(2 * k + 1, 2 * k) for k in range(len(first))) / len(z)


def draw(count: int, seed: int = 0) -> Tensor:
    return 3 * torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("temperature", [0.07, 0.1, 1.0])
@pytest.mark.parametrize("kinds", [[0, 1, 0, 1, 1, 0], [0, 0, 1, 1, 1, 2], [5, 5, 5, 5, 3, 3]])
def test_the_supervised_loss_is_the_papers_formula(kinds: list[int], temperature: float) -> None:
    points = draw(6)
    found = ContrastiveLoss("labels", temperature)(points, torch.tensor(kinds)).item()
    assert found == pytest.approx(supervised(points.double().numpy(), kinds, temperature), rel=1e-5)


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_with_two_draws_of_each_row_it_is_nt_xent(temperature: float) -> None:
    first, second = draw(5, 1), draw(5, 2)
    rows = torch.tensor([3, 9, 4, 7, 0]).repeat(2)
    found = ContrastiveLoss("row", temperature)(torch.cat([first, second]), rows)
    expected = nt_xent(first.double().numpy(), second.double().numpy(), temperature)
    assert found.item() == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(found, NTXentLoss(temperature)(torch.cat([first, second]), rows))


def test_points_near_their_own_kind_have_a_smaller_loss() -> None:
    kinds = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    loss = ContrastiveLoss("labels", 0.1)
    assert loss(apart, kinds) < loss(apart[[0, 2, 1, 3]], kinds)


@pytest.mark.parametrize("alike", ["labels", "row"])
@pytest.mark.parametrize("kinds", [[4], [1, 1], [1, 1, 1, 1], [0, 1], [0, 1, 2]], ids=str)
def test_a_batch_that_compares_nothing_gives_zero_with_a_gradient(alike: Alike, kinds: list[int]) -> None:
    points = draw(len(kinds)).requires_grad_()
    value = ContrastiveLoss(alike, 0.1)(points, torch.tensor(kinds))
    value.backward()
    assert value.item() == 0.0
    assert points.grad is not None
    assert torch.equal(points.grad, torch.zeros_like(points))


@pytest.mark.parametrize("scale", [0.0, 1e-20, 1.0, 1e15])
@pytest.mark.parametrize("temperature", [0.001, 0.1])
def test_loss_and_gradient_are_finite_for_any_points(scale: float, temperature: float) -> None:
    points = (scale * draw(6)).requires_grad_()
    value = ContrastiveLoss("labels", temperature)(points, torch.tensor([0, 0, 1, 1, 1, 2]))
    value.backward()
    assert torch.isfinite(value)
    assert value >= 0
    assert points.grad is not None
    assert torch.isfinite(points.grad).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_loss_is_float32_whatever_the_points_are(dtype: torch.dtype) -> None:
    points, kinds = draw(6).to(dtype), torch.tensor([0, 0, 1, 1, 1, 0])
    loss = ContrastiveLoss("labels", 0.1)
    value = loss(points, kinds)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(points.float(), kinds))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(loss(points.float(), kinds), value, rtol=0, atol=0)


def test_order_does_not_matter_and_nothing_is_stored() -> None:
    points, kinds = draw(6), torch.tensor([0, 0, 1, 1, 1, 0])
    loss = ContrastiveLoss("labels", 0.1)
    order = torch.tensor([5, 2, 0, 1, 4, 3])
    torch.testing.assert_close(loss(points, kinds), loss(points[order], kinds[order]))
    assert loss.state_dict() == {}


def test_shapes_and_settings_that_do_not_fit_are_told() -> None:
    with pytest.raises(ValueError, match=r"\(6, 6\) and kinds \(6, 1\)"):
        ContrastiveLoss("labels", 0.1)(draw(6), torch.zeros(6, 1))
    with pytest.raises(ConfigError, match="labels or row"):
        ContrastiveLoss("patient", 0.1)  # type: ignore[arg-type]
    for temperature in (0.0, -1.0, float("nan")):
        with pytest.raises(ConfigError, match="temperature must be above 0"):
            ContrastiveLoss("labels", temperature)
