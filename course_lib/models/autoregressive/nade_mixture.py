"""NADE for real numbers: each conditional is a mixture of Gaussians (RNADE: Uria, Murray & Larochelle 2013)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import UnivariateGaussianMixture
from course_lib.models.autoregressive.reordering import keep_order
from course_lib.models.inputs import check_count, check_event_shape, check_number
from course_lib.models.protocols import AutoregressiveModel


class MixtureNADE(AutoregressiveModel):
    """The real-valued NADE with M Gaussians for every conditional (Uria et al. 2013, eqs. 3-12).

        a_k = c + sum over j < k of W[j] x_j          shared along the order, as in NADE
        h_k = relu(rho[k] * a_k)                      rho keeps the units' scale as the sum grows
        p(x_k | x_<k) = sum over m of pi_m N(x_k; mean_m, scale_m^2), all three linear in h_k (scale through exp)

    Standardise the data first: the network starts out near mean 0 and scale 1.

    Args:
        event_shape: shape of one example, D values in all.
        hidden: H, the number of hidden units.
        components: M, Gaussians in each conditional.
        order: the order of the D flat indices; None is raster order.
        smallest_scale: no Gaussian has a smaller standard deviation. Without such a floor a component can shrink onto one
            training example, where the likelihood has no upper limit.
    """

    noise_size = 2

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        hidden: int = 50,
        components: int = 5,
        order: Sequence[int] | None = None,
        smallest_scale: float = 0.01,
    ):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        self.hidden = check_count(hidden, "hidden")
        self.components = check_count(components, "components")
        self.smallest_scale = check_number(smallest_scale, "smallest_scale", "a standard deviation, such as 0.01,", above=0)
        keep_order(self, order)
        D, H, M = self.dimensions, self.hidden, self.components
        self.W = nn.Parameter(D**-0.5 * torch.randn(D, H))
        self.c = nn.Parameter(torch.randn(H))
        self.rho = nn.Parameter(torch.ones(D))
        self.V = nn.Parameter(0.1 * H**-0.5 * torch.randn(D, H, 3 * M))
        bias = torch.zeros(D, 3, M)
        bias[:, 1] = torch.linspace(-1, 1, M) if M > 1 else 0.0  # the means start apart: equal components would stay equal
        self.b = nn.Parameter(bias.reshape(D, 3 * M))

    def conditionals(self, x: Tensor) -> UnivariateGaussianMixture:
        """p(x_d | those before d in the order), for every d: batch shape (B, *event_shape)."""
        ordered = self.check(x).flatten(1)[:, self.places]  # (B, D)
        steps = ordered[:, :-1, None] * self.W[self.places[:-1]]  # (B, D - 1, H)
        start = self.c.expand(len(x), 1, self.hidden)
        activation = torch.cat([start, steps], 1).cumsum(1)  # (B, D, H)
        h = torch.relu(self.rho[self.places][:, None] * activation)
        settings = torch.einsum("bdh,dhm->bdm", h, self.V[self.places]) + self.b[self.places]  # (B, D, 3 M)
        logits, mean, log_scale = settings[:, self.turns].reshape(*x.shape, 3, self.components).unbind(-2)
        return UnivariateGaussianMixture(logits, mean, log_scale.clamp(min=math.log(self.smallest_scale)))
