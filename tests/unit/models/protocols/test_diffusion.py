"""What a diffusion model inherits, on Gaussian data whose velocity is known exactly."""

import pytest
import torch

from course_lib import runtime
from course_lib.models.protocols import DiffusionModel

MEAN, SCALE = 3.0, 0.5


class GaussianDiffusion(DiffusionModel):
    """x_t = (1 - t) x + t noise of data N(MEAN, SCALE^2): the velocity is E[noise - x | x_t]."""

    event_shape = (2,)

    def noise(self, x, t, *, generator=None):
        return (1 - t)[:, None] * x + t[:, None] * runtime.standard_normal(x.shape, x, generator)

    def velocity(self, x, t):
        t = t[:, None]
        share = (t - (1 - t) * SCALE**2) / ((1 - t) ** 2 * SCALE**2 + t**2)
        return -MEAN + share * (x - (1 - t) * MEAN)

    def loss(self, x, *, generator=None):
        t = runtime.uniform((len(x),), x, generator)
        return (self.velocity(self.noise(x, t, generator=generator), t) ** 2).mean()


def test_samples_follow_the_data_and_the_generator():
    model, n = GaussianDiffusion(), 20_000
    x = model.sample(n, steps=50, generator=runtime.generator(0))
    assert x.shape == (n, 2)
    assert torch.equal(x, model.sample(n, steps=50, generator=runtime.generator(0)))
    assert ((x.mean(0) - MEAN).abs() < 5 * SCALE / n**0.5 + 0.01).all()
    torch.testing.assert_close(x.std(0), torch.full((2,), SCALE), rtol=0.03, atol=0)


def test_more_steps_come_nearer_to_the_exact_flow():
    model = GaussianDiffusion()
    start = model.start(200, generator=runtime.generator(1))
    exact = MEAN + SCALE * start  # the flow of Gaussians is affine, and here keeps the order of the points
    errors = [(model.sample(200, steps=k, generator=runtime.generator(1)) - exact).abs().max().item() for k in (5, 20, 80)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


@pytest.mark.parametrize("given", [{"n": 0}, {"n": 3, "steps": 0}])
def test_counts_below_1_are_refused(given):
    with pytest.raises(ValueError, match="at least 1"):
        GaussianDiffusion().sample(**given)


def test_half_a_diffusion_model_cannot_be_built():
    with pytest.raises(TypeError, match="velocity"):
        type("Half", (DiffusionModel,), {"noise": GaussianDiffusion.noise, "loss": GaussianDiffusion.loss})()
