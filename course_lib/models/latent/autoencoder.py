"""Autoencoders: an encoder, a bottleneck, a decoder. They compress; they define no density."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.models.inputs import (
    as_parameters,
    check_count,
    check_counts,
    check_event_shape,
    check_events,
    check_moments,
    check_number,
    check_some,
)
from course_lib.nn.blocks import decoder, encoder
from course_lib.runtime import standard_normal

OUTPUTS = ("sigmoid", "linear")


class Autoencoder(nn.Module):
    """x -> code z (B, L) -> reconstruction, trained to make the squared error small (Hinton & Salakhutdinov 2006).

    No GenerativeModel: nothing here says how probable an x or a z is, so there is neither `log_prob` nor `sample`.

    Args:
        event_shape: shape of one example, D values in all.
        latent: L, numbers in the code.
        encoder: "dense", "convolutional", "recurrent" or "attention"; widths: its layers (nn.blocks.encoder).
        decoder: "dense" or "convolutional"; decoder_widths: its layers, None for the encoder's in reverse.
        upsampling: of a convolutional decoder: "even", "uneven" or "resize" (nn.blocks.upsample).
        output: "sigmoid" for values in [0, 1], "linear" for any. With no widths and "linear" the whole is linear.
        noise: standard deviation of the Gaussian noise that the loss adds to what the encoder reads; the target stays clean
            (Vincent et al. 2008). 0 is the plain autoencoder.
        mean, spread: mean and standard deviation of the data's values: the encoder reads (x - mean) / spread, and the decoder
            begins at the mean.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        latent: int,
        encoder: str = "dense",
        widths: Sequence[int] = (256,),
        decoder: str = "dense",
        decoder_widths: Sequence[int] | None = None,
        upsampling: str = "even",
        output: str = "sigmoid",
        noise: float = 0.0,
        mean: float = 0.0,
        spread: float = 1.0,
    ):
        super().__init__()
        self.event_shape, self.latent = check_event_shape(event_shape), check_count(latent, "latent")
        self.encoder, self.widths = encoder, check_counts(widths, "widths")
        self.decoder, self.upsampling, self.output = decoder, upsampling, output
        self.decoder_widths = None if decoder_widths is None else check_counts(decoder_widths, "decoder_widths")
        if output not in OUTPUTS:
            raise ValueError(f"output is {output!r}; expected one of {OUTPUTS}")
        self.noise = check_number(noise, "noise", "the standard deviation of the noise", least=0)
        self.mean, self.spread = check_moments(mean, spread)
        self._make()

    def _make(self) -> None:
        back = self.widths[::-1] if self.decoder_widths is None else self.decoder_widths
        self.to_code = encoder(self.encoder, self.event_shape, self.widths, self.latent)
        self.to_data = decoder(self.decoder, self.latent, back, self.event_shape, upsampling=self.upsampling)
        last = [layer for layer in self.to_data.modules() if hasattr(layer, "bias")][-1]
        at_first = self.mean
        if self.output == "sigmoid":
            at_first = math.log(self.mean / (1 - self.mean)) if 0 < self.mean < 1 else 0.0
        nn.init.constant_(last.bias, at_first)

    def code(self, x: Tensor) -> Tensor:
        """z (B, L) of examples x (B, *event_shape)."""
        x = as_parameters(check_events(x, self.event_shape), self)
        return self.to_code((x - self.mean) / self.spread).to(x.dtype)

    def decode(self, z: Tensor) -> Tensor:
        """Examples (B, *event_shape) of codes z (B, L): any z will do, whether or not some x has this code."""
        if z.ndim != 2 or z.shape[1] != self.latent:
            raise ValueError(f"z has shape {tuple(z.shape)}; expected (B, {self.latent}), one code per example")
        z = as_parameters(z, self, "z")
        numbers = self.to_data(z).to(z.dtype)  # float32 under autocast too
        return numbers.sigmoid() if self.output == "sigmoid" else numbers

    def reconstruct(self, x: Tensor) -> Tensor:
        """decode(code(x)), (B, *event_shape)."""
        return self.decode(self.code(x))

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Squared error per example, summed over its values, averaged over the batch, (); from corrupted input if `noise`."""
        seen = self.corrupt(check_some(x), generator=generator) if self.noise else check_some(x)
        return squared_error(x, self.reconstruct(seen)).mean()

    def corrupt(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """x (B, *event_shape) with Gaussian noise of standard deviation `noise` added."""
        return x + self.noise * standard_normal(x.shape, x, generator)


def squared_error(x: Tensor, reconstruction: Tensor) -> Tensor:
    """|x - reconstruction|^2, summed over the event: (B,), of x and reconstruction (B, *event_shape)."""
    return (x - reconstruction).square().flatten(1).sum(1)
