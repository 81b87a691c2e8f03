"""AR(N): each value of a series is a weighted sum of the N before it, plus Gaussian noise (Yule 1927)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import Gaussian, standard_normal_from_noise
from course_lib.models.inputs import check_count, check_event_shape
from course_lib.models.protocols import AutoregressiveModel


class LinearAutoregression(AutoregressiveModel):
    """The autoregressive process AR(N), N lags (Yule 1927; Box, Jenkins, Reinsel & Ljung 2015, ch. 3).

        p(x_t | those before) = Normal(bias + sum over k = 1 … N of weight[k - 1] x_{t-k}, exp(log_scale)^2)

    All T values have a density. The first N lack part of their past: values before the series are taken to be `rest`,
    the level at which the series is thought to have stood. So log_prob is the exact log-density of a series that starts from
    rest. The log-density of the later values given the first N is `conditionals(x).log_prob(x)[:, N:].sum(1)`.

    Args:
        event_shape: (T,), the length of one series.
        lags: N, how many values back the sum reaches.

    Parameters: weight (N,), the nearest lag first; bias (), log_scale (). Buffer: rest ().
    """

    def __init__(self, *, event_shape: Sequence[int], lags: int = 1):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        if len(self.event_shape) != 1:
            raise ValueError(f"event_shape is {self.event_shape}; expected the length of a series alone, such as (309,)")
        self.lags = check_count(lags, "lags")
        self.order = list(range(self.dimensions))
        self.weight = nn.Parameter(torch.zeros(self.lags))
        self.bias = nn.Parameter(torch.zeros(()))
        self.log_scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("rest", torch.zeros(()))

    def conditionals(self, x: Tensor) -> Gaussian:
        """p(x_t | the values before t), for every t: Gaussians of batch shape (B, T)."""
        past = self.rest.expand(len(self.check(x)), self.lags)  # (B, N)
        windows = torch.cat([past, x], 1)[:, :-1].unfold(1, self.lags, 1)  # (B, T, N), the oldest first
        mean = self.bias + (windows * self.weight.flip(0)).sum(-1)  # (B, T)
        return Gaussian(mean, self.log_scale.expand_as(mean))

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Ancestral sampling in O(N) per value. noise (n, T, 1) -> (n, T). Row b keeps its first kept[b] values of x."""
        weight = self.weight.flip(0)
        shocks = self.log_scale.exp() * standard_normal_from_noise(noise[..., 0])  # (n, T)
        series = self.rest.repeat(len(noise), self.lags + self.dimensions)  # (n, N + T)
        for t in range(self.dimensions):
            value = (self.bias + (series[:, t : t + self.lags] * weight).sum(1) + shocks[:, t]).to(series.dtype)
            series[:, self.lags + t] = value if x is None else torch.where(t < kept, x[:, t].to(series.dtype), value)
        return series[:, self.lags :]

    @torch.no_grad()
    def estimate(self, series: Tensor) -> LinearAutoregression:
        """Least squares on every value that has N before it; returns the model itself.

        For Gaussian noise this is maximum likelihood given the first N values: the same weights, and exp(log_scale)^2
        is the mean squared residual. `rest` becomes the mean of the series. A series that its own past predicts exactly would
        make the scale 0; the scale stays at least 1e-6 of the series' standard deviation.

        series: (T,), or several of them (B, T); T need not be the model's own length.
        """
        if not isinstance(series, Tensor) or not series.ndim or series.is_complex() or series.is_meta:
            kind = f"a tensor of shape {tuple(series.shape)}" if isinstance(series, Tensor) else f"a {type(series).__name__}"
            raise ValueError(f"series is {kind}; expected real numbers (T,) or (B, T): torch.as_tensor(series) may do")
        rows = series.cpu().double().reshape(-1, series.shape[-1])
        if rows.shape[1] <= self.lags or not rows.isfinite().all():
            raise ValueError(
                f"series has shape {tuple(series.shape)}; expected finite numbers and more than {self.lags} values per series: "
                "take fewer lags or a longer series"
            )
        smallest = 1e-6 * rows.std(correction=0)
        if smallest == 0:
            raise ValueError(f"all values of the series are {rows[0, 0].item():.6g}; expected a series that changes")
        windows = rows.unfold(1, self.lags + 1, 1).flatten(0, 1)  # (R, N + 1), the oldest first
        if len(windows) <= self.lags + 1:
            raise ValueError(f"{len(windows)} values have {self.lags} before them; that many leave no residual: take fewer lags")
        inputs = torch.cat([windows[:, :-1].flip(1), torch.ones(len(windows), 1).double()], 1)  # (R, N + 1)
        solution = torch.linalg.lstsq(inputs, windows[:, -1:], driver="gelsd").solution[:, 0]
        residual = windows[:, -1] - inputs @ solution
        self.weight.copy_(solution[:-1])
        self.bias.copy_(solution[-1])
        self.log_scale.copy_(residual.square().mean().sqrt().clamp(min=smallest).log())
        self.rest.copy_(rows.mean())
        return self

    @torch.no_grad()
    def forecast(self, history: Tensor, steps: int) -> Gaussian:
        """p(x_{t+h} | history) for h = 1 … steps, each a marginal distribution: Gaussians of batch shape (*batch, steps).

        The means follow the recursion without noise. A shock j steps back weighs psi_j, so the variance of h steps is
        exp(log_scale)^2 (psi_0^2 + … + psi_{h-1}^2) (Box et al. 2015, eq. 5.1.16). This variance includes the
        noise, but not the uncertainty of the weights.

        history: (*batch, t), t at least N, the latest value last.
        """
        steps = check_count(steps, "steps")
        if history.shape[-1] < self.lags or not history.isfinite().all():
            raise ValueError(
                f"history has shape {tuple(history.shape)}; expected finite numbers, the last {self.lags} values at least"
            )
        weight = self.weight.flip(0).double()
        path = history[..., history.shape[-1] - self.lags :].double()  # (*batch, N)
        for _ in range(steps):
            ahead = self.bias.double() + (path[..., -self.lags :] * weight).sum(-1, keepdim=True)
            path = torch.cat([path, ahead], -1)
        psi = weight.new_zeros(self.lags + steps)
        psi[self.lags] = 1
        for j in range(self.lags + 1, len(psi)):
            psi[j] = psi[j - self.lags : j] @ weight
        log_scale = self.log_scale + psi[self.lags :].square().cumsum(0).log() / 2  # (steps,)
        mean = path[..., self.lags :]
        return Gaussian(mean.to(self.weight.dtype), log_scale.to(self.weight.dtype).expand_as(mean))

    @torch.no_grad()
    def poles(self) -> Tensor:
        """The N eigenvalues of the step (x_{t-1}, …, x_{t-N}) -> (x_t, …), complex, the largest first.

        The effect of a shock after h steps is a weighted sum of the h-th powers of the eigenvalues. A pair r exp(± i a) is an
        oscillation with a period of 2 pi / a steps, whose size is multiplied by r in each step.
        """
        companion = torch.diag(self.weight.new_ones(self.lags - 1).double(), -1)  # (N, N)
        companion[0] = self.weight
        found = torch.linalg.eigvals(companion)
        return found[found.abs().argsort(descending=True)]

    @torch.no_grad()
    def stationary(self) -> Gaussian:
        """The distribution of one value long after the start, (): the limit of its distribution, and of the forecasts.

        ValueError unless all poles lie inside the unit circle: otherwise there is no such limit.
        """
        largest = self.poles()[0].abs().item()
        if largest >= 1:
            raise ValueError(f"the largest pole has modulus {largest:.4g}; expected less than 1: this process is not stationary")
        N, weight = self.lags, self.weight.double().cpu()
        system = torch.eye(N + 1, dtype=torch.double)  # gamma_j - sum of weight_k gamma_|j - k| = [j = 0] s^2 (Yule-Walker)
        for j in range(N + 1):
            for k in range(1, N + 1):
                system[j, abs(j - k)] -= weight[k - 1]
        shock = torch.zeros(N + 1, dtype=torch.double)
        shock[0] = torch.exp(2 * self.log_scale.double().cpu())
        variance = torch.linalg.solve(system, shock)[0]  # gamma_0
        mean = self.bias.double().cpu() / (1 - weight.sum())
        return Gaussian(mean.to(self.weight), (variance.log() / 2).to(self.weight))
