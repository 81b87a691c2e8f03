"""The VAE against exact answers: a linear-Gaussian one whose integral and posterior are known, and formulas by hand."""

import copy
import json
import math

import numpy as np
import pytest
import torch

from course_lib import runtime
from course_lib.distributions import DiagonalGaussian, gaussian_log_prob, multivariate_gaussian_log_prob
from course_lib.models.latent import ELBO, VAE, ImportanceBound, LatentVariableModel, MixturePrior, StandardPrior, VampPrior
from course_lib.models.protocols import configuration
from course_lib.nn.blocks import UPSAMPLINGS

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
    found = model.elbo(x, samples=many, generator=runtime.generator(2))
    torch.testing.assert_close(found, exact - divergence, atol=0.05, rtol=0)
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


@pytest.mark.parametrize("prior", [StandardPrior(), MixturePrior(components=4), VampPrior(components=4)], ids=str)
def test_the_loss_without_beta_is_minus_the_elbo(prior):
    runtime.seed(0)
    model = VAE(event_shape=(6,), latent=3, hidden=(8,), prior=prior, objective=ELBO(samples=2))
    x = (torch.rand(9, 6, generator=runtime.generator(0)) < 0.5).float()
    elbo = model.elbo(x, generator=runtime.generator(1))
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(1)), -elbo.mean())
    likelihood, kl = model.parts(x, generator=runtime.generator(1))
    torch.testing.assert_close(elbo, likelihood - kl)
    model.objective.beta = 3.0
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(1)), (3 * kl - likelihood).mean())
    torch.testing.assert_close(model.elbo(x, generator=runtime.generator(1)), elbo)  # a bound, whatever beta is


def test_free_nats_are_not_counted():
    runtime.seed(0)
    model = VAE(event_shape=(6,), latent=3, hidden=(8,))
    x = (torch.rand(9, 6, generator=runtime.generator(0)) < 0.5).float()
    likelihood, _ = model.parts(x, generator=runtime.generator(1))
    by_coordinate = model.encode(x).kl_by_coordinate(model.prior()).mean(0)  # (3)
    middle = by_coordinate.sort().values[1].item()
    model.objective.free_nats = middle
    expected = torch.where(by_coordinate > middle, by_coordinate, middle).sum() - likelihood.mean()
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(1)), expected)


def test_the_gradient_of_the_loss_is_that_of_the_exact_divergence():
    """Reparameterised: for a linear-Gaussian model, minus d ELBO / d q's parameters is d KL(q || posterior)."""
    model, x, _, posterior = linear_gaussian(off=0.3)
    model.objective.samples = 20_000
    model.encoder.requires_grad_(True)
    (found,) = torch.autograd.grad(model.loss(x, generator=runtime.generator(0)), model.encoder[0].bias)
    (exact,) = torch.autograd.grad(model.encode(x).kl(posterior).mean(), model.encoder[0].bias)
    torch.testing.assert_close(found, exact, atol=0.05, rtol=0.02)


def test_iwae_trains_the_importance_bound():
    model = VAE(event_shape=(6,), latent=3, hidden=(8,), objective=ImportanceBound(samples=7))
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


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
def test_a_convolutional_decoder_begins_at_the_mean_and_learns_from_z_and_x(upsampling):
    runtime.seed(0)
    given = {"convolutions": (4, 5), "upsampling": upsampling}
    model = VAE(event_shape=(1, 8, 8), latent=2, hidden=(9,), mean=0.2, spread=0.4, **given)
    assert model.decode(torch.zeros(1, 2)).mean.mean().item() == pytest.approx(0.2, abs=0.03)
    model.loss((torch.rand(3, 1, 8, 8) < 0.2).float(), generator=runtime.generator(0)).backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_a_vamp_prior_is_the_mixture_of_its_encoded_pseudo_inputs():
    runtime.seed(0)
    model = VAE(event_shape=(6,), latent=2, hidden=(8,), prior=VampPrior(components=3))
    q = model._encode(model.prior.pseudo_inputs.sigmoid())
    z = torch.randn(5, 2)
    each = DiagonalGaussian(q.mean, q.log_scale).log_prob(z[:, None])  # (5, 3)
    torch.testing.assert_close(model.prior().log_prob(z), torch.logsumexp(each, 1) - math.log(3))


@pytest.mark.parametrize("prior", [StandardPrior(), MixturePrior(components=4), VampPrior(components=4)], ids=str)
def test_the_kl_is_the_mean_log_ratio_of_draws_from_q(prior):
    runtime.seed(0)
    model = VAE(event_shape=(6,), latent=3, hidden=(8,), prior=prior).requires_grad_(False)
    q, many = model.encode((torch.rand(5, 6, generator=runtime.generator(0)) < 0.5).float()), 50_000
    z = q.rsample((many,), generator=runtime.generator(1))
    ratio = q.log_prob(z) - model.prior().log_prob(z)
    found = model.prior.kl(q, q.rsample((many,), generator=runtime.generator(2)))
    assert found.shape == (5, 3 if model.prior.by_coordinate else 1)
    assert ((found.sum(1) - ratio.mean(0)).abs() < 8 * ratio.std(0) / math.sqrt(many)).all()


def test_one_description_of_prior_and_objective_serves_several_models():
    prior, objective = MixturePrior(components=4), ELBO(beta=2.0)
    one, other = (VAE(event_shape=(6,), latent=3, hidden=(8,), prior=prior, objective=objective) for _ in range(2))
    one.objective.beta = 5.0
    assert (objective.beta, other.objective.beta) == (2.0, 2.0)
    assert not list(prior.parameters())  # it stays a description
    assert one.prior.mean is not other.prior.mean
    twin = VAE(**configuration(one))
    assert (twin.objective.beta, twin.prior.components) == (5.0, 4)


def test_a_copy_of_a_model_encodes_its_own_pseudo_inputs():
    model = VAE(event_shape=(6,), latent=3, hidden=(8,), prior=VampPrior(components=4)).requires_grad_(False)
    twin, z = copy.deepcopy(model), torch.zeros(1, 3)
    before = model.prior().log_prob(z)
    for parameter in twin.encoder.parameters():
        parameter.add_(1.0)
    assert torch.equal(model.prior().log_prob(z), before)
    assert not torch.equal(twin.prior().log_prob(z), before)


@pytest.mark.parametrize("prior", [MixturePrior(components=4), VampPrior(components=4)], ids=str)
def test_parameters_under_their_earlier_names_are_loaded(prior):
    runtime.seed(0)
    model = VAE(event_shape=(6,), latent=3, hidden=(8,), prior=prior)
    names = {"prior.logits": "prior_logits", "prior.mean": "prior_mean", "prior.log_scale": "prior_log_scale"}
    names["prior.pseudo_inputs"] = "prior_examples"
    earlier = {names.get(key, key): value for key, value in model.state_dict().items()}
    assert "prior_logits" in earlier
    twin = VAE(**configuration(model))
    twin.load_state_dict(earlier)
    assert all(torch.equal(value, twin.state_dict()[key]) for key, value in model.state_dict().items())
    inside = torch.nn.Sequential(VAE(**configuration(model)))
    inside.load_state_dict({f"0.{key}": value for key, value in earlier.items()})
    assert torch.equal(inside[0].prior.logits, model.prior.logits)


def test_every_learned_scale_has_a_floor():
    model = VAE(event_shape=(4,), latent=2, hidden=(5,), output="gaussian", spread=0.2, prior=MixturePrior(components=3))
    x, z = torch.randn(3, 4), torch.randn(3, 2)
    with torch.no_grad():
        model.log_scale.fill_(-1e4)
        model.prior.log_scale.fill_(-1e4)
    assert model.decode(z).scale.max().item() == pytest.approx(2e-4)  # a thousandth of the data's standard deviation
    assert model.prior().components.log_scale.unique().tolist() == [-10.0]
    loss = model.loss(x, generator=runtime.generator(0))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(parameter.grad).all() for parameter in model.parameters())


def test_training_on_constant_data_ends_at_the_floor_of_the_scale():
    runtime.seed(0)
    model = VAE(event_shape=(2,), latent=1, hidden=(), output="gaussian", objective=ELBO(beta=0.0))
    optimiser, x = torch.optim.Adam([model.log_scale], lr=0.5), torch.zeros(8, 2)
    with torch.no_grad():
        model.decoder[0].weight.zero_()
        model.decoder[0].bias.zero_()
    for _ in range(200):
        optimiser.zero_grad()
        loss = model.loss(x, generator=runtime.generator(0))
        loss.backward()
        optimiser.step()
    assert loss.item() == pytest.approx(2 * math.log(1e-3 * math.sqrt(2 * math.pi)), abs=1e-3)


@pytest.mark.parametrize("prior", [StandardPrior(), MixturePrior(components=4), VampPrior(components=4)], ids=str)
def test_densities_are_float32_under_autocast(prior):
    runtime.seed(0)
    model = VAE(event_shape=(1, 8, 8), latent=2, hidden=(9,), convolutions=(4,), prior=prior, mean=0.2, spread=0.4)
    x = (torch.rand(3, 1, 8, 8, generator=runtime.generator(0)) < 0.2).float()
    z = model.infer(x, generator=runtime.generator(1))[0]
    plain = model.log_joint(x, z)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = model.log_joint(x, z)
        assert model.loss(x, generator=runtime.generator(1)).dtype == torch.float32
        assert model.encode(x).log_scale.dtype == torch.float32
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, plain, atol=0.3, rtol=0)  # the networks are in bfloat16, the density is not


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (ELBO, {"beta": -1}, "beta is -1; expected a finite number, at least 0"),
        (ELBO, {"beta": math.nan}, "beta is nan"),
        (ELBO, {"beta": math.inf}, "beta is inf"),
        (ELBO, {"free_nats": -1.0}, "free_nats is -1.0"),
        (ELBO, {"free_nats": math.nan}, "free_nats is nan"),
        (ELBO, {"samples": 0}, "samples is 0"),
        (ImportanceBound, {"samples": -3}, "samples is -3"),
        (MixturePrior, {"components": 0}, "components is 0"),
        (VampPrior, {"components": 1.5}, "components is 1.5"),
    ],
)
def test_bad_arguments_of_priors_and_objectives_are_refused(kind, given, words):
    with pytest.raises(ValueError, match=words):
        kind(**given)


def test_numbers_of_numpy_and_torch_are_taken():
    model = VAE(event_shape=(4,), latent=2, hidden=(5,), mean=np.float32(0.25), spread=torch.tensor(0.5))
    assert (model.mean, model.spread) == (0.25, 0.5)
    assert json.loads(json.dumps([model.mean, ELBO(beta=np.float64(2)).beta])) == [0.25, 2.0]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_data_that_are_not_finite_are_refused(value):
    model = VAE(event_shape=(4,), latent=2, hidden=(5,), output="gaussian")
    x = torch.zeros(2, 4)
    x[1, 2] = value
    for measured in (model.elbo, model.loss, model.encode):
        with pytest.raises(ValueError, match="finite"):
            measured(x)


def test_a_q_without_noise_still_has_finite_weights():
    model = VAE(event_shape=(4,), latent=2, hidden=()).requires_grad_(False)
    model.encoder[0].bias.copy_(torch.tensor([3.0, 3.0, -500.0, -500.0]))
    weights = model.log_weights(torch.ones(2, 4), 20, generator=runtime.generator(0))
    assert torch.isfinite(weights).all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"output": "poisson"}, "output is 'poisson'"),
        ({"prior": "flat"}, r"prior is 'flat'; expected .* MixturePrior\(components=100\)"),
        ({"prior": MixturePrior}, "expected an object of a class of Prior"),
        ({"objective": 2.0}, r"objective is 2.0; expected .* ELBO\(beta=4.0\)"),
        ({"activation": "sine"}, "activation is 'sine'"),
        ({"objective": ELBO(free_nats=1.0), "prior": MixturePrior()}, "not known by coordinate"),
        ({"mean": 128.0}, "mean is 128.0; expected the mean of binary data, at least 0 and below 1"),
        ({"mean": math.nan}, "mean is nan"),
        ({"mean": math.nan, "output": "gaussian"}, "mean is nan"),
        ({"mean": math.inf, "output": "gaussian"}, "mean is inf"),
        ({"spread": 0}, "spread is 0; expected the standard deviation of the data, above 0"),
        ({"spread": -1.0}, "spread is -1.0"),
        ({"spread": math.nan}, "spread is nan"),
        ({"spread": "wide"}, "spread is 'wide'"),
        ({"latent": 0}, "latent is 0"),
        ({"convolutions": (3,)}, r"expected an image \(C, H, W\)"),
        ({"convolutions": (3,), "event_shape": (1, 7, 8)}, "cannot halve a side of 7"),
        ({"convolutions": (3,), "event_shape": (1, 8, 8), "upsampling": "nearest"}, "upsampling is 'nearest'"),
        ({"upsampling": "sub-pixel"}, "'sub-pixel' without convolutions"),
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
