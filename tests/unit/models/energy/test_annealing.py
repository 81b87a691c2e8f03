"""Annealing against exact sums: the ladder, unbiased weights in both directions, and the bias of their logarithms."""

import math

import pytest
import torch
from energies import joint, machine, states

from course_lib import runtime
from course_lib.metrics.partition import annealed_log_partition, annealed_nats, bridge, log_mean, reverse_nats
from course_lib.models.energy.annealing import forward_log_weights, ladder, reverse_log_probs


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 5_000])
def test_the_ladder_rises_from_0_to_1_with_half_of_its_steps_above_nine_tenths(steps):
    betas = ladder(steps)
    assert len(betas) == steps + 1
    assert betas[0] == 0
    assert betas[-1] == 1
    assert (betas.diff() > 0).all()
    assert (betas[1:] > 0.9 + 1e-9).sum() == steps - steps // 2


@pytest.mark.parametrize("steps", [1, 3, 40])
def test_annealing_is_unbiased_for_z_and_low_for_log_z(steps):
    model = machine(4, 3)
    log_z = joint(model)[1]
    weights = forward_log_weights(model, ladder(steps), 20_000, generator=runtime.generator(1))
    ratio = torch.exp(weights - log_z)
    assert ratio.mean().item() == pytest.approx(1, abs=3 * ratio.std().item() / math.sqrt(len(ratio)))
    assert weights.mean() < log_z - 3 * weights.std() / math.sqrt(len(weights))  # Jensen: the mean of the logs is too low


def test_a_longer_ladder_has_weights_that_differ_less():
    spreads = [forward_log_weights(machine(), ladder(k), 2_000, generator=runtime.generator(2)).std() for k in (1, 10, 100)]
    assert spreads[0] > 2 * spreads[1] > 4 * spreads[2]


def test_the_first_weight_is_plain_importance_sampling():
    """With one step the weight is f(x) / f_0(x) at x from the independent pixels, times their Z."""
    model = machine()
    found = forward_log_weights(model, ladder(1), 50, generator=runtime.generator(3))
    x = model.noise(50, generator=runtime.generator(3))
    base = x @ model.base + 3 * math.log(2)
    torch.testing.assert_close(found, -model.free_energy(x) - base + torch.log1p(model.base.exp()).sum() + 3 * math.log(2))


def annealed(model, betas):
    """The exact distribution of the ends of annealing upwards, by its transition matrices over all states of x."""
    x, h = states(len(model.b)), states(model.hidden)
    p = torch.softmax(x @ model.base, 0)
    for beta in betas[1:].tolist():
        up = torch.sigmoid(beta * (x @ model.W + model.c))
        up = (h[None] * up[:, None] + (1 - h[None]) * (1 - up[:, None])).prod(2)  # p(h | x), (2^V, 2^H)
        down = torch.sigmoid(beta * (h @ model.W.T + model.b) + (1 - beta) * model.base)
        down = (x[None] * down[:, None] + (1 - x[None]) * (1 - down[:, None])).prod(2)
        p = p @ up @ down
    return p


@pytest.mark.parametrize("steps", [1, 4])
def test_the_reverse_is_unbiased_for_the_probability_that_annealing_ends_at_x(steps):
    model, betas, n = machine(3, 2, strength=4.0), ladder(steps), 20_000
    exact = annealed(model, betas)
    if steps == 1:
        assert (exact - joint(model)[0].sum(1)).abs().max() > 0.005  # not yet the machine's own density
    for index, x in enumerate(states(3)):
        found = torch.exp(reverse_log_probs(model, x.expand(n, -1), betas, generator=runtime.generator(index)))
        assert found.mean().item() == pytest.approx(exact[index].item(), abs=4 * found.std().item() / math.sqrt(n))


def test_both_directions_close_on_the_exact_nats():
    model = machine(6, 4)
    x = model.normalised().sample(400, generator=runtime.generator(5))
    exact = -model.normalised().log_prob(x).mean().item()
    forward = annealed_log_partition(model, steps=300, chains=400, generator=runtime.generator(6))
    assert annealed_nats(model, x, forward.log_z).mean == pytest.approx(exact, abs=0.02)
    assert forward.low < joint(model)[1].item() < forward.high
    back = {k: reverse_nats(model, x, steps=k, generator=runtime.generator(7)) for k in (3, 300)}
    assert back[3].mean > exact + 0.05  # a short ladder is pessimistic
    assert back[300].mean == pytest.approx(exact, abs=0.03)
    assert back[300].n == 400


def test_a_bridge_has_the_exact_value_between_its_ends_and_closes():
    model = machine(6, 4, strength=2.0)
    log_z = joint(model)[1].item()
    x = model.normalised().sample(300, generator=runtime.generator(8))
    found = bridge(model, x, [2, 200], chains=300, generator=runtime.generator(9))
    gaps = {steps: (log_z - up.mean().item(), down.mean().item() - log_z) for steps, (up, down) in found.items()}
    assert all(len(up) == len(down) == 300 for up, down in found.values())
    assert min(gaps[2]) > 0.3
    assert max(abs(gap) for gap in gaps[200]) < 0.1


def test_log_mean_says_how_good_the_weights_are():
    equal = log_mean(torch.full((50,), 1_000.0))
    assert (equal.log_z, equal.low, equal.high, equal.n) == (1_000.0, 1_000.0, 1_000.0, 50)
    assert equal.effective == pytest.approx(50)
    one = log_mean(torch.tensor([0.0] * 49 + [200.0]))
    assert one.effective == pytest.approx(1)
    assert one.log_z == pytest.approx(200 - math.log(50))
    assert one.low == -math.inf
    two = log_mean(torch.tensor([1.0, 3.0]).log())
    assert two.log_z == pytest.approx(math.log(2))
    assert two.effective == pytest.approx(16 / 10)
    assert two.high == pytest.approx(math.log(2 + 3 * math.sqrt(2) / math.sqrt(2)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ladder(0), "steps is 0"),
        (lambda: forward_log_weights(machine(), torch.tensor([0.0, 0.5]), 3), "rise from 0 to 1"),
        (lambda: forward_log_weights(machine(), torch.tensor([1.0, 0.0]), 3), "rise from 0 to 1"),
        (lambda: forward_log_weights(machine(), torch.tensor([0.0, 0.6, 0.4, 1.0]), 3), "rise from 0 to 1"),
        (lambda: forward_log_weights(machine(), ladder(3), 0), "n is 0"),
        (lambda: reverse_log_probs(machine(), torch.full((2, 4), 0.5), ladder(3)), "binarise"),
        (lambda: log_mean(torch.zeros(1)), "at least 2"),
        (lambda: log_mean(torch.tensor([0.0, math.nan])), "NaN"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
