"""Untrained models and small data for the explorers' tables. Nothing here moves a global generator."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from course_lib import runtime


@contextmanager
def seeded() -> Iterator[None]:
    """Models made inside draw their first weights from seed 0; the global generator is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


def digits():
    """Three binary pictures of noise, (3, 1, 28, 28)."""
    return (torch.rand(3, 1, 28, 28, generator=runtime.generator(1)) < 0.2).float()


def made(any_order: bool = False):
    """A small MADE of binary digits."""
    from course_lib.models.autoregressive import MADE, AnyOrderMADE

    with seeded():
        kind = AnyOrderMADE if any_order else MADE
        return kind(event_shape=(1, 28, 28), hidden=(8,)).eval().requires_grad_(False)
