"""The classifier of noisy examples: the slope by finite differences, the time it is told, and what it learns."""

import pytest
import torch

from course_lib import runtime
from course_lib.distributions import Categorical
from course_lib.models.diffusion.noisy_classifier import NoisyClassifier
from course_lib.training import GradientStep


def classifier():
    runtime.seed(0)
    return NoisyClassifier(event_shape=(1, 8, 8), classes=2, channels=(4, 4, 8), width=8)


def test_the_slope_is_that_of_the_log_probability():
    model = classifier().double().eval()
    x, t, y = (
        torch.randn(3, 1, 8, 8, generator=runtime.generator(0)).double(),
        torch.full((3,), 0.4).double(),
        torch.tensor([0, 1, 0]),
    )
    slope = model.slope(x, t, y)
    way = torch.randn(x.shape, generator=runtime.generator(1)).double()
    up, down = (Categorical(model.logits(x + s * 1e-6 * way, t)).log_prob(y) for s in (1, -1))
    torch.testing.assert_close((slope * way).flatten(1).sum(1), (up - down) / 2e-6, rtol=1e-4, atol=1e-6)


def test_it_is_told_the_time():
    model, x = classifier().eval(), torch.randn(2, 1, 8, 8, generator=runtime.generator(0))
    assert not torch.allclose(model.logits(x, torch.full((2,), 0.1)), model.logits(x, torch.full((2,), 0.9)))
    with pytest.raises(ValueError, match="one time for each"):
        model.logits(x, torch.zeros(3))


def test_it_learns_classes_and_doubts_what_is_nearly_noise():
    model, generator = classifier(), runtime.generator(0)
    step = GradientStep(model, lr=3e-3)
    y = torch.arange(64) % 2
    x = torch.zeros(64, 1, 8, 8)
    x[y == 1, :, 4:] = 1.0
    x[y == 0, :, :4] = 1.0
    for _ in range(60):
        step((x, y))
    model.eval()
    found = []
    for time in (0.1, 0.98):
        t = torch.full((64,), time)
        noisy = model.noise(model.to_flow(x), t, generator=generator)
        found.append(Categorical(model.logits(noisy, t)).log_prob(y).exp().mean().item())
    assert found[0] > 0.95
    assert 0.35 < found[1] < 0.75
