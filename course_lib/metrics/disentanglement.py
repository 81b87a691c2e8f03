"""Does one number of a code hold one cause of the picture? Two answers, both of which need the true factors.

A representation is a function `represent(factors (B, K)) -> codes (B, L)`: it draws the picture of each row of factors, and
encodes it. Higher is better in both metrics, and neither can be computed without knowing the factors that made the data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib.metrics.inputs import check_labels, check_rows, check_tensor
from course_lib.models.inputs import check_count

Represent = Callable[[Tensor], Tensor]
SampleFactors = Callable[[int, torch.Generator], Tensor]


def discretise(values: Tensor, bins: int = 20) -> Tensor:
    """Cut each column's range into `bins` parts of equal width: values (N, M) -> the number of the part, (N, M) integers.

    A column that never changes is all 0.
    """
    values, bins = check_rows(values, "values"), check_count(bins, "bins")
    low, high = values.min(0).values, values.max(0).values
    share = (values - low) / torch.where(high > low, high - low, 1.0)
    return (share * bins).long().clamp(max=bins - 1)


def mutual_information(a: Tensor, b: Tensor) -> Tensor:
    """I(a_i; b_j) in nats, (L, K), of integer columns a (N, L) and b (N, K), from how often values occur together.

    The frequencies stand for the probabilities, so that even independent columns of A and B values give about
    (A - 1)(B - 1) / 2N nats (Miller 1955): N must be large against A B. The result is float64, on the CPU.
    """
    if check_tensor(a, "a").ndim != 2 or check_tensor(b, "b").ndim != 2 or len(a) != len(b) or not a.numel() or not b.numel():
        raise ValueError(f"a has shape {tuple(a.shape)} and b {tuple(b.shape)}; expected (N, L) and (N, K) with the same N")
    if a.is_floating_point() or b.is_floating_point() or a.min() < 0 or b.min() < 0:
        raise ValueError(
            f"a holds {a.dtype} and b {b.dtype}; expected integers from 0: discretise(values) cuts numbers into bins"
        )
    (values_a, a), (values_b, b) = (torch.unique(columns.cpu(), return_inverse=True) for columns in (a, b))
    N, A, B = len(a), len(values_a), len(values_b)  # which values stand there does not matter, only which are equal
    together = F.one_hot(a, A).double().flatten(1).T @ F.one_hot(b, B).double().flatten(1) / N  # (L A, K B)
    joint = together.view(a.shape[1], A, b.shape[1], B).transpose(1, 2)  # (L, K, A, B)
    alone = joint.sum(3, keepdim=True) * joint.sum(2, keepdim=True)
    return (torch.special.xlogy(joint, joint) - torch.special.xlogy(joint, alone)).sum((2, 3))


def information_shares(codes: Tensor, factors: Tensor, bins: int = 20) -> Tensor:
    """I(z_i; v_j) / H(v_j), (L, K): the share of each factor's entropy that one coordinate of the code reveals.

    codes (N, L), factors (N, K): real numbers, cut into `bins` parts each. A factor that never changes raises ValueError.
    """
    cut = discretise(factors, bins)
    entropy = mutual_information(cut, cut).diagonal()  # (K): what a column tells about itself
    if (entropy == 0).any():
        raise ValueError(f"factor {int(entropy.argmin())} never changes; expected factors that vary: leave its column out")
    return mutual_information(discretise(codes, bins), cut) / entropy  # on the CPU


def information_gaps(shares: Tensor) -> Tensor:
    """For each factor, (K,): the largest of its shares (L, K) minus the second largest (Chen et al. 2018, eq. 6).

    Their mean over the factors is the mutual information gap, MIG: 1 where each factor sits in one coordinate of its own
    and nowhere else, 0 where two coordinates reveal equally much about it, or no coordinate reveals anything. A coordinate
    that holds two factors is not penalised.
    """
    first, second = check_rows(shares, "shares", least=2).topk(2, dim=0).values
    return first - second


def mutual_information_gap(codes: Tensor, factors: Tensor, bins: int = 20) -> float:
    """MIG, in [0, 1], of codes (N, L) and the factors (N, K) behind them (Chen et al. 2018, eq. 6).

    Both are cut into `bins` parts. Chen and colleagues take the code to be a draw from q(z | x). A coordinate that the model does
    not use may still reveal much through the mean of q: the mean moves by a tiny amount, but exactly as the picture does. In a
    draw, the noise hides this movement.
    """
    return information_gaps(information_shares(codes, factors, bins)).mean().item()


def fixed_factor_examples(
    represent: Represent,
    sample_factors: SampleFactors,
    *,
    n: int,
    pairs: int = 32,
    generator: torch.Generator,
    chunk: int = 4_096,
) -> tuple[Tensor, Tensor]:
    """Examples for the β-VAE metric (Higgins et al. 2017, appendix A.4): which factor was the same in all these pairs?

    For each example one factor y is chosen; `pairs` pairs of factors are drawn that agree in factor y alone; the example is
    the mean of |z - z'| over its pairs.

    Args:
        represent: factors (B, K) -> codes (B, L).
        sample_factors: (n, generator) -> independent factors (n, K).
        chunk: rows of factors that are represented at a time.

    Returns (differences (n, L), y (n,)).
    """
    n, pairs, chunk = check_count(n), check_count(pairs, "pairs"), check_count(chunk, "chunk")
    one = sample_factors(n * pairs, generator)  # (n pairs, K)
    other = sample_factors(n * pairs, generator)
    y = torch.randint(one.shape[1], (n,), generator=generator, device=one.device)
    same = F.one_hot(y, one.shape[1]).bool().repeat_interleave(pairs, 0)
    other = torch.where(same, one, other)
    rows = zip(one.split(chunk), other.split(chunk), strict=True)
    away = torch.cat([(represent(a) - represent(b)).abs() for a, b in rows])  # (n pairs, L)
    return away.view(n, pairs, -1).mean(1), y


def linear_accuracy(train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], *, steps: int = 100) -> float:
    """Share of the examples of `test` whose label is found by a linear classifier that was fitted to `train`.

    Both are pairs: examples (N, L) and labels (N,) from 0, all on one device. The classifier is softmax regression by L-BFGS,
    with a penalty of 1e-4 on the squared weights, on inputs brought to mean 0 and variance 1. ValueError unless both are such
    pairs, with at least two examples to fit.
    """
    (x, y), (x_test, y_test) = _labelled(train, "train", 2), _labelled(test, "test", 1)
    check_rows(x_test, "the examples of test", columns=x.shape[1])
    mean, scale = x.mean(0), x.std(0)
    scale = torch.where(scale > 1e-8 * x.abs().amax().clamp(min=1e-30), scale, math.inf)  # columns that never change are left out
    x, x_test = (x - mean) / scale, (x_test - mean) / scale
    weight = x.new_zeros(x.shape[1], int(y.max()) + 1).requires_grad_()
    bias = x.new_zeros(weight.shape[1]).requires_grad_()
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=check_count(steps, "steps"), line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(x @ weight + bias, y) + 1e-4 * weight.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        return ((x_test @ weight + bias).argmax(1) == y_test).double().mean().item()


def beta_vae_score(
    represent: Represent,
    sample_factors: SampleFactors,
    *,
    n_train: int = 1_000,
    n_test: int = 500,
    pairs: int = 32,
    generator: torch.Generator,
) -> float:
    """The β-VAE metric (Higgins et al. 2017, appendix A.4): accuracy of a linear classifier that names the fixed factor.

    The score is 1 where the fixed factor is always named correctly; 1 / K is chance. Within pairs, the coordinate of the fixed
    factor differs little, so a code with one coordinate per factor scores 1. Codes whose coordinates mix factors can score 1
    too; MIG gives such codes less.
    """
    train, test = (
        fixed_factor_examples(represent, sample_factors, n=n, pairs=pairs, generator=generator) for n in (n_train, n_test)
    )
    return linear_accuracy(train, test)


def _labelled(pair: tuple[Tensor, Tensor], name: str, least: int) -> tuple[Tensor, Tensor]:
    """The examples (N, L) of a pair, at least `least`, and their labels (N,)."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ValueError(f"{name} is a {type(pair).__name__}; expected a pair: examples (N, L) and labels (N,)")
    x = check_rows(pair[0], f"the examples of {name}", least=least)
    return x, check_labels(pair[1], len(x), f"the labels of {name}")


@torch.no_grad()
def measure(model, sample_factors: SampleFactors, draw: Represent, *, n: int, generator: torch.Generator) -> dict[str, Any]:
    """Both metrics of a flat VAE on n freshly drawn examples, with its KL and its reconstruction error.

    As their authors do, the gap is measured on draws from q(z | x), and the β-VAE metric on the means of q.

    Args:
        model: has encode(x) and decode(z), both distributions with a `mean`.
        sample_factors: (n, generator) -> independent factors (n, K). draw: factors (B, K) -> examples (B, *event_shape).
        n: examples for the gap, the KL and the error; the β-VAE metric draws n / 20 (2 or more) to fit and as many to test.

    Returns "mig"; for each factor (K) its gap in "gaps", the largest of its information shares in "shares", and the coordinate
    (from 0) of that share in "coordinates"; "beta_vae_score"; "kl_nats" per example of each coordinate (L); and "rmse", the root
    mean squared error per value of the reconstructions from the means.
    """

    def represent(factors: Tensor) -> Tensor:
        return model.encode(draw(factors)).mean

    factors = sample_factors(check_count(n), generator)
    codes, kl, squared = [], 0.0, 0.0
    for some in factors.split(1_000):
        x = draw(some)
        q = model.encode(x)
        codes.append(q.sample(generator=generator))
        kl = kl + q.kl_by_coordinate(model.prior()).sum(0) / n
        squared += (model.decode(q.mean).mean - x).square().flatten(1).mean(1).sum().item() / n
    shares = information_shares(torch.cat(codes), factors)  # (L, K)
    gaps, (largest, where) = information_gaps(shares), shares.max(0)
    few = max(n // 20, 2)
    score = beta_vae_score(represent, sample_factors, n_train=few, n_test=few, pairs=16, generator=generator)
    return {
        "mig": gaps.mean().item(),
        "beta_vae_score": score,
        "rmse": math.sqrt(squared),
        "gaps": gaps.tolist(),
        "shares": largest.tolist(),
        "coordinates": where.tolist(),
        "kl_nats": kl.tolist(),
    }
