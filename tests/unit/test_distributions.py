"""Densities against SciPy and torch, samples from noise against their own law. False alarms: at most 1e-6 a test."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from course_lib import distributions as ds
from course_lib import runtime
from course_lib.distributions import discrete

ALARM = 1e-6
DRAWS = 20_000


def noise(n, size, seed=0, dtype=torch.float32):
    return torch.rand(n, size, generator=runtime.generator(seed), dtype=dtype)


def test_bernoulli_log_prob_against_scipy():
    probs = torch.tensor([0.001, 0.3, 0.5, 0.9], dtype=torch.double)
    for value in (0.0, 1.0):
        expected = torch.from_numpy(scipy.stats.bernoulli.logpmf(value, probs.numpy()))
        x = torch.full_like(probs, value)
        torch.testing.assert_close(ds.Bernoulli(probs=probs).log_prob(x), expected)
        torch.testing.assert_close(ds.Bernoulli(torch.logit(probs)).log_prob(x), expected)


def test_bernoulli_is_stable_for_large_logits():
    logits = torch.tensor([-1000.0, 1000.0])
    coin = ds.Bernoulli(logits)
    assert coin.log_prob(torch.tensor([0.0, 1.0])).tolist() == [0, 0]
    assert coin.log_prob(torch.tensor([1.0, 0.0])).tolist() == [-1000, -1000]


def test_probabilities_of_0_and_1_are_exact():
    coin = ds.Bernoulli(probs=torch.tensor([0.0, 1.0]))
    assert coin.log_prob(torch.tensor([0.0, 1.0])).tolist() == [0, 0]
    assert coin.log_prob(torch.tensor([1.0, 0.0])).tolist() == [-math.inf, -math.inf]
    edges = torch.tensor([[0.0], [1 - 2**-24]])
    assert coin.from_noise(edges[:, None]).tolist() == [[0, 1], [0, 1]]
    die = ds.Categorical(probs=torch.tensor([0.0, 0.5, 0.5, 0.0]))
    assert die.log_prob(torch.tensor([0, 1, 3])).tolist() == [-math.inf, pytest.approx(math.log(0.5)), -math.inf]


def test_bernoulli_from_noise_follows_the_probabilities():
    probs = torch.tensor([0.02, 0.5, 0.97])
    drawn = ds.Bernoulli(probs=probs).from_noise(noise(DRAWS, 3)[..., None])
    for p, ones in zip(probs.tolist(), drawn.sum(0).int().tolist(), strict=True):
        assert scipy.stats.binomtest(ones, DRAWS, p).pvalue > ALARM


def test_categorical_log_prob_and_shapes():
    logits = torch.randn(2, 3, 5, generator=runtime.generator(1), dtype=torch.double)
    value = torch.randint(5, (2, 3), generator=runtime.generator(2))
    expected = scipy.special.log_softmax(logits.numpy(), -1)
    found = ds.Categorical(logits).log_prob(value)
    torch.testing.assert_close(found, torch.from_numpy(np.take_along_axis(expected, value.numpy()[..., None], -1)[..., 0]))
    assert ds.Categorical(logits[0, 0]).log_prob(torch.arange(5)).exp().sum() == pytest.approx(1)
    torch.testing.assert_close(ds.Categorical(probs=logits.softmax(-1)).log_prob(value), found)


def test_categorical_from_noise_follows_the_probabilities():
    probs = torch.tensor([0.1, 0.0, 0.55, 0.05, 0.3])
    drawn = ds.Categorical(probs=probs).from_noise(noise(DRAWS, 1))
    counts = torch.bincount(drawn, minlength=5)
    assert counts[1] == 0
    keep = probs > 0
    assert scipy.stats.chisquare(counts[keep].numpy(), (DRAWS * probs[keep]).double().numpy(), sum_check=False).pvalue > ALARM


@pytest.mark.parametrize("u", [0.0, 1 - 2**-24])
def test_categorical_never_draws_a_state_of_probability_0(u):
    generator = runtime.generator(3)
    inner = torch.rand(2000, 7, generator=generator)
    probs = torch.cat([torch.zeros(2000, 1), inner / inner.sum(1, keepdim=True), torch.zeros(2000, 1)], 1)
    drawn = ds.Categorical(probs=probs).from_noise(torch.full((2000, 1), u))
    assert drawn.min() >= 1
    assert drawn.max() <= 7


def mixture(dtype=torch.double):
    weights = torch.tensor([0.2, 0.5, 0.3], dtype=dtype)
    mean, scale = torch.tensor([-2.0, 0.5, 3.0], dtype=dtype), torch.tensor([0.3, 1.0, 0.1], dtype=dtype)
    return ds.UnivariateGaussianMixture(weights.log(), mean, scale.log())


def mixture_cdf(x):
    parts = zip([0.2, 0.5, 0.3], [-2.0, 0.5, 3.0], [0.3, 1.0, 0.1], strict=True)
    return sum(w * scipy.stats.norm.cdf(x, m, s) for w, m, s in parts)


def test_gaussian_mixture_against_scipy():
    x = torch.linspace(-4, 5, 37, dtype=torch.double)
    parts = zip([0.2, 0.5, 0.3], [-2.0, 0.5, 3.0], [0.3, 1.0, 0.1], strict=True)
    expected = sum(w * scipy.stats.norm.pdf(x.numpy(), m, s) for w, m, s in parts)
    torch.testing.assert_close(mixture().log_prob(x), torch.from_numpy(np.log(expected)), rtol=1e-6, atol=1e-6)


def test_gaussian_mixture_from_noise_follows_the_density():
    drawn = mixture(torch.float32).from_noise(noise(DRAWS, 2, seed=4))
    assert scipy.stats.kstest(drawn.numpy(), mixture_cdf).pvalue > ALARM


def test_standard_normal_from_noise():
    drawn = ds.standard_normal_from_noise(noise(DRAWS, 1, seed=5)[:, 0])
    assert scipy.stats.kstest(drawn.numpy(), "norm").pvalue > ALARM
    exact = ds.standard_normal_from_noise(torch.tensor([0.1, 0.5, 0.9], dtype=torch.double))
    torch.testing.assert_close(exact, torch.from_numpy(scipy.stats.norm.ppf([0.1, 0.5, 0.9])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_extreme_uniform_numbers_give_values_that_could_have_been(dtype):
    step = torch.finfo(dtype).eps / 2
    low, high = ds.standard_normal_from_noise(torch.tensor([0.0, 1 - step], dtype=dtype)).tolist()
    assert scipy.stats.norm.ppf(step / 4) < low < scipy.stats.norm.ppf(step)  # no outlier that the first step does not hold
    assert 0 < high < scipy.stats.norm.isf(step / 4)


def test_entropy_and_divergences_against_scipy():
    p, q = torch.rand(2, 4, 6, generator=runtime.generator(6), dtype=torch.double).softmax(-1)
    torch.testing.assert_close(ds.entropy(p), torch.from_numpy(scipy.stats.entropy(p.numpy(), axis=-1)))
    torch.testing.assert_close(ds.kl(p, q), torch.from_numpy(scipy.stats.entropy(p.numpy(), q.numpy(), axis=-1)))
    torch.testing.assert_close(ds.cross_entropy(p, q), ds.entropy(p) + ds.kl(p, q))
    expected = scipy.spatial.distance.jensenshannon(p.numpy(), q.numpy(), axis=-1) ** 2
    torch.testing.assert_close(ds.jensen_shannon(p, q), torch.from_numpy(expected))


def test_divergences_at_the_edges():
    left, right, both = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]], dtype=torch.double)
    assert ds.entropy(left) == 0
    assert ds.kl(left, left) == 0
    assert ds.kl(left, right) == math.inf
    assert ds.kl(left, both) == pytest.approx(math.log(2))
    assert ds.kl(both, left) == math.inf
    assert ds.jensen_shannon(left, right) == pytest.approx(math.log(2))


def test_gaussian_log_prob_against_scipy():
    x = torch.linspace(-3, 3, 13, dtype=torch.double)
    torch.testing.assert_close(ds.gaussian_log_prob(x), torch.from_numpy(scipy.stats.norm.logpdf(x.numpy())))
    found = ds.gaussian_log_prob(x, torch.tensor(0.5, dtype=torch.double), math.log(0.2))
    torch.testing.assert_close(found, torch.from_numpy(scipy.stats.norm.logpdf(x.numpy(), 0.5, 0.2)))


def _gaussians(seed):
    generator = runtime.generator(seed)
    return ds.DiagonalGaussian(torch.randn(3, 2, generator=generator), 0.5 * torch.randn(3, 2, generator=generator))


def test_diagonal_gaussian_against_torch():
    q, p = _gaussians(0), _gaussians(1)
    theirs = [torch.distributions.Independent(torch.distributions.Normal(each.mean, each.scale), 1) for each in (q, p)]
    z = torch.randn(3, 2)
    torch.testing.assert_close(q.log_prob(z), theirs[0].log_prob(z))
    torch.testing.assert_close(q.kl(p), torch.distributions.kl_divergence(*theirs))
    torch.testing.assert_close(q.kl_by_coordinate(p).sum(-1), q.kl(p))
    assert q.kl(q).abs().max() < 1e-6


def test_diagonal_gaussians_kl_against_monte_carlo():
    q, p = _gaussians(0), _gaussians(1)
    z = q.sample((200_000,), generator=runtime.generator(2))  # (200000, 3, 2)
    drawn = q.log_prob(z) - p.log_prob(z)
    assert ((drawn.mean(0) - q.kl(p)).abs() < 5 * drawn.std(0) / 200_000**0.5).all()


def test_diagonal_gaussian_samples_are_differentiable_only_when_asked():
    mean, log_scale = torch.zeros(2, requires_grad=True), torch.zeros(2, requires_grad=True)
    q = ds.DiagonalGaussian(mean, log_scale)
    z = q.rsample((5,), generator=runtime.generator(3))
    assert torch.equal(z, q.sample((5,), generator=runtime.generator(3)))
    torch.testing.assert_close(torch.autograd.grad(z.sum(), [mean, log_scale]), (torch.full((2,), 5.0), z.detach().sum(0)))
    assert not q.sample((5,)).requires_grad


def test_mixture_of_diagonal_gaussians_against_torch():
    parts, logits = _gaussians(4), torch.tensor([0.3, -1.0, 2.0])
    mixture = ds.DiagonalGaussianMixture(logits, parts.mean + 40, parts.log_scale)  # far from 0, where digits could cancel
    components = torch.distributions.Independent(torch.distributions.Normal(parts.mean + 40, parts.scale), 1)
    theirs = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=logits), components)
    z = torch.randn(7, 4, 2, generator=runtime.generator(5)) + 40
    torch.testing.assert_close(mixture.log_prob(z), theirs.log_prob(z), atol=1e-4, rtol=1e-4)
    drawn = mixture.sample((100_000,), generator=runtime.generator(6))
    assert drawn.shape == (100_000, 2)
    assert ((drawn.mean(0) - theirs.mean).abs() < 5 * (theirs.variance / 100_000).sqrt()).all()
    torch.testing.assert_close(drawn.var(0), theirs.variance, rtol=0.05, atol=0)


@pytest.mark.parametrize(("log_scale", "latent"), [(-10.0, 2), (-7.0, 20), (-4.6, 50), (0.0, 20)])
def test_narrow_components_far_apart_lose_no_digits(log_scale, latent):
    g = runtime.generator(0)
    logits, mean = torch.zeros(10), 3 * torch.randn(10, latent, generator=g)
    mixture = ds.DiagonalGaussianMixture(logits, mean, torch.full((10, latent), log_scale))
    z = mixture.sample((500,), generator=g)
    exact = ds.DiagonalGaussianMixture(logits.double(), mean.double(), torch.full((10, latent), log_scale).double())
    assert (mixture.log_prob(z) - exact.log_prob(z.double())).abs().max() < 1e-3
    highest = -latent * (log_scale + 0.5 * math.log(2 * math.pi))  # of one component; no mixture exceeds it
    assert mixture.log_prob(z).max() < highest + 1e-3


def test_gaussians_with_full_covariances_lose_no_digits_where_they_are_narrow():
    g = runtime.generator(0)
    mean, lower = (
        3 * torch.randn(6, 4, generator=g),
        torch.eye(4).repeat(6, 1, 1) + 0.5 * torch.randn(6, 4, 4, generator=g).tril(-1),
    )
    lower = math.exp(-6) * lower
    x = mean + torch.einsum("kij,kj->ki", lower, torch.randn(6, 4, generator=g))
    found = ds.multivariate_gaussian_log_prob(x, mean, lower)
    theirs = torch.distributions.MultivariateNormal(mean.double(), scale_tril=lower.double()).log_prob(x.double()[:, None])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.diagonal().double(), theirs.diagonal(), rtol=0, atol=1e-3)


def everything(dtype):
    """Every density, divergence and distance of the package by name, of inputs in this type that have few digits."""

    def few_digits(x):
        return x.bfloat16().to(dtype)

    a, b, c, z = (few_digits(torch.randn(5, 3, generator=runtime.generator(seed))) for seed in range(4))
    p, q = (few_digits(torch.randn(5, 3, generator=runtime.generator(seed)).softmax(-1)) for seed in (5, 6))
    scales, grey = few_digits(0.5 * b - 2), torch.tensor([0.0, 0.5, 1.0, 0.5, 0.0], dtype=dtype)
    category, ones = torch.tensor([0, 1, 2, 0, 1]), (z > 0).to(dtype)
    lower = few_digits(0.05 * torch.eye(3).repeat(2, 1, 1))
    return {
        "Bernoulli": ds.Bernoulli(a).log_prob(ones),
        "Bernoulli by probs": ds.Bernoulli(probs=p).log_prob(ones),
        "Categorical": ds.Categorical(a).log_prob(category),
        "Categorical by probs": ds.Categorical(probs=p).log_prob(category),
        "GreyLevels": ds.GreyLevels(a).log_prob(grey),
        "DiscretisedLogisticMixture": ds.DiscretisedLogisticMixture(a, b, scales, levels=3).log_prob(grey),
        "Gaussian": ds.Gaussian(a, scales).log_prob(z),
        "UnivariateGaussianMixture": ds.UnivariateGaussianMixture(a, b, scales).log_prob(z[:, 0]),
        "DiagonalGaussian": ds.DiagonalGaussian(a, scales).log_prob(z),
        "kl of DiagonalGaussian": ds.DiagonalGaussian(a, scales).kl(ds.DiagonalGaussian(b, c)),
        "DiagonalGaussianMixture": ds.DiagonalGaussianMixture(a[:, 0], b, scales).log_prob(z),
        "precision_weighted": ds.precision_weighted(ds.DiagonalGaussian(a, scales), ds.DiagonalGaussian(b, c)).log_prob(z),
        "entropy": ds.entropy(p),
        "cross_entropy": ds.cross_entropy(p, q),
        "kl": ds.kl(p, q),
        "jensen_shannon": ds.jensen_shannon(p, q),
        "gaussian_log_prob": ds.gaussian_log_prob(z, a, scales),
        "multivariate_gaussian_log_prob": ds.multivariate_gaussian_log_prob(z, a[:2], lower),
        "standard_normal_from_noise": ds.standard_normal_from_noise(p),
        "logit_threshold": ds.logit_threshold(p),
    }


def test_the_table_names_all_that_is_public():
    named = {word for name in everything(torch.double) for word in name.split()}
    assert set(ds.__all__) - named == {"Distribution"}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_neither_autocast_nor_half_precision_reaches_a_density(dtype):
    """From the same inputs: float32 results that are as good as float64's, although autocast is on."""
    exact = everything(torch.double)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = everything(dtype)
    for name, value in found.items():
        assert exact[name].dtype == torch.double, name
        assert value.dtype == torch.float32, name
        torch.testing.assert_close(
            value.double(), exact[name], rtol=2e-5, atol=2e-5, msg=lambda text, name=name: f"{name}: {text}"
        )


def batches():
    """One batch of every class of distributions by name, (5)."""
    a, b, c = (torch.randn(5, 3, generator=runtime.generator(seed)) for seed in range(3))
    return {
        "Bernoulli": ds.Bernoulli(a[:, 0]),
        "Bernoulli by probs": ds.Bernoulli(probs=a[:, 0].sigmoid()),
        "Categorical": ds.Categorical(a),
        "Categorical by probs": ds.Categorical(probs=a.softmax(-1)),
        "GreyLevels": ds.GreyLevels(a),
        "DiscretisedLogisticMixture": ds.DiscretisedLogisticMixture(a, b, c, levels=7),
        "Gaussian": ds.Gaussian(a[:, 0], b[:, 0]),
        "UnivariateGaussianMixture": ds.UnivariateGaussianMixture(a, b, c),
        "DiagonalGaussian": ds.DiagonalGaussian(a, b),
        "DiagonalGaussianMixture": ds.DiagonalGaussianMixture(a[:, :2], torch.stack([a, b], 1), torch.stack([b, c], 1)),
    }


@pytest.mark.parametrize("name", batches())
def test_samples_expansions_and_support_agree(name):
    one = batches()[name]
    drawn = one.sample((4,), generator=runtime.generator(0))
    assert drawn.shape == (4, 5, *one.event_shape)
    assert torch.equal(drawn, one.sample((4,), generator=runtime.generator(0)))
    assert not torch.equal(drawn, one.sample((4,), generator=runtime.generator(1)))
    assert torch.equal(one.check(drawn), drawn)
    log_prob = one.log_prob(drawn)
    assert log_prob.shape == (4, 5)
    larger = one.expand((4, 5))
    assert type(larger) is type(one)
    assert larger.batch_shape == (4, 5)
    torch.testing.assert_close(larger.log_prob(drawn), log_prob)
    torch.testing.assert_close(larger.log_prob(drawn[0]), log_prob[:1].expand(4, 5))
    assert larger.sample().shape == drawn.shape
    with pytest.raises(ValueError, match="expected a shape that broadcasts"):
        one.check(torch.zeros(7, *one.event_shape))
    outside = drawn.clone().double()
    outside[2, 3] = math.nan
    with pytest.raises(ValueError, match="value holds nan"):
        one.check(outside)


@pytest.mark.parametrize("name", [name for name in batches() if hasattr(batches()[name], "from_noise")])
def test_a_sample_is_what_its_noise_says(name):
    one = batches()[name]
    noise = torch.rand(4, 5, one.noise_size, generator=runtime.generator(0))
    assert torch.equal(one.from_noise(noise), one.sample((4,), generator=runtime.generator(0)))


def test_grey_levels_keep_to_the_scale_of_grey_values():
    one = ds.GreyLevels(numbers := torch.tensor([[0.0, 2.0, 1.0, -1.0]]))
    assert one.mode.item() == pytest.approx(1 / 3)
    assert torch.isfinite(one.log_prob(one.sample((50,)))).all()
    torch.testing.assert_close(one.log_prob(torch.tensor([2 / 3])), numbers.log_softmax(-1)[:, 2])
    torch.testing.assert_close(one.probs, numbers.softmax(-1))
    with pytest.raises(ValueError, match="value holds 2, outside the support"):
        one.log_prob(torch.tensor([2.0]))
    with pytest.raises(ValueError, match="expected an integer of at least 2"):
        ds.GreyLevels(torch.zeros(1, 1))


def test_a_category_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="value holds 5, outside the support"):
        ds.Categorical(torch.zeros(5)).log_prob(torch.tensor([5]))
    with pytest.raises(ValueError, match="value holds -1"):
        ds.Categorical(torch.zeros(5)).log_prob(torch.tensor([-1]))


@pytest.mark.parametrize(
    "kind", ["DiscretisedLogisticMixture", "Gaussian", "UnivariateGaussianMixture", "DiagonalGaussian", "DiagonalGaussianMixture"]
)
def test_a_scale_that_training_shrank_to_nothing_has_finite_gradients(kind):
    logits, mean, log_scale = (torch.full((2,), value, requires_grad=True) for value in (0.0, 0.3, -200.0))
    if kind in ("Gaussian", "DiagonalGaussian"):
        log_prob = getattr(ds, kind)(mean, log_scale).log_prob(torch.ones(2))
    elif kind == "DiagonalGaussianMixture":
        log_prob = ds.DiagonalGaussianMixture(logits, mean[:, None], log_scale[:, None]).log_prob(torch.ones(1))
    else:
        log_prob = getattr(ds, kind)(logits, mean, log_scale).log_prob(torch.tensor(1.0))
    assert torch.isfinite(log_prob).all()
    gradients = torch.autograd.grad(log_prob.sum(), [mean, log_scale])
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_a_logistic_has_at_least_the_scale_of_pixelcnn_pp():
    floor, below = (
        ds.DiscretisedLogisticMixture(torch.zeros(1), torch.zeros(1), torch.full((1,), value)) for value in (-7.0, -9.0)
    )
    values = torch.arange(256) / 255
    assert torch.equal(floor.log_prob(values), below.log_prob(values))
    with pytest.raises(ValueError, match="levels is 1; expected an integer of at least 2"):
        ds.DiscretisedLogisticMixture(torch.zeros(1), torch.zeros(1), torch.zeros(1), levels=1)


def test_a_draw_is_1_just_when_the_logit_exceeds_the_threshold():
    u = torch.cat([torch.rand(1_000, generator=runtime.generator(0)), torch.tensor([0.0, 2**-24, 0.5, 1 - 2**-24])])
    threshold = ds.logit_threshold(u)
    assert threshold.dtype == torch.float32
    torch.testing.assert_close(threshold, torch.from_numpy(scipy.special.logit(u.double().numpy())).float())
    torch.testing.assert_close(discrete.logit_in_single_precision(u), threshold)
    assert torch.equal((ds.logit_threshold(u) < 4.0).float(), ds.Bernoulli(torch.tensor(4.0)).from_noise(u[:, None]))


def test_precision_weighted_is_the_renormalised_product():
    a, b = (ds.DiagonalGaussian(torch.tensor([m]).double(), torch.tensor([s]).double()) for m, s in ((0.5, -0.3), (-1.0, 0.4)))
    grid = torch.linspace(-12, 12, 20_001, dtype=torch.double)[:, None]
    product = a.log_prob(grid) + b.log_prob(grid)
    product -= torch.logsumexp(product, 0) + math.log(24 / 20_000)
    assert torch.allclose(ds.precision_weighted(a, b).log_prob(grid), product, atol=1e-9)
