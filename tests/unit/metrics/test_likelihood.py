"""Means and standard errors against NumPy."""

import math

import numpy as np
import pytest
import torch

from course_lib import runtime
from course_lib.metrics.likelihood import Estimate, bits_per_dim, log_probs, mean_with_error, negative_log_likelihood
from course_lib.models.autoregressive import NADE


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
