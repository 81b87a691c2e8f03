"""Models that give each variable given those before it."""

from __future__ import annotations

import math
from abc import abstractmethod

import torch
from torch import Tensor

from course_lib.models.inputs import check_count, check_known, check_shape
from course_lib.models.protocols.base import ExplicitModel
from course_lib.runtime import uniform


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

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Turn noise (n, D, noise_size) into examples (n, D). Row b keeps its first kept[b] variables from x (n, D).

        Examples have the parameters' dtype, whatever the noise has.

        This is the plain way: one full forward pass per variable, D in all. Subclasses that can do better override it.
        """
        n, dtype = len(noise), next(self.parameters()).dtype
        drawn = torch.zeros(noise.shape[:2], dtype=dtype, device=noise.device) if x is None else x.to(dtype, copy=True)
        kept = torch.zeros(n, dtype=torch.long) if kept is None else kept.cpu()
        for k in range(int(kept.min()) if n else self.dimensions, self.dimensions):
            d = self.order[k]
            given = self.conditionals(drawn.reshape(n, *self.event_shape)).from_noise(
                noise.reshape(n, *self.event_shape, self.noise_size)
            )
            draw = (k >= kept).to(drawn.device)
            drawn[:, d] = torch.where(draw, given.flatten(1)[:, d].to(dtype), drawn[:, d])
        return drawn
