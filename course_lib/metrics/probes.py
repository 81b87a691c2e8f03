"""How much a few labels can do with some features: logistic regression and nearest neighbours, the simple rivals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib import runtime
from course_lib.metrics.inputs import as_floats, check_examples, check_finite, check_labels, check_rows
from course_lib.models.inputs import check_count, check_list, check_number

STEPS = 100  # of L-BFGS at most
LEAST = 0.1  # least spread of a feature, as a share of the largest one's: a constant feature is not blown up


@dataclass(frozen=True)
class LinearProbe:
    """A linear classifier of standardised features: weight (K, F), bias (K,), mean (F,), spread (F,)."""

    weight: Tensor
    bias: Tensor
    mean: Tensor
    spread: Tensor

    def logits(self, x: Tensor) -> Tensor:
        """Unnormalised log-probabilities (B, K) of features x (B, F)."""
        x = check_rows(x, "x", columns=len(self.mean))
        return (x.float() - self.mean) / self.spread @ self.weight.T + self.bias

    def percent_correct(self, x: Tensor, y: Tensor) -> float:
        """The percentage of features x (N, F) whose most probable class is the label y (N,)."""
        logits = self.logits(x)
        return 100 * (logits.argmax(1) == check_labels(y, len(logits))).double().mean().item()


def linear_probe(x: Tensor, y: Tensor, *, classes: int = 10, decay: float = 0.01) -> LinearProbe:
    """Logistic regression on features x (N, F) with labels y (N,) in 0 … classes - 1.

    The features are standardised by the mean and spread of these N. It makes the mean cross-entropy in nats, plus decay times the
    sum of squared weights, small by L-BFGS from zero. With a decay above 0 there is one optimum. Raises ValueError for other
    shapes and labels.
    """
    x, classes, decay = check_rows(x, "x"), check_count(classes, "classes"), check_number(decay, "decay", above=0)
    y = check_labels(y, len(x))
    if y.max() >= classes:
        raise ValueError(f"y has labels in {int(y.min())} … {int(y.max())}; expected 0 … {classes - 1}: set classes=")
    x = x.detach().float()
    mean, spread = x.mean(0), x.std(0, unbiased=False)
    spread = spread.clamp(min=max(LEAST * spread.max().item(), 1e-12))
    rows = (x - mean) / spread
    weight, bias = torch.zeros(classes, x.shape[1], requires_grad=True), torch.zeros(classes, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=STEPS, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = F.cross_entropy(rows @ weight.T + bias, y) + decay * weight.square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimiser.step(closure)
    return LinearProbe(weight.detach(), bias.detach(), mean, spread)


def nearest_label(x: Tensor, among: Tensor, y: Tensor, *, k: int = 1) -> Tensor:
    """The commonest label (N,) among the k nearest of `among` (M, …), whose labels are y (M,), for each of x (N, …).

    Distances are Euclidean; of equally common labels the smallest wins.
    """
    a, b = (
        check_finite(as_floats(check_examples(given, name)), name).reshape(len(given), -1).float()
        for name, given in (("x", x), ("among", among))
    )
    k, y = check_count(k, "k"), check_labels(y, len(b))
    if k > len(b) or a.shape[1] != b.shape[1]:
        raise ValueError(
            f"k is {k} of {len(b)} neighbours; x has {a.shape[1]} numbers per example and among {b.shape[1]}; expected at most "
            "as many as there are, and as many numbers"
        )
    squares = b.square().sum(1)
    found = torch.cat([(squares - 2 * part @ b.T).topk(k, largest=False).indices for part in a.split(2_000)])
    return y[found].mode(1).values


def linear_by_draw(known: Tensor, y: Tensor, draws: Sequence[Tensor], seen: Tensor, true: Tensor) -> Tensor:
    """The percentage of `seen` (N, F) with labels `true` (N,) that a linear probe gets right, (len(draws),).

    Each probe learns from the rows of `known` (M, F) and y (M,) that one of the draws names.
    """
    known, y, draws = _drawn(known, y, draws)
    return torch.tensor([linear_probe(known[rows], y[rows]).percent_correct(seen, true) for rows in draws])


def nearest_by_draw(known: Tensor, y: Tensor, draws: Sequence[Tensor], seen: Tensor, true: Tensor) -> Tensor:
    """As `linear_by_draw`, with the label of the nearest of the drawn rows."""
    known, y, draws = _drawn(known, y, draws)
    true = check_labels(true, len(check_examples(seen, "seen")), "true")
    return torch.tensor([100 * (nearest_label(seen, known[r], y[r]) == true).double().mean().item() for r in draws])


def _drawn(known: Tensor, y: Tensor, draws: Sequence[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Features, their labels, and the rows of each draw; ValueError where a draw names a row that there is not."""
    y, draws = check_labels(y, len(check_examples(known, "known"))), check_list(draws, "draws", "rows of the examples")
    draws = [check_labels(rows, rows.numel(), "a draw") if isinstance(rows, Tensor) else rows for rows in draws]
    if not draws or not all(isinstance(rows, Tensor) and len(rows) and rows.max() < len(y) for rows in draws):
        raise ValueError(f"draws are no rows of the {len(y)} examples; expected integers below {len(y)}: draw_labelled(y, …)")
    return known, y, draws


@torch.no_grad()
def activations(layer: nn.Module, run: Callable[[Tensor], Any], x: Tensor, *, batch_size: int = 250) -> Tensor:
    """What a layer gives while `run` computes on x (N, …), flattened: (N, F), on the CPU.

    layer: a part of the network that `run(batch)` uses, once per batch. ValueError where it does not use it so.
    """
    caught: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _layer, _given, found: caught.append(found.flatten(1).cpu()))
    try:
        parts = list(check_examples(x).split(check_count(batch_size, "batch_size")))
        for part in parts:
            run(part)
    finally:
        handle.remove()
    if len(caught) != len(parts):
        raise ValueError(
            f"the layer ran {len(caught)} times on {len(parts)} batches; expected once on each: choose another layer"
        )
    return torch.cat(caught)


def draw_labelled(y: Tensor, count: int, *, seed: int) -> Tensor:
    """The rows (count,) of a random choice of examples with labels y (N,), equally many of each class that occurs.

    ValueError where count is no multiple of the number of classes, or where a class has too few examples.
    """
    y = check_labels(y, len(check_examples(y, "y")))
    classes, counts = y.unique(return_counts=True)
    count = check_count(count, "count")
    each, left = divmod(count, len(classes))
    if left or (counts < each).any():
        raise ValueError(
            f"count is {count} for {len(classes)} classes; expected a multiple, and at most {int(counts.min())} of each"
        )
    generator, chosen = runtime.generator(seed), []
    for label in classes:
        (rows,) = (y == label).nonzero(as_tuple=True)
        chosen.append(rows[torch.randperm(len(rows), generator=generator)[:each]])
    return torch.cat(chosen)
