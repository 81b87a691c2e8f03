"""A small classifier of images, whose features judge generated images in place of those of a large pretrained network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.distributions import Categorical
from course_lib.models.inputs import (
    as_parameters,
    check_count,
    check_counts,
    check_event_shape,
    check_events,
    check_whole,
    values_are_trusted,
)
from course_lib.runtime import uniform


class FeatureClassifier(nn.Module):
    """Three convolutions of 3 x 3, each with ReLU and 2 x 2 max pooling, then two dense layers: x -> features -> logits.

    A metric such as the Fréchet distance compares two sets of images by the features that a classifier has learnt; its
    authors use an Inception network trained on photographs (Heusel et al. 2017). This one is trained on the course's own
    images. With the default sizes and images of 28 x 28 it has 60,874 parameters.

    Args:
        event_shape: (C, H, W), height and width at least 8.
        classes: K, number of classes.
        channels: the number of channels of each of the three convolutions.
        width: F, number of features: the units of the layer before the logits.
        shift: in training mode, `loss` moves each image by up to so many pixels along both axes, at random; the pixels that
            come into view are 0.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        classes: int = 10,
        channels: Sequence[int] = (16, 32, 64),
        width: int = 64,
        shift: int = 0,
    ):
        super().__init__()
        self.event_shape, self.classes = check_event_shape(event_shape), check_count(classes, "classes")
        self.channels, self.width = check_counts(channels, "channels"), check_count(width, "width")
        self.shift = check_whole(shift, "shift")
        if len(self.event_shape) != 3 or min(self.event_shape[1:]) < 8:
            raise ValueError(f"event_shape is {event_shape!r}; expected an image of at least 8 x 8 pixels, such as (1, 28, 28)")
        if len(self.channels) != 3:
            raise ValueError(f"channels are {self.channels}; expected three numbers, one for each convolution: (16, 32, 64)")
        layers: list[nn.Module] = []
        for before, after in zip([self.event_shape[0], *self.channels], self.channels, strict=False):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        flat = self.channels[-1] * (self.event_shape[1] // 8) * (self.event_shape[2] // 8)
        self.to_features = nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, self.width), nn.ReLU())
        self.to_logits = nn.Linear(self.width, self.classes)

    def features(self, x: Tensor) -> Tensor:
        """The activations before the last layer, (B, F), each at least 0, of images x (B, C, H, W)."""
        return self.to_features(as_parameters(check_events(x, self.event_shape), self))

    def logits(self, x: Tensor) -> Tensor:
        """Unnormalised log-probabilities of the classes, (B, K), of images x (B, C, H, W)."""
        return self.to_logits(self.features(x))

    def loss(self, batch: tuple[Tensor, Tensor], *, generator: torch.Generator | None = None) -> Tensor:
        """Cross-entropy in nats per example, (): the mean of -log p(y | x) over images x (B, C, H, W) with labels y (B,).

        Raises ValueError when the batch is not such a pair, or when a label is not an integer in 0 … K - 1.
        """
        x, y = self._pair(batch)
        seen = self._shifted(x, generator) if self.training and self.shift else x
        return -Categorical(self.logits(seen)).log_prob(y).mean()

    def _pair(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        if not isinstance(batch, (tuple, list)) or len(batch) != 2:
            raise ValueError(f"the batch is a {type(batch).__name__}; expected a pair of images and labels: Batches((x, y), …)")
        x, y = batch
        if not isinstance(y, Tensor) or y.is_floating_point() or y.is_complex() or y.shape != x.shape[:1]:
            found = f"{y.dtype} of shape {tuple(y.shape)}" if isinstance(y, Tensor) else type(y).__name__
            raise ValueError(f"y is {found}; expected an integer label for each of the {len(x)} images: y.long()")
        y = y.long()
        if not values_are_trusted() and len(y) and (y.amin() < 0 or y.amax() >= self.classes):
            raise ValueError(f"y has labels in {int(y.min())} … {int(y.max())}; expected 0 … {self.classes - 1}: set classes=")
        return x, y

    def _shifted(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """Each image moved by its own random whole number of pixels, from -shift to shift, along both axes: (B, C, H, W)."""
        B, (_, H, W), s = len(x), self.event_shape, self.shift
        down, right = (uniform((2, B), x, generator) * (2 * s + 1)).long()  # (B,) each
        rows = down[:, None] + torch.arange(H, device=x.device)  # (B, H)
        columns = right[:, None] + torch.arange(W, device=x.device)  # (B, W)
        images = torch.arange(B, device=x.device)[:, None, None]
        padded = F.pad(check_events(x, self.event_shape), (s, s, s, s)).permute(0, 2, 3, 1)
        return padded[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
