"""The brute-force posterior against independent sums and draws: a VAE of two latent variables."""

import pytest
import torch

from course_lib import runtime
from course_lib.distributions import DiagonalGaussian
from course_lib.explore.latent.posterior import drag_q, elbo_by_quadrature, true_posteriors
from course_lib.models.latent import VAE


@pytest.fixture
def model():
    runtime.seed(0)
    made = VAE(event_shape=(1, 4, 4), latent=2, hidden=(9,), mean=0.3).requires_grad_(False)
    made.decoder[-1].weight.mul_(4)  # a posterior narrower than the prior
    return made


def digits(model, n=3):
    return model.sample(n, generator=runtime.generator(1))


def test_the_grid_gives_the_evidence_and_the_posteriors_mean(model):
    x = digits(model)
    z = model.prior().sample((200_000,), generator=runtime.generator(2))  # of the prior: no q is involved
    for example, found in zip(x.split(1), true_posteriors(model, x), strict=True):
        log_weights = model.log_likelihood(example, z)
        evidence = torch.logsumexp(log_weights, 0) - torch.tensor(len(z)).log()
        assert found.log_evidence == pytest.approx(evidence.item(), abs=0.02)
        assert (found.log_prob.exp().sum() * found.cell).item() == pytest.approx(1, abs=1e-4)
        up, across = (torch.linspace(found.low[i].item(), found.high[i].item(), len(found.log_prob)) for i in (1, 0))
        mass = found.log_prob.exp() * found.cell
        mean = torch.stack([(mass.sum(0) * across).sum(), (mass.sum(1) * up).sum()])
        torch.testing.assert_close(mean, log_weights.softmax(0) @ z, atol=0.02, rtol=0)


def test_the_quadrature_of_the_elbo_is_that_of_many_draws(model):
    x, q = digits(model, 1), DiagonalGaussian(torch.tensor([0.4, -0.2]), torch.tensor([-1.0, -0.5]))
    likelihood, kl = elbo_by_quadrature(model, x, q)
    z = q.sample((200_000,), generator=runtime.generator(3))
    assert likelihood == pytest.approx(model.log_likelihood(x, z).mean().item(), abs=0.05)
    assert kl == pytest.approx((q.log_prob(z) - model.prior().log_prob(z)).mean().item(), abs=0.02)
    assert likelihood - kl < true_posteriors(model, x)[0].log_evidence


def test_a_model_that_the_plane_cannot_show_is_refused():
    with pytest.raises(ValueError, match="expected 2 and a standard normal prior"):
        drag_q(VAE(event_shape=(1, 4, 4), latent=3), torch.zeros(1, 1, 4, 4))
