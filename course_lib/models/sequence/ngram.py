"""N-grams with interpolated smoothing: counts of what follows the last few symbols, averaged with those of shorter contexts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_lib.models.inputs import check_count, check_whole
from course_lib.models.probability.markov_chain import PAD, check_states
from course_lib.models.sequence.base import SequenceModel
from course_lib.runtime import uniform

SMOOTHINGS = ("kneser-ney", "witten-bell")


class NGram(SequenceModel):
    """p_n(k | c) = a_n(c, k) + b_n(c) p_n−1(k | c without its first symbol), down to p_−1 = 1 / K.

    Only contexts that occurred have rows: few of the (K + 1)^n possible ones do. For any other context the shorter one decides
    alone (a = 0, b = 1). Any a, b ≥ 0 with sum_k a(c, k) + b(c) = 1 give probabilities that sum to 1. With counts
    n(c, k), their sum N(c), and U(c) different symbols seen after c:

        witten-bell   a = n / (N + U), b = U / (N + U)  (Witten & Bell 1991, method C)
        kneser-ney    a = (n − D) / N, b = the rest, with a discount D for each of n = 1, 2, 3 and more; below the longest
                      context n(c, k) is how many different symbols came before (c, k) (Kneser & Ney 1995; modified as in
                      Chen & Goodman 1999, eq. 26)

    Args:
        symbols: K, the size of the vocabulary.
        length: T, the default length of the sequences that `sample` draws.
        context: how many symbols back it looks; 4 makes a 5-gram.
        smoothing: one of the two above.

    Kept for contexts of n symbols, n = 0 … context: `contexts_n` (C,), their numbers in base K + 1, sorted; `own_n` (C, K), a;
    `rest_n` (C,), b, both as float64.
    """

    def __init__(self, *, symbols: int, length: int, context: int = 4, smoothing: str = "kneser-ney"):
        super().__init__()
        if smoothing not in SMOOTHINGS:
            raise ValueError(f"smoothing is {smoothing!r}; expected one of {', '.join(SMOOTHINGS)}")
        self.symbols, self.length = check_count(symbols, "symbols"), check_count(length, "length")
        self.context, self.smoothing = check_whole(context, "context"), smoothing
        if (self.symbols + 1) ** self.context * self.symbols >= 2**63:
            raise ValueError(f"context is {context!r}; expected one with (K + 1)^context K below 2^63, which int64 can number")
        for n in range(self.context + 1):
            self._keep(n, torch.zeros(0, dtype=torch.long), torch.zeros(0, self.symbols), torch.zeros(0))

    def _keep(self, n: int, contexts: Tensor, own: Tensor, rest: Tensor) -> None:
        """Store the rows of contexts of n symbols: their numbers (C,), a (C, K) and b (C,)."""
        self.register_buffer(f"contexts_{n}", contexts)
        for name, value in (("own", own), ("rest", rest)):
            setattr(self, f"{name}_{n}", nn.Parameter(value.double(), requires_grad=False))

    def _load_from_state_dict(self, state_dict, prefix, *args):
        """Make room for as many rows as the state has: their number was learnt from data."""
        for n in range(self.context + 1):
            kept = [state_dict.get(f"{prefix}{name}_{n}") for name in ("contexts", "own", "rest")]
            if all(value is not None for value in kept):
                self._keep(n, *(torch.empty_like(value) for value in kept))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _numbers(self, x: Tensor, n: int) -> Tensor:
        """The number of the n symbols before each step of x (B, T), in base K + 1: (B, T) int64."""
        x = x.long()
        before = torch.cat([x.new_full((len(x), n), self.start_symbol), x.clamp(min=0)], 1)  # (B, n + T)
        number = torch.zeros_like(x)
        for k in range(n):
            number = number * (self.symbols + 1) + before[:, k : k + x.shape[1]]
        return number

    def check(self, x: Tensor) -> Tensor:
        """As in the base class, but x may lie on any device."""
        return check_states(x, self.symbols)

    @torch.no_grad()
    def estimate(self, x: Tensor) -> NGram:
        """Learn all rows from sequences x (B, T), padded with −1, on any device; returns itself."""
        x = self.check(x).to(self.contexts_0.device)
        inside, K = x != PAD, self.symbols
        seen = [(self._numbers(x, n) * K + x)[inside].unique(return_counts=True) for n in range(self.context + 1)]
        for n, (pairs, counts) in enumerate(seen):  # pairs: (context, symbol) as one number
            if self.smoothing == "kneser-ney" and n < self.context:  # how many different symbols came before each pair
                pairs, counts = (seen[n + 1][0] % ((K + 1) ** n * K)).unique(return_counts=True)
            contexts, row = (pairs // K).unique(return_inverse=True)
            counts = counts.double()
            taken = self._taken(counts)  # the part of each count that goes to the shorter context
            total, lost = (counts.new_zeros(len(contexts)).index_add_(0, row, t) for t in (counts, taken))
            if self.smoothing == "witten-bell":
                total, taken = total + lost, torch.zeros_like(taken)
            own = counts.new_zeros(len(contexts), K)
            own[row, pairs % K] = (counts - taken) / total[row]
            self._keep(n, contexts, own, lost / total)
        return self

    def _taken(self, counts: Tensor) -> Tensor:
        """The discount of every pair's count (P,), (P,): 1 by Witten-Bell, which adds it to the total; else D_1, D_2 or D_3+."""
        if self.smoothing == "witten-bell":
            return torch.ones_like(counts)
        times = [int((counts == r).sum()) for r in range(1, 5)]  # how many pairs were seen once, twice, …
        if not all(times):
            return torch.full_like(counts, 0.5)  # too few pairs to estimate discounts from
        Y = times[0] / (times[0] + 2 * times[1])
        D = counts.new_tensor([r - (r + 1) * Y * times[r] / times[r - 1] for r in (1, 2, 3)])
        return torch.minimum(D.clamp(min=0)[(counts.long() - 1).clamp(max=2)], counts)

    @torch.no_grad()
    def logits(self, x: Tensor) -> Tensor:
        """log p(x_t | the last symbols), (B, T, K), as float64; normalised already."""
        x = self.check(x)
        return self._log_probs([self._numbers(x, n) for n in range(self.context + 1)])

    def _log_probs(self, numbers: list[Tensor]) -> Tensor:
        probs = torch.full((*numbers[0].shape, self.symbols), 1 / self.symbols, dtype=torch.double, device=numbers[0].device)
        for n, number in enumerate(numbers):
            contexts, own, rest = (getattr(self, f"{name}_{n}") for name in ("contexts", "own", "rest"))
            if len(contexts):
                row = torch.searchsorted(contexts, number).clamp(max=len(contexts) - 1)
                known = (contexts[row] == number)[..., None]
                probs = torch.where(known, own[row] + rest[row][..., None] * probs, probs)
        return probs.log()

    def noise(self, n: int, generator: torch.Generator | None = None, *, length: int | None = None) -> Tensor:
        """Uniform numbers from which n sequences are written, (n, length, 1), in float32 although the rows are float64."""
        shape = (n, self.length if length is None else length, self.noise_size)
        return uniform(shape, torch.empty(0, device=self.contexts_0.device), generator)

    def initial_state(self, n: int) -> Tensor:
        """The last `context` symbols, (n, context): the start symbol in every place."""
        return torch.full((n, self.context), self.start_symbol, device=self.contexts_0.device)

    def step(self, symbol: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The next symbol's log-probabilities (B, K), and the last symbols with this one (B, context)."""
        state = torch.cat([state, symbol.long()[:, None]], 1)[:, 1:]
        digits = state * (self.symbols + 1) ** torch.arange(self.context - 1, -1, -1, device=state.device)
        return self._log_probs([digits[:, self.context - n :].sum(1) for n in range(self.context + 1)]), state
