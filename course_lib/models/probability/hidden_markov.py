"""Hidden Markov models: a Markov chain that is not seen, and at every step something that is.

p(x, h) = p(h_1) product over t > 1 of A[h_t-1, h_t] times product over t of p(x_t | h_t); p(x) sums it over all K^T paths,
which the forward pass does in O(T K^2).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.distributions import Categorical
from course_lib.models.inputs import check_count
from course_lib.models.probability import forward_backward as fb
from course_lib.models.probability.markov_chain import PAD, check_probs, check_states, normalise_counts, stationary
from course_lib.models.protocols import ExplicitModel

_SLICE = 2**17  # numbers in one (T, B, K) array of messages; more sequences go a slice at a time: 1 MB stays near the processor
_STEP = 2**12  # but no fewer than this many numbers a time step, where memory allows, or the calls cost more than the sums


class HiddenMarkovModel(ExplicitModel):
    """What hidden Markov models share, whatever they emit (Baum et al. 1970; Rabiner 1989).

    A kind of emission is a subclass that defines `_check`, `_evidence`, `_emit` and the counting of its M-step. Parameters are
    probabilities in double precision: `initial` (K) and `transition` (K, K), A[i, j] = p(next is j | now is i).
    Sequences shorter than T are padded after their end (−1; real numbers −inf): padding contributes nothing.
    """

    noise_size = 1  # uniform numbers that one emission needs

    def __init__(self, *, states: int, length: int, seed: int):
        super().__init__()
        self.states, self.length, self.seed = check_count(states, "states"), check_count(length, "length"), seed
        generator = runtime.generator(seed)
        self.initial = self._parameter(torch.full((states,), 1 / states))
        self.transition = self._parameter(self._rows(states, states, generator))
        self._start(generator)

    @staticmethod
    def _parameter(value: Tensor) -> nn.Parameter:
        return nn.Parameter(value.double(), requires_grad=False)

    @staticmethod
    def _rows(rows: int, columns: int, generator: torch.Generator) -> Tensor:
        """Random rows that sum to 1, no entry near 0: EM never leaves a 0, and twin states never part."""
        weight = 0.5 + torch.rand(rows, columns, generator=generator, dtype=torch.double)
        return weight / weight.sum(1, keepdim=True)

    @abstractmethod
    def _start(self, generator: torch.Generator) -> None:
        """Make the emission's parameters."""

    @abstractmethod
    def _check(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x in the form the other methods take, and where it is not padding, (B, T); ValueError when it is not a batch."""

    @abstractmethod
    def _evidence(self, x: Tensor, valid: Tensor) -> fb.Evidence:
        """p(x_t | h_t) of a checked batch."""

    @abstractmethod
    def _emit(self, h: Tensor, noise: Tensor) -> Tensor:
        """x drawn from p(x_t | h_t), (n, *event_shape), given h (n, T) and noise (n, T, noise_size)."""

    @abstractmethod
    def _count_emissions(self, x: Tensor, weight: Tensor) -> Tensor:
        """Expected sufficient statistics, summed over steps: weight (T, B, K) is gamma, 0 at padding."""

    @abstractmethod
    def _maximise_emissions(self, counts: Tensor) -> None:
        """The M-step of the emission; a state that nothing was given to stays as it is."""

    def _set_chain(self, initial: Tensor | Sequence, transition: Tensor | Sequence) -> None:
        self.initial.data = check_probs(initial, (self.states,), "initial").to(self.initial)
        self.transition.data = check_probs(transition, (self.states, self.states), "transition").to(self.transition)

    def stationary(self) -> Tensor:
        """The hidden chain's stationary distribution, pi A = pi, (K); ValueError when there is more than one."""
        return stationary(self.transition)

    @torch.no_grad()
    def messages(self, x: Tensor) -> fb.Messages:
        """Forward and backward messages of x, time first: see `forward_backward.Messages`."""
        x, valid = self._check(x)
        return fb.smoothed(self.initial, self.transition, self._evidence(x, valid))

    @torch.no_grad()
    def filter(self, x: Tensor) -> Tensor:
        """p(h_t | x_1..t), (B, T, K), what is known as it comes in; 0 at padding."""
        x, valid = self._check(x)
        alpha, _ = fb.filtered(self.initial, self.transition, self._evidence(x, valid))
        return alpha.transpose(0, 1) * valid[..., None]

    def posterior(self, x: Tensor) -> Tensor:
        """p(h_t | x_1..T), (B, T, K), smoothing: what is known in hindsight; 0 at padding. NaN if x is impossible."""
        _, valid = self._check(x)
        return (self.messages(x).gamma.transpose(0, 1)).masked_fill(~valid[..., None], 0.0)

    @torch.no_grad()
    def log_conditionals(self, x: Tensor) -> Tensor:
        """log p(x_t | x_1..t-1) in nats, (B, T), 0 at padding."""
        x, valid = self._check(x)
        return fb.filtered(self.initial, self.transition, self._evidence(x, valid))[1].T

    @torch.no_grad()
    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,), all paths summed; −inf for a sequence that no path can emit."""
        x, valid = self._check(x)
        return torch.cat(
            [fb.filtered(self.initial, self.transition, self._evidence(*part))[1].sum(0) for part in self._slices(x, valid)]
        )

    @torch.no_grad()
    def log_joint(self, x: Tensor, h: Tensor) -> Tensor:
        """log p(x, h) in nats, (B,), of sequences x with hidden paths h (B, T), padded with −1 where x ends."""
        x, valid = self._check(x)
        check_states(h, self.states, "h")
        if h.shape != valid.shape or ((h != PAD) != valid).any():
            raise ValueError(
                f"h has shape {tuple(h.shape)} and must end where x (B, T) = {tuple(valid.shape)} ends: pad it with −1"
            )
        path = h.clamp(min=0)
        emitted = self._evidence(x, valid).log().gather(2, path.T[..., None])[..., 0]  # (T, B)
        moves = self.transition.log()[path[:, :-1], path[:, 1:]].masked_fill(~valid[:, 1:], 0.0)  # (B, T - 1)
        return self.initial.log()[path[:, 0]] + moves.sum(1) + emitted.sum(0)

    @torch.no_grad()
    def viterbi(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The most probable path of each sequence, (B, T) padded with −1, and its log p(x, h) in nats, (B)."""
        x, valid = self._check(x)
        path, log_joint = fb.viterbi(self.initial.log(), self.transition.log(), self._evidence(x, valid).log(), valid.T)
        return path.masked_fill(~valid, PAD), log_joint

    @torch.no_grad()
    def em_step(self, x: Tensor) -> float:
        """One step of Baum-Welch on x; returns the mean log-likelihood in nats per sequence before the step.

        Raises ValueError when some sequence is impossible under the present parameters: nothing could be learnt from it.
        """
        x, valid = self._check(x)
        first, pairs, emissions, total = 0.0, 0.0, 0.0, 0.0
        for part, alive in self._slices(x, valid):
            message = fb.smoothed(self.initial, self.transition, self._evidence(part, alive))
            total += message.log_scale.sum().item()
            weight = message.gamma if alive.all() else message.gamma.masked_fill(~alive.T[..., None], 0.0)
            first, pairs = first + weight[0].sum(0), pairs + message.pairs
            emissions = emissions + self._count_emissions(part, weight)
        if total == -torch.inf:
            raise ValueError("a sequence has probability 0 under this model, so EM cannot learn from it; start without zeros")
        self.initial.data = first / first.sum()
        self.transition.data = normalise_counts(pairs, self.transition.data)
        self._maximise_emissions(emissions)
        return total / len(x)

    def _slices(self, x: Tensor, valid: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        numbers = valid.shape[1] * self.states
        size = max(1, _SLICE // numbers, min(_STEP // self.states, 16 * _SLICE // numbers))
        return zip(x.split(size), valid.split(size), strict=True)

    @torch.no_grad()
    def sample_joint(self, n: int, *, length: int | None = None, generator=None) -> tuple[Tensor, Tensor]:
        """n pairs of a hidden path (n, length) and what it emits, x (n, length, …)."""
        steps = check_count(self.length if length is None else length, "length")
        drawn_on = generator.device if generator is not None else self.initial.device
        noise = torch.rand(check_count(n), steps, 1 + self.noise_size, generator=generator, device=drawn_on).to(self.initial)
        path = [Categorical(probs=self.initial.expand(n, self.states)).from_noise(noise[:, 0, :1])]
        for t in range(1, steps):
            path.append(Categorical(probs=self.transition[path[-1]]).from_noise(noise[:, t, :1]))
        h = torch.stack(path, 1)  # (n, T)
        return h, self._emit(h, noise[..., 1:])

    def sample(self, n: int, *, length: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """n sequences, (n, length, …): first the hidden path is drawn, then what it emits."""
        return self.sample_joint(n, length=length, generator=generator)[1]


class CategoricalHMM(HiddenMarkovModel):
    """Emits one of M symbols: `emission` (K, M), each row p(x | h = k). x is integers (B, T), padded with −1.

    Args:
        states: K.
        symbols: M.
        length: T of the sequences that `sample` makes unless told; other methods take any length.
        seed: of the random rows that EM starts from.
    """

    def __init__(self, *, states: int, symbols: int, length: int, seed: int = 0):
        self.symbols = check_count(symbols, "symbols")
        super().__init__(states=states, length=length, seed=seed)
        self.event_shape = (length,)

    @property
    def parameter_count(self) -> int:
        """Free numbers: of each row that sums to 1, all but one; the initial row among them."""
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
        """Learn from sequences x whose hidden paths h (B, T) are known: counts + smoothing, normalised; returns itself."""
        if not smoothing >= 0:
            raise ValueError(f"smoothing is {smoothing!r}; expected a number of at least 0")
        self.log_joint(x, h)  # checks both
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

    def _check(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return check_states(x, self.symbols), x != PAD

    def _evidence(self, x: Tensor, valid: Tensor) -> fb.Evidence:
        table = torch.cat([self.emission.T, torch.ones_like(self.emission.T[:1])])  # the last row, index −1, is padding
        return fb.Evidence(table[x.T], valid.T)

    def _emit(self, h: Tensor, noise: Tensor) -> Tensor:
        return Categorical(probs=self.emission[h]).from_noise(noise)

    def _count_emissions(self, x: Tensor, weight: Tensor) -> Tensor:
        counts = weight.new_zeros(self.symbols, self.states)
        return counts.index_add_(0, x.T.clamp(min=0).flatten(), weight.flatten(0, 1)).T

    def _maximise_emissions(self, counts: Tensor) -> None:
        self.emission.data = normalise_counts(counts, self.emission.data)
