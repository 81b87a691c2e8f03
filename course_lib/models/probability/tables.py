"""Models of binary variables whose parameters are tables of probabilities: counted, never trained by gradient.

    BayesianNetwork    p(x) = product over d of p(x_d | its parents), one small table per variable (Pearl 1988)
    IndependentTable   no parents:                     n parameters
    MarkovTable        the variable before it:         2n - 1 parameters
    ChainRuleTable     all variables before it:        2^n - 1 parameters, a theorem that assumes nothing
    FullTable          one probability per state:       2^n - 1 free parameters

A probability of 0 is kept as it is: a state that a table rules out has log_prob -inf, never a number made up for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli, Categorical
from course_lib.models.inputs import check_binary, check_count, check_event_shape, check_list, check_order, check_whole
from course_lib.models.probability.counting import check_counting, row_numbers
from course_lib.models.probability.enumeration import MOST, all_states, few_enough
from course_lib.models.protocols import AutoregressiveModel, ExplicitModel
from course_lib.runtime import uniform


class BayesianNetwork(AutoregressiveModel):
    """p(x) = product over d of p(x_d | parents of d), each a table, over binary variables (Pearl 1988).

    Args:
        event_shape: shape of one example, D values in all.
        parents: D lists; parents[d] are the flat indices of the variables that x_d looks at, at most 20.
        order: in which parents come before their children; None finds one. ValueError where there is none (a cycle).

    Parameters: `probs`, the tables of p(x_d = 1 | parents) one after another, 2^len(parents[d]) numbers each; all 1/2
    until `estimate` or `set_table`.
    """

    def __init__(self, *, event_shape: Sequence[int], parents: Sequence[Sequence[int]], order: Sequence[int] | None = None):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        what = "indices for each variable, such as [[], [0]]"
        lists = [
            check_list(those, f"parents of variable {d}", what) for d, those in enumerate(check_list(parents, "parents", what))
        ]
        self.parents = [[check_whole(p, f"a parent of variable {d}") for p in those] for d, those in enumerate(lists)]
        self._check_parents()
        self.order = check_order(order, self.dimensions) if order is not None else self._find_order()
        place = {d: k for k, d in enumerate(self.order)}
        for d, those in enumerate(self.parents):
            late = [p for p in those if place[p] >= place[d]]
            if late:
                raise ValueError(f"variable {d} has the parents {late}, which do not come before it in the order {self.order}")
        sizes = torch.tensor([2 ** len(those) for those in self.parents])
        most = max(map(len, self.parents), default=0)
        places = torch.zeros(self.dimensions, most, dtype=torch.long)  # (D, most): the parents, filled up with 0
        powers = torch.zeros(self.dimensions, most, dtype=torch.long)  # what a parent's 1 adds to the row's number; 0: nothing
        for d, those in enumerate(self.parents):
            places[d, : len(those)] = torch.tensor(those, dtype=torch.long)
            powers[d, : len(those)] = 2 ** torch.arange(len(those) - 1, -1, -1)
        self.register_buffer("_places", places, persistent=False)
        self.register_buffer("_powers", powers, persistent=False)
        self.register_buffer("_firsts", sizes.cumsum(0) - sizes, persistent=False)
        self.probs = nn.Parameter(torch.full((int(sizes.sum()),), 0.5), requires_grad=False)

    def _check_parents(self) -> None:
        n = self.dimensions
        if len(self.parents) != n:
            raise ValueError(f"parents has {len(self.parents)} lists; expected one for each of the {n} variables, [] for none")
        for d, those in enumerate(self.parents):
            if len(set(those)) != len(those) or not all(p < n and p != d for p in those):
                raise ValueError(f"the parents of variable {d} are {those}; expected different others of 0 … {n - 1}")
            if len(those) > MOST:
                raise ValueError(
                    f"variable {d} has {len(those)} parents, a table of 2^{len(those)} numbers; expected at most {MOST}"
                )

    def _find_order(self) -> list[int]:
        try:
            return list(TopologicalSorter(dict(enumerate(self.parents))).static_order())
        except CycleError as error:
            raise ValueError(f"the arrows run in a circle through {error.args[1]}; take one of them away") from error

    @property
    def parameter_count(self) -> int:
        """Number of free parameters: sum over d of 2^(number of parents)."""
        return len(self.probs)

    def table(self, d: int) -> Tensor:
        """p(x_d = 1 | parents) as a tensor (2,) * number of parents, one axis per parent, in the order of `parents[d]`."""
        start, size = int(self._firsts[d]), 2 ** len(self.parents[d])
        return self.probs[start : start + size].reshape((2,) * len(self.parents[d]))

    def set_table(self, d: int, probs: Tensor | Sequence | float) -> BayesianNetwork:
        """Write p(x_d = 1 | parents) by hand, in the shape that `table` has. Returns the network."""
        probs = torch.as_tensor(probs, dtype=self.probs.dtype)
        expected = (2,) * len(self.parents[d])
        if tuple(probs.shape) != expected or not ((probs >= 0) & (probs <= 1)).all():
            raise ValueError(f"table {d} has shape {tuple(probs.shape)}; expected probabilities in [0, 1] of shape {expected}")
        with torch.no_grad():
            self.table(d).copy_(probs)
        return self

    def _rows(self, columns: Tensor) -> Tensor:
        """The index in `probs` of every p(x_d = 1 | parents) of examples (D, B), which hold integers: (D, B) integers."""
        rows = self._firsts.to(columns.dtype)[:, None].repeat(1, columns.shape[1])
        for places, power in zip(self._places.unbind(1), self._powers.to(columns.dtype).unbind(1), strict=True):
            rows.addcmul_(columns.index_select(0, places), power[:, None])  # (D, B)
        return rows

    def _columns(self, flat: Tensor) -> Tensor:
        """Examples (B, D) as integers (D, B): picking whole rows of this is several times faster than picking columns."""
        return flat.T.to(torch.int if len(self.probs) < 2**30 else torch.long).contiguous()

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return check_binary(x, self.event_shape)

    def conditionals(self, x: Tensor) -> Bernoulli:
        """p(x_d = 1 | parents), for every d: Bernoulli of batch shape (B, *event_shape)."""
        rows = self._rows(self._columns(self.check(x).flatten(1)))  # (D, B)
        return Bernoulli(probs=self.probs[rows].T.reshape(x.shape))

    def _pseudo_counts(self, smoothing: float) -> Tensor:
        """The pseudo-count of each of the two values of x_d, in every row of its table: (D,) float64."""
        return torch.full((self.dimensions,), float(smoothing), dtype=torch.float64)

    @torch.no_grad()
    def estimate(self, x: Tensor, *, smoothing: float = 0.0, counts: Tensor | None = None) -> BayesianNetwork:
        """Count: the posterior mean of each table row under a Beta(smoothing, smoothing) prior. Returns the model.

        x: examples (N, *event_shape) of 0 and 1, on any device. smoothing: pseudo-count added to each value; 0 is maximum
        likelihood, 1 is Laplace's rule. counts (N): how often each example occurs; None means once.
        A row that was never seen stays at the prior's mean, 1/2, also without smoothing.
        """
        flat, counts = check_counting(self.check(x), counts, smoothing, self.probs.device)
        found = torch.zeros(2 * len(self.probs), dtype=torch.float64, device=flat.device)  # how often 0 and 1 came, row by row
        alike = bool((counts == 1).all())  # then whole numbers are counted, which takes half the time
        for part, times in zip(flat.split(2_000), counts.split(2_000), strict=True):
            columns = self._columns(part)
            values = self._rows(columns).mul_(2).add_(columns)  # (D, B): one variable's counts are neighbours in memory
            weights = None if alike else times.expand(values.shape).flatten()
            found += torch.bincount(values.flatten(), weights, minlength=len(found))
        zeros, ones = found.reshape(-1, 2).unbind(1)  # (P,), (P,)
        sizes = torch.tensor([2 ** len(those) for those in self.parents])
        pseudo = self._pseudo_counts(smoothing).repeat_interleave(sizes).to(flat.device)  # (P,)
        total = zeros + ones + 2 * pseudo
        self.probs.copy_(torch.where(total > 0, (ones + pseudo) / total.clamp(min=1e-300), 0.5))
        return self

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Ancestral sampling that looks up one row per variable: noise (n, D, 1) -> (n, D), in the parameters' type.

        Row b keeps its first kept[b] variables in the order from x (n, D).
        """
        dtype = self.probs.dtype
        drawn = torch.zeros(noise.shape[:2], dtype=dtype, device=noise.device) if x is None else x.to(dtype, copy=True)
        for k, d in enumerate(self.order):
            rows = row_numbers(drawn[:, self._places[d]], self._powers[d]) + self._firsts[d]  # (n,)
            value = Bernoulli(probs=self.probs[rows]).from_noise(noise[:, d]).to(dtype)
            drawn[:, d] = value if kept is None else torch.where(k < kept, drawn[:, d], value)
        return drawn


class IndependentTable(BayesianNetwork):
    """Every variable is a coin of its own: n parameters. Assumes that no variable says anything about another."""

    def __init__(self, *, event_shape: Sequence[int]):
        super().__init__(event_shape=event_shape, parents=[[]] * math.prod(check_event_shape(event_shape)))


class MarkovTable(BayesianNetwork):
    """Each variable looks at the `memory` variables before it in the order: 2n - 1 parameters when memory is 1.

    Assumes that, given those, it is independent of everything earlier (Markov 1906). In general the count is
    the sum over k = 0 … n - 1 of 2^min(k, memory).
    """

    def __init__(self, *, event_shape: Sequence[int], order: Sequence[int] | None = None, memory: int = 1):
        self_order = check_order(order, math.prod(check_event_shape(event_shape)))
        reach = check_count(memory, "memory")
        parents: list[list[int]] = [[] for _ in self_order]
        for k, d in enumerate(self_order):
            parents[d] = self_order[max(0, k - reach) : k]
        super().__init__(event_shape=event_shape, parents=parents, order=self_order)
        self.memory = reach


class ChainRuleTable(BayesianNetwork):
    """Each variable looks at all before it: p(x) = product of p(x_k | x_<k), which holds for every p and every order.

    1 + 2 + 4 + … + 2^(n - 1) = 2^n - 1 parameters: exactly as many as in the full table, for the same distribution.
    """

    def __init__(self, *, event_shape: Sequence[int], order: Sequence[int] | None = None):
        self_order = check_order(order, few_enough(math.prod(check_event_shape(event_shape))))
        parents: list[list[int]] = [[] for _ in self_order]
        for k, d in enumerate(self_order):
            parents[d] = self_order[:k]
        super().__init__(event_shape=event_shape, parents=parents, order=self_order)

    def _pseudo_counts(self, smoothing: float) -> Tensor:
        """A Dirichlet over all 2^n states, seen through the chain rule: a value of the k-th variable (k = 0, 1, …)
        stands for 2^(n - 1 - k) states and takes their pseudo-counts together. So `smoothing` means the same here as in
        FullTable."""
        pseudo = torch.empty(self.dimensions, dtype=torch.float64)
        pseudo[self.order] = smoothing * 2.0 ** torch.arange(self.dimensions - 1, -1, -1, dtype=torch.float64)
        return pseudo


class FullTable(ExplicitModel):
    """One probability for each of the 2^n states, n <= 20: every distribution over n binary variables is one of these.

    Parameters: `probs` (2^n,), in the order of `all_states`; uniform until `estimate`. They sum to 1, so 2^n - 1 are free.
    """

    def __init__(self, *, event_shape: Sequence[int]):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        size = 2 ** few_enough(math.prod(self.event_shape))
        self.probs = nn.Parameter(torch.full((size,), 1 / size), requires_grad=False)

    @property
    def parameter_count(self) -> int:
        """2^n - 1: the last probability follows from the sum."""
        return len(self.probs) - 1

    def _index(self, flat: Tensor) -> Tensor:
        """The number of the state that each example (B, n) is: (B,) int64."""
        return row_numbers(flat, 2 ** torch.arange(flat.shape[1] - 1, -1, -1, device=flat.device))

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of 0s and 1s of the model's shape, (B, *event_shape); otherwise ValueError."""
        return check_binary(x, self.event_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,): looked up. -inf for a state of probability 0."""
        chosen = self.probs[self._index(self.check(x).flatten(1))]
        return chosen.to(torch.promote_types(chosen.dtype, torch.float32)).log()

    @torch.no_grad()
    def estimate(self, x: Tensor, *, smoothing: float = 0.0, counts: Tensor | None = None) -> FullTable:
        """Count: the posterior mean under a Dirichlet prior with pseudo-count `smoothing` for every state. Returns the model.

        x (N, *event_shape) and counts (N) as in BayesianNetwork.estimate. Without smoothing a state that was never seen gets
        probability 0.
        """
        flat, counts = check_counting(self.check(x), counts, smoothing, self.probs.device)
        seen = torch.bincount(self._index(flat), counts, minlength=len(self.probs))
        self.probs.copy_((seen + smoothing) / (seen.sum() + smoothing * len(seen)))
        return self

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n states drawn from the table, (n, *event_shape), in the parameters' type."""
        noise = uniform((check_count(n), 1), self.probs, generator)
        chosen = Categorical(probs=self.probs.to(noise.dtype)).from_noise(noise)  # (n,)
        states = all_states(math.prod(self.event_shape)).to(self.probs)
        return states[chosen].reshape(n, *self.event_shape)
