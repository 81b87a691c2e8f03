"""Langevin dynamics: a chain that follows the score and adds noise, with and without the rule that accepts or rejects.

A score is a function that takes points x (B, *event_shape) and returns the gradient of log p(x) in x, of the same shape. It needs
no normaliser: the score of exp(-E) / Z is -dE/dx. A step of size eps is x + eps/2 · score(x) + sqrt(eps) · N(0, I).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from course_lib.models.inputs import check_number
from course_lib.runtime import standard_normal, uniform

Function = Callable[[Tensor], Tensor]  # a score: (B, …) -> (B, …); an energy or a log-density: (B, …) -> (B,)


def score_of(energy: Function) -> Function:
    """The score of exp(-energy), by automatic differentiation: a function of points (B, …) that returns -dE/dx, (B, …)."""

    def score(x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            return -torch.autograd.grad(energy(x).sum(), x)[0]

    return score


@torch.no_grad()
def langevin_step(score: Function, x: Tensor, step: float, generator: torch.Generator | None = None) -> Tensor:
    """x + step/2 · score(x) + sqrt(step) · N(0, I), of x (B, …): the unadjusted Langevin algorithm (Roberts & Tweedie 1996).

    step: eps, in squared units of x, above 0.
    """
    return _moved(x, score(x), step / 2, step**0.5, generator)


def _moved(x: Tensor, score: Tensor, step_size: float, noise: float, generator: torch.Generator | None) -> Tensor:
    return x + step_size * score + noise * standard_normal(x.shape, x, generator)


def stationary_variance(step: float, variance: float = 1.0) -> float:
    """The variance to which `langevin_step` brings a Gaussian of this variance v: v / (1 - eps / (4 v)).

    A step is x <- (1 - eps / (2 v)) x + sqrt(eps) N, whose variance stays as it is at this value. There is none from 4 v on.
    """
    variance = check_number(variance, "variance", above=0)
    step = check_number(step, "step", f"a step at which chains stay finite on a variance of {variance:g}", above=0,
                        below=4 * variance)  # fmt: skip
    return variance / (1 - step / (4 * variance))


def acceptance(log_density: Function, score: Function, x: Tensor, offered: Tensor, step: float) -> Tensor:
    """The probability with which the move from x to `offered`, both (B, …), is accepted, (B,) (Rossky, Doll & Friedman 1978).

        min(1, p(y) q(x | y) / (p(x) q(y | x))),   q(y | x) = N(y; x + step/2 · score(x), step · I)

    log_density: up to a constant.
    """
    there, back = offered - x - step / 2 * score(x), x - offered - step / 2 * score(offered)
    proposals = (there.flatten(1).square().sum(1) - back.flatten(1).square().sum(1)) / (2 * step)
    return torch.exp((log_density(offered) - log_density(x) + proposals).clamp(max=0))


@torch.no_grad()
def adjusted_step(
    log_density: Function, score: Function, x: Tensor, step: float, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """A Langevin step that is accepted or rejected, which leaves p exactly as it is (MALA; Roberts & Tweedie 1996).

    Returns the new x (B, …), and which of its rows moved, booleans (B,).
    """
    offered = langevin_step(score, x, step, generator)
    accepted = uniform((len(x),), x, generator) < acceptance(log_density, score, x, offered, step)
    return torch.where(accepted.view(-1, *[1] * (x.ndim - 1)), offered, x), accepted


def langevin(
    model: nn.Module,
    x: Tensor,
    k: int,
    *,
    step_size: float,
    noise: float,
    clamp: tuple[float, float] | None = None,
    generator: torch.Generator | None = None,
) -> Tensor:
    """k steps x <- x - step_size dE/dx + noise · N(0, I) from x (B, *event_shape), each held within clamp (low, high).

    With noise = sqrt(2 step_size) and no clamp it is `langevin_step` at eps = 2 step_size. Chains of less noise follow
    exp(-E / T) in the limit of small steps, at the temperature T = noise² / (2 step_size).
    """
    score = score_of(model.energy)
    for _ in range(k):
        x = _moved(x.detach(), score(x), step_size, noise, generator)
        x = x if clamp is None else x.clamp(*clamp)
    return x
