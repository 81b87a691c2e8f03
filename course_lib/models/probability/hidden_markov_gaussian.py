"""Hidden Markov models that emit real numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.distributions import gaussian_log_prob, standard_normal_from_noise
from course_lib.models.inputs import check_count, check_number, values_are_trusted
from course_lib.models.probability import forward_backward as fb
from course_lib.models.probability.hidden_markov_base import HiddenMarkovModel
from course_lib.models.probability.markov_chain import PAD_REAL, check_ends


class GaussianHMM(HiddenMarkovModel):
    """Emits real numbers from a Gaussian with independent axes: `mean` and `log_scale`, (K, D).

    x is floats (B, T) where D = 1, else (B, T, D). A shorter sequence is padded with −inf after its end, on every axis: every
    finite number may be data, and NaN stays an error. `pad` in markov_chain does it. Standardise the data first.

    Args:
        states: K.
        dimensions: D.
        length: T, the default length of the sequences that `sample` draws; other methods take any length.
        smallest_scale: EM keeps every standard deviation at or above it: a state that explains one point alone would otherwise
            shrink without limit, and the likelihood would grow without limit.
        seed: of the random parameters that EM starts from.
    """

    def __init__(self, *, states: int, length: int, dimensions: int = 1, smallest_scale: float = 1e-3, seed: int = 0):
        self.smallest_scale = check_number(smallest_scale, "smallest_scale", "a finite number, such as 1e-3,", above=0)
        self.dimensions = check_count(dimensions, "dimensions")
        self.noise_size = self.dimensions
        super().__init__(states=states, length=length, seed=seed)
        self.event_shape = (self.length,) if self.dimensions == 1 else (self.length, self.dimensions)

    def set_probs(
        self, *, initial: Tensor | Sequence, transition: Tensor | Sequence, mean: Tensor | Sequence, scale: Tensor | Sequence
    ) -> GaussianHMM:
        """Take these probabilities (K), (K, K) and Gaussians, mean and standard deviation (K, D); returns itself."""
        mean, scale = (torch.as_tensor(value, dtype=torch.double) for value in (mean, scale))
        for name, value in (("mean", mean), ("scale", scale)):
            if tuple(value.shape) != (self.states, self.dimensions) or not value.isfinite().all():
                raise ValueError(
                    f"{name} has shape {tuple(value.shape)}; expected finite numbers {(self.states, self.dimensions)}"
                )
        if (scale <= 0).any():
            raise ValueError(f"scale has {scale.min():.4g} in it; expected standard deviations above 0")
        self._set_chain(initial, transition)
        self.mean.data, self.log_scale.data = mean.to(self.mean), scale.log().to(self.mean)
        return self

    def _start(self, generator: torch.Generator) -> None:
        shape = (self.states, self.dimensions)
        self.mean = self._parameter(torch.randn(shape, generator=generator, dtype=torch.double))
        self.log_scale = self._parameter(torch.zeros(shape))

    def _checked(self, x: Tensor) -> tuple[Tensor, Tensor]:
        wanted = "(B, T)" if self.dimensions == 1 else f"(B, T, {self.dimensions})"
        if not isinstance(x, Tensor) or not x.is_floating_point() or x.is_meta:
            kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise ValueError(f"x holds {kind}; expected floats {wanted}: x.float()")
        D = self.dimensions
        flat = x[..., None] if D == 1 and x.ndim == 2 else x
        if flat.ndim != 3 or flat.shape[2] != D or flat.numel() == 0:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; expected {wanted} with at least 1 sequence of at least 1 step: x[None] may do"
            )
        ended = (flat == PAD_REAL).all(2)
        if values_are_trusted():
            return flat.to(self.mean.dtype), ~ended
        if not (flat.isfinite().all(2) | ended).all():
            raise ValueError(
                "x has NaN or infinity in it; expected finite numbers, and −inf on every axis after a sequence's end"
            )
        return flat.to(self.mean.dtype), check_ends(~ended)

    def _emitted(self, x: Tensor, valid: Tensor) -> fb.Emitted:
        inside = torch.where(valid[..., None], x, 0.0).transpose(0, 1)[:, :, None]  # (T, B, 1, D)
        log_likelihood = gaussian_log_prob(inside, self.mean, self.log_scale).sum(3)  # (T, B, K)
        return fb.Emitted.from_log(log_likelihood.masked_fill(~valid.T[..., None], 0.0), valid.T)

    def _emit(self, h: Tensor, noise: Tensor) -> Tensor:
        x = self.mean[h] + self.log_scale[h].exp() * standard_normal_from_noise(noise)  # (n, T, D)
        return x[..., 0] if self.dimensions == 1 else x

    def _count_emissions(self, x: Tensor, weight: Tensor) -> Tensor:
        """Weight, weighted sum and weighted square about the present mean of each state: (K, 1 + 2 D)."""
        inside = torch.where(x.isfinite(), x, 0.0).transpose(0, 1).flatten(0, 1)  # (T B, D)
        weight = weight.flatten(0, 1)  # (T B, K)
        away = inside[:, None] - self.mean  # (T B, K, D)
        moments = [torch.einsum("nk,nkd->kd", weight, power) for power in (away, away**2)]
        return torch.cat([weight.sum(0)[:, None], *moments], 1)

    def _maximise_emissions(self, counts: Tensor) -> None:
        weight, first, second = counts[:, :1], *counts[:, 1:].chunk(2, 1)
        total = weight.clamp(min=torch.finfo(weight.dtype).tiny)
        step = first / total
        variance = second / total - step**2
        scale = variance.clamp(min=self.smallest_scale**2).sqrt()
        self.log_scale.data = torch.where(weight > 0, scale.log(), self.log_scale.data)
        self.mean.data = torch.where(weight > 0, self.mean.data + step, self.mean.data)
