"""Where the game about a coin comes to rest: how often a generator makes the rarer side when a second loss holds it back."""

from __future__ import annotations

import math

from course_lib.models.inputs import check_count, check_number


def resting_share(share: float, *, packing: int = 1, cost: float = 0.0) -> float:
    """The share q of the rarer side at which a generator rests against the best discriminator of `packing` tosses at once.

    The true coin shows its rarer side with probability `share`. The generator tosses independently with probability q, and makes
    cost · q - E log D(k) small, where D(k) = p(k) / (p(k) + q(k)) is the best discriminator's answer to k rare sides among
    `packing` tosses, and is held fixed while the generator moves (the non-saturating game). cost: what one toss to the rarer
    side costs on average, such as the weight of an absolute error times how much larger it makes the error.

    Without cost q equals `share`. Where the cost is too high, q is 0: the generator never tosses. Found by bisection, to 1e-12.
    Raises ValueError unless 0 < share <= 1/2 and cost >= 0.
    """
    packing = check_count(packing, "packing")
    share = check_number(share, "share", "the share of the rarer side", above=0, most=0.5)
    cost = check_number(cost, "cost", least=0)
    if _slope(0.0, share, packing, cost) >= 0:
        return 0.0
    low, high = 0.0, share
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if _slope(middle, share, packing, cost) < 0 else (low, middle)
    return (low + high) / 2


def _counts(q: float, tosses: int) -> list[float]:
    """The probabilities of 0, 1, … rare sides among so many tosses."""
    return [math.comb(tosses, k) * q**k * (1 - q) ** (tosses - k) for k in range(tosses + 1)]


def _slope(q: float, share: float, packing: int, cost: float) -> float:
    """How the generator's loss changes with its q, the discriminator held fixed.

    A binomial's mean of f(k) has the slope n E[f(k + 1) - f(k)] over n - 1 tosses.
    """
    made = _counts(q, packing)
    losses = [math.log1p(b / a) for a, b in zip(_counts(share, packing), made, strict=True)]  # -log D(k)
    return cost + packing * sum(p * (losses[k + 1] - losses[k]) for k, p in enumerate(_counts(q, packing - 1)))
