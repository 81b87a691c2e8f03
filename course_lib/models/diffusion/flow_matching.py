"""Flow matching: a network learns the velocity of the straight paths from data to noise (Lipman et al. 2023; Liu et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.models.diffusion import paths, samplers
from course_lib.models.inputs import (
    as_parameters,
    check_count,
    check_event_shape,
    check_events,
    check_number,
    check_share,
    check_some,
    check_whole,
)
from course_lib.models.protocols import DiffusionModel
from course_lib.runtime import device_of, standard_normal, uniform

Batch = Tensor | tuple[Tensor, Tensor]


class StraightFlow(DiffusionModel):
    """A model of the straight path x_t = (1 - t) x + t e. A subclass sets `event_shape` and defines `velocity`.

    Its velocity is the mean of e - x over all pairs of data and noise whose path goes through the point. From it follow the
    score, the estimate of the data, the loss and several ways to sample.
    """

    def noise(self, x: Tensor, t: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """x_t (B, *event_shape), drawn from q(x_t | x), of points x (B, *event_shape) at times t (B,)."""
        return paths.on_path(x, standard_normal(x.shape, x, generator), paths.check_times(t, x))

    def score(self, x: Tensor, t: Tensor) -> Tensor:
        """The gradient of log p(x_t), (B, *event_shape), at points x and times t (B,) above 0."""
        return paths.score_of(x, self.velocity(x, t), t)

    def denoised(self, x: Tensor, t: Tensor) -> Tensor:
        """E[data | x_t], (B, *event_shape), at points x and times t (B,): x_t - t v."""
        return paths.data_of(x, self.velocity(x, t), t)

    def times(self, n: int, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """n times at which the loss looks, (n,), uniform in (0, 1)."""
        return uniform((n,), like, generator).to(like).clamp(1e-4, 1 - 1e-4)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The mean squared error of the velocity per value, (), at random times (Lipman et al. 2023, eq. 23)."""
        x = check_some(self.check(x))
        t, noise = self.times(len(x), x, generator), standard_normal(x.shape, x, generator)
        return (self.velocity(paths.on_path(x, noise, t), t) - (noise - x)).square().mean()

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        steps: int = 20,
        sampler: samplers.Sampler = samplers.HEUN,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """n new examples, (n, *event_shape), without gradients: from noise at t = 1 back to t = 0.

        sampler: one of models/diffusion/samplers. steps: at least 1, of equal length.
        """
        start = self.start(check_count(n), generator=generator)
        return sampler(self, start, samplers.equal_times(check_count(steps, "steps")), generator)


class VelocityFlow(StraightFlow):
    """A network of the velocity, perhaps for each of K classes; one more row of its table stands for no class at all.

    Args:
        network: a module (x, t, weights of the K + 1 rows) -> velocity, such as nn.velocity.TimedUNet with rows = classes + 1.
        event_shape: the shape of one example.
        classes: K; 0 has no classes, and the network is given None.
        drop: in training, the label of each example is replaced by the null row with this probability (Ho & Salimans 2022).
        low, high: data in [low, high], which the flow sees in [-1, 1], and samples are cut to; None for data without bounds.
        middle: True draws the times of the loss from a logit-normal distribution, most of them in the middle (Esser et al. 2024,
            section 3.1); False uniformly.

    All points and velocities are in the flow's own units; `to_flow` and `to_data` change examples to them and back.
    """

    def __init__(
        self,
        *,
        network: nn.Module,
        event_shape: Sequence[int],
        classes: int = 0,
        drop: float = 0.2,
        low: float | None = None,
        high: float | None = None,
        middle: bool = True,
    ):
        super().__init__()
        self.event_shape, self.classes = check_event_shape(event_shape), check_whole(classes, "classes")
        self.drop, self.middle = check_share(drop, "drop"), middle
        if (low is None) != (high is None):
            raise ValueError(f"low is {low!r} and high is {high!r}; expected both bounds of the data, or None twice")
        self.low = None if low is None else check_number(low, "low", "the lowest value of the data")
        self.high = None if high is None else check_number(high, "high", "the highest value of the data", above=self.low)
        rows = getattr(network, "rows", 0)
        if rows != (classes + 1 if classes else 0):
            raise ValueError(f"the network has {rows} rows for {classes} classes; expected one per class and one for none")
        self.network = network

    def to_flow(self, x: Tensor) -> Tensor:
        """Examples (B, *event_shape) in the units of the flow."""
        return x if self.low is None else 2 * (x - self.low) / (self.high - self.low) - 1

    def to_data(self, x: Tensor) -> Tensor:
        """Points of the flow (B, *event_shape) as examples, cut to the bounds of the data."""
        return x if self.low is None else (self.low + (x + 1) * (self.high - self.low) / 2).clamp(self.low, self.high)

    def weights(self, y: int | Tensor | None, n: int) -> Tensor | None:
        """The weights (n, K + 1) of the table's rows, for a class, classes (n,), mixtures of classes (n, K), or None for none."""
        if not self.classes:
            if y is not None:
                raise ValueError("this model knows no classes; expected y=None")
            return None
        device = device_of(self)
        y = torch.as_tensor(self.classes if y is None else y, device=device)
        if y.is_floating_point() and y.shape[-1:] == (self.classes,):
            return nn.functional.pad(y.reshape(-1, self.classes), (0, 1)).expand(n, -1)
        if y.is_floating_point() or y.dtype == torch.bool or y.ndim > 1 or y.numel() not in (1, n):
            raise ValueError(
                f"y holds {y.dtype} of shape {tuple(y.shape)}; expected a class, {n} classes, or mixtures ({n}, {self.classes})"
            )
        if y.min() < 0 or y.max() > self.classes:
            raise ValueError(f"y has classes in {int(y.min())} … {int(y.max())}; expected 0 … {self.classes - 1}")
        return nn.functional.one_hot(y.long().reshape(-1), self.classes + 1).to(next(self.parameters())).expand(n, -1)

    def velocity(self, x: Tensor, t: Tensor, y: int | Tensor | None = None) -> Tensor:
        """The velocity (B, *event_shape) at points x and times t (B,), of class y, or without a class."""
        return self.network(x, t, self.weights(y, len(x)))

    def times(self, n: int, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
        if not self.middle:
            return super().times(n, like, generator)
        return torch.sigmoid(standard_normal((n,), like, generator))

    def loss(self, batch: Batch, *, generator: torch.Generator | None = None) -> Tensor:
        """As in the base class, of examples (B, *event_shape) in the data's units, or of a pair of examples and classes (B,)."""
        x, y = batch if isinstance(batch, (tuple, list)) else (batch, None)
        if y is None and self.classes:
            raise ValueError("the batch has no labels; expected a pair of examples and classes: Batches((x, y), …)")
        x = self.to_flow(check_some(as_parameters(check_events(x, self.event_shape), self)))
        t, noise = self.times(len(x), x, generator), standard_normal(x.shape, x, generator)
        if y is not None:
            dropped = uniform((len(x),), x, generator) < self.drop
            y = torch.where(dropped, self.classes, y)
        return (self.velocity(paths.on_path(x, noise, t), t, y) - (noise - x)).square().mean()

    def sample(self, n: int, **how) -> Tensor:
        """n new examples without a class, (n, *event_shape), in the data's units; the arguments are those of the base class."""
        return self.to_data(super().sample(n, **how))

    def given(self, y: int | Tensor, guidance: float = 1.0) -> GuidedFlow:
        """The flow of class y, classes (n,), or mixtures of classes (n, K), with this guidance: see GuidedFlow."""
        return GuidedFlow(model=self, y=y, guidance=guidance)


class GuidedFlow(StraightFlow):
    """A flow under a condition, with classifier-free guidance w: (1 - w) v(x, t) + w v(x, t, y) (Ho & Salimans 2022).

    w = 0 is unconditional, w = 1 conditional, above 1 guided. (Ho & Salimans' eq. 6 counts from the conditional one: their w
    is ours minus 1. Ours is that of most software.)

    Args:
        model: a VelocityFlow with classes. y: what `model.given` takes. guidance: w.
    """

    is_view = True

    def __init__(self, *, model: VelocityFlow, y: int | Tensor, guidance: float = 1.0):
        super().__init__()
        self.event_shape, self.model, self.y = model.event_shape, model, y
        self.guidance = check_number(guidance, "guidance")
        model.weights(y, max(1, torch.as_tensor(y).shape[0] if torch.as_tensor(y).ndim else 1))

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        w, model = self.guidance, self.model
        if w == 1:
            return model.velocity(x, t, self.y)
        if w == 0:
            return model.velocity(x, t)
        rows = torch.cat([model.weights(None, len(x)), model.weights(self.y, len(x))])
        free, given = model.network(x.repeat(2, *[1] * (x.ndim - 1)), t.repeat(2), rows).chunk(2)
        return torch.lerp(free, given, w)

    def sample(self, n: int, **how) -> Tensor:
        """n new examples, (n, *event_shape), in the data's units; the arguments are those of the base class."""
        return self.model.to_data(super().sample(n, **how))
