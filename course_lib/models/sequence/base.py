"""What every model of sequences of symbols shares: the chain rule in time, and writing one symbol after another.

Sequences are integers (B, T) in 0 … K − 1, padded with −1 after their end; K is the size of the vocabulary. A model takes any
length; `length` is the default of `sample`. The start symbol K stands before the first one.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from course_lib.distributions import Categorical
from course_lib.models.inputs import as_parameters, check_count, check_known
from course_lib.models.probability.markov_chain import PAD, check_states
from course_lib.models.protocols import AutoregressiveModel
from course_lib.runtime import uniform


def temper(logits: Tensor, temperature: float) -> Tensor:
    """Logits (…, K) of the distribution proportional to p^(1 / temperature): below 1 more peaked, above 1 more even.

    Temperature 0 is the limit: all probability is on the most probable symbol, at a tie on the first of them.
    """
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature is {temperature!r}; expected a number of at least 0, such as 0.8; 1 changes nothing")
    if temperature == 0:
        best = torch.zeros_like(logits, dtype=torch.bool).scatter_(-1, logits.argmax(-1, keepdim=True), True)
        return torch.zeros_like(logits).masked_fill(~best, -torch.inf)
    return logits / temperature


def nucleus(logits: Tensor, top_p: float) -> Tensor:
    """Logits (…, K) with −inf outside the nucleus: the fewest symbols whose probabilities reach top_p (Holtzman et al. 2020).

    A softmax of the result renormalises what is left. At a tie the lower symbol stays; one symbol always stays.
    """
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p!r}; expected a probability in (0, 1]; 1 keeps every symbol")
    if top_p == 1:
        return logits
    sorted_probs, index = logits.softmax(-1).sort(dim=-1, descending=True, stable=True)
    before = sorted_probs.cumsum(-1) - sorted_probs  # the probability of all that come earlier
    outside = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, index, before >= top_p)
    return logits.masked_fill(outside, -torch.inf)


class Readout(nn.Linear):
    """The last layer, from features to logits, computed in the type of its weights also under autocast.

    A logit in bfloat16 has three digits: log p(x) of a sequence of 100 symbols would be wrong by about a nat.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Features (…, H) -> logits (…, K)."""
        with torch.autocast(features.device.type, enabled=False):
            return super().forward(features.to(self.weight.dtype))


class SequenceModel(AutoregressiveModel):
    """p(x) = product over t of p(x_t | x_1, …, x_t−1), the same rule at every t.

    A subclass sets `symbols` (K) and `length`, and defines

        logits(x)              (B, T) -> (B, T, K): logits[:, t] of p(x_t | those before), all at once, for training
        initial_state(n)       the state before the first symbol, for n sequences: tensors, nested in any way
        step(symbol, state)    (B,), state -> (B, K), state: the next symbol's logits; the first call takes `start_symbol`

    It inherits all other methods. Both ways give the same numbers.
    """

    symbols: int
    length: int

    @property
    def event_shape(self) -> tuple[int]:
        """(length,): the shape of one example that `sample` draws by default."""
        return (self.length,)

    @property
    def order(self) -> list[int]:
        """0, 1, …, length − 1: the symbols are drawn in the order of time."""
        return list(range(self.length))

    @property
    def start_symbol(self) -> int:
        """K, the symbol that stands before the first."""
        return self.symbols

    def check(self, x: Tensor) -> Tensor:
        """x as int64 if it is integers (B, T) in 0 … K − 1, padded with −1 after the end only; otherwise ValueError."""
        return as_parameters(check_states(x, self.symbols), self)

    def shifted(self, x: Tensor) -> Tensor:
        """What stands before each symbol of x (B, T): the start symbol, then all but the last, (B, T); padding as 0."""
        x = self.check(x)
        return torch.cat([x.new_full((len(x), 1), self.start_symbol), x[:, :-1].clamp(min=0)], 1)

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Logits of p(x_t | x_1, …, x_t−1) for every t in parallel, (B, T, K)."""

    @abstractmethod
    def initial_state(self, n: int) -> Any:
        """The state of n sequences before their first symbol: tensors whose first axis is n, or a nest of them."""

    @abstractmethod
    def step(self, symbol: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Read one symbol (B,), `start_symbol` first; return the logits (B, K) of the next symbol, and the new state."""

    def conditionals(self, x: Tensor) -> Categorical:
        """p(x_t | those before) of every t, batch shape (B, T). At padding they mean nothing: see `log_conditionals`."""
        return Categorical(logits=self.logits(self.check(x)))

    def log_conditionals(self, x: Tensor) -> Tensor:
        """log p(x_t | those before) in nats, (B, T), of sequences x (B, T); 0 at padding."""
        x = self.check(x)
        return Categorical(logits=self.logits(x)).log_prob(x.clamp(min=0)).masked_fill(x == PAD, 0.0)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,): the sum over the sequence's own symbols; padding contributes nothing."""
        return self.log_conditionals(x).sum(1)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Negative log-likelihood in nats per symbol, (), of sequences x (B, T).

        Other explicit models take the mean per example. Here it is a mean over all symbols of the batch: sequences differ in
        length, and a long one counts more than a short one. The gradient points the same way where all lengths are equal.
        """
        x = self.check(x)
        return -self.log_prob(x).sum() / (x != PAD).sum()

    def noise(self, n: int, generator: torch.Generator | None = None, *, length: int | None = None) -> Tensor:
        """Uniform numbers from which n sequences are written, (n, length, 1), in float32 or better."""
        shape = (n, self.length if length is None else length, self.noise_size)
        return uniform(shape, next(self.parameters()), generator)

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
            prompt: (P,) or (n, P), symbols that come first; the result goes on from them and does not repeat them.
            temperature, top_p: see `temper`, then `nucleus`. With values other than 1 the distribution is no longer the model's.
        """
        n, length = check_count(n), check_count(self.length if length is None else length, "length")
        noise = self.noise(n, generator, length=length)
        if prompt is None:
            return self.sample_from_noise(noise, temperature=temperature, top_p=top_p)
        prompt = torch.as_tensor(prompt, device=noise.device)
        prompt = self.check(prompt[None] if prompt.ndim == 1 else prompt)
        if len(prompt) not in (1, n) or (prompt == PAD).any():
            raise ValueError(
                f"prompt has shape {tuple(prompt.shape)}, or is padded with −1; expected (P,) or ({n}, P) without padding: "
                "prompts of one length, or a call for each"
            )
        prompt = prompt.expand(n, -1)
        return self.sample_from_noise(noise, prompt, temperature=temperature, top_p=top_p)[:, prompt.shape[1] :]

    @torch.no_grad()
    def sample_from_noise(
        self,
        noise: Tensor,
        x: Tensor | None = None,
        kept: Tensor | None = None,
        *,
        temperature: float = 1.0,
        top_p: float = 1.0,
    ) -> Tensor:
        """Turn noise (n, T, 1) into symbols, one `step` each: (n, T) as int64.

        With x (n, P), x comes first, and T symbols follow: (n, P + T). With x (n, T) and kept (n,), row b keeps
        its first kept[b] symbols of x, and the rest is drawn: (n, T).
        """
        n, steps = noise.shape[:2]
        offset = 0 if x is None or kept is not None else x.shape[1]
        symbol, state, drawn = torch.full((n,), self.start_symbol, device=noise.device), self.initial_state(n), []
        for t in range(offset + steps):
            logits, state = self.step(symbol, state)
            if t < offset:
                symbol = x[:, t]
            else:
                symbol = Categorical(nucleus(temper(logits, temperature), top_p)).from_noise(noise[:, t - offset])
                symbol = symbol if kept is None else torch.where(t < kept, x[:, t], symbol)
            drawn.append(symbol)
        return torch.stack(drawn, 1)

    @torch.no_grad()
    def complete(self, x: Tensor, known: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Keep x (B, T) where `known`, write the rest: exact, (B, T), when the known symbols come first.

        known: booleans (T,) or (B, T). ValueError where known symbols come after unknown ones. The unknown may hold anything.
        """
        known = check_known(known, x)
        x = self.check(torch.where(known, x, torch.zeros_like(x)))
        if (known[:, 1:] & ~known[:, :-1]).any():
            raise ValueError("known symbols must come first for the completion to be exact: a sequence is written forward only")
        if (x == PAD).any():
            raise ValueError("x is padded with −1 where it is known; expected symbols there: complete sequences of one length")
        return self.sample_from_noise(self.noise(len(x), generator, length=x.shape[1]), x, known.sum(1))
