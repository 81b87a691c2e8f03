"""The variational autoencoder (Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli, DiagonalGaussian, Gaussian
from course_lib.models.inputs import (
    as_parameters,
    check_binary,
    check_count,
    check_counts,
    check_event_shape,
    check_events,
    check_moments,
    check_shape,
    check_some,
)
from course_lib.models.latent.arguments import own_copy, rename_keys
from course_lib.models.latent.objectives import ELBO, Objective
from course_lib.models.latent.priors import NARROWEST, Prior, StandardPrior
from course_lib.models.protocols import LatentVariableModel
from course_lib.nn.blocks import decoder, encoder
from course_lib.nn.dense import dense
from course_lib.runtime import uniform

OUTPUTS = ("bernoulli", "gaussian")
SHARPEST = 1e-3  # least scale of a Gaussian p(x | z), in units of the data's standard deviation
EARLIER = {  # keys of the prior's parameters in earlier checkpoints
    "prior_logits": "prior.logits",
    "prior_mean": "prior.mean",
    "prior_log_scale": "prior.log_scale",
    "prior_examples": "prior.pseudo_inputs",
}


class VAE(LatentVariableModel):
    """p(x, z) = p(z) p(x | z) with one layer of L latent variables, and q(z | x) a diagonal Gaussian from an encoder.

    Args:
        event_shape: shape of one example, D values in all.
        latent: L.
        hidden: sizes of the encoder's hidden layers; the decoder has them in reverse.
        convolutions: for images: the numbers of channels of the convolutions before those layers, each of which halves height
            and width; the decoder ends with as many layers that double both. () has none.
        upsampling: how these layers double: "even", "uneven", "resize" or "sub-pixel" (nn.blocks.upsample).
        activation: of the hidden layers: "tanh", "relu", "silu" or, without convolutions, "gated".
        output: p(x | z): "bernoulli" for values in {0, 1}, "gaussian" for real ones, with one learned scale for all D, which is
            at least a thousandth of `spread`.
        prior: p(z), an object of models.latent.priors; None is StandardPrior().
        objective: what the loss is, an object of models.latent.objectives; None is ELBO().
        mean, spread: mean and standard deviation of the data's values: the encoder reads (x - mean) / spread, and the decoder's
            bias begins at the mean.

    The model keeps a prior and an objective of its own, made from the configurations of those given. `model.prior()` is the
    distribution p(z). `elbo` and `importance_bound` are bounds on log p(x), whatever the objective is.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        latent: int,
        hidden: Sequence[int] = (500, 500),
        convolutions: Sequence[int] = (),
        upsampling: str = "even",
        activation: str = "silu",
        output: str = "bernoulli",
        prior: Prior | None = None,
        objective: Objective | None = None,
        mean: float = 0.0,
        spread: float = 1.0,
    ):
        super().__init__()
        self.event_shape, self.latent = check_event_shape(event_shape), check_count(latent, "latent")
        self.hidden, self.activation = check_counts(hidden, "hidden"), activation
        self.convolutions, self.upsampling = check_counts(convolutions, "convolutions"), upsampling
        if output not in OUTPUTS:
            raise ValueError(f"output is {output!r}; expected one of {OUTPUTS}")
        self.output, binary = output, output == "bernoulli"
        self.mean, self.spread = check_moments(mean, spread, binary=binary)
        self.prior = own_copy(StandardPrior() if prior is None else prior, Prior, "prior", "MixturePrior(components=100)")
        self.objective = own_copy(ELBO() if objective is None else objective, Objective, "objective", "ELBO(beta=4.0)")
        self.objective.check(self.prior)
        self._make_networks()
        begin = self.mean if not binary else math.log(self.mean / (1 - self.mean)) if self.mean else 0.0
        nn.init.constant_([layer for layer in self.decoder.modules() if hasattr(layer, "bias")][-1].bias, begin)
        if not binary:
            self.log_scale = nn.Parameter(torch.zeros(()))  # of p(x | z)
        self.prior.build(self.latent, self.event_shape, self._encode, binary=binary, begin=begin)

    def _make_networks(self) -> None:
        size, shape, ends = math.prod(self.event_shape), self.event_shape, self.convolutions
        if not ends:
            if self.upsampling != "even":
                raise ValueError(f"upsampling is {self.upsampling!r} without convolutions; expected convolutions=(…), or neither")
            self.encoder = dense([size, *self.hidden, 2 * self.latent], self.activation)
            self.decoder = dense([self.latent, *reversed(self.hidden), size], self.activation)
            return
        reads = encoder("convolutional", shape, ends, 2 * self.latent, hidden=self.hidden, activation=self.activation)
        self.encoder = nn.Sequential(nn.Unflatten(1, shape), *reads)
        self.decoder = decoder(
            "convolutional", self.latent, ends[::-1], shape, upsampling=self.upsampling, hidden=self.hidden[::-1],
            activation=self.activation,
        )  # fmt: skip

    def encode(self, x: Tensor) -> DiagonalGaussian:
        """q(z | x) of examples x (B, *event_shape): batch shape (B,), vectors (L)."""
        check = check_binary if self.output == "bernoulli" else check_events
        return self._encode(as_parameters(check(x, self.event_shape), self).flatten(1))

    def _encode(self, flat: Tensor) -> DiagonalGaussian:
        """q(z | x) of flat examples (B, D), which are not checked."""
        numbers = self.encoder((flat - self.mean) / self.spread).to(flat.dtype)  # (B, 2 L), in the data's type under autocast too
        mean, log_scale = numbers.chunk(2, -1)
        return DiagonalGaussian(mean, log_scale.clamp(min=NARROWEST))

    def decode(self, z: Tensor) -> Bernoulli | Gaussian:
        """p(x | z) of latents z (*batch, L): independent values, batch shape (*batch, *event_shape)."""
        if z.shape[-1:] != (self.latent,):
            raise ValueError(f"z has shape {tuple(z.shape)}; expected (…, {self.latent}), one vector of latents per example")
        z = as_parameters(z, self, "z")
        numbers = self.decoder(z.reshape(-1, self.latent)).to(z.dtype)
        numbers = numbers.reshape(*z.shape[:-1], *self.event_shape)  # (*batch, *event_shape)
        if self.output == "bernoulli":
            return Bernoulli(numbers)
        return Gaussian(numbers, self.log_scale.clamp(min=math.log(SHARPEST * self.spread)))

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x | z) in nats, (*batch), of x (B, *event_shape) and z (*batch, L), whose last batch axis is B."""
        numbers = self.decode(z)
        return numbers.log_prob(x.expand(numbers.batch_shape)).flatten(-len(self.event_shape)).sum(-1)

    def infer(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """z (B, L) drawn from q(z | x), and log q(z | x) in nats, (B,)."""
        q = self.encode(x)
        z = q.rsample(generator=generator)
        return z, q.log_prob(z)

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x | z) + log p(z) in nats, (B,), of x (B, *event_shape) and z (B, L)."""
        return self.log_likelihood(check_shape(x, self.event_shape), z) + self.prior().log_prob(z)

    def log_weights(self, x: Tensor, k: int, *, generator: torch.Generator | None = None) -> Tensor:
        """As in the base class, (k, B), but each example is encoded once."""
        q = self.encode(x)
        z = q.rsample((check_count(k, "k"),), generator=generator)  # (k, B, L)
        return self.log_likelihood(x, z) + self.prior().log_prob(z) - q.log_prob(z)

    def parts(self, x: Tensor, *, samples: int | None = None, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The two halves of the ELBO in nats, (B,) each: E log p(x | z), estimated by draws of z, and KL(q(z | x) || p(z)).

        The KL is exact for a standard prior; for another it is estimated by the same draws. samples: draws of z per example;
        None takes as many as the objective.
        """
        likelihood, kl = self.parts_by_coordinate(x, samples=samples, generator=generator)
        return likelihood, kl.sum(-1)

    def parts_by_coordinate(
        self, x: Tensor, *, samples: int | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `parts`, but the KL is (B, L), one number per coordinate, where the prior can give it so; otherwise (B, 1)."""
        q = self.encode(x)
        draws = self.objective.samples if samples is None else check_count(samples, "samples")
        z = q.rsample((draws,), generator=generator)  # (k, B, L)
        return self.log_likelihood(x, z).mean(0), self.prior.kl(q, z)

    def elbo(self, x: Tensor, *, samples: int | None = None, generator: torch.Generator | None = None) -> Tensor:
        """The evidence lower bound in nats, (B,): E log p(x | z) - KL, where the KL has weight 1. samples: as for `parts`."""
        likelihood, kl = self.parts(x, samples=samples, generator=generator)
        return likelihood - kl

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, in nats per example, (): the loss of the objective."""
        return self.objective.loss(self, check_some(x), generator=generator)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples, (n, *event_shape): z from the prior, then x from p(x | z)."""
        z = self.prior().sample((check_count(n),), generator=generator)  # (n, L)
        return self.decode(z).from_noise(uniform((n, *self.event_shape, 1), z, generator).to(z))

    def _load_from_state_dict(self, state_dict, prefix, *others) -> None:
        """Parameters of a prior are also found under the names that they had before the prior was an object: see EARLIER."""
        rename_keys(state_dict, prefix, EARLIER)
        super()._load_from_state_dict(state_dict, prefix, *others)
