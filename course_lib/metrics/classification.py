"""How often a classifier is right."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_examples, check_labels
from course_lib.metrics.likelihood import Estimate
from course_lib.models.inputs import check_count
from course_lib.runtime import device_of


@torch.no_grad()
def accuracy(model, x: Tensor, y: Tensor, *, batch_size: int = 500) -> Estimate:
    """The percentage of examples x (N, *event_shape) whose most probable class is the label y (N,), with its standard error.

    model: has logits(x) -> (B, K); it works batch by batch on its own device. The standard error is that of a binomial
    share p of N independent examples, 100 sqrt(p (1 - p) / N) per cent; it is 0 when all or none are right.
    Raises ValueError when y is not one integer label per example, or when there are no examples.
    """
    y = check_labels(y, len(check_examples(x)))
    device = device_of(model)
    found = [model.logits(batch.to(device)).argmax(1).cpu() for batch in x.split(check_count(batch_size, "batch_size"))]
    share = (torch.cat(found) == y.cpu()).double().mean().item()
    return Estimate(100 * share, 100 * math.sqrt(share * (1 - share) / len(x)), len(x), "% correct")
