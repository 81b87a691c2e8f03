"""The log-density of a flow, by following an example into the noise and adding up the trace of the velocity's Jacobian."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.models.diffusion.flow_matching import StraightFlow
from course_lib.models.inputs import check_count
from course_lib.runtime import uniform


def jacobian_trace(v: Tensor, x: Tensor, *, create_graph: bool = False) -> Tensor:
    """The trace of dv/dx of each example, (B,), of vectors v (B, …) computed from x (B, …): one backward pass per value.

    create_graph: keeps the trace differentiable, for a loss.
    """
    flat, trace = v.flatten(1), x.new_zeros(len(x))
    for d in range(flat.shape[1]):
        slope = torch.autograd.grad(flat[:, d].sum(), x, retain_graph=True, create_graph=create_graph)[0]
        trace = trace + slope.flatten(1)[:, d]
    return trace


def divergence(model: StraightFlow, x: Tensor, t: float, probe: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The velocity (B, *event_shape) at points x at time t, and the trace of its Jacobian, (B,).

    probe: None is exact, with one backward pass for each of the D values. Signs (B, *event_shape) of +1 and -1 give probe · J ·
    probe, one pass: over random signs its mean is the trace (Hutchinson 1990), and its variance 2 times the sum of squares of
    the off-diagonal entries of the symmetric part of J.
    """
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        v = model.velocity(x, x.new_full((len(x),), t))
        if probe is not None:
            return v.detach(), (torch.autograd.grad((v * probe).sum(), x)[0] * probe).flatten(1).sum(1)
        trace = jacobian_trace(v, x)
    return v.detach(), trace


@torch.no_grad()
def log_density(
    model: StraightFlow, x: Tensor, *, steps: int = 100, hutchinson: bool = False, generator: torch.Generator | None = None
) -> Tensor:
    """log p(x) in nats, (B,), of points x (B, *event_shape) in the flow's units, by Heun's method from t = 0 to 1.

    d/dt log p(x_t) = -trace of dv/dx along the flow (Chen et al. 2018, theorem 1; Grathwohl et al. 2019). Exact up to the length
    of the steps; with `hutchinson` the trace is estimated by one probe per example, the same at all times: unbiased but for that.
    The velocity must have a value at t = 0: a PointSetFlow needs a scale above 0.
    """
    probe = uniform(x.shape, x, generator).sub(0.5).sign() if hutchinson else None
    gained, step = x.new_zeros(len(x)), 1 / check_count(steps, "steps")
    for k in range(steps):
        here, trace = divergence(model, x, k * step, probe)
        there, other = divergence(model, x + step * here, (k + 1) * step, probe)
        x, gained = x + step / 2 * (here + there), gained + step / 2 * (trace + other)
    normal = -(x.flatten(1).square().sum(1) + math.prod(x.shape[1:]) * math.log(2 * math.pi)) / 2
    return normal + gained
