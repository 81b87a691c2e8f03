"""`course train` of small recipes by two processes, one recipe after another: see test_distributed.py.

torchrun --standalone --nproc-per-node 2 command_together.py
"""

import sys
from functools import partial

import torch
from kinds import KINDS, patterns

from course_lib.cli import main
from course_lib.models.autoregressive import NADE
from course_lib.training import distributed
from course_lib.training.measures import nats
from course_lib.training.recipes import RECIPES, Gradient, Recipe


class Failing(NADE):
    """In the second process alone, its third loss cannot be computed."""

    seen = 0

    def loss(self, x, *, generator=None):
        self.seen += 1
        if self.seen == 3 and distributed.rank() == 1:
            raise MemoryError("only here")
        return super().loss(x, generator=generator)


small = partial(Recipe, epochs=(3, 3, 3), examples=(64, 64, 64), source=patterns, batch_size=16, step=Gradient(lr=0.02))
SHARED = small(partial(NADE, event_shape=(4,), hidden=3), "small", measure=nats)
FAILING = small(partial(Failing, event_shape=(4,), hidden=3), "one process fails")


def asked(name):
    return ["train", name, "--budget", "full", "--device", "cpu"]


if __name__ == "__main__":
    RECIPES.update({"shared": SHARED, "failing": FAILING, "odd": small(SHARED.build, "odd", batch_size=15), **KINDS})
    with distributed.group(torch.device("cpu")):
        codes = [main(asked(name)) for name in ("tiny-rbm", "odd", "shared", "shared")]
        print(f"codes {codes} in process {distributed.rank()}", file=sys.stderr, flush=True)
        main(asked("failing"))
