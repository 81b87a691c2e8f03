"""A flow in the space of an autoencoder's codes: latent diffusion (Rombach et al. 2022; Vahdat, Kreis & Kautz 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.models.diffusion.flow_matching import Batch, VelocityFlow
from course_lib.models.inputs import check_count, check_events, check_list, check_number, check_whole
from course_lib.models.protocols import GenerativeModel
from course_lib.runtime import standard_normal


class LatentFlow(GenerativeModel):
    """Codes of L numbers: those that the encoder uses come from a flow, all others are standard normal.

    The flow sees each used number less its mean, divided by its spread. An unused number of a VAE is one whose posterior equals
    the prior: the flow has nothing to learn there.

    Args:
        flow: a VelocityFlow of vectors, one number per kept one.
        latent: L. kept: their indices, each in 0 … L - 1.
        mean, spread: of the kept numbers, over the training examples.
    """

    def __init__(self, *, flow: VelocityFlow, latent: int, kept: Sequence[int], mean: Sequence[float], spread: Sequence[float]):
        super().__init__()
        self.latent = check_count(latent, "latent")
        self.event_shape = (self.latent,)
        self.kept = [check_whole(index, "an index of kept") for index in check_list(kept, "kept", "indices of a code")]
        self.mean = [check_number(value, "mean") for value in check_list(mean, "mean", "numbers")]
        self.spread = [check_number(value, "spread", above=0) for value in check_list(spread, "spread", "numbers")]
        if not flow.event_shape == (len(self.kept),) == (len(self.mean),) == (len(self.spread),) or max(self.kept) >= self.latent:
            raise ValueError(
                f"the flow has vectors of {flow.event_shape} for {len(self.kept)} kept numbers with {len(self.mean)} means and "
                f"{len(self.spread)} spreads; expected equal numbers, and indices below {latent}"
            )
        self.flow, self.classes = flow, flow.classes
        self.register_buffer("_centre", torch.tensor(self.mean), persistent=False)
        self.register_buffer("_scale", torch.tensor(self.spread), persistent=False)

    def loss(self, batch: Batch, *, generator: torch.Generator | None = None) -> Tensor:
        """The flow's loss, (), of codes (B, L), or of codes and classes (B,)."""
        z, y = batch if isinstance(batch, (tuple, list)) else (batch, None)
        z = (check_events(z, self.event_shape)[:, self.kept] - self._centre) / self._scale
        return self.flow.loss(z if y is None else (z, y), generator=generator)

    @torch.no_grad()
    def sample(self, n: int, *, y: int | Tensor | None = None, guidance: float = 1.0, generator=None, **how) -> Tensor:
        """n codes (n, L), of class y or classes y (n,) with this guidance. how: steps and sampler, as in StraightFlow."""
        flow = self.flow if y is None else self.flow.given(y, guidance)
        kept = flow.sample(n, generator=generator, **how) * self._scale + self._centre
        z = standard_normal((n, self.latent), kept, generator)
        z[:, self.kept] = kept
        return z
