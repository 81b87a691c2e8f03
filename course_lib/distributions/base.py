"""What every distribution of the course has, also those that torch.distributions lacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from course_lib.runtime import check_index, uniform


class Distribution(ABC):
    """A batch of distributions, made from its parameters.

    A subclass has `batch_shape` and `event_shape`, and defines `support` (a constraint of torch.distributions), `log_prob`,
    `sample` and `arguments`, whose first axes are the batch's. It inherits `expand` and `check`.
    """

    batch_shape: torch.Size
    event_shape: torch.Size

    @abstractmethod
    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch_shape), of values (*batch_shape, *event_shape)."""

    @abstractmethod
    def sample(self, sample_shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """Values (*sample_shape, *batch_shape, *event_shape) inside `support`, without gradients."""

    @abstractmethod
    def arguments(self) -> dict[str, Tensor]:
        """The parameters, by the names of the constructor's arguments."""

    def settings(self) -> dict[str, int]:
        """The constructor's other arguments, which an expansion keeps as they are."""
        return {}

    def expand(self, batch_shape: Sequence[int]) -> Self:
        """The same distributions repeated to a larger batch shape, to which the present batch shape broadcasts."""
        own, batch_shape = len(self.batch_shape), check_sizes(batch_shape, "batch_shape")
        try:
            fits = torch.broadcast_shapes(self.batch_shape, batch_shape) == batch_shape
        except RuntimeError:
            fits = False
        if not fits:
            raise ValueError(f"batch_shape is {batch_shape}; expected one to which {tuple(self.batch_shape)} broadcasts")
        larger = {name: value.expand(*batch_shape, *value.shape[own:]) for name, value in self.arguments().items()}
        return type(self)(**larger, **self.settings())

    def check_parameters(self) -> None:
        """ValueError where a parameter on the CPU holds NaN or infinity: a draw would hide it. Minus infinity is a logit of 0."""
        for name, values in self.arguments().items():
            if values.device.type == "cpu" and (values.isnan() | values.isposinf()).any():
                raise ValueError(f"{name} holds NaN or infinity; expected finite numbers: look for a loss that diverged")

    def check(self, value: Tensor) -> Tensor:
        """The value itself; ValueError if its shape does not broadcast with the batch, or if a number lies outside `support`.

        Models check their data before they compute, so most `log_prob` do not: on a GPU a check makes the host wait.
        """
        wanted = (*self.batch_shape, *self.event_shape)
        if not isinstance(value, Tensor) or value.is_complex() or value.is_meta:
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise ValueError(f"value is {kind}; expected a tensor of real numbers that broadcasts with {wanted}")
        try:
            torch.broadcast_shapes(value.shape, wanted)
        except RuntimeError:
            raise ValueError(f"value has shape {tuple(value.shape)}; expected a shape that broadcasts with {wanted}") from None
        inside = self.support.check(value)  # one answer for each event
        if not inside.all():
            outside = value[~inside].flatten()[0].item()
            raise ValueError(f"value holds {outside:.6g}, outside the support of {type(self).__name__}; expected {self.support}")
        return value


def check_sizes(shape: Sequence[int], name: str) -> tuple[int, ...]:
    """shape as a tuple of Python ints of at least 0; ValueError otherwise."""
    try:
        sizes = tuple(shape)
    except TypeError:
        raise ValueError(f"{name} is {shape!r}; expected the sizes of its axes, such as (5,) or ()") from None
    return tuple(check_index(size, f"a size of {name}") for size in sizes)


class UnivariateDistribution(Distribution):
    """Distributions of single numbers, which are sampled through uniform noise that was drawn before.

    So a cached sampler and a slow one give the same result from the same noise; torch.distributions cannot do this.
    `noise_size` is how many uniform numbers one value needs. A subclass also defines `from_noise`, and inherits `sample`.
    """

    event_shape = torch.Size()
    noise_size = 1

    @abstractmethod
    def from_noise(self, noise: Tensor) -> Tensor:
        """Values (*batch_shape) from uniform numbers (*batch_shape, noise_size) in [0, 1). Nothing random is left."""

    def sample(self, sample_shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """Values (*sample_shape, *batch_shape) inside `support`, without gradients."""
        like, sample_shape = next(iter(self.arguments().values())), check_sizes(sample_shape, "sample_shape")
        self.check_parameters()
        with torch.no_grad():
            return self.from_noise(uniform((*sample_shape, *self.batch_shape, self.noise_size), like, generator))
