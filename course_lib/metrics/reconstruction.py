"""How much an autoencoder loses: squared error, with its standard error."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.metrics.likelihood import Estimate, mean_with_error
from course_lib.models.latent.autoencoder import squared_error


@torch.no_grad()
def errors(model, x: Tensor, *, batch_size: int = 500) -> Tensor:
    """|x - model.reconstruct(x)|^2 of every example, summed over its values, (N,), a batch at a time, on the model's device."""
    device = next(iter([*model.parameters(), *model.buffers()])).device
    return torch.cat([squared_error(batch, model.reconstruct(batch.to(device)).cpu()) for batch in x.split(batch_size)])


def mean_error(model, x: Tensor, *, batch_size: int = 500) -> Estimate:
    """Mean of `errors` over the examples, with its standard error."""
    return mean_with_error(errors(model, x, batch_size=batch_size), "squared error")
