"""The RBM against sums over all states of both layers, and against scikit-learn."""

import math

import numpy as np
import pytest
import torch
from energies import joint, machine, states
from scipy import stats
from sklearn.neural_network import BernoulliRBM

from course_lib import runtime
from course_lib.models.energy.rbm import RBM
from course_lib.models.protocols import EnergyModel, ExplicitModel

SIZES = [(4, 3), (3, 5), (1, 1), (6, 2)]


@pytest.mark.parametrize(("visible", "hidden"), SIZES)
def test_free_energy_conditionals_and_log_partition_equal_the_sums_over_all_states(visible, hidden):
    model = machine(visible, hidden)
    table, log_z = joint(model)
    x, h = states(visible), states(hidden)
    torch.testing.assert_close(model.log_partition(), log_z)
    torch.testing.assert_close(torch.exp(-model.free_energy(x) - log_z), table.sum(1))
    assert torch.equal(model.energy(x), model.free_energy(x))
    torch.testing.assert_close(model.hidden_given(x).probs, table @ h / table.sum(1, keepdim=True))
    torch.testing.assert_close(model.visible_given(h).probs, table.T @ x / table.sum(0)[:, None])
    torch.testing.assert_close(model.joint_energy(x[:1].expand(len(h), -1), h), -(table[0].log() + log_z))
    assert isinstance(model, EnergyModel)


@pytest.mark.parametrize(("visible", "hidden"), SIZES)
def test_normalised_it_is_an_explicit_model(visible, hidden):
    exact, table = machine(visible, hidden).normalised(), joint(machine(visible, hidden))[0]
    assert isinstance(exact, ExplicitModel)
    torch.testing.assert_close(exact.log_prob(states(visible)).exp(), table.sum(1))
    drawn = exact.sample(20_000, generator=runtime.generator(0))
    counts = torch.bincount((drawn.long() * 2 ** torch.arange(visible - 1, -1, -1)).sum(1), minlength=2**visible)
    expected = 20_000 * table.sum(1)
    assert stats.chisquare(counts.numpy(), expected.numpy(), sum_check=False).pvalue > 1e-6


def test_log_z_is_summed_anew_when_a_parameter_changed():
    model = machine()
    exact = model.normalised()
    before = exact.log_partition()
    model.b.add_(1.0)
    torch.testing.assert_close(exact.log_partition(), joint(model)[1])
    assert exact.log_partition() > before


def test_the_gradient_of_log_prob_is_data_minus_model():
    model = machine().requires_grad_(True)
    x = states(4)[[3, 9, 9, 14]]
    model.normalised().log_prob(x).mean().backward()
    table, h = joint(machine())[0], states(3)
    data = x.T @ model.hidden_given(x).probs / len(x)
    torch.testing.assert_close(model.W.grad, (data - states(4).T @ table @ h).detach())


@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_a_gibbs_step_is_in_detailed_balance_with_its_density(temperature):
    """Counts of one step from every state of a 3 x 3 machine against the exact transition matrix, which is in balance."""
    model, n = machine(3, 3), 20_000
    x, h = states(3), states(3)
    weights = torch.exp((x @ model.W @ h.T + (x @ model.b)[:, None] + h @ model.c) / temperature)
    p = weights.sum(1) / weights.sum()
    transition = (weights / weights.sum(1, keepdim=True)) @ (weights / weights.sum(0)).T  # of x -> h -> x
    torch.testing.assert_close(p[:, None] * transition, (p[:, None] * transition).T)  # detailed balance
    torch.testing.assert_close(p @ transition, p)
    generator = runtime.generator(2)
    for row, start in enumerate(x):
        made = model.gibbs_step(start.expand(n, -1), temperature=temperature, generator=generator)
        counts = torch.bincount((made.long() * torch.tensor([4, 2, 1])).sum(1), minlength=8)
        assert stats.chisquare(counts.numpy(), n * transition[row].numpy(), sum_check=False).pvalue > 1e-6


def test_the_spectral_gap_of_the_gibbs_step_is_the_decay_of_correlations():
    model, n, lag = machine(3, 3, strength=1.5), 40_000, 3
    table = joint(model)[0]
    p = table.sum(1)
    transition = (table / p[:, None]) @ (table / table.sum(0)).T
    root = p.sqrt()
    values, vectors = torch.linalg.eigh(root[:, None] * transition / root)  # symmetric, as the step is reversible
    assert values[-1].item() == pytest.approx(1)
    slowest = vectors[:, -2] / root  # a function of x with mean 0 and variance 1; its correlation after t steps is values[-2]^t
    x = model.normalised().sample(n, generator=runtime.generator(3))
    index = lambda x: (x.long() * torch.tensor([4, 2, 1])).sum(1)  # noqa: E731
    before, generator = slowest[index(x)], runtime.generator(4)
    for _ in range(lag):
        x = model.gibbs_step(x, generator=generator)
    found = (before * slowest[index(x)]).mean().item()
    spread = (before * slowest[index(x)]).std().item()
    assert found == pytest.approx(values[-2].item() ** lag, abs=5 * spread / math.sqrt(n))
    assert values[-2] > 0.05  # the test can fail


def test_long_chains_follow_the_density_and_short_ones_do_not():
    model = machine(3, 2)
    p = joint(model)[0].sum(1)
    for steps, near in ((50, True), (0, False)):
        drawn = model.sample(20_000, steps=steps, generator=runtime.generator(5))
        counts = torch.bincount((drawn.long() * torch.tensor([4, 2, 1])).sum(1), minlength=8)
        assert (stats.chisquare(counts.numpy(), 20_000 * p.numpy(), sum_check=False).pvalue > 1e-6) == near


def test_known_pixels_stay_and_the_others_follow_the_conditional():
    model, n = machine(4, 3), 20_000
    known = torch.tensor([True, False, False, True])
    x = torch.tensor([1.0, 0, 0, 0]).double().expand(n, -1)
    generator = runtime.generator(6)
    for _ in range(40):
        x = model.gibbs_step(x, known=known, generator=generator)
    assert (x[:, 0] == 1).all()
    assert (x[:, 3] == 0).all()
    p = joint(model)[0].sum(1)
    some = [i for i, s in enumerate(states(4)) if s[0] == 1 and s[3] == 0]
    counts = torch.bincount((x.long() * torch.tensor([8, 4, 2, 1])).sum(1), minlength=16)[some]
    assert stats.chisquare(counts.numpy(), (n * p[some] / p[some].sum()).numpy(), sum_check=False).pvalue > 1e-6


def test_free_energy_and_conditionals_are_scikit_learns():
    model = machine(7, 5)
    oracle = BernoulliRBM(n_components=5)
    oracle.components_ = model.W.T.numpy()
    oracle.intercept_hidden_, oracle.intercept_visible_ = model.c.numpy(), model.b.numpy()
    x = states(7)[::5]
    np.testing.assert_allclose(model.free_energy(x).numpy(), oracle._free_energy(x.numpy()))
    np.testing.assert_allclose(model.hidden_given(x).probs.numpy(), oracle.transform(x.numpy()))


def test_it_begins_as_the_best_model_of_independent_pixels():
    x = (torch.rand(500, 1, 2, 3, generator=runtime.generator(7)) < 0.3).float()
    model = RBM(event_shape=(1, 2, 3), hidden=4, scale=0.0).begin_at(x, smoothing=1e-6)
    probs = x.mean(0).flatten()
    expected = -torch.distributions.Bernoulli(probs).log_prob(x.flatten(1)).sum(1)
    torch.testing.assert_close(-model.normalised().log_prob(x).detach(), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(model.noise(50_000, generator=runtime.generator(8)).mean(0).flatten(), probs, atol=0.012, rtol=0)
    assert RBM(event_shape=(2,), hidden=1).begin_at(torch.zeros(5, 2)).base.isfinite().all()  # a pixel that is never on


def test_reconstruction_is_the_mean_field_round_trip():
    model, x = machine(event_shape=(2, 2)), states(4).reshape(-1, 2, 2)
    h = torch.sigmoid(x.flatten(1) @ model.W + model.c)
    torch.testing.assert_close(model.reconstruct(x).flatten(1), torch.sigmoid(h @ model.W.T + model.b))


def test_the_sum_over_a_million_states_equals_the_sum_over_the_other_layer():
    model = machine(20, 2)
    twin = RBM(event_shape=(2,), hidden=20).double()
    with torch.no_grad():
        for own, other in ((twin.W, model.W.T), (twin.b, model.c), (twin.c, model.b)):
            own.copy_(other)
        assert twin.small_layer() == "visible"
        assert model.small_layer() == "hidden"
        both = RBM(event_shape=(20,), hidden=21).double()
        both.W.zero_()
        both.W[:, :2].copy_(model.W)
        both.b.copy_(model.b)
        both.c.zero_()
        both.c[:2].copy_(model.c)
        assert both.log_partition().item() == pytest.approx(twin.log_partition().item() + 19 * math.log(2))


@pytest.mark.parametrize("strength", [0.5, 4.0, 30.0, 400.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_partition_does_not_overflow(strength, dtype):
    model = machine(13, 40, strength=strength, dtype=dtype)
    direct = torch.logsumexp(-model.double().free_energy(states(13)), 0).item()
    assert model.to(dtype).log_partition().item() == pytest.approx(direct, rel=1e-6, abs=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RBM(event_shape=(30,), hidden=25).log_partition(), "30 visible and 25 hidden units"),
        (lambda: RBM(event_shape=(30,), hidden=25).normalised(), "annealing"),
        (lambda: RBM(event_shape=(3,), hidden=0), "hidden is 0"),
        (lambda: RBM(event_shape=(3,), hidden=2, scale=-1.0), "scale is -1.0"),
        (lambda: RBM(event_shape=(3,), hidden=2).free_energy(torch.full((2, 3), 0.5)), "binarise"),
        (lambda: RBM(event_shape=(3,), hidden=2).visible_given(torch.zeros(2, 3)), "expected"),
        (lambda: RBM(event_shape=(3,), hidden=2).gibbs_step(torch.zeros(2, 3), temperature=0.0), "temperature is 0.0"),
        (lambda: RBM(event_shape=(3,), hidden=2).gibbs_step(torch.zeros(2, 3), known=torch.zeros(3)), "expected booleans"),
        (lambda: RBM(event_shape=(3,), hidden=2).begin_at(torch.zeros(0, 3)), "no example"),
        (lambda: RBM(event_shape=(3,), hidden=2).begin_at(torch.zeros(2, 4)), "expected"),
        (lambda: RBM(event_shape=(3,), hidden=2).begin_at(torch.full((2, 3), 255.0)), "divide by 255"),
        (lambda: RBM(event_shape=(3,), hidden=2).sample(0), "n is 0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
