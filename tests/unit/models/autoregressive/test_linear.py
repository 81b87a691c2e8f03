"""AR(N): its density, least squares, forecasts, poles and stationary law, against NumPy, SciPy and simulation."""

import numpy as np
import pytest
import scipy.linalg
import scipy.signal
import scipy.stats
import torch

from course_lib import runtime
from course_lib.models.autoregressive import LinearAutoregression

WEIGHTS, BIAS, SCALE = [0.9, -0.5, 0.2], 1.5, 0.7


def process(length, weights=WEIGHTS, rest=0.0):
    model = LinearAutoregression(event_shape=(length,), lags=len(weights)).double().requires_grad_(False)
    model.weight.copy_(torch.tensor(weights, dtype=torch.double))
    model.bias.fill_(BIAS)
    model.log_scale.fill_(np.log(SCALE))
    model.rest.fill_(rest)
    return model


def test_log_prob_is_the_joint_gaussian():
    length, rest = 6, 2.0
    model = process(length, rest=rest)
    lower = np.eye(length)  # lower @ (x - rest) = shocks + what the level falls short of itself
    for k, weight in enumerate(WEIGHTS, 1):
        lower -= weight * np.eye(length, k=-k)
    inverse = np.linalg.inv(lower)
    mean = rest + inverse @ np.full(length, BIAS - rest * (1 - sum(WEIGHTS)))
    joint = scipy.stats.multivariate_normal(mean, SCALE**2 * inverse @ inverse.T)
    x = torch.randn(5, length, generator=runtime.generator(0)).double()
    np.testing.assert_allclose(model.log_prob(x), joint.logpdf(x.numpy()), rtol=1e-10)


def test_samples_are_the_filtered_noise():
    model = process(30)
    noise = model.noise(4, runtime.generator(0))
    shocks = BIAS + SCALE * scipy.stats.norm.ppf(noise[..., 0].numpy())
    expected = scipy.signal.lfilter([1.0], [1.0, *(-np.array(WEIGHTS))], shocks)
    np.testing.assert_allclose(model.sample_from_noise(noise), expected, rtol=1e-9)


@pytest.mark.parametrize("several", [False, True])
def test_estimate_is_least_squares_and_the_maximum_of_the_likelihood_given_the_start(several):
    series = process(60).sample(3, generator=runtime.generator(1))
    series = series if several else series[0]
    model = LinearAutoregression(event_shape=(60,), lags=3).double()
    assert model.estimate(series) is model
    rows = np.atleast_2d(series.numpy())
    inputs = np.array([[*row[t - 3 : t][::-1], 1] for row in rows for t in range(3, 60)])
    target = rows[:, 3:].flatten()
    expected, squares, *_ = np.linalg.lstsq(inputs, target, rcond=None)
    np.testing.assert_allclose([*model.weight.tolist(), model.bias.item()], expected, rtol=1e-8)
    assert model.log_scale.exp().item() ** 2 == pytest.approx(squares[0] / len(target))
    x = series.reshape(-1, 60)
    model.conditionals(x).log_prob(x)[:, 3:].sum().backward()
    assert all(parameter.grad.abs().max() < 1e-8 for parameter in model.parameters())
    assert model.rest.item() == pytest.approx(series.mean().item())


def test_forecasts_have_the_mean_and_the_spread_of_simulated_futures():
    history = torch.tensor([0.3, 4.0, -1.0, 2.5, 3.5])
    model, n = process(9), 40_000
    given = model.forecast(history, 4)
    assert given.batch_shape == (4,)
    known = torch.arange(9) < 5
    futures = model.complete(torch.cat([history.double(), torch.zeros(4)]).expand(n, 9), known, generator=runtime.generator(2))[
        :, 5:
    ]
    error = given.scale / n**0.5
    assert ((futures.mean(0) - given.loc).abs() < 5 * error).all()
    assert ((futures.std(0) - given.scale).abs() < 5 * error).all()


def test_forecasts_of_several_histories_do_not_mix():
    model, histories = process(9), torch.randn(2, 3, 7, generator=runtime.generator(3)).double()
    together = model.forecast(histories, 5)
    assert together.batch_shape == (2, 3, 5)
    for a in range(2):
        for b in range(3):
            torch.testing.assert_close(together.loc[a, b], model.forecast(histories[a, b], 5).loc)


@pytest.mark.parametrize("weights", [[0.6], WEIGHTS, [1.2, -0.7], [0.0, 0.0, 0.0, 0.8]])
def test_poles_and_the_stationary_law(weights):
    model = process(4, weights)
    expected = np.roots([1.0, *(-np.array(weights))])
    np.testing.assert_allclose(np.sort(model.poles().abs()), np.sort(abs(expected)), atol=1e-8)
    companion = np.eye(len(weights), k=-1)
    companion[0] = weights
    shock = np.zeros_like(companion)
    shock[0, 0] = SCALE**2
    settled = model.stationary()
    assert settled.scale.item() ** 2 == pytest.approx(scipy.linalg.solve_discrete_lyapunov(companion, shock)[0, 0])
    far = model.forecast(torch.full((len(weights),), 9.0), 400)
    assert settled.loc.item() == pytest.approx(far.loc[-1].item())
    assert settled.scale.item() == pytest.approx(far.scale[-1].item())


@pytest.mark.parametrize("weights", [[1.0], [1.1], [0.5, 0.5], [0.0, -1.0]])
def test_what_never_settles_is_told(weights):
    with pytest.raises(ValueError, match="not stationary"):
        process(4, weights).stationary()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="length of a series"):
        LinearAutoregression(event_shape=(1, 28, 28))
    with pytest.raises(ValueError, match="lags"):
        LinearAutoregression(event_shape=(5,), lags=0)
    model = process(5)
    with pytest.raises(ValueError, match="more than 3 values"):
        model.estimate(torch.zeros(3))
    with pytest.raises(ValueError, match="leave no residual"):
        model.estimate(torch.randn(7))
    with pytest.raises(ValueError, match="finite numbers"):
        model.estimate(torch.full((30,), torch.nan))
    with pytest.raises(ValueError, match="last 3 values"):
        model.forecast(torch.zeros(2), 4)
    with pytest.raises(ValueError, match="steps"):
        model.forecast(torch.zeros(3), 0)


def test_a_series_that_is_predicted_exactly_keeps_a_finite_density():
    series = torch.sin(torch.arange(60) / 3.0)  # two lags predict it without an error
    model = LinearAutoregression(event_shape=(60,), lags=2).estimate(series)
    assert model.log_scale.exp().item() >= 0.99e-6 * series.std().item()
    assert torch.isfinite(model.log_prob(series[None])).all()
    with pytest.raises(ValueError, match="all values of the series are 2; expected a series that changes"):
        model.estimate(torch.full((60,), 2.0))
    with pytest.raises(ValueError, match="finite numbers"):
        model.estimate(torch.cat([series, torch.tensor([torch.inf])]))
