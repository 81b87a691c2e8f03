"""What every model of sequences of symbols shares: the chain rule in time, and writing one symbol after another.

Sequences are integers (B, T) in 0 … K − 1, padded with −1 after their end. A model takes any length; `length` is what `sample`
makes unless told. Before the first symbol every model is given the start symbol K: "nothing is known yet".
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from course_lib.distributions import Categorical
from course_lib.models.inputs import check_count
from course_lib.models.probability.markov_chain import PAD, check_states
from course_lib.models.protocols import AutoregressiveModel


def temper(logits: Tensor, temperature: float) -> Tensor:
    """Logits (…, K) of the distribution proportional to p^(1 / temperature): below 1 bolder, above 1 more even.

    Temperature 0 is the limit: all probability on the most probable symbol (the first of them, at a tie).
    """
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature is {temperature!r}; expected a number of at least 0, such as 0.8; 1 changes nothing")
    if temperature == 0:
        best = torch.zeros_like(logits, dtype=torch.bool).scatter_(-1, logits.argmax(-1, keepdim=True), True)
        return torch.zeros_like(logits).masked_fill(~best, -torch.inf)
    return logits / temperature


def nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Logits (…, K) with −inf outside the nucleus: the fewest symbols whose probabilities reach top_p (Holtzman et al. 2020).

    The rest is renormalised by whoever takes the softmax. At a tie the lower symbol stays; one symbol always stays.
    """
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p!r}; expected a probability in (0, 1]; 1 keeps every symbol")
    if top_p == 1:
        return logits
    sorted_probs, index = logits.softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = sorted_probs.cumsum(-1) - sorted_probs  # the probability of all that come earlier
    outside = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, index, before >= top_p)
    return logits.masked_fill(outside, -torch.inf)


class SequenceModel(AutoregressiveModel):
    """p(x) = product over t of p(x_t | x_1, …, x_t−1), the same rule at every t.

    A subclass sets `states` (K) and `length`, and defines

        logits(x)              (B, T) -> (B, T, K): logits[:, t] of p(x_t | those before), all at once, for training
        initial_state(n)       what it carries before the first symbol, for n sequences: tensors in any nest
        step(symbol, state)    (B,), state -> (B, K), state: the next symbol's logits; the first symbol given is `start`

    From these follow all others. Both ways give the same numbers.
    """

    states: int
    length: int

    @property
    def event_shape(self) -> tuple[int]:
        """(length,): what `sample` makes unless told."""
        return (self.length,)

    @property
    def order(self) -> list[int]:
        """Time runs forward."""
        return list(range(self.length))

    @property
    def start(self) -> int:
        """K, the symbol that stands before the first."""
        return self.states

    def check(self, x: Tensor) -> Tensor:
        """x if it is integers (B, T) in 0 … K − 1, padded with −1 after the end only."""
        return check_states(x, self.states)

    def shifted(self, x: Tensor) -> Tensor:
        """What is given when x (B, T) is to be said: the start symbol, then all but the last, (B, T); padding as 0."""
        return torch.cat([x.new_full((len(x), 1), self.start), x[:, :-1].clamp(min=0)], 1)

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Logits of p(x_t | x_1, …, x_t−1) for every t in parallel, (B, T, K)."""

    @abstractmethod
    def initial_state(self, n: int) -> Any:
        """What is carried before the first symbol of n sequences."""

    @abstractmethod
    def step(self, symbol: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Take in one symbol (B,), `start` first; give the next one's logits (B, K) and what is carried on."""

    def conditionals(self, x: Tensor) -> Categorical:
        """p(x_t | those before) of every t, batch shape (B, T). At padding they mean nothing: see `log_conditionals`."""
        return Categorical(logits=self.logits(self.check(x)))

    def log_conditionals(self, x: Tensor) -> Tensor:
        """log p(x_t | those before) in nats, (B, T), 0 at padding."""
        return self.conditionals(x).log_prob(x.clamp(min=0)).masked_fill(x == PAD, 0.0)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,): the sum over the sequence's own symbols; padding contributes nothing."""
        return self.log_conditionals(x).sum(1)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Nats per symbol, (): a mean over all symbols of the batch, so that long sequences weigh more than short ones."""
        return -self.log_prob(x).sum() / (x != PAD).sum()

    def noise(self, n: int, generator: torch.Generator | None = None, *, length: int | None = None) -> Tensor:
        """Uniform numbers from which n sequences are written, (n, length, 1)."""
        weight = next(self.parameters())
        drawn_on = generator.device if generator is not None else weight.device
        dtype = torch.promote_types(weight.dtype, torch.float32)
        shape = (n, self.length if length is None else length, self.noise_size)
        return torch.rand(shape, generator=generator, device=drawn_on, dtype=dtype).to(weight.device)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        *,
        length: int | None = None,
        prompt: Tensor | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        """n sequences written symbol by symbol, (n, length).

        Args:
            length: how many symbols; None is the model's own `length`.
            prompt: (P,) or (n, P), what has been said already; the result goes on from it and does not repeat it.
            temperature, top_p: as `temper`, then `nucleus`. Other values than 1 draw from another distribution than the model's.
        """
        noise = self.noise(check_count(n), generator, length=check_count(self.length if length is None else length, "length"))
        if prompt is None:
            return self.sample_from_noise(noise, temperature=temperature, top_p=top_p)
        prompt = self.check(prompt if prompt.ndim == 2 else prompt[None]).expand(n, -1)
        if (prompt == PAD).any():
            raise ValueError("prompt is padded with −1; expected prompts of one length: write on from them one at a time")
        return self.sample_from_noise(noise, prompt, temperature=temperature, top_p=top_p)[:, prompt.shape[1] :]

    @torch.no_grad()
    def sample_from_noise(
        self,
        noise: Tensor,
        x: Tensor | None = None,
        start: Tensor | None = None,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
    ) -> Tensor:
        """Turn noise (n, T, 1) into symbols, one `step` each.

        x: (n, P) comes first and is kept, T more follow: (n, P + T). With start (n,) as well, P = T, row b keeps its first
        start[b] symbols of x, and the rest is drawn: (n, T).
        """
        n, steps = noise.shape[:2]
        offset = 0 if x is None or start is not None else x.shape[1]
        symbol, state, drawn = torch.full((n,), self.start, device=noise.device), self.initial_state(n), []
        for t in range(offset + steps):
            logits, state = self.step(symbol, state)
            if t < offset:
                symbol = x[:, t]
            else:
                symbol = Categorical(nucleus(temper(logits, temperature), top_p)).from_noise(noise[:, t - offset])
                symbol = symbol if start is None else torch.where(t < start, x[:, t], symbol)
            drawn.append(symbol)
        return torch.stack(drawn, 1)

    @torch.no_grad()
    def complete(self, x: Tensor, known: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Keep x (B, T) where `known`, write the rest: exact, (B, T), when the known symbols come first.

        known: booleans (T,) or (B, T). Known symbols that come after unknown ones raise. The unknown may hold anything.
        """
        if known.dtype != torch.bool or tuple(known.shape) not in (tuple(x.shape[1:]), tuple(x.shape)):
            raise ValueError(f"known is {known.dtype} of shape {tuple(known.shape)}; expected booleans of shape {tuple(x.shape)}")
        known = known.expand(x.shape)
        if (known[:, 1:] & ~known[:, :-1]).any():
            raise ValueError("known symbols must come first for the completion to be exact: a sequence is written forward only")
        x = self.check(torch.where(known, x, torch.zeros_like(x)))
        if (x == PAD).any():
            raise ValueError("x is padded with −1 where it is known; expected symbols there: complete sequences of one length")
        return self.sample_from_noise(self.noise(len(x), generator, length=x.shape[1]), x, known.sum(1))
