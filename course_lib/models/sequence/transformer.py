"""A small causal transformer: every symbol looks back at all those before it, in parallel; a cache for sampling."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.inputs import check_count, check_share, check_whole
from course_lib.models.sequence.base import Readout, SequenceModel


class Cache(NamedTuple):
    """What one block keeps of the t symbols so far: the last inputs of its convolution, all keys and all values."""

    recent: Tensor  # (B, C, convolution - 1)
    key: Tensor  # (B, heads, t, C / heads)
    value: Tensor


def rotate(x: Tensor, begin: int = 0) -> Tensor:
    """x (…, T, C), each pair of numbers turned by an angle that grows with the position begin + t (Su et al. 2021, eq. 34).

    The product of a query and a key turned in this way depends on their distance in time alone; so any length is possible.
    """
    T, half = x.shape[-2], x.shape[-1] // 2
    rate = 10_000.0 ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angle = torch.arange(begin, begin + T, device=x.device, dtype=torch.float32)[:, None] * rate  # (T, C / 2)
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)


class Block(nn.Module):
    """x + convolution(norm(x)), x + attention(norm(x)), x + network(norm(x)): the norms come first (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int, convolution: int, dropout: float):
        super().__init__()
        self.heads, self.convolution = heads, convolution
        if convolution:
            self.norm_near, self.near = nn.LayerNorm(width), nn.Conv1d(width, width, convolution, groups=width)
        self.norm_attention, self.norm_network = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.network = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """x (B, T, C), and the cache of what came before it, if anything -> (B, T, C), and the cache with x in it.

        Every row sees the cache, the rows before it and itself.
        """
        recent, begin = x.new_zeros(len(x), x.shape[2], max(0, self.convolution - 1)), 0
        if cache is not None:
            recent, begin = cache.recent, cache.key.shape[2]
        if self.convolution:
            joined = torch.cat([recent, self.norm_near(x).transpose(1, 2)], 2)  # (B, C, convolution - 1 + T)
            recent = joined[..., joined.shape[2] - self.convolution + 1 :]
            x = x + self.near(joined).transpose(1, 2)
        parts = self.query_key_value(self.norm_attention(x)).chunk(3, -1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)  # (B, heads, T, C / heads)
        query, key = rotate(query, begin), rotate(key, begin)
        T, mask = x.shape[1], None
        if cache is not None:
            key, value = torch.cat([cache.key, key], 2), torch.cat([cache.value, value], 2)
            mask = torch.ones(T, begin + T, dtype=torch.bool, device=x.device).tril(begin) if T > 1 else None
        seen = F.scaled_dot_product_attention(query, key, value, mask, is_causal=cache is None)
        x = x + self.drop(self.mix(seen.transpose(1, 2).flatten(2)))
        return x + self.drop(self.network(self.norm_network(x))), Cache(recent, key, value)


class CausalTransformer(SequenceModel):
    """p(x_t | those before) by causal self-attention (Vaswani et al. 2017), norms first, rotary positions, short convolutions.

    One layer: softmax(Q Kᵀ / sqrt(C / heads)) V, where row t may see columns up to t only; the scaled dot product is torch's.
    Before it, a convolution over the last few symbols, each channel by itself (after So et al. 2021), spares attention the work
    of finding the nearest neighbours; `convolution=0` leaves it out.
    Sampling keeps each layer's keys and values, so that a new symbol needs one new row of QKᵀ, not the whole matrix again.

    Args:
        symbols: K, the size of the vocabulary; the embedding has one row more, for the start symbol.
        length: T, the default length of the sequences that `sample` draws. The model takes sequences far longer than those it
            was trained on, and predicts them poorly.
        width: C, of the vector that stands for a symbol. heads: attention heads, each on its own C / heads numbers; C / heads is
            even. layers: blocks.
        convolution: symbols that the convolution of each block sees, its own the last; 0 for none.
        dropout: share of numbers set to 0 while training, in [0, 1): after the embedding and after each part of a block.
    """

    def __init__(
        self,
        *,
        symbols: int,
        length: int,
        width: int = 128,
        heads: int = 4,
        layers: int = 4,
        convolution: int = 4,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.symbols, self.length = check_count(symbols, "symbols"), check_count(length, "length")
        self.width, self.heads, self.layers = (
            check_count(n, name) for n, name in ((width, "width"), (heads, "heads"), (layers, "layers"))
        )
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width is {width}; expected a multiple of 2 × heads = {2 * self.heads}: numbers are turned in pairs"
            )
        self.convolution, self.dropout = check_whole(convolution, "convolution"), check_share(dropout, "dropout")
        C, H = self.width, self.heads
        self.embed = nn.Embedding(self.symbols + 1, C)
        self.blocks = nn.ModuleList(Block(C, H, self.convolution, self.dropout) for _ in range(self.layers))
        self.norm = nn.LayerNorm(C)
        self.readout = Readout(C, self.symbols)
        self.drop = nn.Dropout(self.dropout)
        nn.init.normal_(self.embed.weight, std=0.5)
        for block in self.blocks:  # so that the sum over the blocks starts small (Radford et al. 2019)
            for last in (block.mix, block.network[2]):
                nn.init.normal_(last.weight, std=0.02 / (2 * self.layers) ** 0.5)

    def run(self, symbols: Tensor, caches: list[Cache] | None = None) -> tuple[Tensor, list[Cache]]:
        """Logits (B, T, K) after each of the symbols (B, T) that go in, and every block's cache with them in it.

        caches: what an earlier call returned, to go on from there; None begins a sequence. Any T is right: logits[:, t] depend on
        the caches and on the symbols up to t alone.
        """
        h, kept = self.drop(self.embed(symbols)), []  # (B, T, C)
        for index, block in enumerate(self.blocks):
            h, cache = block(h, caches[index] if caches else None)
            kept.append(cache)
        return self.readout(self.norm(h)), kept

    def logits(self, x: Tensor) -> Tensor:
        """Logits of p(x_t | x_1, …, x_t−1), (B, T, K): all at once."""
        return self.run(self.shifted(x))[0]

    def initial_state(self, n: int) -> list[Cache]:
        """No keys and values yet: the cache of every layer is empty."""
        return []

    def step(self, symbol: Tensor, state: list[Cache]) -> tuple[Tensor, list[Cache]]:
        """The next symbol's logits (B, K) from one new row, and the caches with it."""
        logits, caches = self.run(symbol[:, None], state)
        return logits[:, 0], caches
