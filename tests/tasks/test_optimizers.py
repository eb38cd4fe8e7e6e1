import pytest
import torch
from torch import nn

from kium_lightning.settings import build, compose


def fitted(optimizer: str, fused: str, steps: int) -> list[torch.Tensor]:
    """The parameters of a small net after some steps of an optimizer of conf/."""
    overrides = [f"model/optimizer={optimizer}", "cohort=phantom_tiny", f"model.optimizer.fused={fused}"]
    random = torch.Generator().manual_seed(3)
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 1))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    rule = build(compose("train", overrides).model.optimizer)(net.parameters())
    for _ in range(steps):
        rule.zero_grad()
        net(torch.randn(8, 5, generator=random)).square().mean().backward()
        rule.step()
    return [parameter.detach() for parameter in net.parameters()]


@pytest.mark.parametrize("optimizer", ["adam", "adamw"])
def test_the_fused_optimizer_goes_where_the_plain_one_goes(optimizer: str) -> None:
    start, plain, fused = fitted(optimizer, "false", 0), fitted(optimizer, "false", 20), fitted(optimizer, "true", 20)
    torch.testing.assert_close(fused, plain, rtol=1e-5, atol=1e-6)
    assert all((before - after).abs().max() > 5e-3 for before, after in zip(start, plain, strict=True))
