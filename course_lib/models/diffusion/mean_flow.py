"""MeanFlow: a network learns the mean velocity over a whole step, so that one step leads from noise to data."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import jvp

from course_lib.models.diffusion import paths, samplers
from course_lib.models.diffusion.flow_matching import Batch, GuidedFlow, VelocityFlow
from course_lib.models.inputs import as_parameters, check_events, check_number, check_share, check_some
from course_lib.runtime import standard_normal, uniform

SMALL = 1e-2  # added to a squared error before its power is taken


def mean_target(
    average: Callable[[Tensor, Tensor, Tensor], Tensor], x: Tensor, v: Tensor, t: Tensor, span: Tensor
) -> tuple[Tensor, Tensor]:
    """u = average(x, t, span) and what it should be, both (B, …), at points x of the path with velocities v (B, …).

    If u is the mean of the velocity over the times from t - span to t, then u = v - span du/dt, where du/dt is the derivative
    along the path, dx = v dt (Geng et al. 2025, eq. 6). The derivative is one forward pass of directional derivatives.
    """
    ones = torch.ones_like(t)
    u, change = jvp(average, (x, t, span), (v, ones, ones))
    return u, (v - paths.per_example(span, x) * change).detach()


class MeanFlow(VelocityFlow):
    """A network of the mean velocity u(x_t, t, t - s) over the times from s to t; x_s = x_t - (t - s) u is then one step.

    Where s = t, the mean velocity is the velocity itself, so that a MeanFlow is a VelocityFlow as well: Geng et al. (2025).

    Args:
        network: a module (x, t, weights of the K + 1 rows, span) -> velocity, such as nn.velocity.TimedDense with spans=True. Its
            features of time should be slow (`fastest` about 10), for the loss differentiates them.
        same: the share of examples in a batch whose span is 0. power: errors are weighted by 1 / (error + 0.01)^power.
        event_shape, classes, drop, low, high, middle: as in VelocityFlow.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        event_shape: Sequence[int],
        same: float = 0.5,
        power: float = 0.75,
        classes: int = 0,
        drop: float = 0.2,
        low: float | None = None,
        high: float | None = None,
        middle: bool = True,
    ):
        super().__init__(network=network, event_shape=event_shape, classes=classes, drop=drop, low=low, high=high, middle=middle)
        if not getattr(network, "spans", False):
            raise ValueError("the network is told no span; expected one such as TimedDense(…, spans=True)")
        self.same, self.power = check_share(same, "same"), check_number(power, "power", least=0)

    def average(self, x: Tensor, t: Tensor, span: Tensor, y: int | Tensor | None = None) -> Tensor:
        """The mean velocity (B, *event_shape) over the times from t - span to t, for points x at times t (B,)."""
        return self.network(x, t, self.weights(y, len(x)), span)

    def loss(self, batch: Batch, *, generator: torch.Generator | None = None) -> Tensor:
        """The mean weighted squared error per value, (), of examples (B, *event_shape) or a pair of examples and classes (B,)."""
        x, y = batch if isinstance(batch, (tuple, list)) else (batch, None)
        if y is None and self.classes:
            raise ValueError("the batch has no labels; expected a pair of examples and classes: Batches((x, y), …)")
        x = self.to_flow(check_some(as_parameters(check_events(x, self.event_shape), self)))
        both = torch.stack([self.times(len(x), x, generator), self.times(len(x), x, generator)])
        t, same = both.amax(0), uniform((len(x),), x, generator) < self.same
        span = torch.where(same, torch.zeros_like(t), t - both.amin(0))
        noise = standard_normal(x.shape, x, generator)
        if y is not None:
            y = torch.where(uniform((len(x),), x, generator) < self.drop, self.classes, y)
        rows = self.weights(y, len(x))
        u, target = mean_target(lambda x, t, span: self.network(x, t, rows, span), paths.on_path(x, noise, t), noise - x, t, span)
        error = (u - target).square().flatten(1).mean(1)
        return (error / (error.detach() + SMALL) ** self.power).mean()

    def sample(self, n: int, *, steps: int = 1, sampler: samplers.Sampler | None = None, **how) -> Tensor:
        """n new examples without a class, (n, *event_shape), in the data's units, by steps of the mean velocity."""
        return super().sample(n, steps=steps, sampler=sampler or JUMP, **how)

    def given(self, y: int | Tensor, guidance: float = 1.0) -> GivenMeanFlow:
        """The flow of class y, classes (n,), or mixtures of classes (n, K). ValueError for a guidance other than 1."""
        return GivenMeanFlow(model=self, y=y, guidance=guidance)


class GivenMeanFlow(GuidedFlow):
    """A MeanFlow under a condition, without guidance: the mean of guided velocities was not learned."""

    is_view = True

    def __init__(self, *, model: MeanFlow, y: int | Tensor, guidance: float = 1.0):
        super().__init__(model=model, y=y, guidance=guidance)
        if self.guidance != 1:
            raise ValueError(f"guidance is {guidance:g}; expected 1: a MeanFlow learns mean velocities without guidance alone")

    def average(self, x: Tensor, t: Tensor, span: Tensor) -> Tensor:
        """The mean velocity (B, *event_shape) over the times from t - span to t."""
        return self.model.average(x, t, span, self.y)

    def sample(self, n: int, *, steps: int = 1, sampler: samplers.Sampler | None = None, **how) -> Tensor:
        """n new examples, (n, *event_shape), in the data's units, by steps of the mean velocity."""
        return super().sample(n, steps=steps, sampler=sampler or JUMP, **how)


class Jump(samplers.Moves):
    """x - (t - s) u: one step of the mean velocity of a MeanFlow. However long, it is exact if the network is."""

    def step(self, model, x: Tensor, t: float, s: float, generator: torch.Generator | None) -> Tensor:
        return x + (s - t) * model.average(x, x.new_full((len(x),), t), x.new_full((len(x),), t - s))


JUMP = Jump()
