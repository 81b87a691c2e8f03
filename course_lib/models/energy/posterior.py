"""The posterior of a linear regression: a density of parameters that is known exactly, and chains that see few data at a time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from course_lib.models.energy.langevin import Function
from course_lib.models.inputs import check_count, check_number
from course_lib.models.protocols import EnergyModel
from course_lib.models.rows import numbers, rows_of_numbers
from course_lib.runtime import standard_normal


class RegressionPosterior(EnergyModel):
    """p(theta | data) of y = theta · x + noise: the parameters theta are what this model draws (Bishop 2006, section 3.3).

        E(theta) = |y - X theta|² / (2 spread²) + |theta|² / (2 prior²)

    The posterior is a Gaussian, with the precision X'X / spread² + I / prior².

    Args:
        inputs: N rows of D numbers. answers: N numbers.
        spread: standard deviation of the noise on an answer. prior: that of each parameter before any data.
    """

    def __init__(self, *, inputs: Sequence[Sequence[float]], answers: Sequence[float], spread: float = 1.0, prior: float = 10.0):
        super().__init__()
        self.inputs = rows_of_numbers(inputs, "inputs")
        self.answers = numbers(answers, "answers")
        self.spread, self.prior = check_number(spread, "spread", above=0), check_number(prior, "prior", above=0)
        if len(self.inputs) != len(self.answers):
            raise ValueError(
                f"there are {len(self.inputs)} inputs and {len(self.answers)} answers; "
                "expected rows of one length, and as many answers"
            )
        self.register_buffer("X", torch.tensor(self.inputs))  # (N, D)
        self.register_buffer("y", torch.tensor(self.answers))  # (N,)
        self.event_shape = (self.X.shape[1],)

    @property
    def precision(self) -> Tensor:
        """The inverse of the posterior covariance, (D, D)."""
        return self.X.T @ self.X / self.spread**2 + torch.eye(self.X.shape[1]).to(self.X) / self.prior**2

    @property
    def covariance(self) -> Tensor:
        """The posterior covariance, (D, D)."""
        return torch.linalg.inv(self.precision)

    @property
    def mean(self) -> Tensor:
        """The posterior mean, (D,)."""
        return torch.linalg.solve(self.precision, self.X.T @ self.y) / self.spread**2

    def energy(self, x: Tensor) -> Tensor:
        """E in nats, (B,), of parameters (B, D)."""
        theta = self.check(x)
        misses = self.y - theta @ self.X.T  # (B, N)
        return misses.square().sum(1) / (2 * self.spread**2) + theta.square().sum(1) / (2 * self.prior**2)

    def score(self, theta: Tensor) -> Tensor:
        """The gradient of log p(theta | data), (B, D), from all data."""
        return (self.mean - theta) @ self.precision

    def minibatch_score(self, size: int, generator: torch.Generator | None = None) -> Function:
        """An unbiased estimate of `score` from `size` examples, drawn anew for each row and each call, with replacement.

        With it, a Langevin step is one of SGLD (Welling & Teh 2011, eq. 4): the likelihood's part is multiplied by N / size.
        """
        size, (count, _) = check_count(size, "size"), self.X.shape

        def score(theta: Tensor) -> Tensor:
            drawn_on = self.X.device if generator is None else generator.device
            chosen = torch.randint(count, (len(theta), size), generator=generator, device=drawn_on).to(self.X.device)
            x, y = self.X[chosen], self.y[chosen]  # (B, size, D), (B, size)
            misses = y - (x @ theta[:, :, None])[..., 0]
            return count / size * (x * misses[..., None]).sum(1) / self.spread**2 - theta / self.prior**2

        return score

    def stationary_covariance(self, step: float, size: int | None = None) -> Tensor:
        """The covariance (D, D) to which Langevin steps of this length bring the parameters, exactly.

        size: examples per step, as in `minibatch_score`; None is all data without the noise of drawing. With A = I - step/2 ·
        precision, C = A C A + step · I, plus step²/4 times the covariance of the estimate, which itself depends on C: a linear
        equation. ValueError where the steps are so long that C grows without end.
        """
        step = check_number(step, "step", above=0)
        eye = torch.eye(len(self.precision)).to(self.X)
        A = eye - step / 2 * self.precision
        growth, source = torch.kron(A, A), step * eye  # of C as a vector of D² numbers
        if size is not None:
            count = len(self.y)
            each = self.X[:, :, None] * self.X[:, None, :] / self.spread**2  # (N, D, D)
            pulls = self.X * (self.y - self.X @ self.mean)[:, None] / self.spread**2  # (N, D), of each example at the mean
            pulls, apart, many = pulls - pulls.mean(0), each - each.mean(0), step**2 / 4 * count**2 / check_count(size, "size")
            source = source + many * pulls.T @ pulls / count
            growth = growth + many * torch.stack([torch.kron(one, one) for one in apart]).mean(0)
        if torch.linalg.eigvals(growth).abs().max() >= 1:
            raise ValueError(f"step is {step:g}: the chains do not settle; expected a shorter step, or more examples per step")
        return torch.linalg.solve(torch.eye(len(growth)).to(self.X) - growth, source.flatten()).reshape(eye.shape)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n independent draws of the parameters from the exact posterior, (n, D)."""
        noise = standard_normal((check_count(n), len(self.mean)), self.X, generator)
        return self.mean + noise @ torch.linalg.cholesky(self.covariance).T
