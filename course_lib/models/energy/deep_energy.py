"""A network as an energy, sampled by Langevin chains (Xie et al. 2016; Nijkamp et al. 2019)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.models.energy.langevin import langevin
from course_lib.models.inputs import check_count, check_counts, check_event_shape, check_number, check_weight
from course_lib.models.protocols import EnergyModel
from course_lib.runtime import standard_normal, uniform


class DeepEnergy(EnergyModel):
    """E(x) by a dense network: p(x) = exp(-E(x)) / Z, and nothing keeps Z in hand but the energy itself.

    Args:
        event_shape: of one example, D values in all.
        hidden: widths of the hidden layers, each with a SiLU behind it.
        low, high: the range that no chain leaves, as for data in [0, 1]; the network sees it as [-1, 1]. None twice has no range.
        step_size, noise, steps: of the chains that `sample` runs (models/energy/langevin.py).
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        hidden: Sequence[int] = (100, 100),
        low: float | None = None,
        high: float | None = None,
        step_size: float = 0.01,
        noise: float = 0.02**0.5,
        steps: int = 200,
    ):
        super().__init__()
        self.event_shape, self.hidden = check_event_shape(event_shape), check_counts(hidden, "hidden")
        if (low is None) != (high is None):
            raise ValueError(f"low is {low!r} and high is {high!r}; expected both ends of the range, or None twice")
        self.low = None if low is None else check_number(low, "low", "the lowest value of the data")
        self.high = None if high is None else check_number(high, "high", "the highest value of the data", above=self.low)
        self.step_size, self.noise = check_number(step_size, "step_size", above=0), check_weight(noise, "noise")
        self.steps = check_count(steps, "steps")
        sizes = [torch.Size(self.event_shape).numel(), *self.hidden]
        layers = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.SiLU())]
        self.network = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))

    @property
    def clamp(self) -> tuple[float, float] | None:
        """(low, high), or None where there is no range."""
        return None if self.low is None else (self.low, self.high)

    def energy(self, x: Tensor) -> Tensor:
        """E(x) in nats, (B,), of examples x (B, *event_shape)."""
        x = self.check(x).flatten(1)
        if self.clamp:
            x = 2 * (x - self.low) / (self.high - self.low) - 1
        return self.network(x)[:, 0]

    def start(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Where n chains begin, (n, *event_shape): uniform in the range, or standard normal where there is none."""
        like, shape = self.network[0].weight, (check_count(n), *self.event_shape)
        if self.clamp is None:
            return standard_normal(shape, like, generator)
        return self.low + (self.high - self.low) * uniform(shape, like, generator)

    def run(self, x: Tensor, steps: int, *, generator: torch.Generator | None = None) -> Tensor:
        """x (B, *event_shape) after so many more Langevin steps."""
        how = {"step_size": self.step_size, "noise": self.noise, "clamp": self.clamp}
        return langevin(self, x, check_count(steps, "steps"), generator=generator, **how).detach()

    @torch.no_grad()
    def sample(self, n: int, *, steps: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """n examples (n, *event_shape): the ends of chains of so many steps from `start`; None takes the model's own number.

        They are draws of the *chains*. These come close to exp(-E) / Z only if steps are many and small, and the noise is
        sqrt(2 step_size).
        """
        return self.run(self.start(n, generator=generator), self.steps if steps is None else steps, generator=generator)
