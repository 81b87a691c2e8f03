"""Means and standard errors against NumPy."""

import math

import numpy as np
import pytest
import torch

from course_lib import runtime
from course_lib.metrics.detection import auroc
from course_lib.metrics.likelihood import (
    Estimate,
    bits_per_dim,
    bounds,
    log_probs,
    mean_with_error,
    nats_per_symbol,
    negative_bound,
    negative_log_likelihood,
    perplexity,
    said,
)
from course_lib.metrics.reconstruction import mean_error
from course_lib.models.autoregressive import NADE
from course_lib.models.latent import VAE, Autoencoder
from course_lib.models.probability.markov_chain import pad
from course_lib.models.sequence import NGram


def test_mean_with_error_against_numpy():
    values = torch.randn(57, generator=runtime.generator(0)) + 100
    found = mean_with_error(values)
    exact = values.double().numpy()
    assert found.mean == pytest.approx(exact.mean(), rel=1e-12)
    assert found.standard_error == pytest.approx(np.std(exact, ddof=1) / math.sqrt(57), rel=1e-12)
    assert (found.n, found.unit) == (57, "nats")


@pytest.mark.parametrize("values", [torch.ones(1), torch.ones(0), torch.ones(3, 2), torch.ones(())])
def test_too_few_numbers_or_a_wrong_shape_is_refused(values):
    with pytest.raises(ValueError, match="at least 2 numbers"):
        mean_with_error(values)


def test_a_mean_is_said_with_its_error():
    assert said([1.0, 2.0, 3.0], 2) == "2.00 ± 0.58"
    assert said(torch.tensor([1.0, 3.0])) == "2.000 ± 1.000"


def test_likelihood_of_a_model_whatever_the_batch_size():
    model = NADE(event_shape=(5,), hidden=4)
    x = (torch.rand(23, 5, generator=runtime.generator(1)) < 0.5).float()
    exact = model.log_prob(x).detach()
    torch.testing.assert_close(log_probs(model, x, batch_size=7), exact)
    found = negative_log_likelihood(model, x, batch_size=4)
    assert found.mean == pytest.approx(-exact.double().mean().item(), rel=1e-5)
    assert found.n == 23


def test_bits_per_dim():
    found = bits_per_dim(Estimate(math.log(2) * 12, math.log(2) * 6, 9), (1, 3, 4))
    assert (found.mean, found.standard_error, found.n, found.unit) == (pytest.approx(1), pytest.approx(0.5), 9, "bits/dim")
    assert str(Estimate(85.678, 0.5, 10_000)) == "85.68 ± 0.50 nats (n = 10,000)"


def test_nats_per_symbol_and_perplexity():
    model = NGram(symbols=4, length=6, context=1).estimate(torch.randint(4, (5, 40), generator=runtime.generator(2)))
    rows = [torch.randint(4, (n,), generator=runtime.generator(n)) for n in (9, 4, 6, 7)]
    x = pad(rows)
    nats = [-model.log_conditionals(row[None])[0, 2:] for row in rows]  # the first two are given
    found = nats_per_symbol(model, x, context=2, batch_size=3)
    assert found.mean == pytest.approx(torch.cat(nats).mean().item(), rel=1e-12)
    deviation = np.array([(row - found.mean).sum().item() for row in nats])
    assert found.standard_error == pytest.approx(deviation.std(ddof=1) / 2 / np.mean([len(row) for row in nats]), rel=1e-9)
    alike = nats_per_symbol(model, x[:, :4])  # of one length: the plain mean and error
    plain = mean_with_error(-model.log_prob(x[:, :4]) / 4)
    assert (alike.mean, alike.standard_error) == (pytest.approx(plain.mean), pytest.approx(plain.standard_error))
    assert perplexity(Estimate(math.log(5), 0.1, 9)).mean == pytest.approx(5)
    assert perplexity(Estimate(math.log(5), 0.1, 9)).standard_error == pytest.approx(0.5)


def test_a_symbol_of_probability_0_needs_infinitely_many_nats(monkeypatch):
    model = NGram(symbols=4, length=6, context=1).estimate(torch.randint(4, (5, 40), generator=runtime.generator(2)))
    monkeypatch.setattr(model, "log_conditionals", lambda part: torch.full(part.shape, -math.inf))
    found = nats_per_symbol(model, torch.zeros(3, 5, dtype=torch.long))
    assert (found.mean, found.standard_error) == (math.inf, math.inf)


def test_bounds_a_batch_at_a_time():
    model = VAE(event_shape=(5,), latent=2, hidden=(4,))
    x = (torch.rand(23, 5, generator=runtime.generator(1)) < 0.5).float()
    for k, whole in ((None, model.elbo), (7, lambda x, generator: model.importance_bound(x, 7, generator=generator))):
        found = bounds(model, x, k, generator=runtime.generator(2), batch_size=23)
        torch.testing.assert_close(found, whole(x, generator=runtime.generator(2)).detach())
        cut = bounds(model, x, k, generator=runtime.generator(2), batch_size=10)
        assert cut.shape == (23,)
        estimate = negative_bound(model, x, k, generator=runtime.generator(2), batch_size=10)
        assert estimate.mean == pytest.approx(-cut.double().mean().item())


def test_data_may_lie_on_another_device_than_the_model_or_on_the_same(device):
    model = NGram(symbols=4, length=6, context=1).estimate(torch.randint(4, (5, 40), generator=runtime.generator(2)))
    x = pad([torch.randint(4, (n,), generator=runtime.generator(n)) for n in (9, 4, 6, 7)])
    expected = nats_per_symbol(model, x, context=2).mean
    coder = Autoencoder(event_shape=(5,), latent=2, widths=(4,))
    pictures = torch.rand(9, 5, generator=runtime.generator(3))
    error = mean_error(coder, pictures).mean
    for moved, data in ((device, x), (device, x.to(device)), ("cpu", x.to(device))):
        assert nats_per_symbol(model.to(moved), data, context=2).mean == pytest.approx(expected)
    for moved, data in ((device, pictures), (device, pictures.to(device)), ("cpu", pictures.to(device))):
        assert mean_error(coder.to(moved), data).mean == pytest.approx(error, rel=1e-5)
    values = torch.arange(4.0)
    assert mean_with_error(values.to(device)) == mean_with_error(values)
    assert auroc(values.to(device), values + 1) == auroc(values, (values + 1).to(device)) == auroc(values, values + 1)


def test_nothing_to_count_is_refused():
    model = NGram(symbols=4, length=6, context=1).estimate(torch.randint(4, (5, 40), generator=runtime.generator(2)))
    x = torch.randint(4, (3, 6), generator=runtime.generator(2))
    with pytest.raises(ValueError, match="symbols after the context"):
        nats_per_symbol(model, x, context=6)
    with pytest.raises(ValueError, match="context is -1"):
        nats_per_symbol(model, x, context=-1)
    with pytest.raises(ValueError, match="batch_size is 0"):
        nats_per_symbol(model, x, batch_size=0)
