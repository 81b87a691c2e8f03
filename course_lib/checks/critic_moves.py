"""The exercise of lesson 17 about the moves of a critic within one round: each move sees examples that are new to it."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade


class Draw:
    """A new batch (3, 2) of points around `middle` at every call, the same ones for the same seed."""

    def __init__(self, seed: int, middle: float):
        self.seed, self.middle, self.calls = seed, middle, 0

    def __call__(self) -> Tensor:
        self.calls += 1
        return self.middle + torch.randn(3, 2, generator=runtime.generator(100 * self.seed + self.calls))


class Move:
    """One move of a linear critic w · x; returns its loss before the move, the mean over fake minus the mean over real points."""

    def __init__(self):
        self.w = torch.tensor([0.3, -0.2])

    def __call__(self, real: Tensor, fake: Tensor) -> Tensor:
        gap = real.mean(0) - fake.mean(0)
        loss = -(self.w @ gap)
        self.w = self.w + 0.5 * gap
        return loss


def fresh_batches(attempt, *, record: bool = True) -> Verdict:
    """17.6 attempt(draw_real, draw_fake, move, moves) -> the list of the losses of so many moves of the critic.

    draw_real(), draw_fake(): a new batch (B, D) at every call. move(real, fake) moves the critic and returns its loss,
    a tensor (). No batch may be seen in two moves, and each that is drawn is seen.
    """

    def truth(draw_real, draw_fake, move, moves: int) -> list[Tensor]:
        return [move(draw_real(), draw_fake()) for _ in range(moves)]

    def one_batch(draw_real, draw_fake, move, moves: int) -> list[Tensor]:
        real, fake = draw_real(), draw_fake()
        return [move(real, fake) for _ in range(moves)]

    def one_real(draw_real, draw_fake, move, moves: int) -> list[Tensor]:
        real = draw_real()
        return [move(real, draw_fake()) for _ in range(moves)]

    def one_fake(draw_real, draw_fake, move, moves: int) -> list[Tensor]:
        fake = draw_fake()
        return [move(draw_real(), fake) for _ in range(moves)]

    def drawn_ahead(draw_real, draw_fake, move, moves: int) -> list[Tensor]:
        draw_real(), draw_fake()
        return truth(draw_real, draw_fake, move, moves)

    slips = (
        Slip(
            one_batch,
            "one batch serves all moves: the critic then learns these few examples by heart, and not what tells real from fake. "
            "Draw both batches inside the loop.",
        ),
        Slip(one_real, "the real batch is the same in all moves: draw it inside the loop too."),
        Slip(one_fake, "the fake batch is the same in all moves: draw it inside the loop too."),
        Slip(lambda r, f, m, n: truth(f, r, m, n), "real and fake have changed places: move(real, fake)."),
        Slip(lambda r, f, m, n: truth(r, r, m, n), "both batches are real."),
        Slip(lambda r, f, m, n: truth(f, f, m, n), "both batches are fake."),
        Slip(drawn_ahead, "a first pair of batches was drawn that no move has seen."),
        Slip(lambda *case: truth(*case)[-1], "that is the last loss alone; a list of the losses of all moves is wanted."),
        Slip(lambda *case: torch.stack(truth(*case)).mean(), "that is the mean of the losses; the list of them is wanted."),
        Slip(lambda *case: torch.stack(truth(*case)).sum(), "that is the sum of the losses; the list of them is wanted."),
        Slip(lambda r, f, m, n: truth(r, f, m, 1), "the critic moves only once; it should move `moves` times."),
        Slip(lambda r, f, m, n: truth(r, f, m, n - 1), "one move too few."),
        Slip(lambda r, f, m, n: truth(r, f, m, n + 1), "one move too many."),
    )
    cases = [(Draw(1, 1.0), Draw(2, -1.0), Move(), 5), (Draw(3, 0.0), Draw(4, 2.0), Move(), 3)]
    return grade("17.6", attempt, truth, cases, slips, record=record)
