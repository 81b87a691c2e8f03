"""N-grams with interpolated smoothing: the last few symbols decide, and long contexts lean on short ones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from course_lib.models.inputs import check_count
from course_lib.models.probability.markov_chain import PAD
from course_lib.models.sequence.base import SequenceModel

SMOOTHINGS = ("kneser-ney", "witten-bell")


class NGram(SequenceModel):
    """p_n(k | c) = a_n(c, k) + b_n(c) p_n−1(k | c without its first symbol), down to p_−1 = 1 / K.

    Only contexts that occurred have rows: of the (K + 1)^n that there could be, few do. One that did not leans on the shorter one
    alone (a = 0, b = 1). Any a, b ≥ 0 with sum_k a(c, k) + b(c) = 1 give probabilities that sum to 1. With counts n(c, k),
    their sum N(c), and U(c) different symbols seen after c:

        witten-bell   a = n / (N + U), b = U / (N + U)  (Witten & Bell 1991, method C)
        kneser-ney    a = (n − D) / N, b = the rest, with a discount D for each of n = 1, 2, 3 and more; below the longest
                      context n(c, k) is how many different symbols came before (c, k) (Kneser & Ney 1995; modified as in
                      Chen & Goodman 1999, eq. 26)

    Args:
        states: K.
        length: T of the sequences that `sample` makes unless told.
        context: how many symbols back it looks; 4 makes a 5-gram.
        smoothing: one of the two above.
    """

    def __init__(self, *, states: int, length: int, context: int = 4, smoothing: str = "kneser-ney"):
        super().__init__()
        if smoothing not in SMOOTHINGS:
            raise ValueError(f"smoothing is {smoothing!r}; expected one of {', '.join(SMOOTHINGS)}")
        if isinstance(context, bool) or not isinstance(context, int) or context < 0 or (states + 1) ** context * states >= 2**63:
            raise ValueError(f"context is {context!r}; expected a whole number of at least 0 with (K + 1)^context K below 2^63")
        self.states, self.length = check_count(states, "states"), check_count(length, "length")
        self.context, self.smoothing = context, smoothing
        for n in range(context + 1):
            self._keep(n, torch.zeros(0, dtype=torch.long), torch.zeros(0, states), torch.zeros(0))

    def _keep(self, n: int, contexts: Tensor, own: Tensor, rest: Tensor) -> None:
        """The rows of contexts of n symbols: their numbers in base K + 1, sorted (C); a (C, K); b (C)."""
        for name, value in (("contexts", contexts), ("own", own.double()), ("rest", rest.double())):
            setattr(self, f"{name}_{n}", nn.Parameter(value, requires_grad=False))

    def _load_from_state_dict(self, state_dict, prefix, *args):
        """How many rows there are is learnt with them: take the sizes from what is loaded."""
        for n in range(self.context + 1):
            kept = [state_dict.get(f"{prefix}{name}_{n}") for name in ("contexts", "own", "rest")]
            if all(value is not None for value in kept):
                self._keep(n, *(torch.empty_like(value) for value in kept))
        super()._load_from_state_dict(state_dict, prefix, *args)

    def _numbers(self, x: Tensor, n: int) -> Tensor:
        """The number of the n symbols before each step of x (B, T), in base K + 1: (B, T)."""
        before = torch.cat([x.new_full((len(x), n), self.start), x.clamp(min=0)], 1)  # (B, n + T)
        number = torch.zeros_like(x)
        for k in range(n):
            number = number * (self.states + 1) + before[:, k : k + x.shape[1]]
        return number

    @torch.no_grad()
    def estimate(self, x: Tensor) -> NGram:
        """Learn all rows from sequences x (B, T), padded with −1; returns itself."""
        self.check(x)
        inside, K = x != PAD, self.states
        seen = [(self._numbers(x, n) * K + x)[inside].unique(return_counts=True) for n in range(self.context + 1)]
        for n, (pairs, counts) in enumerate(seen):  # pairs: (context, symbol) as one number
            if self.smoothing == "kneser-ney" and n < self.context:  # of each pair, how many symbols came before it
                pairs, counts = (seen[n + 1][0] % ((K + 1) ** n * K)).unique(return_counts=True)
            contexts, row = (pairs // K).unique(return_inverse=True)
            counts = counts.double()
            taken = self._taken(counts)  # from each pair, for the shorter context
            total, lost = (counts.new_zeros(len(contexts)).index_add_(0, row, t) for t in (counts, taken))
            if self.smoothing == "witten-bell":
                total, taken = total + lost, torch.zeros_like(taken)
            own = counts.new_zeros(len(contexts), K)
            own[row, pairs % K] = (counts - taken) / total[row]
            self._keep(n, contexts, own, lost / total)
        return self

    def _taken(self, counts: Tensor) -> Tensor:
        """What every pair gives up: 1, which Witten-Bell adds to the total; or the discounts D_1, D_2, D_3+ of its count."""
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
        """log p(x_t | the last symbols), (B, T, K); normalised already."""
        return self._log_probs([self._numbers(x, n) for n in range(self.context + 1)])

    def _log_probs(self, numbers: list[Tensor]) -> Tensor:
        probs = torch.full((*numbers[0].shape, self.states), 1 / self.states, dtype=torch.double, device=numbers[0].device)
        for n, number in enumerate(numbers):
            contexts, own, rest = (getattr(self, f"{name}_{n}") for name in ("contexts", "own", "rest"))
            if len(contexts):
                row = torch.searchsorted(contexts, number).clamp(max=len(contexts) - 1)
                known = (contexts[row] == number)[..., None]
                probs = torch.where(known, own[row] + rest[row][..., None] * probs, probs)
        return probs.log()

    def initial_state(self, n: int) -> Tensor:
        """The last `context` symbols, (n, context): the start, over and over."""
        return torch.full((n, self.context), self.start, device=self.contexts_0.device)

    def step(self, symbol: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """The next symbol's log-probabilities (B, K), and the last symbols with this one (B, context)."""
        state = torch.cat([state, symbol[:, None]], 1)[:, 1:]
        digits = state * (self.states + 1) ** torch.arange(self.context - 1, -1, -1, device=state.device)
        return self._log_probs([digits[:, self.context - n :].sum(1) for n in range(self.context + 1)]), state
