"""The mean update of contrastive divergence on a machine so small that all its states can be gone through."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.models.inputs import check_whole
from course_lib.models.probability.enumeration import all_states


def unpack(parameters: Tensor, visible: int) -> tuple[Tensor, Tensor, Tensor]:
    """W (V, H), b (V,) and c (H,) from all parameters in one row (V H + V + H,), in this order."""
    hidden = (len(parameters) - visible) // (visible + 1)
    if len(parameters) != visible * hidden + visible + hidden or hidden < 1:
        raise ValueError(f"{len(parameters)} parameters do not make a machine of {visible} visible units; expected V H + V + H")
    W, b, c = parameters.split([visible * hidden, visible, hidden])
    return W.reshape(visible, hidden), b, c


def expected_update(parameters: Tensor, data: Tensor, steps: int | None) -> Tensor:
    """What contrastive divergence of so many Gibbs steps adds to the parameters on average, per unit of learning rate.

    The update is the mean of (x h, x, h) over the data minus that over the ends of the chains, h being its mean given x. With
    steps None the chains have run for ever, and it is the gradient of the mean log-likelihood.

    parameters: of a machine of V visible units, in one row (P,); the result (P,) is differentiable in them.
    data: the probability of each of the 2^V states, in the order of `all_states`.
    """
    visible = len(data).bit_length() - 1
    W, b, c = unpack(parameters, visible)
    x, h = all_states(visible).to(parameters), all_states(len(c)).to(parameters)
    joint = torch.exp(x @ W @ h.T + (x @ b)[:, None] + h @ c)  # (2^V, 2^H), not normalised
    if steps is None:
        ends = joint.sum(1) / joint.sum()
    else:
        transition = (joint / joint.sum(1, keepdim=True)) @ (joint / joint.sum(0)).T  # of one Gibbs step: x, then h, then x
        ends = data @ torch.linalg.matrix_power(transition, check_whole(steps, "steps"))
    difference, hidden = data - ends, torch.sigmoid(x @ W + c)
    return torch.cat([(x.T @ (difference[:, None] * hidden)).flatten(), difference @ x, difference @ hidden])


def asymmetry(parameters: Tensor, data: Tensor, steps: int | None) -> tuple[float, Tensor]:
    """How far the Jacobian of `expected_update` is from symmetric, and the Jacobian itself, (P, P).

    The first is the largest difference of two mirrored entries over the largest entry. The Jacobian of a gradient is a matrix of
    second derivatives, which is symmetric; an update whose Jacobian is not is the gradient of no function.
    """
    jacobian = torch.func.jacrev(lambda p: expected_update(p, data, steps))(parameters)
    return ((jacobian - jacobian.T).abs().max() / jacobian.abs().max()).item(), jacobian
