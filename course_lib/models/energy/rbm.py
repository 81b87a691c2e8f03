"""The restricted Boltzmann machine: binary pixels and binary hidden units, joined by weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.distributions import Bernoulli
from course_lib.models.energy.summing import log_states
from course_lib.models.inputs import (
    as_parameters,
    check_binary,
    check_count,
    check_event_shape,
    check_events,
    check_known,
    check_number,
    check_some,
    check_whole,
)
from course_lib.models.probability.enumeration import MOST
from course_lib.models.protocols import EnergyModel, ExplicitModel
from course_lib.runtime import uniform


class RBM(EnergyModel):
    """A restricted Boltzmann machine (Smolensky 1986; Hinton 2002): p(x, h) = exp(x W h + b x + c h) / Z.

    V visible units x and H hidden units h, all 0 or 1. No two units of one layer are joined, so that each layer has independent
    units given the other. Summed over h, the density is p(x) = exp(-F(x)) / Z with the free energy F. Z, the sum over all states,
    is exact where one layer has at most 20 units; otherwise it is estimated (models/energy/annealing.py).

    Args:
        event_shape: shape of one example, V values in all.
        hidden: H, number of hidden units.
        scale: standard deviation of the initial weights.

    Parameters: W (V, H), b (V,), c (H,). Buffer: base (V,), the log odds at which chains and annealing begin; 0 until `begin_at`.
    """

    def __init__(self, *, event_shape: Sequence[int], hidden: int, scale: float = 0.01):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        self.hidden = check_count(hidden, "hidden")
        self.scale = check_number(scale, "scale", least=0)
        visible = math.prod(self.event_shape)
        self.W = nn.Parameter(self.scale * torch.randn(visible, self.hidden))
        self.b = nn.Parameter(torch.zeros(visible))
        self.c = nn.Parameter(torch.zeros(self.hidden))
        self.register_buffer("base", torch.zeros(visible))

    @torch.no_grad()
    def begin_at(self, x: Tensor, *, smoothing: float = 1.0) -> RBM:
        """Set b and `base` to the log odds of each pixel's mean in data x (N, *event_shape), grey or binary; returns the model.

        With small weights the machine then begins as the best model of independent pixels (Hinton 2012, section 8.1).
        smoothing: pseudo-count of each value of a pixel, so that a pixel that is never on has finite log odds.
        """
        smoothing = check_number(smoothing, "smoothing", "a pseudo-count", above=0)
        flat = as_parameters(check_events(check_some(x), self.event_shape), self).flatten(1)
        if flat.min() < 0 or flat.max() > 1:
            raise ValueError(f"x has values in [{flat.min():.4g}, {flat.max():.4g}]; expected [0, 1]: divide by 255")
        on = flat.double().sum(0)
        self.base.copy_(((on + smoothing) / (len(flat) - on + smoothing)).log())
        self.b.copy_(self.base)
        return self

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return as_parameters(check_binary(x, self.event_shape), self)

    def hidden_given(self, x: Tensor) -> Bernoulli:
        """p(h = 1 | x) = sigmoid(x W + c), for each hidden unit: Bernoulli of batch shape (B, H)."""
        return Bernoulli(torch.addmm(self.c, self.check(x).flatten(1), self.W))

    def visible_given(self, h: Tensor) -> Bernoulli:
        """p(x = 1 | h) = sigmoid(W h + b), for each pixel: Bernoulli of batch shape (B, *event_shape); h: (B, H)."""
        h = as_parameters(check_binary(h, (self.hidden,)), self)
        return Bernoulli(torch.addmm(self.b, h, self.W.T).reshape(-1, *self.event_shape))

    def joint_energy(self, x: Tensor, h: Tensor) -> Tensor:
        """E(x, h) = -x W h - b x - c h in nats, (B,), of pixels (B, *event_shape) and hidden units (B, H)."""
        x, h = self.check(x).flatten(1), as_parameters(check_binary(h, (self.hidden,)), self)
        return -((x @ self.W * h).sum(1) + x @ self.b + h @ self.c)

    def free_energy(self, x: Tensor) -> Tensor:
        """F(x) = -log of the sum over h of exp(-E(x, h)) in nats, (B,): -b x - sum over j of log(1 + exp((x W + c)_j))."""
        return self._free_energy(self.check(x).flatten(1))

    def _free_energy(self, x: Tensor) -> Tensor:
        return -(x @ self.b) - F.softplus(torch.addmm(self.c, x, self.W)).sum(1)

    def energy(self, x: Tensor) -> Tensor:
        """The free energy, (B,): what stands in the exponent of p(x)."""
        return self.free_energy(x)

    @torch.no_grad()
    def gibbs_step(
        self, x: Tensor, *, temperature: float = 1.0, known: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Draw h given x, then new pixels given h: (B, *event_shape) -> (B, *event_shape).

        The step keeps p(x) as it is. temperature T: the joint density is exp(-E(x, h) / T), so that each conditional's log odds
        are divided by T. known: booleans of the shape of x or of one example; these pixels keep their values.
        """
        temperature = check_number(temperature, "temperature", above=0)
        x = self.check(x)
        logits = torch.addmm(self.c, x.flatten(1), self.W) / temperature
        h = (uniform(logits.shape, logits, generator) < torch.sigmoid(logits)).to(x.dtype)
        logits = torch.addmm(self.b, h, self.W.T).reshape(x.shape) / temperature
        made = (uniform(logits.shape, logits, generator) < torch.sigmoid(logits)).to(x.dtype)
        return made if known is None else torch.where(check_known(known, x), x, made)

    def reconstruct(self, x: Tensor) -> Tensor:
        """The mean pixels given the mean hidden units given x: (B, *event_shape) -> (B, *event_shape), in [0, 1]."""
        h = torch.sigmoid(torch.addmm(self.c, self.check(x).flatten(1), self.W))
        return torch.sigmoid(torch.addmm(self.b, h, self.W.T)).reshape(x.shape)

    @torch.no_grad()
    def noise(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples with independent pixels whose log odds are `base`, (n, *event_shape): where chains begin."""
        probs = torch.sigmoid(self.base).expand(check_count(n), -1)
        return (uniform(probs.shape, probs, generator) < probs).to(self.base.dtype).reshape(-1, *self.event_shape)

    @torch.no_grad()
    def sample(self, n: int, *, steps: int = 1_000, generator: torch.Generator | None = None) -> Tensor:
        """The ends of n chains of so many Gibbs steps, which begin at `noise`: (n, *event_shape).

        They follow p(x) in the limit of many steps only. `normalised().sample` is exact.
        """
        x = self.noise(n, generator=generator)
        for _ in range(check_whole(steps, "steps")):
            x = self.gibbs_step(x, generator=generator)
        return x

    def small_layer(self) -> str:
        """The layer with fewer units, "hidden" or "visible". ValueError where both have more than 20: then no sum is feasible."""
        if min(self.hidden, len(self.b)) > MOST:
            raise ValueError(
                f"the machine has {len(self.b)} visible and {self.hidden} hidden units; expected at most {MOST} in one layer, to "
                "sum over all its states: estimate log Z by annealing (models/energy/annealing.py)"
            )
        return "hidden" if self.hidden <= len(self.b) else "visible"

    def log_states(self) -> Tensor:
        """For each state of the smaller layer of n units, the log of its summed exp(-E), (2^n,), in the order of `all_states`."""
        W, own, other = (self.W.T, self.c, self.b) if self.small_layer() == "hidden" else (self.W, self.b, self.c)
        return log_states(W, own, other)

    def log_partition(self) -> Tensor:
        """log Z in nats, (), exact: the sum over all states of the smaller layer. ValueError above 20 units."""
        return torch.logsumexp(self.log_states(), 0)

    def normalised(self) -> NormalisedRBM:
        """The same distribution as an `ExplicitModel`; ValueError where both layers have more than 20 units."""
        return NormalisedRBM(machine=self)


class NormalisedRBM(ExplicitModel):
    """An RBM whose log Z is summed exactly, anew whenever a parameter has changed; it also draws independent examples.

    Args:
        machine: the RBM; its smaller layer has at most 20 units.
    """

    is_view = True

    def __init__(self, *, machine: RBM):
        super().__init__()
        machine.small_layer()  # raises an error where no layer is small
        self.machine, self.event_shape = machine, machine.event_shape
        self.kept: tuple[tuple[int, ...], Tensor] | None = None  # versions of the parameters, and the log of every state

    def check(self, x: Tensor) -> Tensor:
        """As the machine's check."""
        return self.machine.check(x)

    def _log_states(self) -> Tensor:
        """`log_states` of the machine; without gradients, summed once for the same parameters."""
        if torch.is_grad_enabled() and any(p.requires_grad for p in self.machine.parameters()):
            return self.machine.log_states()
        versions = tuple(p._version for p in self.machine.parameters())
        if self.kept is None or self.kept[0] != versions or self.kept[1].dtype != self.machine.b.dtype:
            self.kept = versions, self.machine.log_states()
        return self.kept[1].to(self.machine.b.device)

    def log_partition(self) -> Tensor:
        """log Z in nats, (), as the machine's."""
        return torch.logsumexp(self._log_states().float() if self.machine.b.dtype == torch.half else self._log_states(), 0)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) = -F(x) - log Z in nats, (B,)."""
        return -self.machine.free_energy(x) - self.log_partition()

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n independent exact examples, (n, *event_shape): a state of the smaller layer, then the other layer given it."""
        states = torch.softmax(self._log_states().double().cpu(), 0).cumsum(0)
        noise = uniform((check_count(n),), states, generator).cpu()
        index = torch.searchsorted(states, noise * states[-1], right=True).clamp(max=len(states) - 1)
        size = len(states).bit_length() - 1
        chosen = (index[:, None] >> torch.arange(size - 1, -1, -1) & 1).to(self.machine.b)
        if self.machine.small_layer() == "visible":
            return chosen.reshape(n, *self.event_shape)
        probs = self.machine.visible_given(chosen).probs
        return (uniform(probs.shape, probs, generator) < probs).to(probs.dtype)
