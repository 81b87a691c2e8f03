"""Guidance on Gaussians, where the guided flow and the sharpened density are both known, and differ."""

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.models.diffusion import samplers
from course_lib.models.diffusion.guidance import ClassifierGuidedFlow, GuidedPair, guided_deviation, sharpened_gaussian
from course_lib.models.diffusion.point_set import PointSetFlow

FREE, GIVEN = (0.0, 1.0), (0.5, 0.5**0.5)


def gaussian(mean, deviation):
    return PointSetFlow(points=torch.tensor([[mean]], dtype=torch.float64), scale=deviation)


def ends(flow, steps=300):
    """Mean and deviation at t = 0 of an affine flow: where 0 and 1 go."""
    made = samplers.HEUN(flow, torch.tensor([[0.0], [1.0]], dtype=torch.float64), samplers.equal_times(steps))
    return made[0].item(), (made[1] - made[0]).item()


@pytest.mark.parametrize("w", [0.0, 1.0, 2.0, 4.0])
def test_the_guided_flow_of_gaussians_has_the_deviation_of_mixed_logarithms(w):
    mean, deviation = ends(GuidedPair(free=gaussian(*FREE), given=gaussian(*GIVEN), guidance=w))
    assert deviation == pytest.approx(guided_deviation(FREE, GIVEN, w), abs=2e-3)
    assert deviation == pytest.approx(2 ** (-w / 2), abs=2e-3)
    if w in (0.0, 1.0):
        assert (mean, deviation) == pytest.approx((FREE, GIVEN)[int(w)], abs=2e-3)
        assert sharpened_gaussian(FREE, GIVEN, w) == pytest.approx((FREE, GIVEN)[int(w)])


def test_guidance_does_not_sample_the_sharpened_density():
    mean, deviation = ends(GuidedPair(free=gaussian(*FREE), given=gaussian(*GIVEN), guidance=4.0))
    assert mean == pytest.approx(1.11, abs=0.005)
    assert deviation == pytest.approx(0.25, abs=0.001)
    sharp = sharpened_gaussian(FREE, GIVEN, 4.0)
    assert sharp == pytest.approx((0.8, 0.2**0.5))
    x = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    log_density = -3 * torch.distributions.Normal(*FREE).log_prob(x) + 4 * torch.distributions.Normal(*GIVEN).log_prob(x)
    weights = log_density.softmax(0)
    by_sum = (weights * x).sum()
    assert sharp == pytest.approx((by_sum.item(), (weights * (x - by_sum).square()).sum().sqrt().item()), abs=1e-6)


class ExactClassifier(nn.Module):
    """p(y | x_t) of two classes with equal prior whose mixture is the unconditional flow: its slope by autograd."""

    def __init__(self, one, other):
        super().__init__()
        self.one, self.other = one, other

    def slope(self, x, t, y):
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            both = torch.stack([self.one.log_density(x, t), self.other.log_density(x, t)], 1)
            chosen = both.log_softmax(1)[torch.arange(len(x)), y]
            return torch.autograd.grad(chosen.sum(), x)[0]


def test_an_exact_classifier_and_two_exact_velocities_give_one_guided_flow():
    one, other = gaussian(-1.0, 0.3), gaussian(1.0, 0.3)
    free = PointSetFlow(points=torch.tensor([[-1.0], [1.0]], dtype=torch.float64), scale=0.3)
    x = torch.randn(9, 1, generator=runtime.generator(0), dtype=torch.float64)
    for w in (0.0, 1.0, 3.0):
        by_classifier = ClassifierGuidedFlow(flow=free, classifier=ExactClassifier(one, other), y=1, guidance=w, latest=1 - 1e-6)
        by_pair = GuidedPair(free=free, given=other, guidance=w)
        for time in (0.2, 0.7, 1.0):
            t = torch.full((9,), time, dtype=torch.float64)
            torch.testing.assert_close(by_classifier.velocity(x, t), by_pair.velocity(x, t), rtol=1e-5, atol=1e-5)


def test_at_guidance_1_an_exact_classifier_samples_its_class():
    one, other = gaussian(-1.0, 0.3), gaussian(1.0, 0.3)
    free = PointSetFlow(points=torch.tensor([[-1.0], [1.0]]), scale=0.3)
    flow = ClassifierGuidedFlow(flow=free, classifier=ExactClassifier(one.float(), other.float()), y=1)
    made = flow.sample(2_000, steps=60, generator=runtime.generator(1))
    assert made.mean().item() == pytest.approx(1.0, abs=0.03)
    assert made.std().item() == pytest.approx(0.3, abs=0.03)


def test_impossible_pairs_are_refused():
    with pytest.raises(ValueError, match="expected equal ones"):
        GuidedPair(free=gaussian(*FREE), given=PointSetFlow(points=torch.zeros(1, 2)), guidance=1.0)
    with pytest.raises(ValueError, match="narrower"):
        sharpened_gaussian((0.0, 1.0), (0.0, 2.0), 3.0)
