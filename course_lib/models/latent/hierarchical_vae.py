"""The hierarchical variational autoencoder: latent variables in levels, inferred along a ladder (Sønderby et al. 2016)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli, DiagonalGaussian, precision_weighted
from course_lib.models.inputs import (
    as_parameters,
    check_binary,
    check_count,
    check_counts,
    check_event_shape,
    check_list,
    check_moments,
    check_some,
    check_whole,
)
from course_lib.models.latent.arguments import rename_keys
from course_lib.models.protocols import LatentVariableModel
from course_lib.nn.dense import dense
from course_lib.runtime import standard_normal, uniform

LIMIT = 5.0  # the log of a latent variable's scale lies between -LIMIT and LIMIT
HEAD = 0.1  # the first weights of layers that give means and scales are this share of the usual: levels begin near N(0, 1)
EARLIER = {"evidence.": "heads."}  # keys of parameters in earlier checkpoints
INFERENCES = ("ladder", "upward")
Levels = tuple[Tensor, ...]  # one tensor per level, the lowest (nearest to x) first


class HierarchicalVAE(LatentVariableModel):
    """p(z_L) p(z_L-1 | z_L) … p(z_1 | z_2) p(x | z_1): all factors are Gaussian but the last, which is Bernoulli. Level 0 is z_1.

    A ladder infers from the top down, as the model generates: q(z_l | z_l+1, x) is the renormalised product of two Gaussians, the
    prior p(z_l | z_l+1) and one that the encoder reads from x. "upward" inference takes the encoder's Gaussian alone. With one
    level this is the flat VAE.

    Args:
        event_shape: shape of one example in {0, 1}, D values in all.
        latents: the number of latent variables of each level, the lowest first.
        hidden: for each level, the sizes of the hidden layers between what lies below (x for the lowest level) and this level, on
            the way up; on the way down they are reversed.
        activation: of the hidden layers: "tanh", "relu", "silu" or "gated".
        inference: "ladder" or "upward".
        warm_up: after s training steps the loss weighs the KL by s / warm_up, at most 1; 0 means that the weight is always 1.
        mean, spread: mean and standard deviation of the data's values: the encoder sees (x - mean) / spread, and the decoder's
            bias begins at the mean.

    Buffer: `steps` (), the training steps done before the present one; `before_step` fills it. `elbo` and `importance_bound`
    always give the KL its full weight.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        latents: Sequence[int] = (50, 25),
        hidden: Sequence[Sequence[int]] = ((500, 500), (200,)),
        activation: str = "silu",
        inference: str = "ladder",
        warm_up: int = 0,
        mean: float = 0.0,
        spread: float = 1.0,
    ):
        super().__init__()
        self.event_shape, self.activation, self.inference = check_event_shape(event_shape), activation, inference
        self.warm_up, (self.mean, self.spread) = check_whole(warm_up, "warm_up"), check_moments(mean, spread, binary=True)
        self.latents = check_counts(latents, "latents")
        levels = check_list(hidden, "hidden", "sizes for each level, such as ((500,), (200,))")
        self.hidden = [check_counts(sizes, "hidden of a level") for sizes in levels]
        self._check()
        below = [math.prod(self.event_shape), *(sizes[-1] for sizes in self.hidden)]  # what each level reads
        up = [
            dense([size, *sizes, 2 * latent], activation)
            for size, sizes, latent in zip(below, self.hidden, self.latents, strict=False)
        ]
        self.up = nn.ModuleList(net[:-1] for net in up)
        self.heads = nn.ModuleList(net[-1] for net in up)
        made = [below[0], *(2 * latent for latent in self.latents)]  # outputs of each level's network down
        self.down = nn.ModuleList(
            dense([latent, *reversed(sizes), size], activation)
            for latent, sizes, size in zip(self.latents, self.hidden, made, strict=False)
        )
        with torch.no_grad():
            self.down[0][-1].bias.fill_(math.log(self.mean / (1 - self.mean)) if self.mean else 0.0)
            for head in (*self.heads, *(net[-1] for net in list(self.down)[1:])):
                head.weight.mul_(HEAD)
                head.bias.zero_()
        self.register_buffer("zero", torch.zeros(self.latents[-1]), persistent=False)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def _check(self) -> None:
        if not self.latents or len(self.latents) != len(self.hidden) or not all(self.hidden):
            raise ValueError(
                f"latents are {self.latents} and hidden is {self.hidden}; expected a size and a list of sizes for each level"
            )
        if self.inference not in INFERENCES:
            raise ValueError(f"inference is {self.inference!r}; expected one of {INFERENCES}")

    @property
    def depth(self) -> int:
        """L, the number of levels."""
        return len(self.latents)

    @torch.no_grad()
    def before_step(self, batch: Tensor, steps: int) -> None:
        """Prepare for a training step, `steps` of which have been done before it: they decide the weight of the KL in `loss`."""
        self.steps.fill_(check_whole(steps, "steps"))

    @property
    def kl_weight(self) -> Tensor:
        """The weight of the KL in the loss of the present training step, in [0, 1]: (), on the model's device."""
        steps = self.steps.to(self.zero.dtype)
        return (steps / self.warm_up).clamp(max=1.0) if self.warm_up else torch.ones_like(steps)

    def read(self, x: Tensor) -> list[DiagonalGaussian]:
        """For each level l, the Gaussian over vectors (latents[l]) that the encoder alone gives, from x (B, *event_shape)."""
        x = as_parameters(check_binary(x, self.event_shape), self)
        h, found = (x.flatten(1) - self.mean) / self.spread, []
        for up, head in zip(self.up, self.heads, strict=True):
            h = up(h)
            found.append(_gaussian(head(h), x.dtype))
        return found

    def prior(self, level: int, above: Tensor | None = None) -> DiagonalGaussian:
        """p(z_l | z_l+1) for a level, given z_l+1 (*batch, latents[l + 1]); N(0, 1) at the top, which takes none."""
        if level == self.depth - 1:
            return DiagonalGaussian(self.zero, self.zero)
        return _gaussian(self.down[level + 1](above), above.dtype)

    def decode(self, lowest: Tensor) -> Bernoulli:
        """p(x | z_1) of z_1 (*batch, latents[0]): independent values, batch shape (*batch, *event_shape)."""
        if lowest.shape[-1:] != (self.latents[0],):
            raise ValueError(f"z_1 has shape {tuple(lowest.shape)}; expected (…, {self.latents[0]})")
        return Bernoulli(self.down[0](lowest).to(lowest.dtype).unflatten(-1, self.event_shape))

    def descend(self, x: Tensor, *, draws: Sequence[int] = (), generator: torch.Generator | None = None):
        """One draw of every level, from the top down: tuples, the lowest first, of z_l, q(z_l | z_l+1, x) and p(z_l | z_l+1).

        draws: shape before the axis of the batch, when each example is to have several z; z_l is (*draws, B, latents[l]).
        """
        from_x, above, drawn = self.read(x), None, []
        for level in reversed(range(self.depth)):
            prior, q = self.prior(level, above), from_x[level]
            if above is None:
                above = q.rsample(draws, generator=generator)
            else:  # q is of shape (*draws, B) from here on
                q = (
                    precision_weighted(q, prior)
                    if self.inference == "ladder"
                    else DiagonalGaussian(q.mean.expand(*above.shape[:-1], -1), q.log_scale)
                )
                above = q.rsample(generator=generator)
            drawn.append((above, q, prior))
        return tuple(zip(*reversed(drawn), strict=True))

    def infer(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Levels, Tensor]:
        """z (a tuple, the lowest first) drawn from q(z | x), and log q(z | x) in nats, (B,)."""
        z, q, _ = self.descend(x, generator=generator)
        return z, sum(each.log_prob(value) for each, value in zip(q, z, strict=True))

    def log_joint(self, x: Tensor, z: Levels) -> Tensor:
        """log p(x | z_1) + sum over the levels of log p(z_l | z_l+1) in nats, (B,)."""
        levels = [
            self.prior(level, above).log_prob(value) for level, (value, above) in enumerate(zip(z, (*z[1:], None), strict=True))
        ]
        return self.log_likelihood(check_binary(x, self.event_shape), z[0]) + sum(levels)

    def log_likelihood(self, x: Tensor, lowest: Tensor) -> Tensor:
        """log p(x | z_1) in nats, (*draws, B), of x (B, *event_shape) and z_1 (*draws, B, latents[0])."""
        pixels = self.decode(lowest)
        return pixels.log_prob(x.expand(pixels.batch_shape)).flatten(-len(self.event_shape)).sum(-1)

    def log_weights(self, x: Tensor, k: int, *, generator: torch.Generator | None = None) -> Tensor:
        """As in the base class, (k, B), but the encoder reads each example once."""
        z, q, prior = self.descend(x, draws=(check_count(k, "k"),), generator=generator)
        levels = [p.log_prob(value) - each.log_prob(value) for value, each, p in zip(z, q, prior, strict=True)]
        return self.log_likelihood(x, z[0]) + sum(levels)

    def parts(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The ELBO's parts in nats by one draw per level: log p(x | z_1), (B,), and the KL of each level, (B, L), lowest first.

        The KL of level l is KL(q(z_l | z_l+1, x) || p(z_l | z_l+1)), in closed form, at the z_l+1 drawn above it.
        """
        z, q, prior = self.descend(x, generator=generator)
        return self.log_likelihood(x, z[0]), torch.stack([each.kl(expected) for each, expected in zip(q, prior, strict=True)], 1)

    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The evidence lower bound in nats, (B,): log p(x | z_1) by one draw, minus the KL of all levels."""
        likelihood, kl = self.parts(x, generator=generator)
        return likelihood - kl.sum(1)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, in nats per example, (): the KL times `kl_weight`, minus log p(x | z_1)."""
        likelihood, kl = self.parts(check_some(x), generator=generator)
        return self.kl_weight * kl.sum(1).mean() - likelihood.mean()

    def noise(self, n: int, generator: torch.Generator | None = None) -> Levels:
        """Standard normal numbers from which n z are made, (n, latents[l]) for each level, the lowest first; drawn top down."""
        drawn = [standard_normal((n, size), self.zero, generator) for size in reversed(self.latents)]
        return tuple(reversed(drawn))

    def from_noise(self, noise: Levels) -> Levels:
        """Noise of every level -> z: at each level the prior's mean plus its scale times the noise, from the top down."""
        z: list[Tensor] = []
        for level in reversed(range(self.depth)):
            prior = self.prior(level, z[-1] if z else None)
            z.append(prior.mean + prior.scale * noise[level])
        return tuple(reversed(z))

    def noise_of(self, z: Levels) -> Levels:
        """The noise from which `from_noise` makes z: how far each level lies from what the level above expects."""
        priors = [self.prior(level, above) for level, above in enumerate((*z[1:], None))]
        return tuple((value - prior.mean) / prior.scale for value, prior in zip(z, priors, strict=True))

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples, (n, *event_shape): the levels from the top down, then x from p(x | z_1)."""
        z = self.from_noise(self.noise(check_count(n), generator))
        return self.decode(z[0]).from_noise(uniform((n, *self.event_shape, 1), z[0], generator).to(z[0]))

    def _load_from_state_dict(self, state_dict, prefix, *others) -> None:
        """Parameters are also found under the names of earlier checkpoints: see EARLIER."""
        rename_keys(state_dict, prefix, EARLIER)
        super()._load_from_state_dict(state_dict, prefix, *others)


def _gaussian(numbers: Tensor, dtype: torch.dtype) -> DiagonalGaussian:
    """Means and logs of scales side by side, (…, 2 L), as Gaussians over vectors (L), in this type under autocast too.

    The logs are bounded to ± LIMIT: while the KL hardly counts, nothing else keeps a scale from shrinking to 0.
    """
    mean, log_scale = numbers.to(dtype).chunk(2, -1)
    return DiagonalGaussian(mean, LIMIT * torch.tanh(log_scale / LIMIT))
