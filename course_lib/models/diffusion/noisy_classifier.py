"""A classifier of noisy examples, which is told how much noise there is: what classifier guidance needs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Categorical
from course_lib.models.classifier import FeatureClassifier
from course_lib.models.diffusion import paths
from course_lib.models.inputs import as_parameters, check_event_shape, check_events, check_number, check_some
from course_lib.runtime import standard_normal, uniform


class NoisyClassifier(nn.Module):
    """p(y | x_t, t) of points of the straight path, by a FeatureClassifier that sees the time as one more channel.

    Args:
        event_shape: (C, H, W) of an example. classes: K.
        channels, width: as in FeatureClassifier.
        low, high: data in [low, high], which the path sees in [-1, 1], as in VelocityFlow.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        classes: int = 10,
        channels: Sequence[int] = (16, 32, 64),
        width: int = 64,
        low: float = 0.0,
        high: float = 1.0,
    ):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        if len(self.event_shape) != 3:
            raise ValueError(f"event_shape is {self.event_shape}; expected an image (C, H, W)")
        C, H, W = self.event_shape
        self.network = FeatureClassifier(event_shape=(C + 1, H, W), classes=classes, channels=channels, width=width)
        self.classes, self.channels, self.width = self.network.classes, self.network.channels, self.network.width
        self.low = check_number(low, "low", "the lowest value of the data")
        self.high = check_number(high, "high", "the highest value of the data", above=self.low)

    def to_flow(self, x: Tensor) -> Tensor:
        """Examples (B, *event_shape) in the units of the path."""
        return 2 * (x - self.low) / (self.high - self.low) - 1

    def noise(self, x: Tensor, t: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """x_t (B, *event_shape), drawn from q(x_t | x), of points x (B, *event_shape) at times t (B,)."""
        return paths.on_path(x, standard_normal(x.shape, x, generator), paths.check_times(t, x))

    def logits(self, x: Tensor, t: Tensor) -> Tensor:
        """Logits of the classes, (B, K), of points x (B, *event_shape) of the path at times t (B,)."""
        told = paths.per_example(paths.check_times(t, x), x).expand(-1, 1, *self.event_shape[1:])
        return self.network.logits(torch.cat([x, told], 1))

    def slope(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """The gradient of log p(y | x_t, t) in x_t, (B, *event_shape), for classes y (B,)."""
        with torch.enable_grad():
            x = x.detach().requires_grad_(True)
            return torch.autograd.grad(Categorical(self.logits(x, t)).log_prob(y).sum(), x)[0]

    def loss(self, batch: tuple[Tensor, Tensor], *, generator: torch.Generator | None = None) -> Tensor:
        """Cross-entropy in nats per example, (), of examples in the data's units with labels, at times uniform in [0, 1)."""
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(f"the batch is a {type(batch).__name__}; expected a pair of images and labels: Batches((x, y), …)")
        x, y = check_some(as_parameters(check_events(batch[0], self.event_shape), self)), batch[1]
        t, x = uniform((len(x),), x, generator), self.to_flow(x)
        return -Categorical(self.logits(self.noise(x, t, generator=generator), t)).log_prob(y).mean()
