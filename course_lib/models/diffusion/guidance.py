"""Guidance: by the slope of a classifier, by two velocities, and what both do to Gaussians, where everything is known.

One convention everywhere: w = 0 is unconditional, w = 1 conditional, above 1 guided.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.models.diffusion.flow_matching import StraightFlow, VelocityFlow
from course_lib.models.diffusion.noisy_classifier import NoisyClassifier
from course_lib.models.diffusion.paths import per_example
from course_lib.models.inputs import check_number


class ClassifierGuidedFlow(StraightFlow):
    """A flow pushed up the slope of a classifier: the score plus w · grad log p(y | x_t) (Dhariwal & Nichol 2021, section 4).

    In velocities that is v - w t / (1 - t) · grad log p(y | x_t). Towards t = 1 the slope falls to 0 as 1 - t does, so that the
    product has a limit; times after `latest` count as `latest`.

    Args:
        flow: its velocity without a class is used. classifier: of noisy examples. y: a class for all samples. guidance: w.
        latest: below 1. A network's slope does not fall to 0 exactly, and must not be multiplied by too much.
    """

    is_view = True

    def __init__(self, *, flow: StraightFlow, classifier: NoisyClassifier, y: int, guidance: float = 1.0, latest: float = 0.98):
        super().__init__()
        self.event_shape, self.flow, self.classifier, self.y = flow.event_shape, flow, classifier, y
        self.guidance = check_number(guidance, "guidance")
        self.latest = check_number(latest, "latest", above=0, below=1)

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        s = t.clamp(max=self.latest)
        slope = self.classifier.slope(x, s, torch.full((len(x),), self.y, device=x.device))
        return self.flow.velocity(x, t) - per_example(self.guidance * s / (1 - s), x) * slope

    def sample(self, n: int, **how) -> Tensor:
        """n examples (n, *event_shape) in the data's units; the arguments are those of StraightFlow.sample."""
        made = super().sample(n, **how)
        return self.flow.to_data(made) if isinstance(self.flow, VelocityFlow) else made


class GuidedPair(StraightFlow):
    """(1 - w) v of one flow plus w v of another: classifier-free guidance of two models, such as exact ones.

    Args:
        free, given: flows without and with the condition, of one event_shape. guidance: w.
    """

    is_view = True

    def __init__(self, *, free: StraightFlow, given: StraightFlow, guidance: float):
        super().__init__()
        if free.event_shape != given.event_shape:
            raise ValueError(f"the flows have event shapes {free.event_shape} and {given.event_shape}; expected equal ones")
        self.event_shape, self.free, self.given = free.event_shape, free, given
        self.guidance = check_number(guidance, "guidance")

    def velocity(self, x: Tensor, t: Tensor) -> Tensor:
        return torch.lerp(self.free.velocity(x, t), self.given.velocity(x, t), self.guidance)


def sharpened_gaussian(free: tuple[float, float], given: tuple[float, float], w: float) -> tuple[float, float]:
    """Mean and standard deviation of the density proportional to p(x)^(1 - w) p(x | y)^w, of two Gaussians (mean, deviation).

    Precisions add with their weights. ValueError where the total precision is not above 0: no such density exists.
    """
    (m, s), (n, r) = free, given
    precision = (1 - w) / s**2 + w / r**2
    if not precision > 0:
        raise ValueError(f"the precision is {precision:.4g} at guidance {w:g}; expected a condition narrower than the prior")
    return ((1 - w) * m / s**2 + w * n / r**2) / precision, precision**-0.5


def guided_deviation(free: tuple[float, float], given: tuple[float, float], w: float) -> float:
    """The standard deviation at the end of the guided flow of two Gaussians (mean, deviation): s^(1 - w) r^w.

    Each flow's velocity stretches by half the derivative of log variance, from 1 at t = 1; the guided one mixes the stretchings,
    and so the logarithms of the deviations (compare Bradley & Nakkiran 2024).
    """
    return free[1] ** (1 - w) * given[1] ** w
