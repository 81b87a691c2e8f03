"""Discrete codes: an autoencoder whose code is a map of symbols (VQ-VAE: van den Oord, Vinyals & Kavukcuoglu 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.inputs import (
    as_parameters,
    check_count,
    check_counts,
    check_event_shape,
    check_events,
    check_number,
    check_some,
    check_whole,
)
from course_lib.runtime import uniform


def nearest(points: Tensor, codebook: Tensor) -> Tensor:
    """The index of the entry nearest to each point, the first one at a tie: points (*batch, C), codebook (K, C) -> (*batch).

    The differences are squared, in float32 or better: with |p|^2 - 2 p e + |e|^2, rounding would confuse entries that lie close
    together and far from 0.
    """
    kind = torch.promote_types(torch.promote_types(points.dtype, codebook.dtype), torch.float32)
    with torch.autocast(points.device.type, enabled=False):
        flat = points.reshape(-1, points.shape[-1]).to(kind)  # (N, C)
        distances = torch.cdist(flat, codebook.to(kind), compute_mode="donot_use_mm_for_euclid_dist")  # (N, K)
    return distances.argmin(-1).reshape(points.shape[:-1])


class ResidualBlock(nn.Module):
    """x + convolutions of 3 x 3 and 1 x 1 on relu(x): (B, F, H, W) -> the same."""

    def __init__(self, features: int):
        super().__init__()
        self.middle = nn.Conv2d(features, features, 3, padding=1)
        self.last = nn.Conv2d(features, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        """x plus what the two convolutions make of it, (B, F, H, W)."""
        return x + self.last(torch.relu(self.middle(torch.relu(x))))


class VectorQuantised(nn.Module):
    """An autoencoder of images whose code is a pyramid of maps of symbols, coarse to fine; it defines no density.

    The encoder makes a map of vectors (C, S, S). With one scale S, each vector is replaced by the nearest of K codebook
    entries: van den Oord et al. (2017). With several scales, each one quantises what the coarser scales left over, averaged to
    its own size, and the decoder gets the sum of all (residual quantisation over scales: Tian et al. 2024; two scales of codes:
    Razavi et al. 2019). A prior over the symbols is a model of its own: any SequenceModel over `code(x)`.

    Args:
        event_shape: shape of one image, whose height and width are equal and a multiple of 4.
        entries: K, number of vectors in the codebook of each scale.
        scales: sizes of the maps, coarse to fine; the last is H / 4.
        width: C, length of the vectors.
        features: number of channels of the convolutions near the image; those near the code have twice as many.
        commitment: weight of the term that keeps the encoder near the entries it uses (beta in eq. 3), at least 0.
        noise: standard deviation of the noise that each value may have: squared errors count in units of its square.
        coarse_share: the share of training examples that are decoded from a random number of the coarser scales alone.
        settle: number of training steps without quantising; the next step initialises the codebooks with vectors of its batch.

    Parameter: `codebooks` (scales, K, C). Buffer: `steps` (), the training steps done before the present one; `before_step`
    fills it.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        entries: int = 64,
        scales: Sequence[int] = (2, 4, 8),
        width: int = 16,
        features: int = 32,
        commitment: float = 0.25,
        noise: float = 0.1,
        coarse_share: float = 0.25,
        settle: int = 100,
    ):
        super().__init__()
        self.event_shape, self.entries = check_event_shape(event_shape), check_count(entries, "entries")
        self.scales = check_counts(scales, "scales")
        self.width, self.features = check_count(width, "width"), check_count(features, "features")
        self.commitment = check_number(commitment, "commitment", least=0)
        self.noise = check_number(noise, "noise", "the standard deviation of the noise on a value", above=0)
        self.coarse_share = check_number(coarse_share, "coarse_share", "a share of the examples", least=0, most=1)
        self.settle = check_whole(settle, "settle")
        if len(self.event_shape) != 3 or self.event_shape[1] != self.event_shape[2] or self.event_shape[1] % 4:
            raise ValueError(f"event_shape is {event_shape!r}; expected a square image whose side 4 divides, such as (3, 32, 32)")
        if self.scales != sorted(set(self.scales)) or self.scales[-1:] != [self.event_shape[1] // 4]:
            raise ValueError(f"scales are {self.scales}; expected growing sizes that end in {self.event_shape[1] // 4}")
        self._make_networks()
        self.codebooks = nn.Parameter(torch.randn(len(self.scales), self.entries, self.width))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.settling = False  # whether the present training step is one of the first `settle`; before_step says so

    def _make_networks(self) -> None:
        channels, features, width = self.event_shape[0], self.features, self.width
        self.encoder = nn.Sequential(
            nn.Conv2d(channels, features, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(features, 2 * features, 4, stride=2, padding=1),
            ResidualBlock(2 * features),
            nn.ReLU(),
            nn.Conv2d(2 * features, width, 1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(width, 2 * features, 3, padding=1),
            ResidualBlock(2 * features),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * features, features, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(features, channels, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    @property
    def sizes(self) -> list[int]:
        """The number of symbols of each scale, coarse to fine."""
        return [scale * scale for scale in self.scales]

    def quantise(self, maps: Tensor, keep: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors (B, C, S, S) -> their symbols (B, T), coarse first; the quantised vectors (B, C, S, S); the loss of both, ().

        The quantised vectors pass gradients straight through to `maps`, as if nothing had been done to them (eq. 2 and below).
        The loss draws entries to the vectors that use them, and `commitment` times those vectors to the entries (eq. 3): squared
        distances per coordinate of a vector, averaged over the batch and summed over the scales.
        keep: how many scales are summed for each example, (B,); None is all.
        """
        rest, total, symbols, loss = maps, torch.zeros_like(maps), [], maps.new_zeros(())
        for index, scale in enumerate(self.scales):
            target = self._vectors(rest, scale)  # (B, s, s, C)
            found = nearest(target.detach(), self.codebooks[index].detach())  # (B, s, s)
            entry = self.codebooks[index, found]  # (B, s, s, C)
            loss = loss + F.mse_loss(entry, target.detach()) + self.commitment * F.mse_loss(target, entry.detach())
            large = self._enlarged(entry.detach())  # (B, C, S, S)
            rest = rest - large
            total = total + (large if keep is None else large * (keep > index)[:, None, None, None])
            symbols.append(found.flatten(1))
        return torch.cat(symbols, 1), maps + (total - maps).detach(), loss

    @torch.no_grad()
    def before_step(self, batch: Tensor, steps: int) -> None:
        """Prepare for a training step on images `batch` (B, *event_shape), `steps` of which have been done before it.

        The first `settle` steps are those of a plain autoencoder. The next step initialises the codebooks with vectors of
        its batch.
        """
        self.steps.fill_(check_whole(steps, "steps"))
        self.settling = steps < self.settle
        if steps == self.settle:
            self.begin(self.encode(batch))

    @torch.no_grad()
    def begin(self, maps: Tensor) -> None:
        """Start the entries at vectors of maps (B, C, S, S), scale by scale: entries far from all vectors are never used."""
        rest = maps
        for index, scale in enumerate(self.scales):
            points = self._vectors(rest, scale).flatten(0, 2)  # (B s s, C)
            chosen = torch.linspace(0, len(points) - 1, self.entries, device=maps.device).long()
            self.codebooks[index] = points[chosen]
            entry = self.codebooks[index, nearest(points, self.codebooks[index])].reshape(len(maps), scale, scale, -1)
            rest = rest - self._enlarged(entry)

    @staticmethod
    def _vectors(maps: Tensor, scale: int) -> Tensor:
        """Maps (B, C, S, S) averaged to (B, s, s, C)."""
        return F.adaptive_avg_pool2d(maps, scale).permute(0, 2, 3, 1)

    def _enlarged(self, entry: Tensor) -> Tensor:
        """(B, s, s, C) -> (B, C, S, S): each vector fills a square."""
        return F.interpolate(entry.permute(0, 3, 1, 2), size=(self.scales[-1],) * 2)

    def encode(self, x: Tensor) -> Tensor:
        """Vectors (B, C, S, S) of images (B, *event_shape), before they are quantised; float32 under autocast too.

        Each vector has mean 0 and variance 1 over its C coordinates: otherwise the vectors would grow faster than the codebooks,
        which follow slowly.
        """
        x = as_parameters(check_events(x, self.event_shape), self)
        maps = self.encoder(x).to(x.dtype)
        return F.layer_norm(maps.movedim(1, -1), (self.width,)).movedim(-1, 1)

    def code(self, x: Tensor) -> Tensor:
        """Symbols 0 … K - 1 of images (B, *event_shape): (B, T) integers, scale after scale, coarse first, each row by row."""
        return self.quantise(self.encode(x))[0]

    def reconstruct(self, x: Tensor) -> Tensor:
        """Images from their own symbols, (B, *event_shape)."""
        return self._decoded(self.quantise(self.encode(x))[1])

    def paint(self, symbols: Tensor, scales: int | None = None) -> Tensor:
        """Images (B, *event_shape) from symbols (B, T), or from those of the first so many scales alone.

        Raises ValueError when the symbols are not integers in 0 … K - 1, or when there are fewer scales.
        """
        integers = not (symbols.is_floating_point() or symbols.is_complex() or symbols.dtype == torch.bool)
        if symbols.shape[1:] != (sum(self.sizes),) or not integers:
            raise ValueError(
                f"symbols are {symbols.dtype} of shape {tuple(symbols.shape)}; expected integers (B, {sum(self.sizes)})"
            )
        if symbols.numel() and (symbols.amin() < 0 or symbols.amax() >= self.entries):
            raise ValueError(
                f"symbols lie in {int(symbols.min())} … {int(symbols.max())}; expected 0 … {self.entries - 1}: those of code(x)"
            )
        if scales is not None and check_count(scales, "scales") > len(self.scales):
            raise ValueError(f"scales is {scales}; expected at most {len(self.scales)}, the number of this model's scales")
        total, parts = 0.0, symbols.long().split(self.sizes, 1)
        for scale, part, codebook in list(zip(self.scales, parts, self.codebooks, strict=True))[:scales]:
            total = total + self._enlarged(codebook[part].unflatten(1, (scale, scale)))
        return self._decoded(total)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, (): squared error per value in units of noise^2, plus the loss of `quantise` (eq. 3).

        Both are averages over the batch. The first is a mean over the D values of an image; the second is in squared units of the
        vectors, whose coordinates have variance 1. While the model settles, the loss is the squared error without quantising.
        """
        maps, keep = self.encode(check_some(x)), None
        if self.training and self.settling:
            return self._error(maps, x)
        if self.training:
            keep = self._scales_kept(len(x), generator)
        _, vectors, loss = self.quantise(maps, keep)
        return self._error(vectors, x) + loss

    def _decoded(self, vectors: Tensor) -> Tensor:
        """Images (B, *event_shape) from vectors (B, C, S, S), in the vectors' type under autocast too."""
        return self.decoder(vectors).to(vectors.dtype)

    def _error(self, vectors: Tensor, x: Tensor) -> Tensor:
        return F.mse_loss(self._decoded(vectors), x) / self.noise**2

    def _scales_kept(self, n: int, generator: torch.Generator | None) -> Tensor:
        """Scales from which each of n examples is decoded, (n,): a random smaller number for a `coarse_share`, else all."""
        chance, count = uniform((2, n), self.codebooks, generator)
        return torch.where(chance < self.coarse_share, 1 + (count * len(self.scales)).long(), len(self.scales))
