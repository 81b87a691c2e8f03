"""The posterior of a linear regression: by scikit-learn, by autograd, and the exact laws of Langevin steps and SGLD by chains."""

import pytest
import torch
from sklearn.linear_model import Ridge

from course_lib import runtime
from course_lib.models.energy.langevin import langevin_step, score_of, stationary_variance
from course_lib.models.energy.posterior import RegressionPosterior


def posterior(n=40, **settings):
    g = runtime.generator(0)
    x = torch.randn(n, 2, generator=g) @ torch.tensor([[1.0, 0.6], [0.0, 0.8]])
    y = x @ torch.tensor([1.0, -0.5]) + 0.7 * torch.randn(n, generator=g)
    return RegressionPosterior(inputs=x.tolist(), answers=y.tolist(), **{"spread": 0.7, "prior": 2.0, **settings}).double()


def test_the_mean_is_that_of_ridge_regression_and_draws_follow_the_covariance():
    model = posterior()
    ridge = Ridge(alpha=(0.7 / 2.0) ** 2, fit_intercept=False).fit(model.X.numpy(), model.y.numpy())
    torch.testing.assert_close(model.mean, torch.from_numpy(ridge.coef_))
    drawn = model.sample(100_000, generator=runtime.generator(1))
    torch.testing.assert_close(drawn.T.cov(), model.covariance, rtol=0.03, atol=2e-4)
    torch.testing.assert_close(drawn.mean(0), model.mean, rtol=0, atol=2e-3)


def test_the_energy_is_that_gaussian_up_to_a_constant_and_the_score_its_slope():
    model = posterior()
    theta = model.sample(30, generator=runtime.generator(2)) + 0.3
    gaussian = torch.distributions.MultivariateNormal(model.mean, model.covariance)
    constant = model.energy(theta) + gaussian.log_prob(theta)
    torch.testing.assert_close(constant, constant[:1].expand(30))
    torch.testing.assert_close(model.score(theta), score_of(model.energy)(theta))


def test_a_minibatch_estimates_the_score_without_bias_and_all_examples_are_drawn_anew_for_each_row():
    model, theta = posterior(), torch.tensor([[0.2, 0.4]]).double()
    many = model.minibatch_score(5, runtime.generator(3))(theta.expand(60_000, 2))
    error = many.std(0) / 60_000**0.5
    assert ((many.mean(0) - model.score(theta)[0]).abs() < 4 * error).all()
    assert len(many[:50].unique(dim=0)) == 50


@pytest.mark.parametrize("size", [None, 8])
def test_the_stationary_covariance_is_that_of_chains(size):
    model, g = posterior(), runtime.generator(4)
    step = 0.006
    expected = model.stationary_covariance(step, size)
    score = model.score if size is None else model.minibatch_score(size, g)
    theta = model.sample(10_000, generator=g)
    for _ in range(100):
        theta = langevin_step(score, theta, step, g)
    torch.testing.assert_close(theta.T.cov(), expected, rtol=0.06, atol=4e-4)
    assert (expected.diagonal() > 1.03 * model.covariance.diagonal()).all()


def test_without_drawing_it_is_the_known_variance_along_each_axis_of_the_posterior():
    model, step = posterior(), 0.02
    variances, axes = torch.linalg.eigh(model.covariance)
    expected = torch.tensor([stationary_variance(step, v) for v in variances.tolist()]).double()
    torch.testing.assert_close(axes.T @ model.stationary_covariance(step) @ axes, torch.diag(expected), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(model.stationary_covariance(1e-6), model.covariance, rtol=1e-3, atol=1e-5)


def test_it_refuses_what_means_nothing():
    with pytest.raises(ValueError, match="do not settle"):
        posterior().stationary_covariance(0.5)
    with pytest.raises(ValueError, match="2 inputs and 1 answers"):
        RegressionPosterior(inputs=[[1.0], [2.0]], answers=[1.0])
    with pytest.raises(ValueError, match="rows of one length"):
        RegressionPosterior(inputs=[[1.0], [2.0, 3.0]], answers=[1.0, 2.0])
    with pytest.raises(ValueError, match="spread is 0"):
        RegressionPosterior(inputs=[[1.0]], answers=[1.0], spread=0)
    with pytest.raises(ValueError, match="size is 0"):
        posterior().minibatch_score(0)
