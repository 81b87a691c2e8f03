"""Penalties on the slope: exact on linear and quadratic discriminators, per example, with gradients for the discriminator."""

import math

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.models.adversarial.penalties import UnitSlope, ZeroCentred, slopes

SHAPE = (6, 2, 3, 4)


def examples(seed):
    return torch.randn(*SHAPE, generator=runtime.generator(seed), dtype=torch.float64).requires_grad_(True)


class Linear(nn.Module):
    """Slope w everywhere."""

    def __init__(self, length):
        super().__init__()
        w = torch.randn(SHAPE[1:], generator=runtime.generator(5), dtype=torch.float64)
        self.w = nn.Parameter(w * length / w.norm())

    def forward(self, x):
        return (x * self.w).flatten(1).sum(1)


def penalty_of(penalty, discriminator, real, fake, seed=3):
    return penalty(discriminator, real, fake, discriminator(real), discriminator(fake), generator=runtime.generator(seed))


def test_slopes_are_those_of_each_example():
    x = examples(0)
    found = slopes(x.flatten(1).square().sum(1), x)
    torch.testing.assert_close(found, 2 * x.detach().flatten(1))


def test_zero_centred_on_a_linear_discriminator():
    discriminator = Linear(3.0)
    real, fake = examples(1), examples(2)
    assert penalty_of(ZeroCentred(0.2, 0.0), discriminator, real, fake).item() == pytest.approx(0.1 * 9)
    assert penalty_of(ZeroCentred(0.0, 0.5), discriminator, real, fake).item() == pytest.approx(0.25 * 9)
    loss = penalty_of(ZeroCentred(0.2, 0.5), discriminator, real, fake)
    (gradient,) = torch.autograd.grad(loss, discriminator.w)
    torch.testing.assert_close(gradient, 0.7 * discriminator.w.detach())


def test_zero_centred_looks_at_its_own_examples():
    """With D = |x|² / 2 the slope is x itself."""

    def discriminator(x):
        return x.flatten(1).square().sum(1) / 2

    real, fake = examples(1), examples(2)
    expected = 0.1 * real.detach().square().sum() / 6 + 0.3 * fake.detach().square().sum() / 6
    torch.testing.assert_close(penalty_of(ZeroCentred(0.2, 0.6), discriminator, real, fake), expected)


@pytest.mark.parametrize("length", [0.0, 1.0, 4.0])
def test_the_unit_slope_takes_the_length_of_the_whole_gradient(length):
    """A norm over the channels alone would ask it of every pixel: the value would differ, and be 0 at another w."""
    found = penalty_of(UnitSlope(10.0), Linear(length), examples(1), examples(2))
    assert found.item() == pytest.approx(10 * (length - 1) ** 2, abs=1e-9)


def test_the_unit_slope_is_measured_between_pairs_at_one_share_for_each_example():
    seen = []

    def discriminator(x):
        seen.append(x.detach())
        return x.flatten(1).sum(1)

    real, fake = examples(1), examples(2)
    UnitSlope()(discriminator, real, fake, None, None, generator=runtime.generator(3))
    shares = ((seen[0] - real) / (fake - real)).detach().flatten(1)
    torch.testing.assert_close(shares, shares[:, :1].expand_as(shares))
    assert ((shares >= 0) & (shares <= 1)).all()
    assert shares[:, 0].std() > 0.05


@pytest.mark.parametrize("weight", [-1.0, math.inf, math.nan])
def test_weights_are_finite_and_not_negative(weight):
    with pytest.raises(ValueError, match="expected a finite number of at least 0"):
        ZeroCentred(real=weight)
    with pytest.raises(ValueError, match="expected a finite number of at least 0"):
        UnitSlope(weight)
