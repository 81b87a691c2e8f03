"""The density of a flow by the trace, on flows whose density is known; Hutchinson's estimate, its mean and variance."""

import pytest
import torch

from course_lib import runtime
from course_lib.models.diffusion.density import divergence, log_density
from course_lib.models.diffusion.flow_matching import StraightFlow
from course_lib.models.diffusion.point_set import PointSetFlow


class Linear(StraightFlow):
    """dx/dt = A x, whatever the time."""

    event_shape = (3,)

    def __init__(self, matrix):
        super().__init__()
        self.matrix = matrix

    def velocity(self, x, t):
        return x @ self.matrix.T


A = torch.tensor([[0.3, -0.5, 0.2], [0.1, -0.4, 0.6], [0.0, 0.7, 0.2]], dtype=torch.float64)
X = torch.randn(4, 3, generator=runtime.generator(0), dtype=torch.float64)


def test_a_linear_flows_density_is_that_of_its_gaussian():
    """x_1 = expm(A) x_0 is standard normal, so that x_0 is Gaussian with covariance (M^T M)^-1."""
    M = torch.linalg.matrix_exp(A)
    exact = torch.distributions.MultivariateNormal(torch.zeros(3).double(), precision_matrix=M.T @ M).log_prob(X)
    assert (log_density(Linear(A), X, steps=100) - exact).abs().max() < 1e-3


def test_the_density_of_a_mixture_is_found_within_a_hundredth_of_a_nat():
    points = torch.tensor([[0.0, 1.0], [2.0, -1.0], [-1.5, -0.5]], dtype=torch.float64)
    model = PointSetFlow(points=points, scale=0.4)
    x = model.draw(50, generator=runtime.generator(1)).double()
    exact = model.log_density(x, torch.zeros(50, dtype=torch.float64))
    assert (log_density(model, x, steps=200) - exact).abs().max() < 0.01


def test_hutchinson_is_unbiased_with_the_known_variance():
    n = 100_000
    probe = torch.rand(n, 3, generator=runtime.generator(2)).sub(0.5).sign().double()
    _, found = divergence(Linear(A), X[:1].expand(n, 3), 0.5, probe)
    symmetric = (A + A.T) / 2
    variance = 2 * (symmetric - symmetric.diag().diag()).square().sum().item()
    assert found.mean().item() == pytest.approx(A.trace().item(), abs=5 * (variance / n) ** 0.5)
    assert found.var().item() == pytest.approx(variance, rel=0.02)
    velocity, exact = divergence(Linear(A), X, 0.5)
    torch.testing.assert_close(exact, A.trace().expand(4))
    torch.testing.assert_close(velocity, X @ A.T)


def test_the_estimated_density_has_the_mean_of_the_exact_one():
    n = 20_000
    many = X[:1].expand(n, 3)
    found = log_density(Linear(A), many, steps=10, hutchinson=True, generator=runtime.generator(3))
    assert (found.mean() - log_density(Linear(A), X[:1], steps=10)).abs() < 5 * found.std() / n**0.5
