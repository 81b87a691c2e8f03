"""Hidden Markov models that emit symbols."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.distributions import Categorical
from course_lib.models.inputs import check_count, check_smoothing
from course_lib.models.probability import forward_backward as fb
from course_lib.models.probability.hidden_markov_base import HiddenMarkovModel
from course_lib.models.probability.markov_chain import PAD, check_probs, check_states, normalise_counts


class CategoricalHMM(HiddenMarkovModel):
    """Emits one of M symbols: `emission` (K, M), each row p(x | h = k). x is integers (B, T), padded with −1.

    Args:
        states: K.
        symbols: M.
        length: T, the default length of the sequences that `sample` draws; other methods take any length.
        seed: of the random rows that EM starts from.
    """

    def __init__(self, *, states: int, symbols: int, length: int, seed: int = 0):
        self.symbols = check_count(symbols, "symbols")
        super().__init__(states=states, length=length, seed=seed)
        self.event_shape = (self.length,)

    @property
    def parameter_count(self) -> int:
        """Number of free parameters: every row that sums to 1, the initial one included, has one less than entries."""
        return (self.states - 1) * (self.states + 1) + self.states * (self.symbols - 1)

    def set_probs(
        self, *, initial: Tensor | Sequence, transition: Tensor | Sequence, emission: Tensor | Sequence
    ) -> CategoricalHMM:
        """Take these probabilities, (K), (K, K), (K, M), each row summing to 1; returns itself."""
        rows = check_probs(emission, (self.states, self.symbols), "emission")
        self._set_chain(initial, transition)
        self.emission.data = rows.to(self.emission)
        return self

    @torch.no_grad()
    def estimate(self, x: Tensor, h: Tensor, *, smoothing: float = 0.0) -> CategoricalHMM:
        """Learn from sequences x whose hidden paths h are known: counts + smoothing, normalised; returns itself.

        x, h: integers (B, T), padded with −1 at the same places, on any device. A row without any count gets equal
        probabilities when smoothing is 0.
        """
        check_smoothing(smoothing)
        x, h = (t.to(self.initial.device) for t in (check_states(x, self.symbols), check_states(h, self.states, "h")))
        self.log_joint(x, h)  # checks that they end together
        K, inside = self.states, x != PAD
        both = inside[:, 1:]
        moves = torch.bincount((h[:, :-1] * K + h[:, 1:])[both], minlength=K * K).reshape(K, K)
        emitted = torch.bincount((h * self.symbols + x)[inside], minlength=K * self.symbols).reshape(K, -1)
        first = torch.bincount(h[:, 0], minlength=K)
        for table, counts in ((self.initial, first), (self.transition, moves), (self.emission, emitted)):
            table.data = normalise_counts((counts + smoothing).to(table), torch.full_like(table, 1 / table.shape[-1]))
        return self

    def _start(self, generator: torch.Generator) -> None:
        self.emission = self._parameter(self._rows(self.states, self.symbols, generator))

    def _checked(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = check_states(x, self.symbols)
        return x, x != PAD

    def _emitted(self, x: Tensor, valid: Tensor) -> fb.Emitted:
        table = torch.cat([self.emission.T, torch.ones_like(self.emission.T[:1])])  # the last row, index −1, is padding
        return fb.Emitted(table[x.T], valid.T)

    def _emit(self, h: Tensor, noise: Tensor) -> Tensor:
        return Categorical(probs=self.emission[h]).from_noise(noise)

    def _count_emissions(self, x: Tensor, weight: Tensor) -> Tensor:
        counts = weight.new_zeros(self.symbols, self.states)
        return counts.index_add_(0, x.T.clamp(min=0).flatten(), weight.flatten(0, 1)).T

    def _maximise_emissions(self, counts: Tensor) -> None:
        self.emission.data = normalise_counts(counts, self.emission.data)
