"""A recurrent network that reads and writes characters: embedding, recurrent layers, softmax."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_lib.models.inputs import check_count, check_share
from course_lib.models.sequence.base import Readout, SequenceModel

CELLS = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
State = Tensor | tuple  # h, or for the LSTM the pair of h and its cell state c, each (layers, B, H); with `period` see below


class CharacterModel(SequenceModel):
    """p(x_t | those before) = softmax(W h_t + b), h_t = cell(embedding of x_t−1, h_t−1) (Elman 1990; Graves 2013).

    The cells are torch's, which run a whole sequence in one call; `course_lib.nn.recurrent` has them written out.

    Args:
        symbols: K, the size of the vocabulary; the embedding has one row more, for the start symbol.
        length: T, the default length of the sequences that `sample` draws.
        cell: "rnn" (tanh), "lstm" or "gru".
        hidden: H, units per layer.
        layers: recurrent layers, one on top of the other.
        embedding: E, width of the vector that stands for a symbol; None means `hidden`.
        dropout: share of units set to 0 while training, in [0, 1): after the embedding and after every layer, never from one
            step to the next (Zaremba, Sutskever & Vinyals 2014).
        period: P tells the network the place in a row of P symbols, t mod P for p(x_t | …), by a position embedding (P, E)
            that is added to the symbol's. The state is then the pair of the cells' state and the place (B,). None tells nothing.
    """

    def __init__(
        self,
        *,
        symbols: int,
        length: int,
        cell: str = "lstm",
        hidden: int = 256,
        layers: int = 1,
        embedding: int | None = None,
        dropout: float = 0.0,
        period: int | None = None,
    ):
        super().__init__()
        if not isinstance(cell, str) or cell not in CELLS:
            raise ValueError(f"cell is {cell!r}; expected one of {', '.join(CELLS)}")
        self.symbols, self.length = check_count(symbols, "symbols"), check_count(length, "length")
        self.cell, self.hidden, self.layers = cell, check_count(hidden, "hidden"), check_count(layers, "layers")
        self.embedding = None if embedding is None else check_count(embedding, "embedding")
        self.dropout = check_share(dropout, "dropout")
        width = self.embedding or self.hidden
        between = self.dropout if self.layers > 1 else 0.0
        self.embed = nn.Embedding(self.symbols + 1, width)
        self.recurrent = CELLS[cell](width, self.hidden, self.layers, batch_first=True, dropout=between)
        self.readout = Readout(self.hidden, self.symbols)
        self.drop = nn.Dropout(self.dropout)
        self.period = None if period is None else check_count(period, "period")
        self.embed_place = None if period is None else nn.Embedding(self.period, width)

    def hidden_states(self, symbols: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """The top layer's h (B, T, H) after each of the symbols (B, T) that go in, and the state after the last."""
        if self.period is None:
            return self.recurrent(self.drop(self.embed(symbols)), state)
        cells, place = (None, symbols.new_zeros(len(symbols), dtype=torch.long)) if state is None else state
        places = (place[:, None] + torch.arange(symbols.shape[1] + 1, device=symbols.device)) % self.period  # (B, T + 1)
        h, cells = self.recurrent(self.drop(self.embed(symbols) + self.embed_place(places[:, :-1])), cells)
        return h, (cells, places[:, -1])

    def logits(self, x: Tensor) -> Tensor:
        """Logits of p(x_t | x_1, …, x_t−1), (B, T, K)."""
        return self.readout(self.drop(self.hidden_states(self.shifted(x))[0]))

    def initial_state(self, n: int) -> State:
        """Zeros: h (layers, n, H), or for the LSTM the pair of h and its cell state c; with `period` also the place 0, (n,)."""
        zeros = self.readout.weight.new_zeros(self.layers, n, self.hidden)
        cells = (zeros, zeros) if self.cell == "lstm" else zeros
        return cells if self.period is None else (cells, torch.zeros(n, dtype=torch.long, device=zeros.device))

    def step(self, symbol: Tensor, state: State) -> tuple[Tensor, State]:
        """The next symbol's logits (B, K), and the state after this symbol (B,)."""
        h, state = self.hidden_states(symbol[:, None], state)  # (B, 1, H)
        return self.readout(self.drop(h))[:, 0], state
