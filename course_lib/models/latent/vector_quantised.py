"""Discrete codes: an autoencoder whose code is a map of symbols (VQ-VAE: van den Oord, Vinyals & Kavukcuoglu 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.inputs import check_count, check_event_shape, check_events


def nearest(points: Tensor, codebook: Tensor) -> Tensor:
    """The index of the entry nearest to each point: points (*batch, C), codebook (K, C) -> (*batch), the first one at a tie."""
    with torch.autocast(points.device.type, enabled=False):  # bfloat16 would confuse entries that lie close
        distances = codebook.square().sum(1) - 2 * points @ codebook.T  # |p - e|^2, but for |p|^2, the same for all entries
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
        settle: steps of training before anything is quantised; then the codebooks begin as vectors of that batch.
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
        noise: float = 0.1,
        coarse_share: float = 0.25,
        settle: int = 100,
    ):
        super().__init__()
        self.event_shape, self.states = check_event_shape(event_shape), check_count(states, "states")
        self.scales = [check_count(scale, "scales") for scale in scales]
        self.width, self.features = check_count(width, "width"), check_count(features, "features")
        self.commitment, self.noise, self.coarse_share, self.settle = commitment, noise, coarse_share, settle
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
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))  # of training, so far

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
    def begin(self, maps: Tensor) -> None:
        """Let the entries be vectors of a batch, scale by scale: entries far from all vectors would never be used."""
        rest = maps
        for index, scale in enumerate(self.scales):
            points = self._vectors(rest, scale).flatten(0, 2)  # (B s s, C)
            chosen = torch.linspace(0, len(points) - 1, self.states, device=maps.device).long()
            self.codebooks[index] = points[chosen]
            entry = self.codebooks[index, nearest(points, self.codebooks[index])].reshape(len(maps), scale, scale, -1)
            rest = rest - self._enlarged(entry)

    @staticmethod
    def _vectors(maps: Tensor, scale: int) -> Tensor:
        """Maps (B, C, S, S) averaged to (B, s, s, C)."""
        return F.adaptive_avg_pool2d(maps, scale).permute(0, 2, 3, 1)

    def _enlarged(self, entry: Tensor) -> Tensor:
        """(B, s, s, C) -> (B, C, S, S), each vector a square of its own."""
        return F.interpolate(entry.permute(0, 3, 1, 2), size=(self.scales[-1],) * 2)

    def encode(self, x: Tensor) -> Tensor:
        """Vectors (B, C, S, S) of images (B, *event_shape), before they are quantised; float32 under autocast too.

        Each has mean 0 and variance 1 over its C numbers: else they grow while the codebooks, which follow slowly, do not.
        """
        maps = self.encoder(check_events(x, self.event_shape)).to(x.dtype)
        return F.layer_norm(maps.movedim(1, -1), (self.width,)).movedim(-1, 1)

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
            total = total + self._enlarged(codebook[part].unflatten(1, (scale, scale)))
        return self.decoder(total)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, (): mean squared error over noise^2, and the loss of codebook and commitment (eq. 3).

        In training mode it counts a step; the first `settle` steps are those of a plain autoencoder.
        """
        maps, keep = self.encode(x), None
        if self.training:
            self.steps += 1
            if self.steps <= self.settle:
                return self._error(maps, x)
            if self.steps == self.settle + 1:
                self.begin(maps)
            keep = self._scales_given(len(x), generator)
        _, vectors, loss = self.quantise(maps, keep)
        return self._error(vectors, x) + loss

    def _error(self, vectors: Tensor, x: Tensor) -> Tensor:
        return F.mse_loss(self.decoder(vectors).to(x.dtype), x) / self.noise**2

    def _scales_given(self, n: int, generator: torch.Generator | None) -> Tensor:
        """From how many scales each of n examples is decoded, (n,): all, but for a `coarse_share` of them a random number."""
        drawn_on = generator.device if generator is not None else self.codebooks.device
        chance, count = torch.rand(2, n, generator=generator, device=drawn_on).to(self.codebooks.device)
        return torch.where(chance < self.coarse_share, 1 + (count * len(self.scales)).long(), len(self.scales))
