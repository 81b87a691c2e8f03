"""Features of images: what a metric that compares two sets of images looks at."""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib.metrics.inputs import check_examples, check_rows
from course_lib.models.inputs import check_count
from course_lib.runtime import device_of


@torch.no_grad()
def features(model, x: Tensor, *, batch_size: int = 500) -> Tensor:
    """The features (N, F) that a model sees in examples x (N, *event_shape), batch by batch on the model's device.

    model: has features(x) -> (B, F), as FeatureClassifier has. The result lies on the CPU.
    Raises ValueError when there are no examples.
    """
    check_examples(x)
    device = device_of(model)
    return torch.cat([model.features(batch.to(device)).cpu() for batch in x.split(check_count(batch_size, "batch_size"))])


def check_two_sets(features_a: Tensor, features_b: Tensor, least: int = 2) -> tuple[Tensor, Tensor]:
    """Two sets of features, (N, F) and (M, F), in float32 or float64; ValueError unless both have `least` examples or more."""
    a = check_rows(features_a, "features_a", least=least)
    return a, check_rows(features_b, "features_b", least=least, columns=a.shape[1])
