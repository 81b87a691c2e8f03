"""What a model can do says what kind it is: every abstract kind of model of the course.

A method that a kind of model has no right to is absent. `log_prob` is always the exact log-density in nats per example.
Constructors are keyword-only and store every argument under its own name: that is the configuration a checkpoint keeps.
"""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.models.inputs import check_count, check_events, check_known, check_shape
from course_lib.runtime import uniform

Latent = Tensor | tuple[Tensor, ...]  # a model with several levels of latent variables has a tuple


class GenerativeModel(nn.Module, ABC):
    """Anything that makes new examples. `event_shape` is the shape of one of them."""

    event_shape: tuple[int, ...]
    is_view = False  # True for another model seen under a condition or in another order: no new kind of model

    @abstractmethod
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n new examples, (n, *event_shape), without gradients."""

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of examples of this model, (B, *event_shape); otherwise ValueError with the likely fix.

        Every method that takes data calls it. A model of binary data, of symbols or of grey levels has a stricter one.
        """
        return check_events(x, self.event_shape)


class ExplicitModel(GenerativeModel):
    """A model that can say how probable an example is, exactly."""

    @abstractmethod
    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,), of examples x (B, *event_shape)."""

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small: mean negative log-likelihood in nats, ()."""
        return -self.log_prob(x).mean()


class AutoregressiveModel(ExplicitModel):
    """A model that gives p(x_d | those before x_d in the order) for every d at once.

    A subclass sets `event_shape` and `order` (a list of the D flat indices) and defines `conditionals`. From that
    alone follow `log_prob` (the chain rule), `sample` and `complete`, which a subclass may override with a faster way
    that gives the same values from the same noise.
    """

    order: list[int]
    noise_size = 1  # uniform numbers one variable needs: see course_lib.distributions

    @property
    def dimensions(self) -> int:
        """D, the number of variables in one example."""
        return math.prod(self.event_shape)

    @abstractmethod
    def conditionals(self, x: Tensor):
        """The distribution of every x_d given those before it in x: batch shape (B, *event_shape)."""

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,): the chain rule, summed over d."""
        return self.conditionals(x).log_prob(x).flatten(1).sum(1)  # (B,)

    def noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """Uniform numbers from which n examples are made: (n, D, noise_size), in the order of the variables' indices.

        float32 at least: a half-precision uniform number has too few steps for small probabilities.
        """
        return uniform((n, self.dimensions, self.noise_size), next(self.parameters()), generator)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples by ancestral sampling, (n, *event_shape): each x_d drawn given those already drawn."""
        noise = self.noise(check_count(n), generator)
        return self.sample_from_noise(noise).reshape(n, *self.event_shape)

    @torch.no_grad()
    def complete(self, x: Tensor, known: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Keep x where `known`, draw the rest from p(rest | known): exact, (B, *event_shape).

        known: booleans (*event_shape) or (B, *event_shape). Drawing on from the known variables is exact only when
        they come first in the order; elsewhere this raises ValueError.
        """
        known = check_known(known, check_shape(x, self.event_shape))
        x = self.check(torch.where(known, x, torch.zeros_like(x)))  # the erased part may hold anything
        flat = known.flatten(1)[:, self.order]  # (B, D), in the order
        if (flat[:, 1:] & ~flat[:, :-1]).any():
            raise ValueError(
                "known variables must come first in the model's order for the completion to be exact; "
                "erase an end of the order only, or use a model of every order (OrderlessNADE, and its with_order)"
            )
        noise = self.noise(len(x), generator)
        done = self.sample_from_noise(noise, x.flatten(1), flat.sum(1))
        return done.reshape(x.shape)

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, start: Tensor | None = None) -> Tensor:
        """Turn noise (n, D, noise_size) into examples (n, D). Row b keeps its first start[b] variables from x (n, D).

        Examples have the parameters' dtype, whatever the noise has.

        This is the plain way, one full pass a variable: O(D) passes. Subclasses that can do better override it.
        """
        n, dtype = len(noise), next(self.parameters()).dtype
        drawn = torch.zeros(noise.shape[:2], dtype=dtype, device=noise.device) if x is None else x.to(dtype, copy=True)
        start = torch.zeros(n, dtype=torch.long) if start is None else start.cpu()
        for k in range(int(start.min()) if n else self.dimensions, self.dimensions):
            d = self.order[k]
            given = self.conditionals(drawn.reshape(n, *self.event_shape)).from_noise(
                noise.reshape(n, *self.event_shape, self.noise_size)
            )
            draw = (k >= start).to(drawn.device)
            drawn[:, d] = torch.where(draw, given.flatten(1)[:, d].to(dtype), drawn[:, d])
        return drawn


class LatentVariableModel(GenerativeModel):
    """A model p(x, z) whose p(x) is an integral over z, with an approximate posterior q(z | x).

    A subclass defines `infer`, `log_joint` and `sample`, and inherits two lower bounds on log p(x). Both are random numbers
    whose expectation is the bound; there is no `log_prob`, for none is exact.
    """

    @abstractmethod
    def infer(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Latent, Tensor]:
        """One z a row drawn from q(z | x), differentiable in q's parameters, and log q(z | x) in nats, (B,)."""

    @abstractmethod
    def log_joint(self, x: Tensor, z: Latent) -> Tensor:
        """log p(x, z) = log p(x | z) + log p(z) in nats, (B,), of examples x (B, *event_shape) and one z for each."""

    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The evidence lower bound log p(x, z) - log q(z | x) by one z a row, in nats, (B,) (Jordan et al. 1999).

        Its expectation is log p(x) - KL(q(z | x) || p(z | x)), at most log p(x).
        """
        return self.log_weights(x, 1, generator=generator)[0]

    def log_weights(self, x: Tensor, k: int, *, generator: torch.Generator | None = None) -> Tensor:
        """log w = log p(x, z) - log q(z | x) in nats of k draws of z for each example, (k, B)."""
        many = x.repeat(check_count(k, "k"), *[1] * (x.ndim - 1))  # (k B, *event_shape)
        z, log_q = self.infer(many, generator=generator)
        return (self.log_joint(many, z) - log_q).view(k, len(x))

    def importance_bound(self, x: Tensor, k: int, *, generator: torch.Generator | None = None, chunk: int = 2_000) -> Tensor:
        """log of the mean of k importance weights, in nats, (B,) (Burda, Grosse & Salakhutdinov 2016, eq. 8).

        In expectation at least the ELBO, at most log p(x), and it grows with k. chunk: how many pairs (x, z) are worked on
        at a time; it bounds the memory.
        """
        check_count(k, "k")
        rows = min(max(len(x), 1), check_count(chunk, "chunk"))
        parts = []
        for some in x.split(rows):
            each = max(1, chunk // max(len(some), 1))  # draws at a time
            sums = [
                torch.logsumexp(self.log_weights(some, min(each, k - done), generator=generator), 0) for done in range(0, k, each)
            ]
            parts.append(torch.logsumexp(torch.stack(sums), 0) - math.log(k))
        return torch.cat(parts)


class EnergyModel(GenerativeModel):
    """A model with a density up to a constant: p(x) = exp(-E(x)) / Z, where Z, the sum of exp(-E) over all x, is unknown.

    A subclass sets `event_shape` and defines `energy` and `sample`. There is no `log_prob`, for Z is seldom known; a model so
    small that Z can be summed may offer `normalised()`, an `ExplicitModel`.
    """

    @abstractmethod
    def energy(self, x: Tensor) -> Tensor:
        """E(x) in nats, (B,), differentiable in x, of examples x (B, *event_shape)."""


class AdversarialModel(GenerativeModel):
    """A model that can draw, and tells no density: a generator, and one or several discriminators that judge its examples.

    A subclass sets `event_shape` and defines `generate`, `players`, `player_loss` and `sample`. `AdversarialStep` trains any
    module that has `players` and `player_loss`, such as a translator between two sets of images.
    """

    @abstractmethod
    def generate(self, z: Tensor) -> Tensor:
        """The examples (B, *event_shape) that the generator makes of noise z (B, …), differentiable."""

    @property
    @abstractmethod
    def players(self) -> Mapping[str, nn.Module]:
        """Name -> module, in the order in which they move, the generator last; no two share a parameter."""

    @abstractmethod
    def player_loss(self, name: str, x: Tensor | tuple[Tensor, ...], *, generator: torch.Generator | None = None) -> Tensor:
        """What this player makes small, (), on a batch x of the data: a mean over the batch."""


def configuration(model: Any) -> dict[str, Any]:
    """The constructor's arguments, as the model stored them: `type(model)(**configuration(model))` is its twin.

    It serves models, and the objects (a prior, an objective) that a model takes as arguments: those whose constructors are
    keyword-only and store every argument under its own name, and dataclasses.
    """
    if is_dataclass(model):
        names = [field.name for field in fields(model) if field.init]
    else:
        names = [p.name for p in inspect.signature(type(model).__init__).parameters.values() if p.kind is p.KEYWORD_ONLY]
    return {name: getattr(model, name) for name in names}
