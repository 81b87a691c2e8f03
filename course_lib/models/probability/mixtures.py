"""Mixtures of Gaussians: the smallest model with a latent variable, and expectation-maximisation (EM) to fit it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.distributions import Categorical, gaussian_log_prob, multivariate_gaussian_log_prob
from course_lib.models.inputs import check_count, check_event_shape, check_events, check_number, check_numbers
from course_lib.models.probability.covariances import cholesky_above, second_moment, slice_size
from course_lib.models.protocols import ExplicitModel

COVARIANCES = ("full", "diagonal", "spherical")


class GaussianMixture(ExplicitModel):
    """p(x) = sum over k of probs[k] N(x; mean[k], Sigma[k]): draw a component z = k, then x from its Gaussian.

    Fitted by EM (Dempster, Laird & Rubin 1977): `start(x)` puts the components on the data, then `em_step(x)` until the
    likelihood stops rising; `best_of` repeats both several times. All arithmetic is in double precision, whatever type the
    data have; `log_prob` returns the type of the data. Data on another device are moved to the model's device.

    Args:
        event_shape: shape of one example, D values in all.
        components: K.
        covariance: "full" (any ellipsoid), "diagonal" (its axes along the variables) or "spherical" (a ball).
        min_variance: in squared units of x; no component may be narrower than this in any direction. It keeps the likelihood
            finite: without it, a component that shrinks onto one point makes the likelihood grow without limit. The M-step stays
            the exact maximum under this bound (eigenvalues below it are raised to it), so EM still never lowers the likelihood.
        seed: of the means that the components have before `start`.

    Parameters, in double precision: `probs` (K); `mean` (K, D); `scale`, the Cholesky factors (K, D, D) of the covariances when
    full, the standard deviations (K, D) when diagonal, (K, 1) when spherical.
    """

    def __init__(
        self, *, event_shape: Sequence[int], components: int, covariance: str = "full", min_variance: float = 1e-6, seed: int = 0
    ):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        self.components = check_count(components, "components")
        if covariance not in COVARIANCES:
            raise ValueError(f"covariance is {covariance!r}; expected one of {COVARIANCES}")
        self.min_variance = check_number(min_variance, "min_variance", "a finite number, such as 1e-6,", above=0)
        self.covariance = covariance
        self.seed = runtime.check_index(seed, "seed")
        K, D = self.components, math.prod(self.event_shape)
        shape = {"full": (K, D, D), "diagonal": (K, D), "spherical": (K, 1)}[covariance]
        scale = torch.eye(D).repeat(K, 1, 1) if covariance == "full" else torch.ones(shape)
        self.probs = nn.Parameter(torch.full((K,), 1 / K, dtype=torch.double), requires_grad=False)
        self.mean = nn.Parameter(torch.randn(K, D, generator=runtime.generator(self.seed)).double(), requires_grad=False)
        self.scale = nn.Parameter(max(1.0, min_variance**0.5) * scale.double(), requires_grad=False)

    @property
    def parameter_count(self) -> int:
        """Number of free parameters: K - 1 probabilities, K D means, and those of the covariances."""
        K, D = self.mean.shape
        each = {"full": D * (D + 1) // 2, "diagonal": D, "spherical": 1}[self.covariance]
        return K - 1 + K * D + K * each

    def covariances(self) -> Tensor:
        """The covariance matrix of every component, (K, D, D), in squared units of x."""
        if self.covariance == "full":
            return self.scale @ self.scale.mT
        return torch.diag_embed(self.scale.expand_as(self.mean) ** 2)

    def set_components(self, *, probs: Tensor, mean: Tensor, covariance: Tensor) -> GaussianMixture:
        """Set the parameters by hand; returns the model.

        probs (K), at least 0, sum 1; mean (K, D); covariance: matrices (K, D, D) when full, variances (K, D) when diagonal,
        (K, 1) when spherical. ValueError where they are no mixture, or where a component is narrower than min_variance.
        """
        values = [torch.as_tensor(value, dtype=torch.double) for value in (probs, mean, covariance)]
        for name, value, like in zip(("probs", "mean", "covariance"), values, (self.probs, self.mean, self.scale), strict=True):
            if value.shape != like.shape or not value.isfinite().all():
                raise ValueError(f"{name} has shape {tuple(value.shape)}; expected finite numbers of shape {tuple(like.shape)}")
        probs, mean, covariance = values
        if (probs < 0).any() or abs(probs.sum().item() - 1) > 1e-6:
            raise ValueError(f"probs sum to {probs.sum():.6g}; expected numbers of at least 0 that sum to 1: probs / probs.sum()")
        narrowest = (torch.linalg.eigvalsh(covariance) if self.covariance == "full" else covariance).min().item()
        if narrowest < self.min_variance * (1 - 1e-6):
            raise ValueError(f"covariance has a direction of variance {narrowest:.4g}; expected at least {self.min_variance:.4g}")
        self._assign(probs / probs.sum(), mean, covariance)
        return self

    def _assign(self, probs: Tensor, mean: Tensor, covariance: Tensor) -> None:
        """Store probabilities, means, and covariances raised to min_variance where they are narrower."""
        if self.covariance == "full":
            scale = cholesky_above(covariance, self.min_variance)
        else:
            scale = covariance.clamp(min=self.min_variance).sqrt()
        for parameter, value in ((self.probs, probs), (self.mean, mean), (self.scale, scale)):
            parameter.data = value.to(parameter).contiguous()

    def check(self, x: Tensor) -> Tensor:
        """x if it is floats (B, *event_shape) without NaN; otherwise ValueError. At infinity the density is 0."""
        return check_numbers(x, self.event_shape)

    def _flat(self, x: Tensor) -> Tensor:
        return self.check(x).flatten(1).to(self.mean)  # (B, D)

    def _training_data(self, x: Tensor) -> Tensor:
        flat = check_events(x, self.event_shape).flatten(1).to(self.mean)  # (B, D)
        if len(flat) == 0:
            raise ValueError("x has 0 examples; EM needs at least one")
        return flat

    def log_joint(self, x: Tensor) -> Tensor:
        """log p(x, z = k) in nats of examples x (B, *event_shape) and every component, (B, K), as float64.

        Minus infinity where x is infinite.
        """
        return self._log_joint(self._flat(x))

    def _log_joint(self, flat: Tensor) -> Tensor:
        inside = flat.isfinite().all(1, keepdim=True)
        safe = torch.where(inside, flat, 0.0)
        if self.covariance == "full":
            each = multivariate_gaussian_log_prob(safe, self.mean, self.scale)  # (B, K)
        else:
            log_scale, size = self.scale.log(), slice_size(*self.mean.shape, safe.device)
            each = torch.cat([gaussian_log_prob(rows[:, None], self.mean, log_scale).sum(-1) for rows in safe.split(size)])
        return torch.where(inside, each + self.probs.log(), -torch.inf)

    def log_prob(self, x: Tensor) -> Tensor:
        """Exact log p(x) in nats, (B,): the component is summed out."""
        return self.log_joint(x).logsumexp(1).to(x.dtype)

    @torch.no_grad()
    def responsibilities(self, x: Tensor) -> Tensor:
        """p(z = k | x) by Bayes' rule, (B, K): the E-step. ValueError for an x that no component can have made."""
        joint = self.log_joint(x)
        if torch.isinf(joint.amax(1)).any():
            raise ValueError("x has examples of density 0 under every component: nothing can be said of their z; drop them")
        return joint.softmax(1)

    @torch.no_grad()
    def em_step(self, x: Tensor) -> Tensor:
        """One E-step and one M-step on all of x (B, *event_shape): the mean log-likelihood in nats before the step, ()."""
        flat = self._training_data(x)
        joint = self._log_joint(flat)
        log_prob = joint.logsumexp(1)
        if torch.isinf(log_prob).any():
            raise ValueError("x has examples of density 0 under every component; start(x) puts the components near the data")
        self._maximise(flat, joint.softmax(1))
        return log_prob.mean()

    @torch.no_grad()
    def m_step(self, x: Tensor, responsibilities: Tensor) -> None:
        """Take the parameters that maximise the expected log p(x, z) of x (B, *event_shape) under these responsibilities.

        responsibilities: (B, K), each row of sum 1.
        """
        flat = self._training_data(x)
        if tuple(responsibilities.shape) != (len(flat), self.components):
            raise ValueError(
                f"responsibilities have shape {tuple(responsibilities.shape)}; expected {(len(flat), self.components)}, (B, K)"
            )
        self._maximise(flat, responsibilities.to(flat))

    def _maximise(self, flat: Tensor, weight: Tensor) -> None:
        """Weighted counts, means and covariances of flat (B, D) under weights (B, K).

        A component of weight 0 keeps its place and its shape, with probability 0.
        """
        count = weight.sum(0)  # (K)
        kept = count <= torch.finfo(count.dtype).eps
        share = weight / torch.where(kept, 1.0, count)  # (B, K): columns of sum 1
        middle = flat.mean(0)
        x = flat - middle
        shift = share.T @ x  # (K, D)
        moment = second_moment(x, share, shift, self.covariance)
        mean = torch.where(kept[:, None], self.mean, middle + shift)
        if kept.any():
            old = self.scale @ self.scale.mT if self.covariance == "full" else self.scale**2
            moment = torch.where(kept.view(-1, *[1] * (moment.ndim - 1)), old, moment)
        self._assign(count / count.sum(), mean, moment)

    @torch.no_grad()
    def start(self, x: Tensor, *, generator: torch.Generator | None = None) -> GaussianMixture:
        """Put the components on the data x (B, *event_shape) by k-means++ (Arthur & Vassilvitskii 2007); returns the model.

        The first centre is an example drawn at random. Each further centre is an example drawn with probability proportional to
        its squared distance from the centres so far. Every example is assigned to its nearest centre, and one M-step follows.
        ValueError when there are fewer distinct examples than components.
        """
        flat = self._training_data(x)
        if len(flat) < self.components:
            raise ValueError(f"x has {len(flat)} examples, fewer than the {self.components} components; take fewer components")
        noise = runtime.uniform((self.components, 1), torch.empty(0, device=flat.device), generator)  # float32
        distance = torch.full((len(flat), self.components), torch.inf).to(flat)
        weight = torch.ones(len(flat)).to(flat)
        for k in range(self.components):
            if weight.sum() == 0:
                raise ValueError(f"x has only {k} distinct examples for {self.components} components; take fewer components")
            chosen = Categorical(probs=weight).from_noise(noise[k])
            distance[:, k] = (flat - flat[chosen]).square().sum(1)
            weight = distance.min(1).values
        self._maximise(flat, nn.functional.one_hot(distance.argmin(1), self.components).to(flat))
        return self

    @torch.no_grad()
    def sample_joint(self, n: int, *, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """n pairs (x, z): examples (n, *event_shape) and the component that made each, (n)."""
        n = check_count(n)
        noise = runtime.uniform((n, 1), self.mean, generator)
        drawn_on = generator.device if generator is not None else self.mean.device
        normal = torch.randn(n, self.mean.shape[1], generator=generator, device=drawn_on, dtype=torch.double).to(self.mean)
        z = Categorical(probs=self.probs.expand(n, -1)).from_noise(noise)
        x = self.mean[z]
        for k in range(self.components):
            mine = z == k
            x[mine] += normal[mine] @ self.scale[k].T if self.covariance == "full" else normal[mine] * self.scale[k]
        return x.to(torch.get_default_dtype()).reshape(n, *self.event_shape), z

    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n new examples, (n, *event_shape): a component from its probabilities, then a point from its Gaussian."""
        return self.sample_joint(n, generator=generator)[0]


def best_of(
    x: Tensor,
    components: int,
    *,
    covariance: str = "full",
    starts: int = 3,
    steps: int = 60,
    min_variance: float = 1e-3,
    seed: int = 0,
) -> GaussianMixture:
    """The mixture that has the highest likelihood on x (N, *event_shape) among several runs of EM.

    EM finds a local maximum, which depends on where it starts. Each run starts by k-means++, from a generator seeded by
    seed, seed + 1, …, and makes `steps` steps. Of equal likelihoods the earliest run is kept.
    """
    best, height = None, -math.inf
    for run in range(check_count(starts, "starts")):
        model = GaussianMixture(event_shape=x.shape[1:], components=components, covariance=covariance, min_variance=min_variance)
        model.to(x.device).start(x, generator=runtime.generator(seed + run))
        for _ in range(steps):
            model.em_step(x)
        reached = model.log_prob(x).mean().item()
        if best is None or reached > height:
            best, height = model, reached
    return best
