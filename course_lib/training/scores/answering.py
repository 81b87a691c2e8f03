"""What a model says of one digit: how probable it is, how it completes the lower half, and how it reconstructs the whole."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.models.autoregressive.any_order import AnyOrderModel
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.diffusion.paths import on_path
from course_lib.models.energy.rbm import RBM
from course_lib.models.flows import Dequantised
from course_lib.models.latent import VAE, HierarchicalVAE
from course_lib.models.protocols import AutoregressiveModel, ExplicitModel, LatentVariableModel
from course_lib.training.scores import kinds
from course_lib.training.scores.lines import BITS

DRAWS, CHAIN, ROUNDS, STEPS = 50, 200, 30, 20  # of z; Gibbs steps; rounds of code and pixels; steps of a flow


@dataclass(frozen=True)
class Said:
    """A picture (1, H, W), or None; and in a few words what it is, or why there is none."""

    picture: Tensor | None
    words: str


@torch.no_grad()
def nats_of(model: nn.Module, x: Tensor, log_z: float | None = None) -> str:
    """-log p of one binary digit x (1, 28, 28) in words, with the sign of its kind, or "cannot" and why.

    log_z: of a machine too large for an exact one; without it that machine says "cannot". A grey model sees the two grey levels
    0 and 1, and answers in bits per dimension: of another kind of pixels.
    """
    kind, batch = kinds.kind_of(model), x[None]
    if kind == kinds.EXACT:
        exact = model if isinstance(model, ExplicitModel) else kinds.normalised(model)
        return f"= {-exact.log_prob(batch).item():.1f} nats"
    if isinstance(model, LatentVariableModel):
        nats = -model.importance_bound(batch, DRAWS, generator=runtime.generator(0)).item()
        return f"≤ {nats / BITS:.2f} bits/dim, grey" if isinstance(model, Dequantised) else f"≤ {nats:.1f} nats"
    if kind == kinds.ESTIMATE and log_z is not None:
        return f"≈ {(model.free_energy(batch) + log_z).item():.1f} nats"
    return f"cannot: {kinds.why_not(model)}"


@torch.no_grad()
def complete(model: nn.Module, x: Tensor, known: Tensor, *, seed: int = 0) -> Said:
    """A digit that agrees with x (1, 28, 28) where `known`, booleans (1, 28, 28), and how it was found."""
    generator, batch = runtime.generator(seed), x[None]
    if isinstance(model, AnyOrderModel):
        flat = known.flatten()
        model = model.with_order(torch.cat([flat.nonzero()[:, 0], (~flat).nonzero()[:, 0]]).tolist())
        return Said(model.complete(batch, known, generator=generator)[0], "exact, any order")
    if isinstance(model, AutoregressiveModel):
        try:
            return Said(model.complete(batch, known, generator=generator)[0], "exact, row by row")
        except ValueError:  # the known pixels do not come first
            return Said(None, "cannot: another order")
    if isinstance(model, RBM):
        made = torch.where(known, batch, model.noise(1, generator=generator))
        for _ in range(CHAIN):
            made = model.gibbs_step(made, known=known, generator=generator)
        return Said(made[0], f"chain, {CHAIN} steps")
    if isinstance(model, VAE | HierarchicalVAE):
        return Said(_by_codes(model, batch, known, generator)[0], f"chain, {ROUNDS} rounds")
    if isinstance(model, VelocityFlow):
        return Said(_by_flow(model, batch, known, generator)[0], "known pixels put back")
    return Said(None, "cannot")


def _by_codes(model: VAE | HierarchicalVAE, x: Tensor, known: Tensor, generator: torch.Generator) -> Tensor:
    """Rounds of a code given the pixels and the unknown pixels given the code (Rezende et al. 2014, appendix F): approximate."""
    made = torch.where(known, x, torch.zeros_like(x))
    for _ in range(ROUNDS):
        probs = _decoded(model, made, generator)
        made = torch.where(known, x, (runtime.uniform(probs.shape, probs, generator) < probs).to(x))
    return made


def _decoded(model: VAE | HierarchicalVAE, x: Tensor, generator: torch.Generator) -> Tensor:
    """The mean pixels of p(x | z), of the shape of x, at one z drawn from q(z | x); of a ladder, its lowest level."""
    z, _ = model.infer(x, generator=generator)
    return model.decode(z[0] if isinstance(z, tuple) else z).mean.view_as(x)


def _by_flow(model: VelocityFlow, x: Tensor, known: Tensor, generator: torch.Generator) -> Tensor:
    """Euler steps from noise to data; before each, the known pixels are put where their own path is: approximate."""
    goal, noise = model.to_flow(x), model.start(1, generator=generator)
    made = noise
    for step in range(STEPS, 0, -1):
        t = x.new_full((1,), step / STEPS)
        made = torch.where(known, on_path(goal, noise, t), made)
        made = made - model.velocity(made, t) / STEPS
    return torch.where(known, x, model.to_data(made))


@torch.no_grad()
def reconstruct(model: nn.Module, x: Tensor) -> Said:
    """x (1, 28, 28) through the model's code and back, in mean pixels, or why the model has none."""
    if isinstance(model, Dequantised):
        y, _ = model.infer(x[None], generator=runtime.generator(0))
        back = model.flow.to_data(model.flow.to_latent(y)[0])[0]
        levels = (back * model.levels).floor().clamp(0, model.levels - 1) / (model.levels - 1)
        return Said(levels[0], "exact: invertible")
    if hasattr(model, "reconstruct"):
        return Said(model.reconstruct(x[None])[0].view_as(x).clamp(0, 1), "mean pixels")
    if isinstance(model, VAE | HierarchicalVAE):
        return Said(_decoded(model, x[None], runtime.generator(0))[0], "mean pixels")
    return Said(None, "cannot: no code")
