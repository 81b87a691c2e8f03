"""Exercises of lesson 00, to try out how exercises work: judge an image, draw an image."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade, grade_samples

EXERCISES = {"00.1": "how much ink?", "00.2": "flip unfair coins"}


def ink(attempt, *, record: bool = True) -> Verdict:
    """00.1 attempt(x (B, 1, H, W) of 0 and 1) -> the share of ones in each image, (B,)."""
    cases = [(torch.rand(3, 1, 2, 4, generator=runtime.generator(s)).lt(0.4).float(),) for s in (0, 1)]
    slips = (
        Slip(lambda x: x.flatten(1).sum(1), "that counts the ink; its share is wanted, between 0 and 1."),
        Slip(lambda x: x.mean(), "that is one number for all images together; one for each image is wanted."),
        Slip(lambda x: x.mean(0), "that is the mean over the images, one number per pixel: the other axes are meant."),
        Slip(lambda x: 1 - x.flatten(1).mean(1), "that is the share of blank paper; ink is 1."),
        Slip(
            lambda x: x.flatten(1).sum(1) / 784,
            "you divided by 784, and the check's pictures have another size: divide by the pixels that x has, or take a mean.",
        ),
        Slip(
            lambda x: x.flatten(1).sum(1) / x.shape[-1],
            "you divided by the width alone; a picture has height times width pixels.",
        ),
    )
    return grade("00.1", attempt, lambda x: x.flatten(1).mean(1), cases, slips, record=record)


def coins(attempt, *, record: bool = True) -> Verdict:
    """00.2 attempt(probs (D,), n, generator) -> n draws (n, D) of 0 and 1, each 1 with its own probability.

    The whole table of 2^D outcomes is compared: coins that are each right alone but fall together are not independent.
    """
    probs = torch.tensor([0.05, 0.3, 0.5, 0.9])

    def apart(each: Tensor) -> Tensor:
        """The joint table (2, 2, 2, 2) of independent coins."""
        table = torch.ones(())
        for p in each:
            table = table[..., None] * torch.stack([1 - p, p])
        return table

    def together() -> Tensor:
        """The joint table of coins that share one uniform number: a coin shows 1 when the number is below its probability."""
        table = torch.zeros(2, 2, 2, 2)
        cuts = [0.0, *probs.tolist(), 1.0]  # probs rise
        for k in range(len(cuts) - 1):
            table[tuple(int(d >= k) for d in range(4))] = cuts[k + 1] - cuts[k]
        return table

    seen: list[Tensor] = []  # the student's draws, when they have the right shape

    def asked(each: Tensor, n: int, generator: torch.Generator):
        drawn = attempt(each, n, generator)
        seen[:] = [drawn] if isinstance(drawn, Tensor) and drawn.shape == (n, len(each)) else []
        return drawn

    def alike() -> Tensor:
        """The joint table of a sampler that repeats the first row that it drew."""
        table = torch.zeros(2, 2, 2, 2)
        for row in seen:
            table[tuple(int(value > 0) for value in row[0])] = 1.0
        return table if seen else apart(probs)

    slips = (
        Slip(alike, "all draws are alike: every coin of every draw needs a uniform number of its own, shape (n, D)."),
        Slip(lambda: apart(1 - probs), "0 and 1 have changed places: which way does the comparison point?"),
        Slip(lambda: apart(torch.full((4,), 0.5)), "these coins are fair; each has its own probability."),
        Slip(together, "each coin is right on its own, yet they fall together: every coin needs a uniform number of its own."),
    )
    sampler = asked if callable(attempt) else attempt
    return grade_samples("00.2", sampler, probs=apart(probs), args=(probs,), slips=slips, record=record)
