"""Priors p(z) of a VAE: a standard Gaussian, a learned mixture of Gaussians, or a mixture of encoded pseudo-inputs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import DiagonalGaussian, DiagonalGaussianMixture
from course_lib.models.inputs import check_count

NARROWEST = -10.0  # least log_scale of q and of a prior's components: in float32 a narrower draw could not be told from its mean


class Prior(nn.Module, ABC):
    """p(z) over vectors of L latent variables. Called without arguments, it returns the distribution.

    A prior is described before its model is known: `VAE(…, prior=MixturePrior(components=100))`. The VAE makes a prior of its
    own from that description, and calls `build` on it once its networks are there.

    A subclass has a keyword-only constructor that stores every argument under its own name. It implements `build` and
    `forward`; it overrides `kl` where the divergence is known in closed form.
    """

    by_coordinate = False  # whether `kl` gives the KL of each coordinate

    @abstractmethod
    def build(
        self, latent: int, event_shape: Sequence[int], encode: Callable[[Tensor], DiagonalGaussian], *, binary: bool, begin: float
    ) -> None:
        """Make the parameters.

        Args:
            latent: L.
            event_shape: the shape of one example, D values in all.
            encode: flat examples (K, D) -> q(z | x), with batch shape (K,).
            binary: whether the data are binary.
            begin: where learned pseudo-inputs begin: the mean of the data, or the logit of that mean when they are binary.
        """

    @abstractmethod
    def forward(self) -> DiagonalGaussian | DiagonalGaussianMixture:
        """p(z), over vectors (L)."""

    def kl(self, q: DiagonalGaussian, z: Tensor) -> Tensor:
        """KL(q || p) in nats, (B, 1), estimated by the mean of log q(z) - log p(z) over draws z (k, B, L) from q.

        The estimate may be negative. Where `by_coordinate` is True, a subclass returns the exact KL of each coordinate, (B, L).
        """
        return (q.log_prob(z) - self().log_prob(z)).mean(0)[:, None]


class StandardPrior(Prior):
    """N(0, 1) in every coordinate: nothing is learned, and the KL is exact (Kingma & Welling 2014, appendix B)."""

    by_coordinate = True

    def __init__(self) -> None:
        super().__init__()

    def build(self, latent, event_shape, encode, *, binary, begin) -> None:
        """A buffer of L zeros, which moves with the model to another device."""
        self.register_buffer("zero", torch.zeros(latent), persistent=False)

    def forward(self) -> DiagonalGaussian:
        """N(0, 1) over vectors (L)."""
        return DiagonalGaussian(self.zero, self.zero)

    def kl(self, q: DiagonalGaussian, z: Tensor) -> Tensor:
        """KL(q || p) in nats of each coordinate, (B, L), in closed form; the draws z are not used."""
        return q.kl_by_coordinate(self())


class MixturePrior(Prior):
    """A mixture of K Gaussians, each with a learned mean, learned scales and a learned weight.

    Args:
        components: K.

    Parameters, once built: `logits` (K,), `mean` (K, L) and `log_scale` (K, L). A log_scale below -10 counts as -10.
    """

    def __init__(self, *, components: int = 100):
        super().__init__()
        self.components = check_count(components, "components")

    def build(self, latent, event_shape, encode, *, binary, begin) -> None:
        """Equal weights, scales of 1, and means drawn from N(0, 1)."""
        self.logits = nn.Parameter(torch.zeros(self.components))
        self.mean = nn.Parameter(torch.randn(self.components, latent))
        self.log_scale = nn.Parameter(torch.zeros(self.components, latent))

    def forward(self) -> DiagonalGaussianMixture:
        """The mixture, over vectors (L)."""
        return DiagonalGaussianMixture(self.logits, self.mean, self.log_scale.clamp(min=NARROWEST))


class VampPrior(Prior):
    """A mixture of q(z | u) over K learned pseudo-inputs u: examples that stand for the data (Tomczak & Welling 2018, eq. 9).

    Args:
        components: K, number of pseudo-inputs.

    Parameters, once built: `logits` (K,) and `pseudo_inputs` (K, D). For binary data these are logits, and u lies in (0, 1).
    """

    def __init__(self, *, components: int = 100):
        super().__init__()
        self.components = check_count(components, "components")

    def build(self, latent, event_shape, encode, *, binary, begin) -> None:
        """Equal weights, and pseudo-inputs drawn around the mean of the data."""
        self.encode, self.binary = encode, binary
        self.logits = nn.Parameter(torch.zeros(self.components))
        self.pseudo_inputs = nn.Parameter(begin + torch.randn(self.components, math.prod(event_shape)))

    def forward(self) -> DiagonalGaussianMixture:
        """The mixture of the encoder's Gaussians, over vectors (L)."""
        q = self.encode(self.pseudo_inputs.sigmoid() if self.binary else self.pseudo_inputs)
        return DiagonalGaussianMixture(self.logits, q.mean, q.log_scale)
