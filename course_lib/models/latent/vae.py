"""The variational autoencoder (Kingma & Welling 2014; Rezende, Mohamed & Wierstra 2014)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Bernoulli, DiagonalGaussian, DiagonalGaussianMixture, Gaussian
from course_lib.models.inputs import check_binary, check_count, check_event_shape, check_events, check_shape
from course_lib.models.protocols import LatentVariableModel
from course_lib.nn.blocks import decoder, encoder
from course_lib.nn.dense import dense

OUTPUTS = ("bernoulli", "gaussian")
NARROWEST = -10.0  # log_scale of q: in single precision a narrower draw could not be told from its mean
PRIORS = ("standard", "mixture", "encoded")


class VAE(LatentVariableModel):
    """p(x, z) = p(z) p(x | z) with one layer of L latent variables, and q(z | x) a diagonal Gaussian from an encoder.

    Args:
        event_shape: shape of one example, D values in all.
        latent: L.
        hidden: sizes of the encoder's hidden layers; the decoder has them in reverse.
        convolutions: for images: features of the convolutions before those layers, each of which halves height and width;
            the decoder ends with their transposes. () has none.
        activation: of the hidden layers: "tanh", "relu", "silu" or, without convolutions, "gated".
        output: p(x | z): "bernoulli" for values in {0, 1}, "gaussian" for real ones, with one scale for all D, learned.
        beta: weight of the KL in the loss (Higgins et al. 2017, eq. 4); 1 makes the loss a bound. May be changed in training.
        samples: k, draws of z an example in the loss.
        iwae: train the importance bound of k draws instead of the ELBO (Burda et al. 2016); takes beta = 1.
        free_nats: nats of KL, for each latent variable in the batch's mean, that the loss does not count (Kingma et al. 2016).
        prior_kind: "standard", N(0, 1); "mixture", of Gaussians with learned means, scales and weights; "encoded", a mixture of
            q(z | u) over learned examples u (Tomczak & Welling 2018, eq. 9).
        components: of the prior's mixture.
        mean, spread: of the data: what the encoder reads is (x - mean) / spread, and the decoder's bias begins at the mean.

    `elbo` and `importance_bound` never contain beta or free_nats: they are bounds on log p(x), however the model was trained.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        latent: int,
        hidden: Sequence[int] = (500, 500),
        convolutions: Sequence[int] = (),
        activation: str = "silu",
        output: str = "bernoulli",
        beta: float = 1.0,
        samples: int = 1,
        iwae: bool = False,
        free_nats: float = 0.0,
        prior_kind: str = "standard",
        components: int = 100,
        mean: float = 0.0,
        spread: float = 1.0,
    ):
        super().__init__()
        self.event_shape, self.latent = check_event_shape(event_shape), check_count(latent, "latent")
        self.hidden, self.activation = [check_count(size, "hidden") for size in hidden], activation
        self.convolutions = [check_count(features, "convolutions") for features in convolutions]
        self.output, self.beta, self.samples, self.iwae = output, beta, check_count(samples, "samples"), iwae
        self.free_nats, self.components = free_nats, check_count(components, "components")
        self.mean, self.spread = mean, spread
        self.prior_kind = prior_kind
        self._check()
        self._make_networks()
        at_first = mean if output == "gaussian" else math.log(mean / (1 - mean)) if mean else 0.0
        nn.init.constant_(self.decoder[-1].bias, at_first)
        if output == "gaussian":
            self.log_scale = nn.Parameter(torch.zeros(()))  # of p(x | z)
        self._make_prior(at_first)

    def _check(self) -> None:
        if self.output not in OUTPUTS:
            raise ValueError(f"output is {self.output!r}; expected one of {OUTPUTS}")
        if self.prior_kind not in PRIORS:
            raise ValueError(f"prior_kind is {self.prior_kind!r}; expected one of {PRIORS}")
        if self.iwae and (self.beta != 1 or self.free_nats):
            raise ValueError(f"the importance bound has no KL to weigh; got beta {self.beta} and free_nats {self.free_nats}")
        if self.free_nats and self.prior_kind != "standard":
            raise ValueError(f"free_nats counts the KL by coordinate, which takes prior_kind 'standard'; got {self.prior_kind!r}")
        if self.output == "bernoulli" and not 0 <= self.mean < 1:
            raise ValueError(f"mean is {self.mean}; expected the mean of binary data, in [0, 1)")

    def _make_networks(self) -> None:
        size, shape, ends = math.prod(self.event_shape), self.event_shape, self.convolutions
        if not ends:
            self.encoder = dense([size, *self.hidden, 2 * self.latent], self.activation)
            self.decoder = dense([self.latent, *reversed(self.hidden), size], self.activation)
            return
        reads = encoder("convolutional", shape, ends, 2 * self.latent, hidden=self.hidden, activation=self.activation)
        self.encoder = nn.Sequential(nn.Unflatten(1, shape), *reads)
        self.decoder = decoder(
            "convolutional", self.latent, ends[::-1], shape, hidden=self.hidden[::-1], activation=self.activation
        )

    def _make_prior(self, at_first: float) -> None:
        if self.prior_kind == "standard":
            self.register_buffer("zero", torch.zeros(self.latent), persistent=False)
            return
        self.prior_logits = nn.Parameter(torch.zeros(self.components))
        if self.prior_kind == "mixture":
            self.prior_mean = nn.Parameter(torch.randn(self.components, self.latent))
            self.prior_log_scale = nn.Parameter(torch.zeros(self.components, self.latent))
        else:  # where x is binary, the logits of examples in (0, 1)
            self.prior_examples = nn.Parameter(at_first + torch.randn(self.components, math.prod(self.event_shape)))

    def prior(self) -> DiagonalGaussian | DiagonalGaussianMixture:
        """p(z), over vectors (L)."""
        if self.prior_kind == "standard":
            return DiagonalGaussian(self.zero, self.zero)
        if self.prior_kind == "mixture":
            return DiagonalGaussianMixture(self.prior_logits, self.prior_mean, self.prior_log_scale)
        examples = self.prior_examples.sigmoid() if self.output == "bernoulli" else self.prior_examples
        q = self._encode(examples)
        return DiagonalGaussianMixture(self.prior_logits, q.mean, q.log_scale)

    def encode(self, x: Tensor) -> DiagonalGaussian:
        """q(z | x) of examples x (B, *event_shape): batch shape (B,), vectors (L)."""
        check = check_binary if self.output == "bernoulli" else check_events
        return self._encode(check(x, self.event_shape).flatten(1))

    def _encode(self, flat: Tensor) -> DiagonalGaussian:
        mean, log_scale = (
            self.encoder((flat - self.mean) / self.spread).to(flat.dtype).chunk(2, -1)
        )  # (B, L) each; float32 under autocast too
        return DiagonalGaussian(mean, log_scale.clamp(min=NARROWEST))

    def decode(self, z: Tensor) -> Bernoulli | Gaussian:
        """p(x | z) of latents z (*batch, L): independent values, batch shape (*batch, *event_shape)."""
        if z.shape[-1:] != (self.latent,):
            raise ValueError(f"z has shape {tuple(z.shape)}; expected (…, {self.latent}), one vector of latents an example")
        numbers = self.decoder(z.reshape(-1, self.latent)).to(z.dtype)
        numbers = numbers.reshape(*z.shape[:-1], *self.event_shape)  # (*batch, *event_shape)
        return Bernoulli(numbers) if self.output == "bernoulli" else Gaussian(numbers, self.log_scale)

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
        """As the base class says, (k, B), but each example is encoded once."""
        q = self.encode(x)
        z = q.rsample((check_count(k, "k"),), generator=generator)  # (k, B, L)
        return self.log_likelihood(x, z) + self.prior().log_prob(z) - q.log_prob(z)

    def parts(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """The two halves of the ELBO in nats, (B,) each: E log p(x | z) by `samples` draws, and KL(q(z | x) || p(z)).

        The KL is exact for the standard prior; for a mixture it is estimated by the same draws.
        """
        likelihood, kl = self._parts(x, generator)
        return likelihood, kl.sum(-1)

    def _parts(self, x: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """As `parts`, but the KL is (B, L), coordinate by coordinate, where the prior has it so, and (B, 1) elsewhere."""
        q, prior = self.encode(x), self.prior()
        z = q.rsample((self.samples,), generator=generator)  # (k, B, L)
        likelihood = self.log_likelihood(x, z).mean(0)
        if self.prior_kind == "standard":
            return likelihood, q.kl_by_coordinate(prior)
        return likelihood, (q.log_prob(z) - prior.log_prob(z)).mean(0)[:, None]

    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The evidence lower bound in nats, (B,): E log p(x | z) - KL, by `samples` draws; beta is 1 here."""
        likelihood, kl = self.parts(x, generator=generator)
        return likelihood - kl

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, in nats, (): beta KL - E log p(x | z), or minus the importance bound."""
        if self.iwae:
            return -self.importance_bound(x, self.samples, generator=generator, chunk=self.samples * len(x)).mean()
        likelihood, kl = self._parts(x, generator)
        kl = kl.mean(0)  # by coordinate; drawn, not computed, when the prior is a mixture: then it may be negative
        counted = kl.clamp(min=self.free_nats) if self.free_nats else kl
        return self.beta * counted.sum() - likelihood.mean()

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n examples, (n, *event_shape): z from the prior, then x from p(x | z)."""
        z = self.prior().sample((check_count(n),), generator=generator)  # (n, L)
        drawn_on = generator.device if generator is not None else z.device
        noise = torch.rand(n, *self.event_shape, 1, generator=generator, device=drawn_on).to(z)
        return self.decode(z).from_noise(noise)
