"""What two processes do under torchrun, one scenario after another: see test_distributed.py, which also runs some of them alone.

torchrun --standalone --nproc-per-node 2 together.py FOLDER
"""

import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from tiny import Noisy, Quiet, TinyCycle, TinyRBM, coins, copied

from course_lib import runtime
from course_lib.datasets import Batches
from course_lib.training import (
    AdversarialStep,
    Checkpoint,
    ContrastiveDivergenceStep,
    ExponentialAverage,
    GradientStep,
    TrainingDiverged,
    Validation,
    distributed,
    fit,
)

EPOCHS = 4


def batches(*data, seed=3):
    data = data or (coins(120),)
    return Batches(data if len(data) > 1 else data[0], 20, seed=seed, rank=distributed.rank(), world=distributed.world())


def ended(step, history, **more):
    """What a scenario hands back, from each process."""
    return {
        "state": copied(step.model.state_dict()),
        "kept": copied(step.result().state_dict()),
        "history": [{key: value for key, value in row.items() if key != "seconds"} for row in history],
        "stopped": history.stopped,
        **more,
    }


def quiet(folder):
    runtime.seed(5 + distributed.rank())  # another model in each process: that of the first one counts
    step = distributed.spread(GradientStep(Quiet(), lr=0.05, total_steps=24, clip=0.5, averaging=ExponentialAverage(0.9)))
    return ended(step, fit(step, batches(), EPOCHS))


def game(folder):
    runtime.seed(5)
    a, b = coins(120)[:, :1], 3 * coins(120, seed=1)[:, 1:2]
    step = distributed.spread(AdversarialStep(TinyCycle(), lr=0.02))
    return ended(step, fit(step, batches(a, b), EPOCHS))


def noisy(folder):
    runtime.seed(5)
    step = distributed.spread(GradientStep(Noisy(), lr=0.02))
    history = fit(step, batches(), EPOCHS)
    return ended(step, history, noise=torch.rand(3, generator=step.generator), dropout=torch.rand(3))


def resumed(folder):
    whole = None
    for epochs in (5, 3, 5):
        runtime.seed(5)
        step = distributed.spread(GradientStep(Noisy(), lr=0.02, seed=7))
        name = "whole" if whole is None else "parts"
        data = batches()
        checkpoint = Checkpoint(folder / f"{name}.safetensors", step, data)
        history = fit(step, data, epochs, [checkpoint], history=checkpoint.resume())
        whole = whole or ended(step, history)
    return {"whole": whole, "parts": ended(step, history)}


class Breaking(Quiet):
    """Its loss is NaN in the fifth step, in the second process only."""

    def loss(self, x, *, generator=None):
        self.steps = getattr(self, "steps", 0) + 1
        return super().loss(x) * (float("nan") if self.steps == 5 and distributed.rank() == 1 else 1.0)


def diverging(folder):
    runtime.seed(5)
    step = distributed.spread(GradientStep(Breaking(), lr=0.05))
    with pytest.raises(TrainingDiverged) as caught:
        fit(step, batches(), EPOCHS)
    return {"message": str(caught.value), "state": copied(step.model.state_dict())}


def interrupted(folder):
    runtime.seed(5)
    step = distributed.spread(GradientStep(Quiet(), lr=0.05))

    class Interrupting:
        everywhere = True

        def __call__(self, history):
            if len(history) == 2 and distributed.rank() == 1:
                os.kill(os.getpid(), signal.SIGINT)

    return ended(step, fit(step, batches(), 50, [Interrupting()]))


def measuring(folder):
    runtime.seed(5)
    step = distributed.spread(GradientStep(Quiet(), lr=0.05))
    calls = []
    measured = Validation(step, coins(9, seed=4), lambda model, x: calls.append(1) or model.loss(x))
    history = fit(step, batches(), 2, [measured, lambda rows: calls.append(1)])
    return ended(step, history, calls=len(calls))


class Beginning(Quiet):
    """Before the first step, its bias begins as the mean of a batch."""

    def before_step(self, x, steps):
        if steps == 0:
            self.net[3].bias.copy_(x.mean(0))


def beginning(folder):
    runtime.seed(5)
    step = distributed.spread(GradientStep(Beginning(), lr=0.05))
    return ended(step, fit(step, batches(), 1))


def refused(folder):
    with pytest.raises(ValueError, match="a ContrastiveDivergenceStep cannot be spread"):
        distributed.spread(ContrastiveDivergenceStep(TinyRBM()))
    return {}


SCENARIOS = {f.__name__: f for f in (quiet, game, noisy, resumed, diverging, interrupted, measuring, beginning, refused)}

if __name__ == "__main__":
    with distributed.group(minutes=2):
        found = {name: scenario(Path(sys.argv[1])) for name, scenario in SCENARIOS.items()}
        torch.save(found, Path(sys.argv[1]) / f"{distributed.rank()}.pt")
