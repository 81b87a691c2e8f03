"""What a flow inherits, on an affine flow whose density is a Gaussian."""

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.models.protocols import ExplicitModel, FlowModel


class AffineFlow(FlowModel):
    """z = A x + b with A lower triangular."""

    def __init__(self, *, event_shape):
        super().__init__()
        self.event_shape = tuple(event_shape)
        D = torch.Size(event_shape).numel()
        g = runtime.generator(0)
        self.A = nn.Parameter(torch.randn(D, D, generator=g).tril(-1) + torch.diag(0.5 + torch.rand(D, generator=g)))
        self.b = nn.Parameter(torch.randn(D, generator=g))

    def to_latent(self, x):
        z = x.flatten(1) @ self.A.T + self.b
        return z.reshape(x.shape), self.A.diagonal().log().sum().expand(len(x))

    def to_data(self, z):
        x = torch.linalg.solve_triangular(self.A, (z.flatten(1) - self.b).T, upper=False).T
        return x.reshape(z.shape), -self.A.diagonal().log().sum().expand(len(z))


def points(n, *shape):
    return torch.randn(n, *shape, generator=runtime.generator(1)).double()


def test_the_round_trip_and_its_determinant():
    flow, x = AffineFlow(event_shape=(1, 2, 2)).double(), points(5, 1, 2, 2)
    z, forward = flow.to_latent(x)
    back, backward = flow.to_data(z)
    torch.testing.assert_close(back, x)
    torch.testing.assert_close(backward, -forward)
    for row, found in zip(x, forward, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda v: flow.to_latent(v[None])[0][0], row).reshape(4, 4)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, found)


def test_log_prob_is_the_gaussian_that_an_affine_flow_makes_and_integrates_to_1():
    flow = AffineFlow(event_shape=(2,)).double()
    inverse = torch.linalg.inv(flow.A.detach())
    mean = -inverse @ flow.b.detach()
    theirs = torch.distributions.MultivariateNormal(mean, inverse @ inverse.T)
    x = points(20, 2)
    torch.testing.assert_close(flow.log_prob(x), theirs.log_prob(x))
    torch.testing.assert_close(flow.loss(x), -theirs.log_prob(x).mean())
    line = torch.linspace(-30, 30, 1201, dtype=torch.double)
    grid = torch.cartesian_prod(line, line) + mean
    assert flow.log_prob(grid).exp().sum().item() * 0.05**2 == pytest.approx(1, abs=1e-6)


def test_samples_follow_the_density_and_the_generator():
    flow, n = AffineFlow(event_shape=(2,)), 50_000
    x = flow.sample(n, generator=runtime.generator(2))
    assert x.shape == (n, 2)
    assert not x.requires_grad
    assert torch.equal(x, flow.sample(n, generator=runtime.generator(2)))
    inverse = torch.linalg.inv(flow.A.detach())
    covariance = inverse @ inverse.T
    assert ((x.mean(0) + inverse @ flow.b.detach()).abs() < 5 * (covariance.diagonal() / n).sqrt()).all()
    torch.testing.assert_close(x.T.cov(), covariance, rtol=0.05, atol=0.05 * covariance.diagonal().max().item())


def test_bad_input_is_refused_and_half_a_flow_cannot_be_built():
    flow = AffineFlow(event_shape=(2,))
    with pytest.raises(ValueError, match=r"expected \(B, 2\)"):
        flow.log_prob(torch.zeros(3))
    with pytest.raises(ValueError, match="n is 0"):
        flow.sample(0)
    with pytest.raises(TypeError, match="to_data"):
        type("Half", (FlowModel,), {"to_latent": AffineFlow.to_latent})()
    assert issubclass(FlowModel, ExplicitModel)
