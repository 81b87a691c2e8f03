"""Discrete codes: an autoencoder whose code is a map of symbols (VQ-VAE: van den Oord, Vinyals & Kavukcuoglu 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.protocols import check_count, check_event_shape, check_events


def nearest(points: Tensor, codebook: Tensor) -> Tensor:
    """The index of the entry nearest to each point: points (*batch, C), codebook (K, C) -> (*batch), the first one at a tie."""
    distances = codebook.square().sum(1) - 2 * points @ codebook.T  # |p - e|^2 but for |p|^2, which is the same for all entries
    return distances.argmin(-1)


class ResidualBlock(nn.Module):
    """x + convolutions of 3 x 3 and 1 x 1 on relu(x): (B, F, H, W) -> the same."""

    def __init__(self, features: int):
        super().__init__()
        self.middle = nn.Conv2d(features, features, 3, padding=1)
        self.last = nn.Conv2d(features, features, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last(torch.relu(self.middle(torch.relu(x))))


class VectorQuantised(nn.Module):
    """An autoencoder of images whose code is a pyramid of maps of symbols, coarse to fine; it defines no density.

    The encoder makes a map of vectors (C, S, S). With one scale S, each vector is replaced by the nearest of K codebook
    entries: van den Oord et al. (2017). With several, each scale quantises what the coarser ones left over, averaged to its
    own size, and the decoder gets the sum of all (residual quantisation over scales: Tian et al. 2024; two scales of
    codes: Razavi et al. 2019). A prior over the symbols is a model of its own: any SequenceModel over `code(x)`.

    Args:
        event_shape: (C, H, W), H = W a multiple of 4.
        states: K entries in the codebook of each scale.
        scales: sizes of the maps, coarse to fine; the last is H / 4.
        width: C, length of the vectors.
        features: of the convolutions near the image; twice as many near the code.
        commitment: weight of the term that keeps the encoder near the entries it uses (beta in eq. 3).
        noise: standard deviation of the noise that each value may have: squared errors count in units of its square.
        coarse_share: while training, the share of examples that are decoded from a random number of the coarser scales alone.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        states: int = 64,
        scales: Sequence[int] = (2, 4, 8),
        width: int = 16,
        features: int = 32,
        commitment: float = 0.25,
        noise: float = 0.05,
        coarse_share: float = 0.25,
    ):
        super().__init__()
        self.event_shape, self.states = check_event_shape(event_shape), check_count(states, "states")
        self.scales = [check_count(scale, "scales") for scale in scales]
        self.width, self.features = check_count(width, "width"), check_count(features, "features")
        self.commitment, self.noise, self.coarse_share = commitment, noise, coarse_share
        if len(self.event_shape) != 3 or self.event_shape[1] != self.event_shape[2] or self.event_shape[1] % 4:
            raise ValueError(f"event_shape is {event_shape!r}; expected a square image whose side 4 divides, such as (3, 32, 32)")
        if self.scales != sorted(set(self.scales)) or self.scales[-1] != self.event_shape[1] // 4:
            raise ValueError(f"scales are {self.scales}; expected growing sizes that end in {self.event_shape[1] // 4}")
        if not noise > 0:
            raise ValueError(f"noise is {noise!r}; expected the standard deviation of the noise on a value, above 0")
        colours = self.event_shape[0]
        self.encoder = nn.Sequential(
            nn.Conv2d(colours, features, 4, stride=2, padding=1),
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
            nn.ConvTranspose2d(features, colours, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )
        self.codebooks = nn.Parameter(torch.randn(len(self.scales), states, width))
        self.register_buffer("begun", torch.zeros((), dtype=torch.bool))  # codebooks begin as vectors of the first batch

    @property
    def sizes(self) -> list[int]:
        """Symbols of each scale, coarse to fine."""
        return [scale * scale for scale in self.scales]

    def quantise(self, maps: Tensor, keep: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors (B, C, S, S) -> their symbols (B, T), coarse first; the quantised vectors (B, C, S, S); the loss of both, ().

        The quantised vectors pass gradients straight through to `maps`, as if nothing had been done to them (eq. 2 and below).
        The loss draws entries to the vectors that use them, and `commitment` times those vectors to the entries (eq. 3); a
        mean over numbers, summed over the scales. keep: how many scales each example is given, (B,); None is all.
        """
        rest, total, symbols, loss = maps, torch.zeros_like(maps), [], maps.new_zeros(())
        for index, scale in enumerate(self.scales):
            target = F.adaptive_avg_pool2d(rest, scale).permute(0, 2, 3, 1)  # (B, s, s, C)
            if self.training and not self.begun:
                self._begin(index, target)
            found = nearest(target.detach(), self.codebooks[index].detach())  # (B, s, s)
            entry = self.codebooks[index, found]  # (B, s, s, C)
            loss = loss + F.mse_loss(entry, target.detach()) + self.commitment * F.mse_loss(target, entry.detach())
            spread_out = F.interpolate(entry.detach().permute(0, 3, 1, 2), size=maps.shape[-2:])  # (B, C, S, S), nearest
            rest = rest - spread_out
            total = total + (spread_out if keep is None else spread_out * (keep > index)[:, None, None, None])
            symbols.append(found.flatten(1))
        if self.training:
            self.begun.fill_(True)
        return torch.cat(symbols, 1), maps + (total - maps).detach(), loss

    @torch.no_grad()
    def _begin(self, index: int, target: Tensor) -> None:
        """Let the entries be vectors of the first batch: entries far from all vectors would never be used."""
        points = target.flatten(0, 2)
        self.codebooks[index] = points[torch.linspace(0, len(points) - 1, self.states).long()]

    def encode(self, x: Tensor) -> Tensor:
        """Vectors (B, C, S, S) of images (B, *event_shape), before they are quantised; float32 under autocast too."""
        return self.encoder(check_events(x, self.event_shape)).to(x.dtype)

    def code(self, x: Tensor) -> Tensor:
        """Symbols 0 … K - 1 of images (B, *event_shape): (B, T) integers, scale after scale, coarse first, each row by row."""
        return self.quantise(self.encode(x))[0]

    def reconstruct(self, x: Tensor) -> Tensor:
        """Images from their own symbols, (B, *event_shape)."""
        return self.decoder(self.quantise(self.encode(x))[1])

    def paint(self, symbols: Tensor, scales: int | None = None) -> Tensor:
        """Images (B, *event_shape) from symbols (B, T), or from those of the first so many scales alone."""
        if symbols.shape[1:] != (sum(self.sizes),) or symbols.is_floating_point():
            raise ValueError(
                f"symbols are {symbols.dtype} of shape {tuple(symbols.shape)}; expected integers (B, {sum(self.sizes)})"
            )
        total, parts = 0.0, symbols.split(self.sizes, 1)
        for scale, part, codebook in list(zip(self.scales, parts, self.codebooks, strict=True))[:scales]:
            entry = codebook[part].unflatten(1, (scale, scale)).permute(0, 3, 1, 2)  # (B, C, s, s)
            total = total + F.interpolate(entry, size=(self.scales[-1],) * 2)
        return self.decoder(total)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, (): mean squared error over noise^2, and the loss of codebook and commitment (eq. 3)."""
        keep = None
        if self.training and self.coarse_share:
            drawn_on = generator.device if generator is not None else x.device
            chance, count = torch.rand(2, len(x), generator=generator, device=drawn_on).to(x.device)
            few = 1 + (count * len(self.scales)).long()
            keep = torch.where(chance < self.coarse_share, few, len(self.scales))
        _, vectors, loss = self.quantise(self.encode(x), keep)
        return F.mse_loss(self.decoder(vectors).to(x.dtype), x) / self.noise**2 + loss
