from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kium_lightning.errors import ConfigError
from kium_lightning.losses.asymmetric import AsymmetricLoss, asymmetric_loss
from kium_lightning.losses.bce import BinaryCrossEntropy, WeightedBinaryCrossEntropy, positive_weights
from kium_lightning.losses.elementwise import Reduction
from kium_lightning.losses.focal import Focal, focal_loss

LABELS = 5
WEIGHTS = [0.5, 1.0, 2.0, 30.0, 100.0]

Matrix = NDArray[np.float64]


def _probability(logits: Matrix) -> Matrix:
    return 1 / (1 + np.exp(-logits))


def _bce(logits: Matrix, targets: Matrix) -> Matrix:
    p = _probability(logits)
    return -targets * np.log(p) - (1 - targets) * np.log(1 - p)


def _weighted(logits: Matrix, targets: Matrix) -> Matrix:
    p = _probability(logits)
    return -np.array(WEIGHTS) * targets * np.log(p) - (1 - targets) * np.log(1 - p)


def _focal(logits: Matrix, targets: Matrix, gamma: float, alpha: float | None) -> Matrix:
    p = _probability(logits)
    truth = np.where(targets == 1, p, 1 - p)
    weight = 1.0 if alpha is None else np.where(targets == 1, alpha, 1 - alpha)
    result: Matrix = -weight * (1 - truth) ** gamma * np.log(truth)
    return result


def _asymmetric(logits: Matrix, targets: Matrix, negative: float, positive: float, clip: float) -> Matrix:
    p = _probability(logits)
    shifted = np.maximum(p - clip, 0)
    result: Matrix = -targets * (1 - p) ** positive * np.log(p) - (1 - targets) * shifted**negative * np.log(
        1 - shifted
    )
    return result


Case = tuple[Callable[[Reduction], nn.Module], Callable[[Matrix, Matrix], Matrix]]

CASES: dict[str, Case] = {
    "bce": (BinaryCrossEntropy, _bce),
    "weighted_bce": (lambda r: WeightedBinaryCrossEntropy(WEIGHTS, r), _weighted),
    "focal": (lambda r: Focal(reduction=r), lambda x, y: _focal(x, y, 2, 0.25)),
    "focal without alpha": (lambda r: Focal(0.5, None, r), lambda x, y: _focal(x, y, 0.5, None)),
    "asymmetric": (lambda r: AsymmetricLoss(reduction=r), lambda x, y: _asymmetric(x, y, 4, 1, 0.05)),
    "asymmetric constant": (
        lambda r: AsymmetricLoss(reduction=r, focusing="constant"),
        lambda x, y: _asymmetric(x, y, 4, 1, 0.05),
    ),
    "asymmetric without clip": (lambda r: AsymmetricLoss(2, 0.5, 0, r), lambda x, y: _asymmetric(x, y, 2, 0.5, 0)),
    "asymmetric with fractions": (
        lambda r: AsymmetricLoss(0.3, 0, 0.1, r),
        lambda x, y: _asymmetric(x, y, 0.3, 0, 0.1),
    ),
    "asymmetric with a tiny clip": (
        lambda r: AsymmetricLoss(1, 1, 1e-9, r),
        lambda x, y: _asymmetric(x, y, 1, 1, 1e-9),
    ),
}

every_loss = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def _draw(rows: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, LABELS, generator=generator) * 3
    return logits, (torch.rand(rows, LABELS, generator=generator) < 0.4).float()


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_loss_is_the_formula(case: Case, reduction: Reduction) -> None:
    loss, formula = case
    logits, targets = _draw(64)
    each = formula(logits.double().numpy(), targets.double().numpy())
    expected = each.mean() if reduction == "mean" else each.sum()
    torch.testing.assert_close(loss(reduction)(logits, targets).item(), float(expected), rtol=1e-5, atol=1e-7)


@every_loss
def test_mean_loss_does_not_depend_on_batch_size(case: Case) -> None:
    loss = case[0]("mean")
    logits, targets = _draw(48)
    parts = [loss(logits[i : i + 8], targets[i : i + 8]) for i in range(0, 48, 8)]
    torch.testing.assert_close(torch.stack(parts).mean(), loss(logits, targets))


@every_loss
@pytest.mark.parametrize("extreme", [0.0, 17.0, 90.0, 1e4, 1e30])
def test_loss_and_gradient_are_finite_at_any_logit(case: Case, extreme: float) -> None:
    logits = torch.full((4, LABELS), extreme)
    logits[::2] *= -1
    logits.requires_grad_()
    targets = torch.tensor([[0.0], [0.0], [1.0], [1.0]]).expand(4, LABELS)
    value = case[0]("sum")(logits, targets)
    value.backward()
    assert torch.isfinite(value)
    assert value >= 0
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


# Not the clipped ones: past their clip, certain false positives are flat by design.
@pytest.mark.parametrize("name", ["bce", "weighted_bce", "focal", "focal without alpha", "asymmetric without clip"])
def test_certain_mistakes_still_have_a_gradient(name: str) -> None:
    logits = torch.tensor([[60.0], [-60.0]]).repeat(1, LABELS).requires_grad_()
    CASES[name][0]("sum")(logits, torch.tensor([[0.0], [1.0]]).repeat(1, LABELS)).backward()
    assert logits.grad is not None
    assert (logits.grad[0] > 0.1).all()
    assert (logits.grad[1] < -0.1).all()


@every_loss
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_loss_is_float32_whatever_the_logits_are(case: Case, dtype: torch.dtype) -> None:
    logits, targets = _draw(8)
    loss = case[0]("mean")
    value = loss(logits.to(dtype), targets.long())
    assert value.dtype == torch.float32
    assert value.shape == ()
    torch.testing.assert_close(value, loss(logits.to(dtype).float(), targets))


@every_loss
def test_autocast_changes_nothing(case: Case) -> None:
    loss = case[0]("mean")
    logits, targets = _draw(8)
    expected = loss(logits, targets)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        torch.testing.assert_close(loss(logits, targets), expected, rtol=0, atol=0)
        assert torch.is_autocast_enabled("cpu")


@every_loss
def test_loss_leaves_the_grad_mode_alone(case: Case) -> None:
    loss = case[0]("mean")
    logits, targets = _draw(8)
    with torch.no_grad():
        assert not loss(logits, targets).requires_grad
        assert not torch.is_grad_enabled()
    assert loss(logits.requires_grad_(), targets).requires_grad
    assert torch.is_grad_enabled()


@every_loss
def test_loss_refuses_to_broadcast(case: Case) -> None:
    logits, targets = _draw(8)
    with pytest.raises(ValueError, match="shapes must agree"):
        case[0]("mean")(logits, targets[:, :1])


@every_loss
def test_loss_has_no_state_to_store(case: Case) -> None:
    assert case[0]("mean").state_dict() == {}


@every_loss
def test_unknown_reduction_is_an_error(case: Case) -> None:
    with pytest.raises(ConfigError, match="mean or sum"):
        case[0]("none")  # type: ignore[arg-type]


@pytest.mark.parametrize(("gamma", "alpha"), [(0.0, None), (0.5, 0.3), (2.0, 0.25)])
def test_focal_gradient_is_the_numerical_one(gamma: float, alpha: float | None) -> None:
    logits, targets = _draw(4)
    leaf = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: focal_loss(x, targets.double(), gamma, alpha), leaf)


@pytest.mark.parametrize(("negative", "positive", "clip"), [(4, 1, 0.05), (0.5, 2, 0.2), (0, 0, 0), (2, 1, 0)])
def test_asymmetric_gradient_is_the_numerical_one(negative: float, positive: float, clip: float) -> None:
    logits, targets = _draw(4)
    leaf = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: asymmetric_loss(x, targets.double(), negative, positive, clip), leaf)


def test_constant_focusing_only_weighs_the_gradient_of_cross_entropy() -> None:
    logits, _ = _draw(16)
    leaf = logits.double().requires_grad_()
    p = leaf.detach().sigmoid()
    (positive,) = torch.autograd.grad(asymmetric_loss(leaf, torch.ones_like(p), 4, 1, 0.05, "constant").sum(), leaf)
    torch.testing.assert_close(positive, -(1 - p) * (1 - p))  # weight (1 - p) times d(-log p)/dx
    (negative,) = torch.autograd.grad(asymmetric_loss(leaf, torch.zeros_like(p), 4, 1, 0.0, "constant").sum(), leaf)
    torch.testing.assert_close(negative, p**4 * p)


def test_without_focusing_and_clip_asymmetric_and_focal_are_cross_entropy() -> None:
    logits, targets = _draw(16)
    expected = nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    torch.testing.assert_close(asymmetric_loss(logits, targets, 0, 0, 0), expected)
    torch.testing.assert_close(focal_loss(logits, targets, 0, None), expected)


def test_negatives_below_the_clip_cost_nothing() -> None:
    logits = torch.logit(torch.tensor([[0.0499, 0.04, 1e-6]]))
    assert asymmetric_loss(logits, torch.zeros(1, 3), 4, 1, 0.05).eq(0).all()


def test_positive_weights_are_negatives_over_positives_within_bounds() -> None:
    labels = np.zeros((1000, 4), dtype=np.int64)
    labels[:250, 0] = 1
    labels[:2, 1] = 1
    labels[:, 3] = 1
    assert positive_weights(labels) == pytest.approx([3, 100, 100, 0.01])
    assert positive_weights(labels, largest=10) == pytest.approx([3, 10, 10, 0.1])


def test_positive_weights_balance_the_gradient_of_an_undecided_net() -> None:
    labels = (np.random.default_rng(0).random((200, LABELS)) < [0.5, 0.3, 0.1, 0.05, 0.7]).astype(np.int64)
    logits = torch.zeros(200, LABELS, requires_grad=True)
    WeightedBinaryCrossEntropy(positive_weights(labels), "sum")(logits, torch.from_numpy(labels)).backward()
    assert logits.grad is not None
    torch.testing.assert_close(logits.grad.sum(dim=0), torch.zeros(LABELS), rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(0, 3), (4,)])
def test_positive_weights_need_rows(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="matrix"):
        positive_weights(np.zeros(shape, dtype=np.int64))


@pytest.mark.parametrize("weights", ["auto", [], [1.0, 0.0], [float("nan")], [float("inf")]])
def test_weights_that_are_no_positive_numbers_are_an_error(weights: list[float]) -> None:
    with pytest.raises(ConfigError, match="positive_weights"):
        WeightedBinaryCrossEntropy(weights)


def test_weights_for_another_number_of_labels_are_an_error() -> None:
    with pytest.raises(ConfigError, match="2 positive_weights for 5 labels"):
        WeightedBinaryCrossEntropy([1.0, 2.0])(*_draw(2))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Focal(gamma=-1),
        lambda: Focal(alpha=1.5),
        lambda: AsymmetricLoss(gamma_negative=-1),
        lambda: AsymmetricLoss(gamma_positive=float("nan")),
        lambda: AsymmetricLoss(clip=1),
        lambda: AsymmetricLoss(focusing="frozen"),  # type: ignore[arg-type]
    ],
)
def test_parameters_out_of_range_are_an_error(make: Callable[[], nn.Module]) -> None:
    with pytest.raises(ConfigError):
        make()
