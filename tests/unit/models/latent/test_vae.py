"""The VAE against exact answers: a linear-Gaussian one whose integral and posterior are known, and formulas by hand."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.distributions import DiagonalGaussian, gaussian_log_prob, multivariate_gaussian_log_prob
from course_lib.models.latent import VAE, LatentVariableModel

D, L, NOISE = 5, 2, 0.6


def linear_gaussian(off=0.0):
    """x = W z + b + noise, with a posterior that is diagonal since W's columns are orthogonal, and q equal to it, or `off`."""
    generator = runtime.generator(3)
    W = torch.linalg.qr(torch.randn(D, L, generator=generator, dtype=torch.float64))[0] * torch.tensor([2.0, 0.7])  # (D, L)
    b = torch.randn(D, generator=generator, dtype=torch.float64)
    model = VAE(event_shape=(D,), latent=L, hidden=(), output="gaussian").double().requires_grad_(False)
    variance = 1 / (1 + W.square().sum(0) / NOISE**2)  # (L) of the posterior
    model.decoder[0].weight.copy_(W)
    model.decoder[0].bias.copy_(b)
    model.log_scale.fill_(math.log(NOISE))
    to_mean = variance[:, None] * W.T / NOISE**2  # (L, D)
    model.encoder[0].weight.copy_(torch.cat([to_mean, torch.zeros(L, D)]))
    model.encoder[0].bias.copy_(torch.cat([-to_mean @ b + off, variance.log() / 2 + off]))
    x = torch.randn(7, D, generator=generator, dtype=torch.float64) * 2
    covariance = W @ W.T + NOISE**2 * torch.eye(D, dtype=torch.float64)
    exact = multivariate_gaussian_log_prob(x, b[None], torch.linalg.cholesky(covariance)[None])[:, 0]
    posterior = DiagonalGaussian(x @ to_mean.T - to_mean @ b, variance.log() / 2)
    return model, x, exact, posterior


def test_with_the_exact_posterior_every_weight_is_the_exact_likelihood():
    model, x, exact, _ = linear_gaussian()
    weights = model.log_weights(x, 50, generator=runtime.generator(0))  # (50, 7)
    torch.testing.assert_close(weights, exact.expand(50, 7))
    assert model.elbo(x, generator=runtime.generator(0)).lt(exact + 10).all()


def test_bounds_below_the_exact_integral_and_the_gap_is_the_divergence():
    """ELBO = log p - KL(q || posterior) exactly; and ELBO <= importance bound <= log p, which it comes close to."""
    model, x, exact, posterior = linear_gaussian(off=0.3)
    many = 20_000
    weights = model.log_weights(x, many, generator=runtime.generator(1))
    gap, error = exact - weights.mean(0), weights.std(0) / math.sqrt(many)
    divergence = model.encode(x).kl(posterior)
    assert (divergence > 0.05).all()
    assert ((gap - divergence).abs() < 5 * error).all()
    model.samples = many
    torch.testing.assert_close(model.elbo(x, generator=runtime.generator(2)), exact - divergence, atol=0.05, rtol=0)
    bounds = []
    for k in (1, 10, 100):
        groups = torch.logsumexp(weights.view(-1, k, len(x)), 1) - math.log(k)
        bounds.append(groups.mean())
    assert bounds[0] < bounds[1] < bounds[2] < exact.mean()
    found = model.importance_bound(x, many, generator=runtime.generator(3))
    torch.testing.assert_close(found, exact, atol=0.05, rtol=0)


def test_the_importance_bound_is_the_log_of_the_mean_weight_however_it_is_cut():
    class Counted(LatentVariableModel):
        """log w is the number of the draw."""

        event_shape = (1,)

        def infer(self, x, *, generator=None):
            self.seen = getattr(self, "seen", 0)
            number = torch.arange(self.seen, self.seen + len(x), dtype=x.dtype)
            self.seen += len(x)
            return number, torch.zeros(len(x))

        def log_joint(self, x, z):
            return z

        def sample(self, n, *, generator=None):
            raise AssertionError

    x = torch.zeros(1, 1, dtype=torch.float64)
    expected = torch.arange(11, dtype=torch.float64).exp().mean().log()
    for chunk in (1, 2, 3, 11, 50):
        torch.testing.assert_close(Counted().importance_bound(x, 11, chunk=chunk)[0], expected)
    assert Counted().importance_bound(torch.zeros(3, 1), 4, chunk=2).shape == (3,)


@pytest.mark.parametrize("prior", ["standard", "mixture", "encoded"])
def test_the_loss_without_beta_is_minus_the_elbo(prior):
    runtime.seed(0)
    model = VAE(event_shape=(6,), latent=3, hidden=(8,), prior_kind=prior, components=4, samples=2)
    x = (torch.rand(9, 6, generator=runtime.generator(0)) < 0.5).float()
    elbo = model.elbo(x, generator=runtime.generator(1))
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(1)), -elbo.mean())
    likelihood, kl = model.parts(x, generator=runtime.generator(1))
    torch.testing.assert_close(elbo, likelihood - kl)
    model.beta = 3.0
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(1)), (3 * kl - likelihood).mean())
    torch.testing.assert_close(model.elbo(x, generator=runtime.generator(1)), elbo)  # a bound, whatever beta is


def test_free_nats_are_not_counted():
    runtime.seed(0)
    model = VAE(event_shape=(6,), latent=3, hidden=(8,))
    x = (torch.rand(9, 6, generator=runtime.generator(0)) < 0.5).float()
    likelihood, _ = model.parts(x, generator=runtime.generator(1))
    by_coordinate = model.encode(x).kl_by_coordinate(model.prior()).mean(0)  # (3)
    middle = by_coordinate.sort().values[1].item()
    model.free_nats = middle
    expected = torch.where(by_coordinate > middle, by_coordinate, middle).sum() - likelihood.mean()
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(1)), expected)


def test_the_gradient_of_the_loss_is_that_of_the_exact_divergence():
    """Reparameterised: for a linear-Gaussian model, minus d ELBO / d q's parameters is d KL(q || posterior)."""
    model, x, _, posterior = linear_gaussian(off=0.3)
    model.samples = 20_000
    model.encoder.requires_grad_(True)
    (found,) = torch.autograd.grad(model.loss(x, generator=runtime.generator(0)), model.encoder[0].bias)
    (exact,) = torch.autograd.grad(model.encode(x).kl(posterior).mean(), model.encoder[0].bias)
    torch.testing.assert_close(found, exact, atol=0.05, rtol=0.02)


def test_iwae_trains_the_importance_bound():
    model = VAE(event_shape=(6,), latent=3, hidden=(8,), iwae=True, samples=7)
    x = (torch.rand(9, 6, generator=runtime.generator(0)) < 0.5).float()
    expected = -model.importance_bound(x, 7, generator=runtime.generator(1), chunk=63).mean()
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(1)), expected)


@pytest.mark.parametrize("convolutions", [(), (6,), (6, 8)])
def test_gaussian_output_on_colour_images(convolutions):
    runtime.seed(0)
    model = VAE(event_shape=(3, 4, 8), latent=2, hidden=(8,), convolutions=convolutions, output="gaussian", mean=0.5, spread=0.2)
    x, z = torch.rand(6, 3, 4, 8), torch.randn(6, 2)
    by_hand = gaussian_log_prob(x, model.decode(z).mean, model.log_scale).sum((1, 2, 3))
    torch.testing.assert_close(model.log_likelihood(x, z), by_hand)
    assert model.sample(4).shape == (4, 3, 4, 8)
    torch.testing.assert_close(model.decode(z[None]).mean, model.decode(z).mean[None])
    torch.testing.assert_close(model.decode(z[0]).mean, model.decode(z).mean[0])


def test_a_convolutional_decoder_begins_at_the_mean_and_learns_from_z_and_x():
    runtime.seed(0)
    model = VAE(event_shape=(1, 8, 8), latent=2, hidden=(9,), convolutions=(4, 5), mean=0.2, spread=0.4)
    assert model.decode(torch.zeros(1, 2)).mean.mean().item() == pytest.approx(0.2, abs=0.03)
    model.loss((torch.rand(3, 1, 8, 8) < 0.2).float(), generator=runtime.generator(0)).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_the_mixture_of_codes_is_the_prior():
    runtime.seed(0)
    model = VAE(event_shape=(6,), latent=2, hidden=(8,), prior_kind="encoded", components=3)
    q = model._encode(model.prior_examples.sigmoid())
    z = torch.randn(5, 2)
    each = DiagonalGaussian(q.mean, q.log_scale).log_prob(z[:, None])  # (5, 3)
    torch.testing.assert_close(model.prior().log_prob(z), torch.logsumexp(each, 1) - math.log(3))


def test_a_q_without_noise_still_has_finite_weights():
    model = VAE(event_shape=(4,), latent=2, hidden=()).requires_grad_(False)
    model.encoder[0].bias.copy_(torch.tensor([3.0, 3.0, -500.0, -500.0]))
    weights = model.log_weights(torch.ones(2, 4), 20, generator=runtime.generator(0))
    assert torch.isfinite(weights).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"output": "poisson"}, "output is 'poisson'"),
        ({"prior_kind": "flat"}, "prior_kind is 'flat'"),
        ({"activation": "sine"}, "activation is 'sine'"),
        ({"iwae": True, "beta": 2.0}, "no KL to weigh"),
        ({"free_nats": 1.0, "prior_kind": "mixture"}, "by coordinate"),
        ({"mean": 128.0}, "mean is 128"),
        ({"latent": 0}, "latent is 0"),
        ({"convolutions": (3,)}, r"expected an image \(C, H, W\)"),
        ({"convolutions": (3,), "event_shape": (1, 7, 8)}, "cannot halve a side of 7"),
        ({"convolutions": (3,), "event_shape": (1, 8, 8), "activation": "gated"}, "activation is 'gated'"),
        ({"convolutions": (3,), "event_shape": (1, 8, 8), "activation": "sine"}, "activation is 'sine'"),
    ],
)
def test_bad_arguments_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        VAE(**{"event_shape": (4,), "latent": 2, **given})


def test_a_latent_of_the_wrong_size_is_refused():
    with pytest.raises(ValueError, match="one vector of latents"):
        VAE(event_shape=(4,), latent=2).decode(torch.zeros(3, 5))
