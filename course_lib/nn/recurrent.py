"""Recurrent cells written out, gate by gate, one step at a time; they return what their gates did.

torch.nn.RNN, LSTM and GRU compute the same numbers faster (`from_torch` copies their parameters). A cell's parameters are
blocks of H rows, one block per gate: the pre-activations are a_gate = W_gate x_t + U_gate h_t−1 + b_gate.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.runtime import check_index

Gates = dict[str, Tensor]


class RecurrentCell(nn.Module):
    """What the cells share: parameters in blocks, a first state of zeros, and the loop along a sequence.

    A cell defines `gates`, the names of its blocks in torch's order, and `forward(x, state) -> (state, what its gates did)`.
    The state is h (B, H), or the pair (h, c).

    Args:
        inputs: D, numbers in each x_t.
        hidden: H, units. Parameters are drawn uniformly from ±1 / sqrt(H), as torch draws its own.
    """

    gates: tuple[str, ...]

    def __init__(self, *, inputs: int, hidden: int):
        super().__init__()
        self.inputs, self.hidden = check_index(inputs, "inputs", least=1), check_index(hidden, "hidden", least=1)
        rows, reach = len(self.gates) * self.hidden, 1 / math.sqrt(self.hidden)
        self.input_weight = nn.Parameter(torch.empty(rows, self.inputs).uniform_(-reach, reach))  # W
        self.state_weight = nn.Parameter(torch.empty(rows, self.hidden).uniform_(-reach, reach))  # U
        self.bias = nn.Parameter(torch.empty(rows).uniform_(-reach, reach))  # b

    def block(self, gate: str) -> slice:
        """The rows of W, U and b that belong to this gate; ValueError for a name that is none of `gates`."""
        if gate not in self.gates:
            raise ValueError(f"gate is {gate!r}; expected one of {', '.join(self.gates)}")
        place = self.gates.index(gate)
        return slice(place * self.hidden, (place + 1) * self.hidden)

    def initial_state(self, n: int) -> Any:
        """What n sequences carry before their first step: zeros, (n, H)."""
        return self.bias.new_zeros(n, self.hidden)

    def output(self, state: Any) -> Tensor:
        """h (B, H), what a state shows to the layers above."""
        return state

    def unroll(self, x: Tensor, state: Any = None) -> tuple[Tensor, Any, Gates]:
        """Along sequences x (B, T, D): every h (B, T, H), the last state, and what each gate did, (B, T, H) by name.

        state: the state before the first step; None begins with zeros.
        """
        if x.ndim != 3 or x.shape[1] == 0 or x.shape[2] != self.inputs:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected (B, T, {self.inputs}) with at least 1 step")
        state, shown, did = self.initial_state(len(x)) if state is None else state, [], []
        for x_t in x.unbind(1):
            state, gates = self(x_t, state)
            shown.append(self.output(state))
            did.append(gates)
        return torch.stack(shown, 1), state, {name: torch.stack([g[name] for g in did], 1) for name in did[0]}

    def _pre_activations(self, x: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        """a_gate of every block, each (B, H), of x (B, D) and h (B, H)."""
        return (x @ self.input_weight.T + h @ self.state_weight.T + self.bias).chunk(len(self.gates), -1)


class RNNCell(RecurrentCell):
    """h_t = tanh(W x_t + U h_t−1 + b) (Elman 1990)."""

    gates = ("candidate",)

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Gates]:
        """One step: x (B, D), h (B, H) -> h (B, H)."""
        (a,) = self._pre_activations(x, state)
        h = torch.tanh(a)
        return h, {"candidate": h}


def lstm_step(a_i: Tensor, a_f: Tensor, a_g: Tensor, a_o: Tensor, c: Tensor) -> tuple[Tensor, Tensor, tuple[Tensor, ...]]:
    """The four gates' pre-activations and the old cell state, all (…, H) -> h, the new cell state, the gates (i, f, g, o)."""
    i, f, g, o = a_i.sigmoid(), a_f.sigmoid(), a_g.tanh(), a_o.sigmoid()
    c = torch.addcmul(f * c, i, g)
    return o * c.tanh(), c, (i, f, g, o)


class LSTMCell(RecurrentCell):
    """Long short-term memory (Hochreiter & Schmidhuber 1997), with the forget gate of Gers, Schmidhuber & Cummins (2000).

    i = sigmoid(W_i x_t + U_i h_t−1 + b_i)     how much of the new is written
    f = sigmoid(W_f x_t + U_f h_t−1 + b_f)     how much of the old is kept
    g = tanh   (W_g x_t + U_g h_t−1 + b_g)     what would be written
    o = sigmoid(W_o x_t + U_o h_t−1 + b_o)     how much is shown
    c_t = f * c_t−1 + i * g                    the cell state: a sum, not a product of matrices
    h_t = o * tanh(c_t)
    """

    gates = ("input", "forget", "candidate", "output")

    def initial_state(self, n: int) -> tuple[Tensor, Tensor]:
        """(h, c), zeros, each (n, H)."""
        zeros = super().initial_state(n)
        return zeros, zeros

    def output(self, state: tuple[Tensor, Tensor]) -> Tensor:
        """h of (h, c)."""
        return state[0]

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor]) -> tuple[tuple[Tensor, Tensor], Gates]:
        """One step: x (B, D), (h, c) each (B, H) -> (h, c)."""
        h, c = state
        h, c, gates = lstm_step(*self._pre_activations(x, h), c)
        return (h, c), {**dict(zip(self.gates, gates, strict=True)), "memory": c}


class GRUCell(RecurrentCell):
    """Gated recurrent unit (Cho et al. 2014), in torch's form: the reset gate acts after the matrix product.

        r = sigmoid(W_r x_t + U_r h_t−1 + b_r)             how much of the past the candidate may use
        z = sigmoid(W_z x_t + U_z h_t−1 + b_z)             how much of the old is kept
        n = tanh   (W_n x_t + b_n + r * (U_n h_t−1 + d))   what would replace it
        h_t = z * h_t−1 + (1 − z) * n

    The paper has n = tanh(W_n x_t + U_n (r * h_t−1)). The one gate z decides both: what it does not keep is replaced.
    """

    gates = ("reset", "update", "candidate")

    def __init__(self, *, inputs: int, hidden: int):
        super().__init__(inputs=inputs, hidden=hidden)
        self.candidate_bias = nn.Parameter(torch.zeros(hidden))  # d, which the reset gate multiplies

    def forward(self, x: Tensor, state: Tensor) -> tuple[Tensor, Gates]:
        """One step: x (B, D), h (B, H) -> h (B, H)."""
        x_r, x_z, x_n = (x @ self.input_weight.T + self.bias).chunk(3, -1)  # W x + b
        h_r, h_z, h_n = (state @ self.state_weight.T).chunk(3, -1)  # U h
        r, z = (x_r + h_r).sigmoid(), (x_z + h_z).sigmoid()
        n = (x_n + r * (h_n + self.candidate_bias)).tanh()
        h = z * state + (1 - z) * n
        return h, {"reset": r, "update": z, "candidate": n}


def from_torch(module: nn.RNN | nn.LSTM | nn.GRU, layer: int = 0) -> RecurrentCell:
    """A cell with a copy of the parameters of one layer of torch's module: it gives the same numbers, step by step.

    torch has two biases where one is enough: their sum is taken. In the GRU's candidate both stay, for the reset gate multiplies
    one of them.
    ValueError for a module that is bidirectional, without biases, or an RNN with another nonlinearity than tanh.
    """
    kinds = {"RNN_TANH": RNNCell, "LSTM": LSTMCell, "GRU": GRUCell}
    if getattr(module, "mode", None) not in kinds or module.bidirectional or not module.bias:
        raise ValueError(
            f"{module} is no torch.nn.RNN (tanh), LSTM or GRU with biases that runs forward only: there is nothing to take over"
        )
    W, U, b_x, b_h = (getattr(module, f"{name}_l{layer}").detach() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    cell = kinds[module.mode](inputs=W.shape[1], hidden=module.hidden_size).to(W)
    kept = {"input_weight": W, "state_weight": U, "bias": b_x + b_h}
    if isinstance(cell, GRUCell):
        candidate = cell.block("candidate")
        kept["candidate_bias"] = b_h[candidate]
        kept["bias"][candidate] = b_x[candidate]
    cell.load_state_dict(kept)
    return cell


def gradient_by_lag(recurrent: nn.Module, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """How much the last h still depends on the input k steps before: (T,), at index k the size of dh_T / dx_T−k.

    The size is the Frobenius norm of that H × D matrix, root mean square over the sequences x (B, T, D), estimated with
    one vector of random signs v per sequence: the mean of |v^T J|^2 is |J|^2 (Hutchinson 1990). recurrent: a torch RNN, LSTM
    or GRU with batch_first, in training or in evaluation mode. generator: on any device; the signs are drawn there.
    """
    x = x.detach().requires_grad_()
    with torch.backends.cudnn.flags(enabled=False):  # cuDNN has no backward pass in evaluation mode
        last = recurrent(x)[0][:, -1]  # (B, H)
    drawn_on = generator.device if generator is not None else last.device
    signs = 2 * torch.randint(2, last.shape, generator=generator, device=drawn_on).to(last) - 1
    (gradient,) = torch.autograd.grad((signs * last).sum(), x)
    return gradient.square().sum(-1).mean(0).sqrt().flip(0)  # (T,)
