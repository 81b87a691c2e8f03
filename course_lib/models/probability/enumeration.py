"""Exact answers by going through every state: for models of few binary variables, to learn from and to test against."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from course_lib.distributions import entropy
from course_lib.models.inputs import check_count
from course_lib.models.protocols import ExplicitModel
from course_lib.runtime import device_of

MOST = 20  # more binary variables than this have over a million states


def few_enough(n: int) -> int:
    """n if all 2^n states of n binary variables fit in memory; ValueError otherwise."""
    if check_count(n) > MOST:
        raise ValueError(
            f"{n} variables have 2^{n} states; expected at most {MOST}: take fewer pixels, or assume something (MarkovTable)"
        )
    return n


def all_states(n: int) -> Tensor:
    """Every state of n binary variables, (2^n, n) floats, counting up with x_0 as the leading digit."""
    few_enough(n)
    return (torch.arange(2**n)[:, None] >> torch.arange(n - 1, -1, -1) & 1).float()


def joint_tensor(model: ExplicitModel) -> Tensor:
    """All probabilities of a model of D <= 20 binary variables, as a tensor of shape (2,) * D: axis d is variable d."""
    n = math.prod(model.event_shape)
    states = all_states(n).reshape(-1, *model.event_shape).to(device_of(model))
    return model.log_prob(states).exp().reshape((2,) * n)


def conditional(joint: Tensor, query: Sequence[int], given: Mapping[int, int] | None = None) -> Tensor:
    """p(query | given) from a joint tensor (2,) * D, as a tensor (2,) * len(query), by the sum rule and the product rule alone.

    query: variables, by axis. given: the variables that are known, and the value of each, 0 or 1.
    The sum rule adds up every axis that is not asked for; the product rule divides by p(given).
    ValueError when p(given) is 0 or a variable is named twice.
    """
    given = dict(given or {})
    named = [*query, *given]
    if len(set(named)) != len(named) or not all(0 <= v < joint.ndim for v in named) or not set(given.values()) <= {0, 1}:
        raise ValueError(
            f"query {list(query)} and given {given}: expected different variables of 0 … {joint.ndim - 1}, values 0, 1"
        )
    sliced = joint[tuple(given.get(axis, slice(None)) for axis in range(joint.ndim))]
    left = [axis for axis in range(joint.ndim) if axis not in given]
    p_given = sliced.sum()
    if p_given <= 0:
        raise ValueError(f"p(given) is 0 for {given}: nothing can be said about what never happens; smooth the tables")
    rest = tuple(place for place, axis in enumerate(left) if axis not in query)
    summed = sliced.sum(rest) if rest else sliced  # axes of the query, in rising order
    rising = sorted(query)
    return summed.permute([rising.index(v) for v in query]) / p_given


def conditional_mutual_information(joint: Tensor, a: Sequence[int], b: Sequence[int], given: Sequence[int] = ()) -> Tensor:
    """I(a; b | given) in nats, () (Cover & Thomas 2006, eq. 2.60): 0 exactly when a and b are independent given the rest.

    joint: a tensor of probabilities (2,) * D. a, b, given: variables, by axis, no two the same.
    """

    def uncertainty(variables: Sequence[int]) -> Tensor:
        return entropy(conditional(joint, variables).flatten()) if variables else joint.new_zeros(())

    a, b, given = list(a), list(b), list(given)
    return uncertainty(a + given) + uncertainty(b + given) - uncertainty(a + b + given) - uncertainty(given)
