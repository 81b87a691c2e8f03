"""What every hidden Markov model shares: a hidden Markov chain, and one observation at every step.

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

_SLICE = 2**17  # numbers in one (T, B, K) array of messages: 1 MB stays in a processor's cache, so sequences go in slices
_STEP = 2**12  # a slice has at least this many numbers per time step, where memory allows: fewer leave the arithmetic idle
_GPU_SLICE = 2**26  # the same on a GPU, which has no such cache and wants few large calls: 512 MB per array


class HiddenMarkovModel(ExplicitModel):
    """What hidden Markov models share, whatever they emit (Baum et al. 1970; Rabiner 1989).

    A kind of emission is a subclass that defines `_checked`, `_emitted`, `_emit` and the counting of its M-step. Parameters are
    probabilities in double precision: `initial` (K) and `transition` (K, K), A[i, j] = p(next is j | now is i). EM sets them, and
    they need no gradient; after `requires_grad_()`, `log_prob` is differentiable in all that are not exactly 0.
    Sequences shorter than T are padded after their end (−1; real numbers −inf): padding contributes nothing.
    """

    noise_size = 1  # uniform numbers that one emission needs

    def __init__(self, *, states: int, length: int, seed: int):
        super().__init__()
        self.states, self.length = check_count(states, "states"), check_count(length, "length")
        self.seed = runtime.check_index(seed, "seed")
        generator, K = runtime.generator(self.seed), self.states
        self.initial = self._parameter(torch.full((K,), 1 / K))
        self.transition = self._parameter(self._rows(K, K, generator))
        self._start(generator)

    @staticmethod
    def _parameter(value: Tensor) -> nn.Parameter:
        return nn.Parameter(value.double(), requires_grad=False)

    @staticmethod
    def _rows(rows: int, columns: int, generator: torch.Generator) -> Tensor:
        """Random rows that sum to 1, no entry near 0: EM never changes a 0, and two equal states would always stay equal."""
        weight = 0.5 + torch.rand(rows, columns, generator=generator, dtype=torch.double)
        return weight / weight.sum(1, keepdim=True)

    @abstractmethod
    def _start(self, generator: torch.Generator) -> None:
        """Make the emission's parameters."""

    @abstractmethod
    def _checked(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x in the form the other methods take, and where it is not padding, (B, T); ValueError when it is not a batch."""

    @abstractmethod
    def _emitted(self, x: Tensor, valid: Tensor) -> fb.Emitted:
        """p(x_t | h_t) of a checked batch x, where valid (B, T) says what is not padding."""

    @abstractmethod
    def _emit(self, h: Tensor, noise: Tensor) -> Tensor:
        """x drawn from p(x_t | h_t), (n, *event_shape), given h (n, T) and noise (n, T, noise_size)."""

    @abstractmethod
    def _count_emissions(self, x: Tensor, weight: Tensor) -> Tensor:
        """Expected sufficient statistics, summed over steps: weight (T, B, K) is gamma, 0 at padding."""

    @abstractmethod
    def _maximise_emissions(self, counts: Tensor) -> None:
        """The M-step of the emission; a state of weight 0 stays as it is."""

    def _set_chain(self, initial: Tensor | Sequence, transition: Tensor | Sequence) -> None:
        self.initial.data = check_probs(initial, (self.states,), "initial").to(self.initial)
        self.transition.data = check_probs(transition, (self.states, self.states), "transition").to(self.transition)

    def check(self, x: Tensor) -> Tensor:
        """x if it is a batch of sequences that this model can emit, (B, T, …); symbols as int64. Otherwise ValueError."""
        return self._checked(x)[0].reshape(x.shape)

    def stationary(self) -> Tensor:
        """The hidden chain's stationary distribution, pi A = pi, (K); ValueError when there is more than one."""
        return stationary(self.transition)

    @torch.no_grad()
    def messages(self, x: Tensor) -> fb.Messages:
        """Forward and backward messages of x (B, T, …), time first: see `forward_backward.Messages`."""
        x, valid = self._checked(x)
        return fb.smoothed(self.initial, self.transition, self._emitted(x, valid))

    @torch.no_grad()
    def filter(self, x: Tensor) -> Tensor:
        """p(h_t | x_1..t), (B, T, K), of sequences x (B, T, …): given the steps up to t; 0 at padding."""
        x, valid = self._checked(x)
        alpha, _ = fb.filtered(self.initial, self.transition, self._emitted(x, valid))
        return alpha.transpose(0, 1) * valid[..., None]

    def posterior(self, x: Tensor) -> Tensor:
        """p(h_t | x_1..T), (B, T, K), of sequences x (B, T, …): given all steps (smoothing); 0 at padding.

        The result is NaN for a sequence that is impossible.
        """
        _, valid = self._checked(x)
        return (self.messages(x).gamma.transpose(0, 1)).masked_fill(~valid[..., None], 0.0)

    def log_conditionals(self, x: Tensor) -> Tensor:
        """log p(x_t | x_1..t-1) in nats, (B, T), of sequences x (B, T, …); 0 at padding."""
        return self._log_scale(*self._checked(x)).T

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,), all paths summed; −inf for a sequence that no path can emit."""
        return torch.cat([self._log_scale(*part).sum(0) for part in self._slices(*self._checked(x))])

    def _log_scale(self, x: Tensor, valid: Tensor) -> Tensor:
        """log p(x_t | x_1..t-1) in nats of a checked batch, (T, B): in logarithms where a gradient is asked for."""
        emitted = self._emitted(x, valid)
        asked = any(t.requires_grad for t in (self.initial, self.transition, emitted.likelihood))
        if not (asked and torch.is_grad_enabled()):
            return fb.filtered(self.initial, self.transition, emitted)[1]
        log_scale = fb.forward_log(self.initial.log(), self.transition.log(), emitted.log())[1]
        return log_scale.masked_fill(~emitted.valid, 0.0)

    @torch.no_grad()
    def log_joint(self, x: Tensor, h: Tensor) -> Tensor:
        """log p(x, h) in nats, (B,), of sequences x with hidden paths h (B, T), padded with −1 where x ends."""
        x, valid = self._checked(x)
        h = check_states(h, self.states, "h")
        if h.shape != valid.shape or ((h != PAD) != valid).any():
            raise ValueError(
                f"h has shape {tuple(h.shape)} and must end where x (B, T) = {tuple(valid.shape)} ends: pad it with −1"
            )
        path = h.clamp(min=0)
        emitted = self._emitted(x, valid).log().gather(2, path.T[..., None])[..., 0]  # (T, B)
        moves = self.transition.log()[path[:, :-1], path[:, 1:]].masked_fill(~valid[:, 1:], 0.0)  # (B, T - 1)
        return self.initial.log()[path[:, 0]] + moves.sum(1) + emitted.sum(0)

    @torch.no_grad()
    def viterbi(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The most probable path of each sequence, (B, T) padded with −1, and its log p(x, h) in nats, (B)."""
        x, valid = self._checked(x)
        path, log_joint = fb.viterbi(self.initial.log(), self.transition.log(), self._emitted(x, valid).log(), valid.T)
        return path.masked_fill(~valid, PAD), log_joint

    @torch.no_grad()
    def em_step(self, x: Tensor) -> Tensor:
        """One step of Baum-Welch on sequences x (B, T, …), on any device: the mean log-likelihood before the step, ().

        The likelihood is in nats per sequence. ValueError when some sequence is impossible under the present parameters: nothing
        could be learnt from it.
        """
        x, valid = self._checked(x.to(self.initial.device) if isinstance(x, Tensor) and not x.is_meta else x)
        first, pairs, emissions, total = 0.0, 0.0, 0.0, 0.0
        for part, alive in self._slices(x, valid):
            message = fb.smoothed(self.initial, self.transition, self._emitted(part, alive))
            total = total + message.log_scale.sum()
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
        """The checked batch, as many sequences at a time as this kind of device works on best."""
        numbers = valid.shape[1] * self.states
        size = max(1, _SLICE // numbers, min(_STEP // self.states, 16 * _SLICE // numbers))
        if valid.device.type != "cpu":
            size = max(1, _GPU_SLICE // numbers)
        return zip(x.split(size), valid.split(size), strict=True)

    @torch.no_grad()
    def sample_joint(
        self, n: int, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """n pairs of a hidden path (n, length) and what it emits, x (n, length, …); length None is the model's own."""
        n, steps = check_count(n), check_count(self.length if length is None else length, "length")
        in_float32 = torch.empty(0, device=self.initial.device)
        noise = runtime.uniform((n, steps, 1 + self.noise_size), in_float32, generator).to(self.initial)
        path = [Categorical(probs=self.initial.expand(n, self.states)).from_noise(noise[:, 0, :1])]
        for t in range(1, steps):
            path.append(Categorical(probs=self.transition[path[-1]]).from_noise(noise[:, t, :1]))
        h = torch.stack(path, 1)  # (n, T)
        return h, self._emit(h, noise[..., 1:])

    def sample(self, n: int, *, length: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """n sequences, (n, length, …): first the hidden path is drawn, then what it emits; length None is the model's own."""
        return self.sample_joint(n, length=length, generator=generator)[1]
