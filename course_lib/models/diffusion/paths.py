"""The straight path from data to noise, and how velocity, noise, data and score on it follow from each other.

On the straight path x_t = (1 - t) x + t e, with data x at t = 0 and standard normal noise e at t = 1 (Lipman et al. 2023;
Liu et al. 2023). Given x_t and t, an estimate of one of four things gives the other three: the velocity v = e - x, the noise
e, the data x, and the score, which is minus the noise over t.

DDPM (Ho et al. 2020) has another path, a x + s e with a² + s² = 1. It goes through the same points up to a factor: dividing by
a + s gives x_t at t = s / (a + s). So one network serves both.
"""

from __future__ import annotations

from torch import Tensor


def per_example(t: Tensor, x: Tensor) -> Tensor:
    """Times (B,) with as many axes as the batch x (B, …), so that they multiply each example: (B, 1, …)."""
    return t.reshape(-1, *[1] * (x.ndim - 1))


def on_path(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """x_t = (1 - t) x + t noise, (B, …), of data and noise (B, …) and times t (B,)."""
    t = per_example(t, x)
    return (1 - t) * x + t * noise


def data_of(x: Tensor, velocity: Tensor, t: Tensor) -> Tensor:
    """The estimate of the data, (B, …), at points x of the path: x_t - t v."""
    return x - per_example(t, x) * velocity


def noise_of(x: Tensor, velocity: Tensor, t: Tensor) -> Tensor:
    """The estimate of the noise, (B, …), at points x of the path: x_t + (1 - t) v."""
    return x + (1 - per_example(t, x)) * velocity


def score_of(x: Tensor, velocity: Tensor, t: Tensor) -> Tensor:
    """The score, the gradient of log p(x_t) in x_t, (B, …): minus the estimated noise over t; t above 0."""
    return -noise_of(x, velocity, t) / per_example(t, x)


def velocity_from_noise(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """The velocity, (B, …), of an estimate of the noise: (e - x_t) / (1 - t); t below 1."""
    return (noise - x) / (1 - per_example(t, x))


def velocity_from_data(x: Tensor, data: Tensor, t: Tensor) -> Tensor:
    """The velocity, (B, …), of an estimate of the data: (x_t - x) / t; t above 0."""
    return (x - data) / per_example(t, x)


def velocity_from_score(x: Tensor, score: Tensor, t: Tensor) -> Tensor:
    """The velocity, (B, …), of a score: that of the noise -t score; t below 1."""
    return velocity_from_noise(x, -per_example(t, x) * score, t)


def time_of_angle(angle: Tensor) -> Tensor:
    """The time t of the point cos(angle) x + sin(angle) e of DDPM's path, and so of the straight one: s / (a + s)."""
    return angle.sin() / (angle.cos() + angle.sin())


def posterior(t: float, s: float) -> tuple[float, float, float]:
    """The factors of x_t and of x in the mean of q(x_s | x_t, x), and its variance, for s < t (Ho et al. 2020, eqs. 6 and 7).

    x_s given x is N((1 - s) x, s²), and x_t given x_s is N(a x_s, t² - a² s²) with a = (1 - t) / (1 - s): Bayes' rule for two
    Gaussians.
    """
    a = (1 - t) / (1 - s) if s < 1 else 0.0
    step = t**2 - (a * s) ** 2
    return a * s**2 / t**2, (1 - s) * step / t**2, step * s**2 / t**2


def check_times(t: Tensor, x: Tensor) -> Tensor:
    """t if it holds one time in [0, 1] for each example of x (B, …), in the type of x; otherwise ValueError."""
    if not isinstance(t, Tensor) or t.shape != x.shape[:1] or not t.is_floating_point():
        found = f"{t.dtype} of shape {tuple(t.shape)}" if isinstance(t, Tensor) else repr(t)
        raise ValueError(f"t is {found}; expected one time for each of the {len(x)} examples: torch.full(({len(x)},), t)")
    if len(t) and not (t.min() >= 0 and t.max() <= 1):
        raise ValueError(f"t lies in [{float(t.min()):g}, {float(t.max()):g}]; expected times from 0 (data) to 1 (noise)")
    return t.to(x.dtype)
