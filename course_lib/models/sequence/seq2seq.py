"""Sequence to sequence: one recurrent network reads the source, another writes the target, with or without attention."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_lib.models.inputs import check_count
from course_lib.models.probability.markov_chain import PAD, check_states
from course_lib.models.sequence.base import Readout, SequenceModel


class Memory(NamedTuple):
    """What the decoder carries: its state s (B, H); the encoder's annotations h (B, S, 2 H), their keys U h (B, S, H)."""

    s: Tensor
    notes: Tensor
    keys: Tensor
    inside: Tensor  # (B, S), False at the source's padding


class Seq2Seq(nn.Module):
    """log p(target | source): encoder and decoder (Sutskever, Vinyals & Le 2014), with attention (Bahdanau, Cho & Bengio 2015).

    A bidirectional GRU reads the source, h_j = [forward; backward]. The decoder is a GRU that starts from both ends' last states.
    With attention, at every step t it looks at all h_j anew (Bahdanau et al., eq. 5, 6 and appendix A.1.2):

        e_tj = v · tanh(W s_t−1 + U h_j),    α_t = softmax_j e_tj,    c_t = Σ_j α_tj h_j,    s_t = GRU([y_t−1, c_t], s_t−1)

    Without attention, the decoder knows the source by s_0 alone: H numbers, whatever the source's length. The last target
    symbol, K − 1, means "the end"; after it comes padding only. `given(source)` is an ordinary sequence model of the target.

    Args:
        source_symbols, target_symbols: sizes of the two vocabularies; the target's last symbol is the end.
        source_length, target_length: of the longest source and target, the end included; `loss` takes rows of both side by side.
        hidden: H, units of the decoder and of each direction of the encoder.
        embedding: width of the vector that stands for a symbol.
        attention: False leaves it out.
    """

    def __init__(
        self,
        *,
        source_symbols: int,
        target_symbols: int,
        source_length: int,
        target_length: int,
        hidden: int = 128,
        embedding: int = 32,
        attention: bool = True,
    ):
        super().__init__()
        self.source_symbols = check_count(source_symbols, "source_symbols")
        self.target_symbols = check_count(target_symbols, "target_symbols")
        self.source_length = check_count(source_length, "source_length")
        self.target_length = check_count(target_length, "target_length")
        self.hidden, self.embedding = check_count(hidden, "hidden"), check_count(embedding, "embedding")
        self.attention = bool(attention)
        H, E = self.hidden, self.embedding
        self.embed_source = nn.Embedding(self.source_symbols, E)
        self.embed_target = nn.Embedding(self.target_symbols + 1, E)  # the last row is the start symbol
        self.encoder = nn.GRU(E, H, batch_first=True, bidirectional=True)
        self.bridge = nn.Linear(2 * H, H)
        self.decoder = nn.GRUCell(E + 2 * H * self.attention, H)
        self.readout = Readout(H + 2 * H * self.attention, self.target_symbols)
        if self.attention:
            self.query = nn.Linear(H, H)  # W
            self.key = nn.Linear(2 * H, H, bias=False)  # U
            self.score = nn.Linear(H, 1, bias=False)  # v

    @property
    def end(self) -> int:
        """The target symbol that ends it."""
        return self.target_symbols - 1

    def given(self, source: Tensor) -> GivenSource:
        """p(target | source) as a sequence model. source: (S,) for all rows alike, or (B, S), one for each row."""
        return GivenSource(model=self, source=source)

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Rows x (B, S + T) as sources (B, S) and targets (B, T), each padded with −1."""
        if not isinstance(x, Tensor) or x.ndim != 2 or x.shape[1] != self.source_length + self.target_length:
            raise ValueError(
                f"x has shape {tuple(getattr(x, 'shape', ()))}; expected (B, {self.source_length} + {self.target_length}): "
                "torch.cat([source, target], 1)"
            )
        source, target = x.split([self.source_length, self.target_length], 1)
        return source, target

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Nats per target symbol, (), of rows x (B, S + T)."""
        source, target = self.split(x)
        return self.given(source).loss(target)

    def exact(self, x: Tensor) -> Tensor:
        """Whether greedy decoding gives the target of each row x (B, S + T), symbol for symbol: booleans (B,)."""
        source, target = self.split(x)
        return (self.given(source).greedy() == target).all(1)

    def encode(self, source: Tensor) -> Memory:
        """Read sources (B, S), padded with −1: the decoder's memory before its first symbol."""
        source = check_states(source, self.source_symbols, "source")
        inside = source != PAD
        lengths = inside.sum(1)
        symbols = self.embed_source(source.clamp(min=0))  # (B, S, E)
        packed = nn.utils.rnn.pack_padded_sequence(symbols, lengths.cpu(), batch_first=True, enforce_sorted=False)
        notes, last = self.encoder(packed)  # last (2, B, H)
        notes, _ = nn.utils.rnn.pad_packed_sequence(notes, batch_first=True, total_length=source.shape[1])  # (B, S, 2 H)
        s = torch.tanh(self.bridge(torch.cat([last[0], last[1]], 1)))  # (B, H)
        keys = self.key(notes) if self.attention else notes[..., :0]
        return Memory(s, notes, keys, inside)

    def look(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """The attention weights α (B, S), rows that sum to 1 with 0 at padding, and the context vector c (B, 2 H)."""
        e = self.score(torch.tanh(self.query(memory.s)[:, None] + memory.keys))[..., 0]  # (B, S)
        weights = e.masked_fill(~memory.inside, -torch.inf).softmax(1)
        return weights, torch.einsum("bs,bsh->bh", weights, memory.notes)

    def advance(self, symbol: Tensor, memory: Memory) -> tuple[Tensor, Memory, Tensor | None]:
        """One step of the decoder: the next symbol's logits (B, K), its memory, and its attention (B, S) if it has one."""
        y, weights, seen = self.embed_target(symbol), None, ()
        if self.attention:
            weights, context = self.look(memory)
            seen = (context,)
        s = self.decoder(torch.cat([y, *seen], 1), memory.s)  # (B, H)
        return self.readout(torch.cat([s, *seen], 1)), memory._replace(s=s), weights


class GivenSource(SequenceModel):
    """p(target | source), an ordinary model of sequences, with `greedy` and `attention` besides. `Seq2Seq.given` makes it."""

    is_view = True

    def __init__(self, *, model: Seq2Seq, source: Tensor):
        super().__init__()
        source = torch.as_tensor(source)
        self.model, self.source = model, source[None] if source.ndim == 1 else source
        self.symbols, self.length = model.target_symbols, model.target_length
        self.train(model.training)

    def initial_state(self, n: int) -> Memory:
        """The encoder's annotations of the source, for n targets."""
        if len(self.source) not in (1, n):
            raise ValueError(f"there are {len(self.source)} sources for {n} targets; expected one each, or a single source")
        memory = self.model.encode(self.source)
        return memory if len(self.source) == n else Memory(*(part.expand(n, *part.shape[1:]) for part in memory))

    def step(self, symbol: Tensor, state: Memory) -> tuple[Tensor, Memory]:
        """The next symbol's logits (B, K), and the memory after this symbol (B,)."""
        logits, state, _ = self.model.advance(symbol, state)
        return logits, state

    def _walk(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits (B, T, K), and attention (B, T, S) if there is one, where the target's own symbols x (B, T) go in."""
        state, logits, looked = self.initial_state(len(x)), [], []
        for symbol in self.shifted(x).unbind(1):
            at_t, state, weights = self.model.advance(symbol, state)
            logits.append(at_t)
            looked.append(weights)
        return torch.stack(logits, 1), torch.stack(looked, 1) if self.model.attention else None

    def logits(self, x: Tensor) -> Tensor:
        """Logits of p(x_t | x_1, …, x_t−1, source), (B, T, K)."""
        return self._walk(x)[0]

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None, **how: float) -> Tensor:
        """As every sequence model: noise (n, T, 1) -> (n, T) symbols; what comes after the end is padding."""
        drawn = super().sample_from_noise(noise, x, kept, **how)
        ended = (drawn == self.model.end).long().cumsum(1)
        return drawn.masked_fill((ended - (drawn == self.model.end).long()) > 0, PAD)

    def greedy(self) -> Tensor:
        """The most probable symbol at each step, one target per source, (B, T). Not always the most probable target."""
        return self.sample(len(self.source), temperature=0)

    @torch.no_grad()
    def attention(self, x: Tensor) -> Tensor:
        """α (B, T, S): where the decoder looked when it was about to write x_t of targets x (B, T).

        Rows sum to 1, and are 0 at the source's padding.
        """
        if not self.model.attention:
            raise ValueError("this model has no attention; build Seq2Seq(attention=True, …)")
        return self._walk(self.check(x))[1]
