"""NADE for real numbers: each conditional is a mixture of Gaussians (RNADE: Uria, Murray & Larochelle 2013)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.distributions import UnivariateGaussianMixture
from course_lib.models.inputs import check_count, check_event_shape, check_order
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
        components: M, Gaussians a conditional.
        order: the order of the D flat indices; None is raster order.
    """

    noise_size = 2

    def __init__(self, *, event_shape: Sequence[int], hidden: int = 50, components: int = 5, order: Sequence[int] | None = None):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        self.hidden = check_count(hidden, "hidden")
        self.components = check_count(components, "components")
        self.order = check_order(order, self.dimensions)
        D, H, M = self.dimensions, hidden, components
        self.W = nn.Parameter(D**-0.5 * torch.randn(D, H))
        self.c = nn.Parameter(torch.randn(H))
        self.rho = nn.Parameter(torch.ones(D))
        self.V = nn.Parameter(0.1 * H**-0.5 * torch.randn(D, H, 3 * M))
        bias = torch.zeros(D, 3, M)
        bias[:, 1] = torch.linspace(-1, 1, M) if M > 1 else 0.0  # means apart, or the components stay twins
        self.b = nn.Parameter(bias.reshape(D, 3 * M))

    def conditionals(self, x: Tensor) -> UnivariateGaussianMixture:
        """p(x_d | those before d in the order), for every d: batch shape (B, *event_shape)."""
        ordered = self.check(x).flatten(1)[:, self.order]  # (B, D)
        steps = ordered[:, :-1, None] * self.W[self.order[:-1]]  # (B, D - 1, H)
        start = self.c.expand(len(x), 1, self.hidden)
        activation = torch.cat([start, steps], 1).cumsum(1)  # (B, D, H)
        h = torch.relu(self.rho[self.order][:, None] * activation)
        settings = torch.einsum("bdh,dhm->bdm", h, self.V[self.order]) + self.b[self.order]  # (B, D, 3 M)
        back = torch.tensor(self.order).argsort().to(x.device)
        logits, mean, log_scale = settings[:, back].reshape(*x.shape, 3, self.components).unbind(-2)
        return UnivariateGaussianMixture(logits, mean, log_scale)
