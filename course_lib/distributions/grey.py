"""Distributions of grey values: one channel of a pixel, in {0, 1 / (K - 1), …, 1}."""

from __future__ import annotations

import torch
from torch import Tensor
from torch import distributions as td
from torch.nn import functional as F

from course_lib.distributions.base import UnivariateDistribution
from course_lib.distributions.discrete import Categorical
from course_lib.distributions.precision import full_precision
from course_lib.runtime import check_index

SMALLEST_LOG_SCALE = -7.0  # of a logistic, as in PixelCNN++'s code: below it, gradients of the bins' masses vanish or overflow


class GreyValues(td.constraints.Constraint):
    """The numbers k / (K - 1) for k = 0 … K - 1, each within 1 % of a step."""

    is_discrete = True

    def __init__(self, levels: int):
        self.levels = check_index(levels, "levels", 2)

    def check(self, value: Tensor) -> Tensor:
        """Which of the numbers (…) are such grey values: booleans (…)."""
        steps = value * (self.levels - 1)
        return ((steps - steps.round()).abs() < 0.01) & (value >= 0) & (value <= 1)

    def __repr__(self) -> str:
        return f"the {self.levels} grey values k / {self.levels - 1}: divide by {self.levels - 1}?"


class GreyLevels(UnivariateDistribution):
    """A grey value by its K probabilities, from `logits` (*batch, K) (van den Oord et al. 2016, section 2.2)."""

    @full_precision
    def __init__(self, logits: Tensor):
        self.levels = logits.shape[-1]
        self.support = GreyValues(self.levels)
        self.category = Categorical(logits)
        self.batch_shape = self.category.batch_shape

    @property
    def logits(self) -> Tensor:
        """log p of every grey value from 0 to 1, (*batch, K)."""
        return self.category.logits

    @property
    def probs(self) -> Tensor:
        """The probability of every grey value from 0 to 1, (*batch, K)."""
        return self.category.probs

    @property
    def mode(self) -> Tensor:
        """The most probable grey value, (*batch)."""
        return self.logits.argmax(-1) / (self.levels - 1)

    @full_precision
    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch), of grey values k / (K - 1). ValueError for other values, on the CPU."""
        if value.device.type == "cpu":
            self.check(value)
        return self.category.log_prob((value * (self.levels - 1)).round())

    @full_precision
    def from_noise(self, noise: Tensor) -> Tensor:
        """Uniform numbers (*batch, 1) -> grey values (*batch): as a Categorical, scaled to [0, 1]."""
        return self.category.from_noise(noise) / (self.levels - 1)

    def arguments(self) -> dict[str, Tensor]:
        """`logits`."""
        return {"logits": self.logits}


class DiscretisedLogisticMixture(UnivariateDistribution):
    """A grey value by a mixture of M logistics, rounded to the nearest one of K values (Salimans et al. 2017, eq. 2).

    A grey value has the mass of its bin; the first and the last have the tails too. `logits`, `mean` and `log_scale` are
    (*batch, M). Mean 0 is the middle value 1/2, and mean and scale are in units of a quarter. `log_scale` below -7 counts as -7.
    """

    noise_size = 2

    @full_precision
    def __init__(self, logits: Tensor, mean: Tensor, log_scale: Tensor, *, levels: int = 256):
        if isinstance(levels, Tensor) and levels.ndim == 0 and levels == levels.round():
            levels = int(levels)
        self.logits, self.mean, self.log_scale = torch.broadcast_tensors(logits, mean, log_scale.clamp(min=SMALLEST_LOG_SCALE))
        self.support = GreyValues(levels)
        self.levels, self.batch_shape = self.support.levels, self.logits.shape[:-1]

    @full_precision
    def log_prob(self, value: Tensor) -> Tensor:
        """log p(value) in nats, (*batch), of grey values k / (K - 1). ValueError for other values, on the CPU."""
        if value.device.type == "cpu":
            self.check(value)
        distance = (value[..., None] - 0.5) * 4 - self.mean  # (*batch, M)
        half = 2 / (self.levels - 1)  # half a bin, in quarters
        sharpness = (-self.log_scale).exp()
        above, below = sharpness * (distance + half), sharpness * (distance - half)  # the bin's ends, standardised
        # log of sigmoid(above) - sigmoid(below), in a form whose small terms do not cancel
        inside = F.logsigmoid(above) + F.logsigmoid(-below) + torch.log(-torch.expm1(-2 * half * sharpness))
        mass = torch.where(value[..., None] < 0.5 / self.levels, F.logsigmoid(above), inside)
        mass = torch.where(value[..., None] > 1 - 0.5 / self.levels, F.logsigmoid(-below), mass)
        return torch.logsumexp(F.log_softmax(self.logits, -1) + mass, -1)

    @full_precision
    def from_noise(self, noise: Tensor) -> Tensor:
        """Uniform numbers (*batch, 2) -> grey values (*batch).

        The first number chooses the component, the second goes through its inverse CDF and is rounded to a grey value.
        """
        chosen = Categorical(self.logits).from_noise(noise[..., :1])[..., None]
        mean, log_scale = (t.expand(*chosen.shape[:-1], -1).gather(-1, chosen)[..., 0] for t in (self.mean, self.log_scale))
        eps = torch.finfo(noise.dtype).eps
        value = mean + log_scale.exp() * torch.logit(noise[..., 1].clamp(eps / 4, 1 - eps / 2))
        steps = self.levels - 1
        return ((value / 4 + 0.5) * steps).round().clamp(0, steps) / steps

    def arguments(self) -> dict[str, Tensor]:
        """`logits`, `mean` and `log_scale`."""
        return {"logits": self.logits, "mean": self.mean, "log_scale": self.log_scale}

    def settings(self) -> dict[str, int]:
        """`levels`."""
        return {"levels": self.levels}
