"""Tempering: chains at several temperatures that swap their states, so that the coldest one crosses between far modes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from course_lib.models.inputs import check_count, check_list, check_number
from course_lib.models.protocols import EnergyModel
from course_lib.runtime import standard_normal, uniform

Move = Callable[[Tensor, Tensor, torch.Generator | None], Tensor]  # states (N, …), their temperatures (N,), generator -> states


def temperatures(rungs: int, ratio: float) -> list[float]:
    """1, ratio, ratio^2, …: a ladder of so many temperatures, each `ratio` times the one before it."""
    ratio = check_number(ratio, "ratio", "how many times hotter the next rung is", above=1)
    return [ratio**k for k in range(check_count(rungs, "rungs"))]


def swap_probability(energy_i: Tensor, energy_j: Tensor, temperature_i: Tensor | float, temperature_j: Tensor | float) -> Tensor:
    """The probability with which two chains swap their states, elementwise (Geyer 1991): it keeps both densities.

        min(1, exp((1 / T_i - 1 / T_j) (E_i - E_j)))

    energy_i: of the state that is now at temperature T_i, and energy_j of the one at T_j.
    """
    return torch.exp(((1 / temperature_i - 1 / temperature_j) * (energy_i - energy_j)).clamp(max=0))


def metropolis(energy: Callable[[Tensor], Tensor], step: float) -> Move:
    """A move by a random walk, accepted by the rule of Metropolis et al. (1953).

    energy: states (N, …) -> (N,). step: standard deviation of the walk at temperature 1; sqrt(T) times that at T.
    """
    step = check_number(step, "step", above=0)

    def move(x: Tensor, temperature: Tensor, generator: torch.Generator | None) -> Tensor:
        shape = (-1, *[1] * (x.ndim - 1))
        offered = x + step * temperature.sqrt().view(shape) * standard_normal(x.shape, x, generator)
        rises = energy(offered) - energy(x)
        accepted = uniform((len(x),), x, generator) < torch.exp(-rises / temperature)
        return torch.where(accepted.view(shape), offered, x)

    return move


class Tempering:
    """Replicas at several temperatures (parallel tempering, also called replica exchange; Geyer 1991).

    One step moves the chains of every temperature, then offers swaps between neighbouring temperatures: the pairs (0, 1), (2, 3),
    … in even steps and (1, 2), (3, 4), … in odd ones.

    Args:
        model: whose energy decides on the swaps; at temperature T the density is exp(-E / T).
        move: keeps that density at each temperature, such as `metropolis(model.energy, 0.3)`.
        ladder: the temperatures, of which the first is 1.
        start: (n, …), where the n chains of each temperature begin.

    Attributes: states (K, n, …). offered, swapped (K - 1): how many swaps each pair of neighbours was offered, and made.
    """

    def __init__(
        self, model: EnergyModel, move: Move, ladder: Sequence[float], start: Tensor, *, generator: torch.Generator | None = None
    ):
        self.ladder = [check_number(T, "a temperature", above=0) for T in check_list(ladder, "ladder", "temperatures")]
        if self.ladder[:1] != [1.0] or any(low >= high for low, high in zip(self.ladder, self.ladder[1:], strict=False)):
            raise ValueError(f"ladder is {ladder}; expected temperatures that rise from 1: temperatures(6, 2.0)")
        self.model, self.move, self.generator = model, move, generator
        self.states = model.check(start).expand(len(self.ladder), *start.shape).clone()
        self.hot = torch.tensor(self.ladder).to(self.states)  # (K,)
        self.offered, self.swapped = torch.zeros(len(self.ladder) - 1), torch.zeros(len(self.ladder) - 1)
        self.steps = 0

    @torch.no_grad()
    def step(self) -> Tensor:
        """Move all chains once and offer swaps; the states at temperature 1, (n, …)."""
        rungs, count = self.states.shape[:2]
        moved = self.move(self.states.flatten(0, 1), self.hot.repeat_interleave(count), self.generator)
        self.states = moved.reshape(self.states.shape)
        low = torch.arange(rungs - 1)[self.steps % 2 :: 2]  # (P,), the colder one of each pair
        if len(low):
            energies = self.model.energy(moved).reshape(rungs, count)
            chance = swap_probability(energies[low], energies[low + 1], self.hot[low, None], self.hot[low + 1, None])
            yes = uniform(chance.shape, chance, self.generator) < chance  # (P, n)
            shaped = yes.view(*yes.shape, *[1] * (self.states.ndim - 2))
            cold, hot = self.states[low], self.states[low + 1]
            self.states[low], self.states[low + 1] = torch.where(shaped, hot, cold), torch.where(shaped, cold, hot)
            self.offered[low] += count
            self.swapped[low] += yes.sum(1).cpu()
        self.steps += 1
        return self.states[0].clone()

    def swap_rates(self) -> Tensor:
        """The share of offered swaps that each pair of neighbours made, (K - 1,); NaN where none was offered."""
        return self.swapped / self.offered
