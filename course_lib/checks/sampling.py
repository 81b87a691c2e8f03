"""Do these samples follow that law? A test whose rate of false alarms is a theorem, not an approximation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from course_lib import distributions
from course_lib.checks.answers import Difference, as_tensor

FALSE_ALARM = 1e-6
_BINS = 20


@dataclass(frozen=True)
class Law:
    """What samples should follow: exactly one of probs, mean and cdf (see report.grade_samples)."""

    probs: Any = None
    mean: Any = None
    cdf: Callable[[Tensor], Tensor] | None = None

    def replaced(self, wrong: Any) -> Law:
        """The same kind of law with another content."""
        kind = next(name for name in ("probs", "mean", "cdf") if getattr(self, name) is not None)
        return replace(self, **{kind: wrong})

    def misfit(self, drawn: Any, n: int) -> Difference | None:
        """None if n samples could have come from this law; otherwise what shows that they did not."""
        if sum(law is not None for law in (self.probs, self.mean, self.cdf)) != 1:
            raise ValueError("give exactly one of probs, mean and cdf")
        try:
            x = as_tensor(drawn)
        except TypeError as error:
            return Difference(f"your sampler gives {error}, expected a tensor.")
        event = self._event_shape()
        if tuple(x.shape) != (n, *event):
            return Difference(f"your samples have shape {tuple(x.shape)}, expected {(n, *event)}.")
        x = x.double()
        if not x.isfinite().all():
            return Difference("some of your samples are NaN or infinite.")
        if self.probs is not None:
            return self._misfit_of_states(x.reshape(n, -1), as_tensor(self.probs).double())
        if self.mean is not None:
            return self._misfit_of_mean(x, as_tensor(self.mean).double())
        return self._misfit_of_quantiles(x)

    def _event_shape(self) -> tuple[int, ...]:
        if self.probs is not None:
            axes = as_tensor(self.probs).ndim
            return () if axes == 1 else (axes,)
        return tuple(as_tensor(self.mean).shape) if self.mean is not None else ()

    def _misfit_of_states(self, x: Tensor, probs: Tensor) -> Difference | None:
        sizes = torch.tensor(probs.shape)
        strange = (x != x.round()) | (x < 0) | (x >= sizes)
        if strange.any():
            last = sorted({size - 1 for size in sizes.tolist()})
            most = last[0] if len(last) == 1 else (sizes - 1).tolist()
            return Difference(f"a sample holds {x[strange][0]:.4g}, expected whole numbers from 0 to {most}.")
        strides = torch.tensor([math.prod(probs.shape[i + 1 :]) for i in range(probs.ndim)])
        frequencies = torch.bincount((x.long() * strides).sum(1), minlength=probs.numel()) / len(x)
        worst = _least_likely(frequencies, probs.flatten(), len(x))
        if worst is None:
            return None
        state = [int(i) for i in torch.unravel_index(torch.tensor(worst), probs.shape)]
        name = state[0] if probs.ndim == 1 else state
        return Difference(f"{name} came in {frequencies[worst]:.4g} of {len(x)} samples, expected {probs.flatten()[worst]:.4g}.")

    def _misfit_of_mean(self, x: Tensor, mean: Tensor) -> Difference | None:
        if x.min() < 0 or x.max() > 1:
            return Difference(f"your samples lie in [{x.min():.4g}, {x.max():.4g}], expected [0, 1].")
        found = x.mean(0)
        worst = _least_likely(found.flatten(), mean.flatten(), len(x))
        if worst is None:
            return None
        place = [int(i) for i in torch.unravel_index(torch.tensor(worst), mean.shape)] if mean.ndim else []
        where = f" at {place}" if place else ""
        return Difference(
            f"the mean{where} of {len(x)} samples is {found.flatten()[worst]:.4g}, expected {mean.flatten()[worst]:.4g}."
        )

    def _misfit_of_quantiles(self, x: Tensor) -> Difference | None:
        """If the law is right, its CDF turns the samples into uniform numbers, and each bin gets an equal share of them."""
        bins = (self.cdf(x).double() * _BINS).long().clamp(0, _BINS - 1)
        frequencies = torch.bincount(bins, minlength=_BINS) / len(x)
        worst = _least_likely(frequencies, torch.full((_BINS,), 1 / _BINS), len(x))
        if worst is None:
            return None
        between = f"quantiles {worst / _BINS:.4g} and {(worst + 1) / _BINS:.4g}"
        return Difference(f"{frequencies[worst]:.4g} of {len(x)} samples lie between {between}, expected {1 / _BINS:.4g}.")


def _least_likely(found: Tensor, expected: Tensor, n: int) -> int | None:
    """The index of the mean that is furthest from its expectation, if it is further than chance allows; both are (K,).

    For the mean of n independent values in [0, 1], P(as far on one side) <= exp(-n KL(found || expected)) between coins
    of these means (Hoeffding 1963, theorem 1). Two sides, K means: alarm when that is below FALSE_ALARM / 2K.
    """
    found, expected = found.double(), expected.double().clamp(0, 1)
    surprise = n * distributions.kl(torch.stack([found, 1 - found], -1), torch.stack([expected, 1 - expected], -1))
    worst = int(surprise.argmax())
    return worst if surprise[worst] > math.log(2 * len(found) / FALSE_ALARM) else None
