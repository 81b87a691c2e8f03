"""M2: the sum over classes against a loop, the loss of mixed batches, and the exact posterior of a small model."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.latent import SemiSupervisedVAE


def small(**settings):
    torch.manual_seed(0)
    return SemiSupervisedVAE(**{"event_shape": (4,), "latent": 1, "classes": 3, "hidden": (6,), **settings})


def coins(n=5):
    return (torch.rand(n, 4, generator=runtime.generator(1)) < 0.5).float()


def test_the_bound_of_an_unlabelled_example_is_the_sum_over_classes():
    model, x, y = small(), coins(), torch.arange(3)
    draw = runtime.generator(2)
    noise = torch.randn(15, 1, generator=runtime.generator(2))
    found = model.elbo(x, generator=draw)
    for row, (example, own) in enumerate(zip(x, noise.view(5, 3, 1), strict=True)):
        q = torch.softmax(model.logits(example[None])[0], 0)
        total = 0
        for label in range(3):
            encoded = model.encode(example[None], y[label : label + 1])
            z = encoded.mean + encoded.scale * own[label]
            kl = (0.5 * (encoded.mean**2 + encoded.scale**2 - 1) - encoded.log_scale).sum()
            bound = model.decode(y[label : label + 1], z).log_prob(example[None]).sum() - kl - math.log(3)
            total = total + q[label] * (bound - q[label].log())
        torch.testing.assert_close(found[row], total, atol=1e-5, rtol=1e-5)


def test_the_bound_is_below_the_exact_log_probability():
    """log p(x) by quadrature over the one latent, for each class."""
    model, x = small().requires_grad_(False), coins(3)
    z = torch.linspace(-8, 8, 2_001)[:, None]
    log_prior = -0.5 * z[:, 0] ** 2 - 0.5 * math.log(2 * math.pi) + math.log(16 / 2_000)
    exact = []
    for example in x:
        rows = [
            model.decode(torch.full((len(z),), k), z).log_prob(example.expand(len(z), 4)).sum(1) + log_prior - math.log(3)
            for k in range(3)
        ]
        exact.append(torch.logsumexp(torch.cat(rows), 0))
    bounds = torch.stack([model.elbo(x, generator=runtime.generator(seed)) for seed in range(100)])
    gaps = torch.stack(exact) - bounds.mean(0)
    assert (gaps > -4 * bounds.std(0) / 10).all()
    assert (gaps > 0.001).any()


def test_the_loss_counts_known_and_unknown_labels():
    model, x, y = small(weight=7.0), coins(), torch.tensor([2, -1, 0, -1, -1])
    known = y >= 0
    found = model.loss((x, y), generator=runtime.generator(3))
    draw = runtime.generator(3)
    total = -model.elbo(x[~known], generator=draw).sum() - model.labelled_bound(x[known], y[known], generator=draw).sum()
    expected = total / 5 + 7 * torch.nn.functional.cross_entropy(model.logits(x[known]), y[known])
    torch.testing.assert_close(found, expected)
    all_unknown = model.loss((x, torch.full((5,), -1)), generator=runtime.generator(4))
    torch.testing.assert_close(all_unknown, model.loss(x, generator=runtime.generator(4)))


def test_gaussian_examples_and_samples_of_a_class():
    model = small(output="gaussian", mean=1.0, spread=2.0)
    x = torch.randn(6, 4, generator=runtime.generator(5))
    assert model.elbo(x).isfinite().all()
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    assert model.sample(6, y=y, generator=runtime.generator(6)).shape == (6, 4)
    noise = runtime.generator(7)
    with torch.no_grad():
        model.decoder[0].weight[:, 1:] *= 100  # the class decides
    drawn = model.sample(3_000, y=torch.zeros(3_000, dtype=torch.long), generator=noise)
    with torch.no_grad():
        middle = model.decode(torch.zeros(1, dtype=torch.long), torch.zeros(1, 1)).mean
    assert (drawn.mean(0) - middle).abs().max() < 0.5


@pytest.mark.parametrize("y", [torch.tensor([0.0, 1, 2, 0, 1]), torch.tensor([0, 1]), torch.tensor([0, 1, 2, 0, -2])])
def test_odd_labels_are_refused(y):
    with pytest.raises(ValueError, match="expected"):
        small().loss((coins(), y))


def test_odd_settings_are_refused():
    with pytest.raises(ValueError, match="output"):
        small(output="poisson")
    with pytest.raises(ValueError, match="weight"):
        small(weight=-1.0)
    with pytest.raises(ValueError, match="classes"):
        small().encode(coins(), torch.tensor([0, 1, 2, 3, 0]))
