"""M2: a variational autoencoder whose class is one of its hidden causes, so that unlabelled examples teach a classifier."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.distributions import Bernoulli, Categorical, DiagonalGaussian, Gaussian
from course_lib.models.inputs import (
    as_parameters,
    check_binary,
    check_count,
    check_counts,
    check_event_shape,
    check_events,
    check_moments,
    check_number,
    check_shape,
    check_some,
    values_are_trusted,
)
from course_lib.models.latent.priors import NARROWEST
from course_lib.models.latent.vae import OUTPUTS, SHARPEST
from course_lib.models.protocols import LatentVariableModel
from course_lib.nn.dense import dense
from course_lib.runtime import standard_normal, uniform

UNLABELLED = -1
Batch = Tensor | tuple[Tensor, Tensor]


class SemiSupervisedVAE(LatentVariableModel):
    """p(y) p(z) p(x | y, z) with K equally likely classes y and L standard normal z; q(y | x) q(z | x, y) (Kingma et al. 2014).

    The paper calls it M2. q(y | x) is a classifier: `logits`. Of an unlabelled example the bound on log p(x) is a sum over all K
    classes (eq. 7), which needs no draw of y. The loss of a labelled one has the cross-entropy of the classifier besides (eq. 9).

    Args:
        event_shape: shape of one example, D values in all. latent: L. classes: K.
        hidden: sizes of the hidden layers of all three networks, in reverse for the decoder.
        activation: of the hidden layers (nn/dense).
        output: p(x | y, z): "bernoulli" for values in {0, 1}; "gaussian" for real ones, with a learned scale for each of the D.
        weight: of the cross-entropy of a labelled example in the loss, the paper's alpha; at least 0.
        mean, spread: mean and standard deviation of the data's values: the networks read (x - mean) / spread.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        latent: int,
        classes: int = 10,
        hidden: Sequence[int] = (256,),
        activation: str = "silu",
        output: str = "bernoulli",
        weight: float = 10.0,
        mean: float = 0.0,
        spread: float = 1.0,
    ):
        super().__init__()
        self.event_shape, self.latent = check_event_shape(event_shape), check_count(latent, "latent")
        self.classes, self.hidden = check_count(classes, "classes"), check_counts(hidden, "hidden")
        if output not in OUTPUTS:
            raise ValueError(f"output is {output!r}; expected one of {OUTPUTS}")
        self.activation, self.output, binary = activation, output, output == "bernoulli"
        self.weight = check_number(weight, "weight", least=0)
        self.mean, self.spread = check_moments(mean, spread, binary=binary)
        D, K = math.prod(self.event_shape), self.classes
        self.classifier = dense([D, *self.hidden, K], activation)
        self.encoder = dense([D + K, *self.hidden, 2 * self.latent], activation)
        self.decoder = dense([self.latent + K, *reversed(self.hidden), D], activation)
        begin = self.mean if not binary else math.log(self.mean / (1 - self.mean)) if self.mean else 0.0
        nn.init.constant_(self.decoder[-1].bias, begin)
        if not binary:
            self.log_scale = nn.Parameter(torch.full((D,), math.log(self.spread)))  # of p(x | y, z)

    def check(self, x: Tensor) -> Tensor:
        """x if it is examples (B, *event_shape) of the values that `output` describes; otherwise ValueError."""
        check = check_binary if self.output == "bernoulli" else check_events
        return as_parameters(check(x, self.event_shape), self)

    def _read(self, x: Tensor) -> Tensor:
        return (x.flatten(1) - self.mean) / self.spread

    def logits(self, x: Tensor) -> Tensor:
        """log q(y | x) up to a constant, (B, K), of examples x (B, *event_shape); values between 0 and 1 are taken too."""
        return self.classifier(self._read(as_parameters(check_events(x, self.event_shape), self)))

    def encode(self, x: Tensor, y: Tensor) -> DiagonalGaussian:
        """q(z | x, y), batch shape (B,), of examples x (B, *event_shape) and classes y (B,)."""
        rows = torch.cat([self._read(self.check(x)), self._one_hot(y)], 1)
        mean, log_scale = self.encoder(rows).chunk(2, 1)
        return DiagonalGaussian(mean, log_scale.clamp(min=NARROWEST))

    def decode(self, y: Tensor, z: Tensor) -> Bernoulli | Gaussian:
        """p(x | y, z), batch shape (B, *event_shape), of classes y (B,) and latents z (B, L)."""
        numbers = self.decoder(torch.cat([z, self._one_hot(y)], 1)).view(-1, *self.event_shape)
        if self.output == "bernoulli":
            return Bernoulli(numbers)
        scale = self.log_scale.clamp(min=math.log(SHARPEST * self.spread)).view(self.event_shape)
        return Gaussian(numbers, scale.expand_as(numbers))

    def infer(self, x: Tensor, *, generator: torch.Generator | None = None) -> tuple[tuple[Tensor, Tensor], Tensor]:
        """((y (B,), z (B, L)) drawn from q(y | x) q(z | x, y), and its log-probability in nats, (B,)). No gradient reaches y."""
        chosen = Categorical(self.logits(self.check(x)))
        y = chosen.from_noise(uniform((len(x), 1), x, generator))
        q = self.encode(x, y)
        z = q.rsample(generator=generator)
        return (y, z), chosen.log_prob(y) + q.log_prob(z)

    def log_joint(self, x: Tensor, z: tuple[Tensor, Tensor]) -> Tensor:
        """log p(x, y, z) in nats, (B,), of examples x and z = (classes y (B,), latents (B, L))."""
        y, code = z
        given = self.decode(y, code).log_prob(check_shape(x, self.event_shape)).flatten(1).sum(1)
        return given + DiagonalGaussian(torch.zeros_like(code), torch.zeros_like(code)).log_prob(code) - math.log(self.classes)

    def labelled_bound(self, x: Tensor, y: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """A lower bound on log p(x, y) in nats, (B,), from one draw of z per example (Kingma et al. 2014, eq. 6)."""
        q = self.encode(x, y)
        likelihood = self.decode(y, q.rsample(generator=generator)).log_prob(x).flatten(1).sum(1)
        prior = DiagonalGaussian(torch.zeros_like(q.mean), torch.zeros_like(q.mean))
        return likelihood - q.kl(prior) - math.log(self.classes)

    def elbo(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """A lower bound on log p(x) in nats, (B,), summed exactly over y, with one draw of z per example and class (eq. 7)."""
        x, K = self.check(x), self.classes
        many = x.repeat_interleave(K, 0)  # (B K, *event_shape)
        y = torch.arange(K, device=x.device).repeat(len(x))
        bounds = self.labelled_bound(many, y, generator=generator).view(len(x), K)
        log_q = torch.log_softmax(self.logits(x), 1)
        return (log_q.exp() * (bounds - log_q)).sum(1)

    def loss(self, batch: Batch, *, generator: torch.Generator | None = None) -> Tensor:
        """What training makes small, in nats per example, (): of examples x alone, or of a pair (x, y) with y = -1 where unknown.

        Minus the mean of the bounds, and `weight` times the mean cross-entropy of the labelled examples (eqs. 8 and 9).
        """
        x, y = batch if isinstance(batch, (tuple, list)) else (batch, None)
        if y is None:
            return -self.elbo(check_some(x), generator=generator).mean()
        if not (isinstance(x, Tensor) and isinstance(y, Tensor)):
            raise ValueError(f"batch holds {type(x).__name__} and {type(y).__name__}; expected tensors: examples x and labels y")
        if y.is_floating_point() or y.shape != x.shape[:1] or (y < UNLABELLED).any():
            raise ValueError(
                f"y holds {y.dtype} of shape {tuple(y.shape)}; expected an integer for each example, and -1 where unknown"
            )
        known = y != UNLABELLED
        total = -self.elbo(x[~known], generator=generator).sum()
        if known.any():
            own, labels = x[known], y[known]
            total = total - self.labelled_bound(own, labels, generator=generator).sum()
            return total / len(x) + self.weight * F.cross_entropy(self.logits(own), labels)
        return total / len(x)

    @torch.no_grad()
    def sample(self, n: int, *, y: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """n new examples, (n, *event_shape), of random classes, or of classes y (n,)."""
        like = next(self.parameters())
        if y is None:
            y = (uniform((check_count(n),), like, generator) * self.classes).long().clamp(max=self.classes - 1)
        z = standard_normal((check_count(n), self.latent), like, generator)
        return self.decode(y, z).from_noise(uniform((n, *self.event_shape, 1), like, generator).to(like))

    def _one_hot(self, y: Tensor) -> Tensor:
        wrong = y.is_floating_point() or y.ndim != 1
        if wrong or (not values_are_trusted() and len(y) and (y.amin() < 0 or y.amax() >= self.classes)):
            raise ValueError(f"y holds {y.dtype} of shape {tuple(y.shape)}; expected classes (B,) in 0 … {self.classes - 1}")
        return F.one_hot(y, self.classes).to(next(self.parameters()))
