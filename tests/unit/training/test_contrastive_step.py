"""Contrastive divergence against automatic differentiation, against the exact gradient, and each setting changed alone."""

import math

import pytest
import torch
from tiny import TinyRBM, coins, copied, same
from torch.nn import functional as F

from course_lib import runtime
from course_lib.datasets import Batches
from course_lib.training import ContrastiveDivergenceStep, ExponentialAverage, cosine, fit


def machine(scale=1.0, seed=1):
    model = TinyRBM(scale=scale)
    with torch.no_grad():
        for parameter in (model.b, model.c):
            parameter.copy_(torch.randn(parameter.shape, generator=runtime.generator(seed)))
    return model


class Watched(ContrastiveDivergenceStep):
    """Remembers what the chains made."""

    def _gibbs(self, hidden):
        self.began = hidden
        self.made = super()._gibbs(hidden)
        return self.made


def gradients(step, x):
    step(x)
    return {name: parameter.grad for name, parameter in step.model.named_parameters()}


@pytest.mark.parametrize("persistent", [False, True])
def test_uncentred_it_is_the_gradient_of_the_difference_of_free_energies(persistent):
    step, twin, x = Watched(machine(), k=2, centre=None, persistent=persistent), machine(), coins(40)
    for _ in range(3):
        twin.load_state_dict(step.model.state_dict())
        found = gradients(step, x)
        gap = twin.free_energy(x).mean() - twin.free_energy(step.made[0]).mean()
        twin.zero_grad()
        gap.backward()
        for name, parameter in twin.named_parameters():
            torch.testing.assert_close(found[name], parameter.grad)


def test_the_value_reported_is_the_difference_of_free_energies():
    step, twin, x = Watched(machine()), machine(), coins(40)
    value = step(x)["free_energy_gap"]
    torch.testing.assert_close(value, (twin.free_energy(x).mean() - twin.free_energy(step.made[0]).mean()).detach())


def test_centred_it_is_the_gradient_in_the_centred_coordinates_brought_back():
    """Montavon & Müller: with x - mean_x and h - mean_h in the energy, by automatic differentiation, b and c follow W."""
    step, x = Watched(machine(), centre=0.3), coins(40)
    step(coins(30, seed=5))  # offsets that are not those of this batch
    W, b, c = (p.detach().clone() for p in step.model.parameters())
    found = gradients(step, x)
    made, (mean_x, mean_h) = step.made[0], step.offsets
    centred = [W.clone().requires_grad_(), (b + W @ mean_h).requires_grad_(), (c + mean_x @ W).requires_grad_()]

    def free_energy(v):  # -log of the sum over h of exp((v - m) W (h - l) + (v - m) b' + (h - l) c')
        weights, visible, hidden = centred
        reach = (v - mean_x) @ weights + hidden
        return -(v - mean_x) @ visible + reach @ mean_h - F.softplus(reach).sum(1)

    (free_energy(x).mean() - free_energy(made).mean()).backward()
    step_W, step_b, step_c = (value.grad for value in centred)  # the same step, then, in b = b' - W mean_h and c = c' - mean_x W
    torch.testing.assert_close(found["W"], step_W)
    torch.testing.assert_close(found["b"], step_b - step_W @ mean_h)
    torch.testing.assert_close(found["c"], step_c - mean_x @ step_W)


def test_offsets_are_running_means_that_begin_at_the_first_batch():
    step, first, second = ContrastiveDivergenceStep(machine(), centre=0.25, lr=0.0), coins(40), coins(40, seed=2)
    step(first)
    torch.testing.assert_close(step.offsets[0], first.mean(0))
    step(second)
    torch.testing.assert_close(step.offsets[0], 0.75 * first.mean(0) + 0.25 * second.mean(0))
    hidden = [torch.sigmoid(x @ step.model.W + step.model.c).mean(0) for x in (first, second)]
    torch.testing.assert_close(step.offsets[1], (0.75 * hidden[0] + 0.25 * hidden[1]).detach())


@pytest.mark.parametrize("persistent", [False, True])
def test_many_gibbs_steps_give_the_exact_gradient(persistent):
    chains = 40_000
    x, twin = coins(500), machine()
    step = ContrastiveDivergenceStep(
        machine(), k=100, lr=0.0, centre=None, persistent=persistent, **({"chains": chains} if persistent else {})
    )
    found = gradients(step, x if persistent else x.repeat(chains // 500, 1))
    (-twin.log_prob(x).mean()).backward()
    for name, parameter in twin.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, atol=4 * 0.5 / math.sqrt(chains), rtol=0)


def test_a_persistent_chain_goes_on_where_it_ended():
    step = Watched(machine(), persistent=True, chains=7)
    step(coins(20))
    assert step.chain.shape == (7, 3)
    ended = step.chain.clone()
    step(coins(9, seed=1))  # another number of examples: the chains stay
    assert torch.equal(step.began, ended)
    assert step.chain.shape == (7, 3)
    step = Watched(machine(), k=1)
    step(coins(20))
    assert step.chain is None
    assert len(step.began) == 20


def trained(**settings):
    step = ContrastiveDivergenceStep(machine(), **{"lr": 0.1, "persistent": True, **settings})
    for batch in coins(100).split(20):
        step(batch)
    return copied(step.result().state_dict())


ALONE = {
    "lr": {"lr": 0.11},
    "k": {"k": 2},
    "persistent": {"persistent": False},
    "chains": {"chains": 21},
    "centre": {"centre": None},
    "share of the offsets": {"centre": 0.02},
    "weight decay": {"weight_decay": 0.1},
    "schedule": {"schedule": cosine(5)},
    "averaging": {"averaging": ExponentialAverage(0.9)},
    "decay of the average": {"averaging": ExponentialAverage(0.5)},
    "seed": {"seed": 1},
}


def test_each_setting_changed_alone_changes_the_result():
    results = {name: trained(**settings) for name, settings in ALONE.items()} | {"none": trained()}
    names = list(results)
    assert [(a, b) for i, a in enumerate(names) for b in names[:i] if same(results[a], results[b])] == []


def test_weight_decay_draws_the_weights_alone_towards_0():
    x = coins(40)
    plain, decayed = (ContrastiveDivergenceStep(machine(), lr=0.1, weight_decay=decay) for decay in (0.0, 0.2))
    before = machine().W.detach()
    for step in (plain, decayed):
        step(x)
    torch.testing.assert_close(decayed.model.W, plain.model.W - 0.1 * 0.2 * before)
    assert torch.equal(decayed.model.b, plain.model.b)
    assert torch.equal(decayed.model.c, plain.model.c)


def test_a_given_optimiser_is_used():
    model = machine()
    step = ContrastiveDivergenceStep(model, torch.optim.SGD(model.parameters(), lr=0.5))
    before = model.b.detach().clone()
    step(coins(40))
    torch.testing.assert_close(model.b.detach(), before - 0.5 * model.b.grad)


@pytest.mark.parametrize("centre", [None, 0.01])
@pytest.mark.parametrize("persistent", [False, True])
def test_it_raises_the_exact_likelihood(persistent, centre):
    step = ContrastiveDivergenceStep(TinyRBM(), lr=0.1, k=5, persistent=persistent, centre=centre)
    x = coins(500)
    before = step.model.log_prob(x).mean().item()
    fit(step, Batches(x, 50), 10)
    independent = torch.distributions.Bernoulli(x.mean(0)).log_prob(x).sum(1).mean().item()
    assert step.model.log_prob(x).mean().item() > before + 0.3
    assert step.model.log_prob(x).mean().item() > independent - 0.05


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k": 0}, "k is 0"),
        ({"chains": 5}, "persistent is False"),
        ({"chains": 0, "persistent": True}, "chains is 0"),
        ({"centre": 0.0}, "centre is 0.0"),
        ({"centre": 1.5}, "centre is 1.5"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        ContrastiveDivergenceStep(TinyRBM(), **settings)
