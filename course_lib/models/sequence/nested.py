"""Two levels in time: an upper network plans segment after segment, and a lower network writes each segment by its plan.

A segment is a word of characters, or a row of pixels: it ends at a separator, or after a fixed number of symbols, or both.
The lower level is the one nearer to the data: it writes symbols. The upper level never sees one, only whole segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from course_lib.distributions import Categorical
from course_lib.models.inputs import check_count, check_list, check_share, check_whole
from course_lib.models.sequence.base import Readout, SequenceModel


class NestedState(NamedTuple):
    """What both levels carry: the upper state, which is the plan; the segment's summary so far; the lower state; its symbols."""

    plan: Tensor  # (B, U)
    summary: Tensor  # (B, S)
    lower: Tensor  # (B, H)
    position: Tensor  # (B,) integers: how many symbols of the segment have been written


class Segments(NamedTuple):
    """For each symbol of x (B, T): the number of its segment in its row, and its place in the segment; the segments' lengths."""

    segment: Tensor  # (B, T)
    position: Tensor  # (B, T)
    lengths: Tensor  # (B, M), 0 where a row has fewer


class NestedRNN(SequenceModel):
    """p(x) = ∏_k ∏_i p(x_ki | x_k1 … x_k,i−1, plan_k), plan_k = upper(segments before k): exact, no dependency dropped.

    Three GRUs. The reader sums up a finished segment in S numbers. The upper network takes one step per segment, and its state
    is the plan. The writer begins every segment anew, h_0 = tanh(W plan), and sees the plan beside each symbol: a segment knows
    nothing else of the past. (Two clocks: El Hihi & Bengio 1996. Encoder, context and decoder, for the sentences of a
    conversation: Sordoni et al. 2015. Frames over samples of sound: Mehri et al. 2017.)

    Args:
        symbols: K, the size of the vocabulary; the embedding has one row more, for the start of a segment.
        length: T, the default length of the sequences that `sample` draws.
        separators: symbols that end a segment and belong to it; none for segments of one length.
        longest: the largest number of symbols in a segment.
        upper, reader, lower: units of the three networks, U, S and H.
        embedding: E, width of the vector that stands for a symbol.
        dropout: share of units set to 0 while training, in [0, 1): after the embedding, on the plan and before the output.
    """

    def __init__(
        self,
        *,
        symbols: int,
        length: int,
        separators: Sequence[int] = (),
        longest: int,
        upper: int = 128,
        reader: int = 64,
        lower: int = 128,
        embedding: int = 64,
        dropout: float = 0.0,
    ):
        super().__init__()
        self.symbols, self.length = check_count(symbols, "symbols"), check_count(length, "length")
        separators = check_list(separators, "separators", "symbols, such as (0,)")
        self.separators, self.longest = [check_whole(s, "a separator") for s in separators], check_count(longest, "longest")
        if not all(symbol < self.symbols for symbol in self.separators):
            raise ValueError(f"separators are {self.separators}; expected symbols in 0 … {self.symbols - 1}")
        self.upper, self.reader = check_count(upper, "upper"), check_count(reader, "reader")
        self.lower, self.embedding = check_count(lower, "lower"), check_count(embedding, "embedding")
        self.dropout = check_share(dropout, "dropout")
        K, E, U, S, H = self.symbols, self.embedding, self.upper, self.reader, self.lower
        self.embed = nn.Embedding(K + 1, E)
        self.read = nn.GRU(E, S, batch_first=True)
        self.think = nn.GRU(S, U, batch_first=True)
        self.write = nn.GRU(E, H, batch_first=True)
        self.begin_with, self.remind = nn.Linear(U, H), nn.Linear(U, E)
        self.readout = Readout(H, K)
        self.drop = nn.Dropout(self.dropout)
        self.register_buffer("ends", torch.zeros(K + 1, dtype=torch.bool), persistent=False)
        self.ends[self.separators] = True

    def segments(self, x: Tensor) -> Segments:
        """Cut x (B, T), padded with −1, into segments."""
        at = torch.arange(x.shape[1], device=x.device).expand_as(x)
        last = torch.where(self.ends[x], at, -1).cummax(1).values  # place of the last separator up to t; padding is never one
        before = torch.cat([torch.full_like(last[:, :1], -1), last[:, :-1]], 1)
        position = (at - before - 1) % self.longest
        segment = (position == 0).long().cumsum(1) - 1
        lengths = torch.zeros(len(x), int(segment.max()) + 1, dtype=torch.long, device=x.device)
        return Segments(segment, position, lengths.scatter_add_(1, segment, (x >= 0).long()))

    def _rows(self, x: Tensor, cut: Segments) -> Tensor:
        """The segments as rows (N, longest of them), of all sequences one after another; the start symbol fills them up."""
        table = x.new_full((*cut.lengths.shape, int(cut.lengths.max())), self.start_symbol)
        batch, t = (x >= 0).nonzero(as_tuple=True)
        table[batch, cut.segment[batch, t], cut.position[batch, t]] = x[batch, t]
        return table[cut.lengths > 0]

    def plans(self, x: Tensor) -> Tensor:
        """plan_k of every segment of x (B, T), (B, M, U): from the segments before k alone. plan_0 is 0."""
        x = self.check(x)
        cut = self.segments(x)
        return self._plans(self._rows(x, cut), cut)

    def _plans(self, rows: Tensor, cut: Segments) -> Tensor:
        there = cut.lengths > 0  # (B, M)
        packed = pack_padded_sequence(self.drop(self.embed(rows)), cut.lengths[there].cpu(), True, enforce_sorted=False)
        read = self.read(packed)[1][0]  # (N, S): after each segment's last symbol
        summaries = read.new_zeros(*there.shape, self.reader)
        summaries[there] = read
        nothing = summaries.new_zeros(len(there), 1, self.upper)
        return torch.cat([nothing, self.think(summaries[:, :-1])[0]], 1) if there.shape[1] > 1 else nothing  # (B, M, U)

    def logits(self, x: Tensor) -> Tensor:
        """Logits of p(x_t | x_1, …, x_t−1), (B, T, K): all summaries at once, then the plans, then all segments at once."""
        x = self.check(x)
        cut = self.segments(x)
        rows, there = self._rows(x, cut), cut.lengths > 0
        plans = self.drop(self._plans(rows, cut)[there])  # (N, U)
        before = torch.cat([rows.new_full((len(rows), 1), self.start_symbol), rows[:, :-1]], 1)  # (N, L)
        symbols = self.drop(self.embed(before)) + self.remind(plans)[:, None]
        packed = pack_padded_sequence(symbols, cut.lengths[there].cpu(), True, enforce_sorted=False)
        written, _ = self.write(packed, torch.tanh(self.begin_with(plans))[None])
        h, _ = pad_packed_sequence(written, True)  # (N, L, H)
        first = (there.flatten().cumsum(0) - 1).view_as(there)  # (B, M): a segment's row among the N
        own = h[first.gather(1, cut.segment), cut.position.clamp(max=h.shape[1] - 1)]  # (B, T, H)
        return self.readout(self.drop(own))

    def begin(self, plan: Tensor) -> NestedState:
        """The state in which a new segment begins under this plan (B, U): the next `step` takes `start_symbol`."""
        zeros = plan.new_zeros(len(plan), self.reader + self.lower)
        return NestedState(plan, *zeros.split([self.reader, self.lower], 1), plan.new_zeros(len(plan), dtype=torch.long))

    def initial_state(self, n: int) -> NestedState:
        """The plan 0, and a segment about to begin."""
        return self.begin(self.readout.weight.new_zeros(n, self.upper))

    def step(self, symbol: Tensor, state: NestedState) -> tuple[Tensor, NestedState]:
        """The next symbol's logits (B, K), and both levels after this symbol (B,): the upper one moves where a segment ended."""
        plan, summary, lower, position = state
        fresh = symbol == self.start_symbol
        # cuDNN takes contiguous states only, and a slice of a wider tensor is not contiguous.
        read = self.read(self.embed(symbol)[:, None], summary[None].contiguous())[1][0]  # (B, S)
        position = torch.where(fresh, 0, position + 1)
        ended = ~fresh & (self.ends[symbol] | (position == self.longest))
        if ended.any():
            plan = torch.where(ended[:, None], self.think(read[:, None], plan[None].contiguous())[1][0], plan)
        begins = (fresh | ended)[:, None]
        lower = torch.where(begins, torch.tanh(self.begin_with(plan)), lower)
        features = self.embed(torch.where(begins[:, 0], self.start_symbol, symbol)) + self.remind(plan)  # (B, E)
        lower = self.write(features[:, None], lower[None].contiguous())[1][0]  # (B, H)
        state = NestedState(plan, read.masked_fill(begins, 0.0), lower, position.masked_fill(begins[:, 0], 0))
        return self.readout(lower), state

    @torch.no_grad()
    def write_by(self, plan: Tensor, noise: Tensor) -> Tensor:
        """Symbols (n, T) from noise (n, T, 1): a segment under this plan (n, U), then more under the model's own plans."""
        symbol, state, drawn = torch.full((len(plan),), self.start_symbol, device=plan.device), self.begin(plan), []
        for uniform in noise.unbind(1):
            logits, state = self.step(symbol, state)
            symbol = Categorical(logits).from_noise(uniform)
            drawn.append(symbol)
        return torch.stack(drawn, 1)
