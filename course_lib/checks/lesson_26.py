"""Exercises of lesson 26, the scoreboard: kinds of likelihood, paired differences, orders that hold, the front, a guesser."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.metrics.front import front as best_front
from course_lib.models.adversarial import GAN
from course_lib.models.autoregressive import FVSBN, OrderlessNADE
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.energy.rbm import RBM
from course_lib.models.latent import VAE
from course_lib.models.protocols import EnergyModel, ExplicitModel, GenerativeModel, LatentVariableModel
from course_lib.nn.velocity import TimedDense
from course_lib.training.scores import kinds

EXERCISES = {
    "26.1": "exact, bound, estimate or cannot",
    "26.2": "which orders hold",
    "26.3": "the difference of two models, paired",
    "26.4": "the front of two columns",
    "26.5": "the expected score of a guesser",
}


def _models() -> list[tuple[nn.Module]]:
    """One small model of each sort: two exact ones, a bound, a small and a large machine, a game, a flow of velocity."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        game = GAN(generator=nn.Linear(2, 3), discriminator=nn.Linear(3, 1), event_shape=(3,), noise=2)
        flow = VelocityFlow(network=TimedDense(size=3), event_shape=(3,))
        found = (
            FVSBN(event_shape=(3,)), OrderlessNADE(event_shape=(3,), hidden=(4,)), VAE(event_shape=(3,), latent=1, hidden=(4,)),
            RBM(event_shape=(3,), hidden=2), RBM(event_shape=(25,), hidden=30), game, flow,
        )  # fmt: skip
    return [(model,) for model in found]


def kind(attempt, *, record: bool = True) -> Verdict:
    """26.1 attempt(model) -> "exact", "bound", "estimate" or "cannot": what the library can say of -log p(x)."""

    def told(exact=ExplicitModel, bound=LatentVariableModel, energy=EnergyModel, small="exact", large="estimate", other="cannot"):
        def answer(model: nn.Module) -> str:
            if isinstance(model, energy):
                return small if kinds.normalised(model) is not None else large
            return "exact" if isinstance(model, exact) else "bound" if isinstance(model, bound) else other

        return answer

    slips = (
        Slip(
            told(small="estimate"),
            "a machine with at most 20 units in one layer has `normalised()`, which sums all states: exact.",
        ),
        Slip(
            told(large="exact"), "`normalised()` raises an error where no layer has at most 20 units: there, log Z is annealed."
        ),
        Slip(told(large="cannot"), "the log Z of a large machine is annealed (lesson 20): that is an estimate."),
        Slip(told(small="cannot", large="cannot"), "an energy model has no log_prob, but Z can be summed or annealed."),
        Slip(told(exact=(ExplicitModel, LatentVariableModel)), "`elbo` and `importance_bound` are bounds, however many draws."),
        Slip(told(other="estimate"), "samples alone give no density: such a model cannot say how probable a digit is."),
        Slip(told(other="bound"), "a bound needs `elbo`; these models have neither that nor log_prob."),
        Slip(
            lambda model: "exact" if isinstance(model, GenerativeModel) else "cannot",
            "every generative model can draw; only an ExplicitModel has log_prob.",
        ),
    )
    return grade("26.1", attempt, kinds.kind_of, _models(), slips, record=record)


def orders(attempt, *, record: bool = True) -> Verdict:
    """26.2 attempt(low (N,), high (N,)) -> booleans (N, N): is model i surely better (fewer nats) than model j?"""

    def truth(low: Tensor, high: Tensor) -> Tensor:
        return high[:, None] < low

    def middle(low: Tensor, high: Tensor) -> Tensor:
        return (low + high) / 2

    slips = (
        Slip(lambda low, high: truth(low, high).T, "rows and columns have changed places: entry (i, j) says that i beats j."),
        Slip(
            lambda low, high: high[:, None] < high,
            "that orders the printed numbers: the upper ends. The truth may lie far below.",
        ),
        Slip(
            lambda low, high: truth(low, high) | truth(low, high).T,
            "that marks every pair that is decided; (i, j) is true where i is the better one alone.",
        ),
        Slip(lambda low, high: low[:, None] < low, "that orders the lower ends alone."),
        Slip(
            lambda low, high: middle(low, high)[:, None] < middle(low, high), "a middle says nothing: only whole ranges decide."
        ),
        Slip(lambda low, high: low[:, None] < high, "that says that i may be better than j; surely takes the worst of i."),
        Slip(lambda low, high: high[:, None] <= low, "ranges that touch decide nothing: the two may be equal."),
    )
    cases = [
        (torch.tensor([80.0, -math.inf, 81.0, 90.0]), torch.tensor([80.0, 83.0, 86.0, 90.0])),
        (torch.tensor([70.0, 60.0, 72.0, 75.0, 90.0]), torch.tensor([75.0, 86.0, 73.5, 79.0, 91.0])),
    ]
    return grade("26.2", attempt, truth, cases, slips, record=record)


def _pair(seed: int, n: int) -> tuple[Tensor, Tensor]:
    """-log p of n digits by two models, which find the same digits hard."""
    hard, apart = torch.randn(2, n, generator=runtime.generator(seed)).unbind()
    return 85 + 20 * hard, 84 + 20 * hard + 4 * apart


def paired(attempt, *, record: bool = True) -> Verdict:
    """26.3 attempt(a (N,), b (N,)) -> the mean of a - b, and its standard error by pairs."""

    def error(a: Tensor, b: Tensor) -> Tensor:
        return (a - b).std() / math.sqrt(len(a))

    slips = (
        Slip(
            lambda a, b: ((a - b).mean(), torch.sqrt((a.var() + b.var()) / len(a))),
            "that treats the two models' digits as different ones; both saw the same: take the differences first.",
        ),
        Slip(
            lambda a, b: ((a - b).mean(), (a - b).std()), "that is the spread over digits; the error of a mean is divided by √N."
        ),
        Slip(lambda a, b: ((a - b).mean(), (a - b).std() / len(a)), "divide by the root of N, not by N."),
        Slip(
            lambda a, b: ((a - b).mean(), (a - b).var() / math.sqrt(len(a))),
            "that has the variance where the standard deviation belongs.",
        ),
        Slip(lambda a, b: ((b - a).mean(), error(a, b)), "the sign is turned around: the first minus the second."),
        Slip(lambda a, b: ((a - b).sum(), error(a, b)), "that is the sum of the differences; their mean is wanted."),
        Slip(lambda a, b: ((a - b).abs().mean(), error(a, b)), "a difference has a sign: no absolute values."),
        Slip(lambda a, b: ((a - b).mean(), (a + b).std() / math.sqrt(len(a))), "that is the error of the sum."),
        Slip(
            lambda a, b: ((a - b).mean(), (a - b).std(unbiased=False) / math.sqrt(len(a))),
            "the variance of a sample has N − 1 in its denominator, as `std()` has.",
        ),
    )
    cases = [_pair(0, 12), _pair(1, 30)]
    return grade("26.3", attempt, lambda a, b: ((a - b).mean(), error(a, b)), cases, slips, record=record)


def front(attempt, *, record: bool = True) -> Verdict:
    """26.4 attempt(costs (N, 2)) -> booleans (N,): rows that no other row dominates; less is better in both columns."""

    def by_pairs(worse, one) -> object:
        return lambda costs: ~(worse(costs[:, None], costs).all(-1) & one(costs[:, None], costs).any(-1)).any(0)

    def nothing(a: Tensor, b: Tensor) -> Tensor:
        return (
            torch.ones_like(torch.broadcast_tensors(a, b)[0], dtype=torch.bool) & ~torch.eye(len(b), dtype=torch.bool)[..., None]
        )

    slips = (
        Slip(
            by_pairs(torch.lt, torch.lt),
            "to dominate, a model need not be better in both: as good in one and better in the other will do.",
        ),
        Slip(by_pairs(torch.le, nothing), "two equal models do not dominate each other: one column must be strictly better."),
        Slip(
            lambda costs: ~((costs[:, None] <= costs).any(-1) & (costs[:, None] < costs).any(-1)).any(0),
            "to dominate, a model must be at least as good in both columns: all, not any.",
        ),
        Slip(
            lambda costs: (costs == costs.amin(0)).any(1),
            "those are the winners of the single columns; the front lies between them, too.",
        ),
        Slip(lambda costs: ~best_front(costs), "that marks the dominated ones."),
        Slip(lambda costs: best_front(-costs), "less is better in both columns; that is the front of the worst."),
        Slip(lambda costs: best_front(costs * torch.tensor([1.0, -1.0])), "less is better in the second column, too."),
    )
    g = runtime.generator(3)
    cases = [
        torch.tensor([[1.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 1.0], [2.0, 3.0], [4.0, 4.0], [1.0, 6.0]]),
        torch.randint(0, 6, (9, 2), generator=g).float(),
    ]
    return grade("26.4", attempt, best_front, cases, slips, record=record)


def guesser(attempt, *, record: bool = True) -> Verdict:
    """26.5 attempt(seen, fooled, n) -> the expected share of right answers, and its standard error after n digits.

    seen: the probability that the player calls a real digit real. fooled: that the player calls a generated digit real. A fair
    coin decides for each digit whether it is real.
    """

    def share(seen: float, fooled: float) -> float:
        return (seen + 1 - fooled) / 2

    def error(p: float, n: int) -> float:
        return math.sqrt(p * (1 - p) / n)

    def with_share(of) -> object:
        return lambda s, f, n: (torch.tensor(of(s, f)), torch.tensor(error(share(s, f), n)))

    def with_error(of) -> object:
        return lambda s, f, n: (torch.tensor(share(s, f)), torch.tensor(of(s, f, n)))

    slips = (
        Slip(
            lambda s, f, n: (torch.tensor((s + f) / 2), torch.tensor(error((s + f) / 2, n))),
            "a generated digit is answered rightly when it is *not* called real.",
        ),
        Slip(lambda s, f, n: (torch.tensor(s), torch.tensor(error(s, n))), "half of the digits are generated: they count, too."),
        Slip(with_share(lambda s, f: s), "half of the digits are generated: they count, too."),
        Slip(
            with_share(lambda s, f: s * (1 - f)),
            "that is the probability to be right twice, on one real and on one generated digit.",
        ),
        Slip(with_share(lambda s, f: s + 1 - f), "each kind comes in half of the cases: divide by 2."),
        Slip(
            with_error(lambda s, f, n: share(s, f) * (1 - share(s, f)) / n),
            "that is the variance of the share; its root is wanted.",
        ),
        Slip(
            with_error(lambda s, f, n: math.sqrt(share(s, f) * (1 - share(s, f)))),
            "that is the spread of one answer; the mean of n is steadier by √n.",
        ),
        Slip(with_error(lambda s, f, n: math.sqrt(share(s, f) / n)), "the variance of a yes or no is p(1 − p)."),
        Slip(
            with_error(lambda s, f, n: math.sqrt((s * (1 - s) + f * (1 - f)) / (2 * n))),
            "that holds when exactly half of the digits are real; here a coin decides for each digit: use one p for all.",
        ),
    )
    cases = [(0.9, 0.3, 50), (0.6, 0.5, 200), (0.8, 0.1, 10)]

    def truth(seen: float, fooled: float, n: int) -> tuple[Tensor, Tensor]:
        return torch.tensor(share(seen, fooled)), torch.tensor(error(share(seen, fooled), n))

    return grade("26.5", attempt, truth, cases, slips, record=record)
