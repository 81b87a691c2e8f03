"""Tempering against exact shares, swaps that keep their densities, and two wells against a fine grid in the plane."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.energy.tempering import Tempering, metropolis, swap_probability, temperatures
from course_lib.models.energy.wells import TwoWells


def right(x):
    return (x[..., 0] > 0).float()


@pytest.mark.parametrize("temperature", [1.0, 4.0, 30.0])
def test_the_share_of_the_right_well_is_that_of_a_grid_over_the_plane_and_of_samples(temperature):
    model = TwoWells(tilt=0.8, barrier=5.0)
    x, y = torch.linspace(-6, 6, 1_201).double(), torch.linspace(-15, 25, 1_201).double()
    energy = model.energy(torch.cartesian_prod(x, y)).reshape(len(x), -1)
    p = torch.exp(-energy / temperature)
    p /= p.sum()
    share = p[x > 0].sum().item() + p[x == 0].sum().item() / 2
    assert model.right_share(temperature) == pytest.approx(share, abs=2e-3)
    drawn = model.sample(20_000, temperature=temperature, generator=runtime.generator(0))
    assert right(drawn).mean().item() == pytest.approx(share, abs=0.015)
    moment = (p.sum(0) @ y).item()
    assert drawn[:, 1].mean().item() == pytest.approx(moment, abs=5 * drawn[:, 1].std().item() / math.sqrt(20_000))


def test_a_swap_is_in_detailed_balance():
    """p_i(a) p_j(b) times the chance of a swap is p_i(b) p_j(a) times the chance of the swap back."""
    a, b, hot = torch.tensor([0.3, 5.0, 2.0]), torch.tensor([4.0, 1.0, 2.0]), 3.0
    there = torch.exp(-a - b / hot) * swap_probability(a, b, 1.0, hot)
    back = torch.exp(-b - a / hot) * swap_probability(b, a, 1.0, hot)
    torch.testing.assert_close(there, back)
    assert swap_probability(a, b, 1.0, hot).max() <= 1
    assert swap_probability(a, b, 1.0, hot)[0] < 0.1  # the worse state seldom goes to the colder chain
    assert swap_probability(a, b, 1.0, hot)[1] == 1  # the better one always does


def test_metropolis_keeps_the_density_within_a_well():
    model = TwoWells()
    x = model.sample(4_000, generator=runtime.generator(1))
    x = x[x[:, 0] < 0]
    exact, move, generator = x.mean(0), metropolis(model.energy, 0.3), runtime.generator(2)
    start = x.clone()
    for _ in range(60):
        x = move(x, torch.ones(len(x)), generator)
    assert (x != start).any(1).float().mean() > 0.9
    torch.testing.assert_close(x.mean(0), exact, atol=0.02, rtol=0)
    torch.testing.assert_close(x.std(0), start.std(0), atol=0.02, rtol=0)


def test_a_ladder_finds_the_shares_that_a_single_chain_never_finds():
    model, shares = TwoWells(), {}
    for rungs in (1, 6):
        start = torch.tensor([[-1.0, 0.5]]).expand(100, 2)
        chains = Tempering(model, metropolis(model.energy, 0.3), temperatures(rungs, 1.7), start, generator=runtime.generator(3))
        shares[rungs] = torch.stack([right(chains.step()) for _ in range(300)])[100:].mean().item()
    assert shares[1] == 0
    assert shares[6] == pytest.approx(model.right_share(), abs=0.07)
    assert chains.states.shape == (6, 100, 2)
    assert ((chains.swap_rates() > 0.4) & (chains.swap_rates() < 1)).all()
    assert right(chains.states[-1]).mean().item() == pytest.approx(model.right_share(1.7**5), abs=0.3)


def test_swaps_alternate_between_even_and_odd_pairs():
    model = TwoWells()
    chains = Tempering(
        model, metropolis(model.energy, 0.3), [1.0, 2.0, 4.0, 8.0], torch.zeros(5, 2), generator=runtime.generator(4)
    )
    chains.step()
    assert chains.offered.tolist() == [5, 0, 5]
    chains.step()
    assert chains.offered.tolist() == [5, 5, 5]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: temperatures(0, 2.0), "rungs is 0"),
        (lambda: temperatures(3, 1.0), "ratio is 1.0"),
        (lambda: Tempering(TwoWells(), None, [2.0, 1.0], torch.zeros(1, 2)), "rise from 1"),
        (lambda: Tempering(TwoWells(), None, [2.0, 3.0], torch.zeros(1, 2)), "rise from 1"),
        (lambda: Tempering(TwoWells(), None, [], torch.zeros(1, 2)), "rise from 1"),
        (lambda: metropolis(TwoWells().energy, 0.0), "step is 0.0"),
        (lambda: TwoWells(barrier=0.0), "barrier is 0.0"),
        (lambda: TwoWells().right_share(-1.0), "temperature is -1.0"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
