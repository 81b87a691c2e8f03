"""Hamiltonian dynamics: a proposal that rolls far along the energy and is still accepted (Duane et al. 1987; Neal 2011)."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.models.energy.langevin import Function
from course_lib.models.inputs import check_count
from course_lib.runtime import standard_normal, uniform


def leapfrog(score: Function, x: Tensor, momentum: Tensor, step: float, moves: int) -> tuple[Tensor, Tensor]:
    """So many leapfrog moves of places and momenta (B, …), each over the time `step`: the ends of both (Neal 2011, section 2.3).

    The map keeps volume, and with the momentum turned round at the end it goes the same way back.
    """
    momentum = momentum + step / 2 * score(x)
    for move in range(check_count(moves, "moves")):
        x = x + step * momentum
        momentum = momentum + (step if move < moves - 1 else step / 2) * score(x)
    return x, momentum


@torch.no_grad()
def hamiltonian_step(
    log_density: Function, score: Function, x: Tensor, step: float, moves: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Draw a momentum, roll by `leapfrog`, and accept or reject by the total energy, which leaves p exactly as it is.

    One move is MALA with eps = step². Returns the new x (B, …), and which of its rows moved, booleans (B,).
    """
    momentum = standard_normal(x.shape, x, generator)
    offered, at_end = leapfrog(score, x, momentum, step, moves)
    kinetic = (momentum.flatten(1).square().sum(1) - at_end.flatten(1).square().sum(1)) / 2
    gain = log_density(offered) - log_density(x) + kinetic
    accepted = uniform((len(x),), x, generator) < torch.exp(gain.clamp(max=0))
    return torch.where(accepted.view(-1, *[1] * (x.ndim - 1)), offered, x), accepted
