"""Scores under noise: the closed form by autograd and by draws, Tweedie, the flow, annealed chains, and the losses."""

import json
import math

import pytest
import torch

from course_lib import runtime
from course_lib.distributions import gaussian_log_prob
from course_lib.models.diffusion import matching
from course_lib.models.diffusion.score import DenoisingScore, SmoothedMixture
from course_lib.models.energy.langevin import langevin_step
from course_lib.models.probability.mixtures import GaussianMixture
from course_lib.models.protocols import configuration
from course_lib.nn.velocity import TimedDense


def mixture(**settings):
    told = {"probs": [0.2, 0.5, 0.3], "mean": [[-1.0, 0.0], [1.0, 1.0], [0.5, -2.0]], "scale": [0.3, 0.6, 1.0]}
    return SmoothedMixture(**{**told, "lowest": 0.05, "highest": 5.0, **settings}).double()


def at(n, t):
    return torch.full((n,), t, dtype=torch.double)


@pytest.mark.parametrize("t", [0.0, 0.4, 1.0])
def test_the_score_of_the_mixture_is_the_slope_of_its_log_density(t):
    model = mixture()
    x = 3 * torch.randn(200, 2, generator=runtime.generator(0)).double()
    x.requires_grad_(True)
    slope = torch.autograd.grad(model.log_density(x, at(200, t)).sum(), x)[0]
    torch.testing.assert_close(model.score(x, at(200, t)), slope, rtol=0, atol=1e-5)
    single = model.float().score(x.detach().float(), at(200, t).float())
    torch.testing.assert_close(single.double(), slope, rtol=1e-4, atol=1e-4)


def test_the_density_is_that_of_the_probability_familys_mixture():
    model, x = mixture(), torch.randn(50, 2, generator=runtime.generator(1)).double()
    sigma = model.sigma(0.3)
    twin = GaussianMixture(event_shape=(2,), components=3, covariance="spherical")
    twin.set_components(probs=torch.tensor(model.probs), mean=torch.tensor(model.mean),
                        covariance=model.variances[:, None] + sigma**2)  # fmt: skip
    torch.testing.assert_close(model.log_density(x, at(50, 0.3)), twin.log_prob(x), rtol=1e-6, atol=1e-6)


def test_draws_under_noise_follow_the_density():
    """Kolmogorov and Smirnov along the first axis."""
    from scipy import stats

    model, n = mixture(), 20_000
    x = model.noise(model.draw(n, generator=runtime.generator(2)), at(n, 0.5), generator=runtime.generator(3))
    spread = (model.variances + model.sigma(0.5) ** 2).sqrt().numpy()
    cdf = sum(p * stats.norm(m[0], s).cdf(x[:, 0].numpy()) for p, m, s in zip(model.probs, model.mean, spread, strict=True))
    assert stats.kstest(cdf, "uniform").pvalue > 0.01


def test_tweedie_is_the_mean_of_the_data_by_importance_weights():
    """E[x | y] by 400,000 draws of x, each weighted by the density of y given it."""
    model, t, n = mixture(), 0.6, 400_000
    x, y = model.draw(n, generator=runtime.generator(4)), torch.tensor([[0.3, 0.4], [-2.0, 1.0], [2.5, -1.0]]).double()
    log_weight = gaussian_log_prob(y[:, None], x, math.log(model.sigma(t))).sum(-1)
    expected = log_weight.softmax(1) @ x
    torch.testing.assert_close(model.denoised(y, at(3, t)), expected, rtol=0, atol=0.02)


def test_the_flow_carries_the_density_along():
    """The heat equation, dp/dt = (d sigma²/dt) / 2 · Laplacian of p, is the continuity equation of this velocity."""
    model, t, h = mixture(), 0.4, 1e-4
    x = torch.randn(20, 2, generator=runtime.generator(5)).double().requires_grad_(True)
    change = (model.log_density(x, at(20, t + h)) - model.log_density(x, at(20, t - h))) / (2 * h)
    v = model.velocity(x, at(20, t))
    trace = sum(torch.autograd.grad(v[:, d].sum(), x, retain_graph=True)[0][:, d] for d in range(2))
    slope = torch.autograd.grad(model.log_density(x, at(20, t)).sum(), x)[0]
    torch.testing.assert_close(change, -trace - (v * slope).sum(1), rtol=1e-4, atol=1e-5)


FAR = {"probs": [0.8, 0.2], "mean": [[2.5, 0.0], [-2.5, 0.0]], "scale": [0.5, 0.5], "lowest": 0.1, "highest": 5.0}


def test_langevin_keeps_the_shares_of_the_start_and_noise_levels_find_the_true_ones():
    model, g, n = SmoothedMixture(**FAR), runtime.generator(6), 2_000
    x = model.start(n, generator=g)
    plain = x
    for _ in range(200):
        plain = langevin_step(lambda at: model.score(at, torch.zeros(len(at))), plain, 0.05, g)
    assert ((x[:, 0] > 0).float().mean() - (plain[:, 0] > 0).float().mean()).abs() < 0.05
    found = (model.anneal(x, levels=20, steps=20, step=0.3, generator=g)[:, 0] > 0).float().mean().item()
    assert found == pytest.approx(0.8, abs=0.04)
    wide = SmoothedMixture(**{**FAR, "highest": 100.0})  # at t = 1 the data are lost in the noise, as `start` assumes
    assert (wide.sample(n, steps=60, generator=g)[:, 0] > 0).float().mean().item() == pytest.approx(0.8, abs=0.04)


def test_the_implicit_loss_differs_from_the_explicit_one_by_a_constant():
    model = mixture()
    truth = lambda x: model.score(x, at(len(x), 0.0))  # noqa: E731
    x, gaps = model.draw(100_000, generator=runtime.generator(7)), []
    for a, b in ((0.0, 1.0), (0.5, 0.3), (-1.0, 2.0)):
        score = lambda x, a=a, b=b: a - b * x + 0.2 * x.sin()  # noqa: E731
        gaps.append((matching.explicit_loss(score, truth, x) - matching.implicit_loss(score, x)).item())
    constant = truth(x).square().sum(1).mean().item() / 2
    assert gaps == pytest.approx([constant] * 3, rel=0.02)


def test_the_implicit_loss_of_a_gaussian_is_least_at_maximum_likelihood_and_can_be_learned_from():
    x = 2 + 0.5 * torch.randn(400, 1, generator=runtime.generator(8)).double()
    mean, precision = x.mean().requires_grad_(True), (1 / x.var(correction=0)).requires_grad_(True)
    loss = matching.implicit_loss(lambda x: precision * (mean - x), x)
    torch.testing.assert_close(torch.autograd.grad(loss, (mean, precision)), (torch.zeros(()).double(),) * 2)


def test_the_denoising_loss_is_least_at_the_score_of_the_smoothed_density():
    model, t = mixture(), 0.7
    x, sigma, g = model.draw(50_000, generator=runtime.generator(9)), model.sigma(t), runtime.generator
    right = lambda x: model.score(x, at(len(x), t))  # noqa: E731
    noisy = model.noise(x, at(len(x), t), generator=g(10))
    losses = {}
    for shift in (-0.2, 0.0, 0.2):
        losses[shift] = matching.denoising_loss(lambda x, s=shift: right(x) + s, x, sigma, generator=g(10)).item()
    assert min(losses, key=losses.get) == 0.0
    expected = matching.explicit_loss(lambda x: right(x) + 0.2, right, noisy).item()  # 0.2² per coordinate, halved
    assert (losses[0.2] + losses[-0.2]) / 2 - losses[0.0] == pytest.approx(expected, rel=1e-6)
    assert losses[0.2] - losses[0.0] == pytest.approx(expected, rel=0.3)


def network(**settings):
    runtime.seed(0)
    net = TimedDense(size=2, width=32, blocks=1)
    return DenoisingScore(network=net, event_shape=(2,), **{"lowest": 0.1, "highest": 5.0, "spread": 2.5, **settings})


def test_a_network_learns_the_score():
    model, exact = network(), SmoothedMixture(**FAR)
    optimiser, g = torch.optim.Adam(model.parameters(), lr=5e-3), runtime.generator(11)
    x = exact.draw(20_000, generator=g)
    for batch in x.split(200):
        optimiser.zero_grad()
        model.loss(batch, generator=g).backward()
        optimiser.step()
    t = torch.full((500,), 0.6)
    y = exact.noise(x[:500], t, generator=g)
    error = (model.score(y, t) - exact.score(y, t)).square().mean() / exact.score(y, t).square().mean()
    assert error < 0.1


def test_the_loss_is_the_denoising_loss_weighted_by_the_variance():
    model, x = network(), torch.randn(60, 2, generator=runtime.generator(12))
    runtime.seed(3)
    torch.nn.init.normal_(model.network.last.weight, std=0.1)
    t = runtime.uniform((60,), x, runtime.generator(13))
    g = runtime.generator(13)
    runtime.uniform((60,), x, g)
    noise = runtime.standard_normal(x.shape, x, g)
    sigma = model.sigma(t)[:, None]
    each = (model.score(x + sigma * noise, t) + noise / sigma).square() * sigma**2 / 2
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(13)), each.mean())


def test_a_mixture_is_made_again_from_its_configuration_and_odd_ones_are_refused():
    model = SmoothedMixture(**FAR)
    twin = SmoothedMixture(**json.loads(json.dumps(configuration(model))))
    assert torch.equal(twin.means, model.means)
    assert model.sigma(0.0) == pytest.approx(0.1)
    assert model.sigma(1.0) == pytest.approx(5.0)
    for wrong, words in (
        ({"probs": [0.5, 0.6]}, "sum 1"),
        ({"scale": [1.0]}, "one of each"),
        ({"scale": [1.0, 0.0]}, "a scale is 0"),
        ({"highest": 0.05}, "highest is 0.05"),
    ):
        with pytest.raises(ValueError, match=words):
            SmoothedMixture(**{**FAR, **wrong})
    with pytest.raises(ValueError, match="times from 0"):
        model.score(torch.zeros(2, 2), torch.tensor([0.5, 1.5]))
    with pytest.raises(ValueError, match="spread is 0"):
        network(spread=0.0)
