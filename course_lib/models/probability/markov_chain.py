"""Markov chains over a few states, of any order (n-grams), and what every model of sequences of states shares.

Sequences of states are integers (B, T). One that is shorter than T is padded with −1 after its end; `pad` does it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Categorical
from course_lib.models.inputs import check_count, check_smoothing, check_whole, values_are_trusted
from course_lib.models.protocols import ExplicitModel
from course_lib.runtime import uniform

PAD = -1  # after the end of a sequence of states
PAD_REAL = -math.inf  # after the end of a sequence of real numbers: any finite number may be data


def pad(sequences: Sequence[Tensor]) -> Tensor:
    """Sequences of different lengths, each (T_b, …), as one tensor (B, max T, …), filled up with −1 (reals: −inf).

    Integers come back as int64: in a narrower type without a sign, −1 would be a symbol. ValueError for an empty sequence.
    """
    if len(sequences) == 0 or any(s.ndim == 0 or len(s) == 0 for s in sequences):
        raise ValueError("a sequence of length 0 says nothing; expected at least one sequence, each of at least 1 step: drop it")
    if sequences[0].is_floating_point():
        return nn.utils.rnn.pad_sequence(list(sequences), batch_first=True, padding_value=PAD_REAL)
    return nn.utils.rnn.pad_sequence([s.long() for s in sequences], batch_first=True, padding_value=PAD)


def check_ends(valid: Tensor) -> Tensor:
    """valid (B, T) if every row is True first and False after, at least one True; ValueError otherwise."""
    if valid.ndim != 2 or valid.shape[1] == 0 or not valid[:, 0].all():
        rows = [] if valid.ndim != 2 or valid.shape[1] == 0 else (~valid[:, 0]).nonzero()[:3, 0].tolist()
        where = f"sequences {rows} have length 0" if rows else f"x has shape {tuple(valid.shape)}"
        raise ValueError(f"{where}; expected (B, T) with at least 1 step in each: drop the empty ones")
    if (valid[:, 1:] & ~valid[:, :-1]).any():
        row = (valid[:, 1:] & ~valid[:, :-1]).any(1).nonzero()[0].item()
        raise ValueError(f"sequence {row} goes on after padding; padding (−1; −inf for reals) may only follow its end")
    return valid


def check_states(x: Tensor, states: int, name: str = "x") -> Tensor:
    """x as int64, if it is integers (B, T) in 0 … states − 1, padded with −1 after the end only.

    Work on what this returns: indices and sums of a narrower type would overflow silently, and uint8 would act as a mask.
    ValueError otherwise, with what came and the likely fix; `name` is what the message calls x.
    """
    if not isinstance(x, Tensor) or x.is_floating_point() or x.is_complex() or x.dtype == torch.bool or x.is_meta:
        if not isinstance(x, Tensor):
            what = f"a {type(x).__name__}; expected a tensor of integers (B, T): torch.as_tensor({name}) may do"
            raise ValueError(f"{name} is {what}")
        raise ValueError(f"{name} holds {x.dtype}; expected integers (B, T): {name}.long(), where it has no NaN")
    if x.ndim != 2 or x.numel() == 0:
        fix = f"; add the batch axis: {name}[None]" if x.ndim == 1 and len(x) else ""
        raise ValueError(f"{name} has shape {tuple(x.shape)}; expected (B, T) with at least 1 sequence of at least 1 step{fix}")
    x = x.long()
    if values_are_trusted():
        return x
    low, high = int(x.min()), int(x.max())
    if low < PAD or high >= states:
        seen = low if low < PAD else high
        raise ValueError(
            f"{name} has the symbol {seen}, unseen by this model; expected 0 … {states - 1}, and −1 after a sequence's end"
        )
    check_ends(x != PAD)
    return x


def check_probs(probs: Tensor | Sequence, shape: tuple[int, ...], name: str) -> Tensor:
    """probs as float64, if they have this shape, no NaN, and each row is at least 0 and sums to 1 (to within 1e-5).

    The rows that come back sum to 1 exactly. ValueError otherwise; `name` is what the message calls them.
    """
    probs = torch.as_tensor(probs, dtype=torch.double)
    if tuple(probs.shape) != tuple(shape):
        raise ValueError(f"{name} has shape {tuple(probs.shape)}; expected {tuple(shape)} for this many states and symbols")
    sums = probs.sum(-1)
    wrong = ~((probs >= 0).all(-1) & ((sums - 1).abs() < 1e-5))
    if wrong.any():
        row = f", row {wrong.nonzero()[0].tolist()}" if wrong.ndim else ""
        total = sums[wrong].flatten()[0].item()
        raise ValueError(
            f"{name}{row} sums to {total:.4g}; expected numbers of at least 0 that sum to 1 along the last axis: "
            "p / p.sum(-1, keepdim=True)"
        )
    return probs / sums[..., None]


def normalise_counts(counts: Tensor, otherwise: Tensor) -> Tensor:
    """counts (…, K) / their sum along the last axis, (…, K); rows without any count are taken from `otherwise` (…, K)."""
    total = counts.sum(-1, keepdim=True)
    return torch.where(total > 0, counts / total.clamp(min=torch.finfo(counts.dtype).tiny), otherwise)


def stationary(transition: Tensor) -> Tensor:
    """The distribution that one more step does not change, pi A = pi, (K), of a transition matrix A (K, K).

    ValueError when there is more than one.
    """
    A = check_probs(transition, transition.shape, "transition")
    K = len(A)
    system = torch.cat([A.T - torch.eye(K, dtype=A.dtype, device=A.device), torch.ones(1, K, dtype=A.dtype, device=A.device)])
    if torch.linalg.matrix_rank(system, tol=1e-12) < K:
        raise ValueError(
            "this chain has more than one stationary distribution: it falls into groups of states that never reach each "
            "other, and the first state decides which one counts; join the groups, or take each alone"
        )
    right = torch.zeros(K + 1, 1, dtype=A.dtype, device=A.device)
    right[-1] = 1
    pi = torch.linalg.lstsq(system, right).solution[:, 0].clamp(min=0)
    return pi / pi.sum()


class MarkovChain(ExplicitModel):
    """p(x) = product over t of p(x_t | the `order` states before it): an n-gram with n = order + 1 (Markov 1913).

    One table holds all: probs[c_1, …, c_order, k] is the probability of k after the context c. The extra context index K
    stands for "before the beginning", so that the first steps have rows of their own.

    Args:
        states: K.
        length: T, the default length of the sequences that `sample` draws; `log_prob` takes any length.
        order: how many states back it looks; 0 makes all steps independent.
    """

    def __init__(self, *, states: int, length: int, order: int = 1):
        super().__init__()
        self.states, self.length = check_count(states, "states"), check_count(length, "length")
        self.order, K = check_whole(order, "order"), self.states
        if (K + 1) ** self.order * K > 2**27:
            raise ValueError(f"order is {order!r}; expected one whose table of (K + 1)^order K numbers has at most 2^27: try 2")
        self.event_shape = (self.length,)
        shape = (K + 1,) * self.order + (K,)
        self.probs = nn.Parameter(torch.full(shape, 1 / K, dtype=torch.double), requires_grad=False)

    @property
    def parameter_count(self) -> int:
        """Number of free parameters: K - 1 per row; there is one row per context, those of the first steps included."""
        return (self.states - 1) * sum(self.states**steps for steps in range(self.order + 1))

    @property
    def initial(self) -> Tensor:
        """p(x_1), (K)."""
        return self.probs[(self.states,) * self.order]

    @property
    def transition(self) -> Tensor:
        """A[i, j] = p(next is j | now is i), (K, K); order 1 only."""
        if self.order != 1:
            raise ValueError(f"a transition matrix belongs to order 1; this chain has order {self.order}: use probs")
        return self.probs[: self.states]

    def check(self, x: Tensor) -> Tensor:
        """x as int64 if it is sequences of this chain's states, (B, T), padded with −1 after the end; otherwise ValueError."""
        return check_states(x, self.states)

    def set_probs(self, *, initial: Tensor | Sequence, transition: Tensor | Sequence) -> MarkovChain:
        """Take these probabilities, (K) and (K, K) with rows that sum to 1 (order 1); returns itself."""
        rows = check_probs(transition, tuple(self.transition.shape), "transition")
        self.probs.data = torch.cat([rows, check_probs(initial, (self.states,), "initial")[None]]).to(self.probs)
        return self

    def stationary(self) -> Tensor:
        """pi with pi A = pi, (K); order 1 only."""
        return stationary(self.transition)

    def memory(self) -> float:
        """|second largest eigenvalue| of A: the share of the first state's influence that one step keeps; at 1 it never fades."""
        return torch.linalg.eigvals(self.transition).abs().sort().values[-2].item() if self.states > 1 else 0.0

    def _contexts(self, x: Tensor) -> tuple[Tensor, ...]:
        """For each step of x (B, T), the indices into the table: the states before it, then its own (padding as 0)."""
        before = x.new_full((len(x), self.order), self.states)
        whole = torch.cat([before, x.clamp(min=0)], 1)  # (B, order + T)
        return tuple(whole[:, k : k + x.shape[1]] for k in range(self.order + 1))

    def log_conditionals(self, x: Tensor) -> Tensor:
        """log p(x_t | those before) in nats, (B, T), of sequences x (B, T); 0 at padding."""
        x = self.check(x)
        return self.probs[self._contexts(x)].log().masked_fill(x == PAD, 0.0)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,), of sequences (B, T) padded with −1; −inf where a step is impossible."""
        return self.log_conditionals(x).sum(1)

    @torch.no_grad()
    def estimate(self, x: Tensor, *, smoothing: float = 0.0) -> MarkovChain:
        """Set the table to counts + smoothing, normalised: maximum likelihood at 0, add-one at 1 (Laplace); returns itself.

        x: sequences (B, T), padded with −1, on any device. A context that never occurred gets equal probabilities when
        smoothing is 0.
        """
        check_smoothing(smoothing)
        x = self.check(x).to(self.probs.device)
        inside = x != PAD
        index = tuple(part[inside] for part in self._contexts(x))
        counts = torch.full_like(self.probs, float(smoothing))
        counts.index_put_(index, torch.ones((), dtype=counts.dtype, device=counts.device), accumulate=True)
        self.probs.data = normalise_counts(counts, torch.full_like(counts, 1 / self.states))
        return self

    @torch.no_grad()
    def sample(self, n: int, *, length: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """n sequences drawn state by state, (n, length), as int64; length None is the model's own."""
        n, steps = check_count(n), check_count(self.length if length is None else length, "length")
        noise = uniform((n, steps, 1), torch.empty(0, device=self.probs.device), generator)  # float32
        whole = torch.full((n, self.order + steps), self.states, device=self.probs.device)
        for t in range(steps):
            context = tuple(whole[:, t + k] for k in range(self.order))
            probs = self.probs[context].expand(n, self.states)
            whole[:, t + self.order] = Categorical(probs=probs).from_noise(noise[:, t])
        return whole[:, self.order :]
