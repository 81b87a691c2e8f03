"""How much an autoencoder loses: squared error, with its standard error."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_examples
from course_lib.metrics.likelihood import Estimate, mean_with_error
from course_lib.models.inputs import check_count
from course_lib.models.latent.autoencoder import squared_error
from course_lib.runtime import device_of


@torch.no_grad()
def errors(model, x: Tensor, *, batch_size: int = 500) -> Tensor:
    """|x - model.reconstruct(x)|^2, summed over the values of an example, (N,), of examples x (N, *event_shape).

    It is computed batch by batch on the model's device; the result is on the CPU.
    """
    device, parts = device_of(model), check_examples(x).split(check_count(batch_size, "batch_size"))
    return torch.cat([squared_error(batch.cpu(), model.reconstruct(batch.to(device)).cpu()) for batch in parts])


def mean_error(model, x: Tensor, *, batch_size: int = 500) -> Estimate:
    """Mean of `errors` over examples x (N, *event_shape), as squared error per example, with its standard error."""
    return mean_with_error(errors(model, x, batch_size=batch_size), "squared error")
