"""Features of images: what a metric that compares two sets of images looks at."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.models.inputs import check_count
from course_lib.runtime import device_of


@torch.no_grad()
def features(model, x: Tensor, *, batch_size: int = 500) -> Tensor:
    """The features (N, F) that a model sees in examples x (N, *event_shape), batch by batch on the model's device.

    model: has features(x) -> (B, F), as FeatureClassifier has. The result lies on the CPU.
    Raises ValueError when there are no examples.
    """
    if not len(x):
        raise ValueError(f"x has shape {tuple(x.shape)}; expected at least one example")
    device = device_of(model)
    return torch.cat([model.features(batch.to(device)).cpu() for batch in x.split(check_count(batch_size, "batch_size"))])


def check_two_sets(features_a: Tensor, features_b: Tensor, least: int = 2) -> None:
    """ValueError unless these are two sets of features, (N, F) and (M, F), with at least `least` examples each."""
    for given in (features_a, features_b):
        if given.ndim != 2 or len(given) < least or given.shape[1] != features_a.shape[1]:
            raise ValueError(
                f"features have shapes {tuple(features_a.shape)} and {tuple(features_b.shape)}; expected (N, F) and (M, F) with "
                f"at least {least} examples each: features(judge, x) makes them, and x.flatten(1) makes them of pixels"
            )
