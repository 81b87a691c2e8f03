"""Principal component analysis (Pearson 1901; Hotelling 1933): the best linear autoencoder, in closed form."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.models.inputs import as_parameters, check_count, check_event_shape, check_events, check_some


class PCA(nn.Module):
    """Codes are coordinates along the L directions in which the data vary most; decoding goes back to their span.

    Of all linear maps to L numbers and back, none has a smaller mean squared error (Eckart & Young 1936); a linear
    autoencoder's best span is the same (Baldi & Hornik 1989). What is left over is the variance in the other D - L directions.

    Args:
        event_shape: shape of one example, D values in all. latent: L, at most D.

    Buffers, after `estimate`: `mean` (D,), `axes` (D, L) with orthonormal columns, the direction of most variance first, and
    `variances` (D,) along all directions, falling; the covariance is divided by N.
    """

    def __init__(self, *, event_shape: Sequence[int], latent: int):
        super().__init__()
        self.event_shape, self.latent = check_event_shape(event_shape), check_count(latent, "latent")
        D = math.prod(self.event_shape)
        if latent > D:
            raise ValueError(f"latent is {latent}; expected at most the {D} values of one example")
        self.register_buffer("mean", torch.zeros(D))
        self.register_buffer("axes", torch.eye(D)[:, :latent].clone())
        self.register_buffer("variances", torch.zeros(D))

    @torch.no_grad()
    def estimate(self, x: Tensor) -> PCA:
        """Find the directions from examples (N, *event_shape), in double precision. Returns the model."""
        flat = check_some(check_events(x, self.event_shape)).flatten(1).double()  # (N, D)
        mean = flat.mean(0)
        covariance = (flat - mean).T @ (flat - mean) / len(flat)
        variances, axes = torch.linalg.eigh(covariance)  # rising
        axes = axes.flip(1)[:, : self.latent]
        axes = axes * axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()  # the largest entry is positive
        for kept, value in ((self.mean, mean), (self.axes, axes), (self.variances, variances.flip(0).clamp(min=0))):
            kept.copy_(value)
        return self

    def code(self, x: Tensor) -> Tensor:
        """z (B, L) of examples x (B, *event_shape): uncorrelated over the training data."""
        return (as_parameters(check_events(x, self.event_shape), self).flatten(1) - self.mean) @ self.axes

    def decode(self, z: Tensor) -> Tensor:
        """Examples (B, *event_shape) of codes z (B, k); with k < L, of the first k coordinates."""
        return (self.mean + z @ self.axes[:, : z.shape[1]].T).unflatten(1, self.event_shape)

    def reconstruct(self, x: Tensor, *, keep: int | None = None) -> Tensor:
        """x projected on the span of the first `keep` directions (None: of all L), (B, *event_shape)."""
        return self.decode(self.code(x)[:, :keep])
