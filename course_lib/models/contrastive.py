"""Features learned without labels from pairs of views of one image (SimCLR: Chen et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.models.classifier import FeatureClassifier
from course_lib.models.inputs import as_parameters, check_count, check_events, check_number
from course_lib.runtime import uniform


class ContrastiveFeatures(nn.Module):
    """The features of a `FeatureClassifier`, learned by telling which two views show the same image: it models no density.

    A view is the image turned, stretched and shifted at random. The choice of these changes is knowledge of the task: it says
    that a digit stays the same digit under them.

    Args:
        event_shape, channels, width: as in FeatureClassifier; F = width is the number of features.
        projection: P, the length of the vectors that the loss compares; the features lie one layer before them.
        temperature: of the softmax over similarities, above 0.
        turn: the largest angle in degrees. stretch: the largest change of each side, as a share. shift: the largest shift, in
            pixels. All are uniform, in both directions.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        channels: Sequence[int] = (16, 32, 64),
        width: int = 64,
        projection: int = 32,
        temperature: float = 0.2,
        turn: float = 20.0,
        stretch: float = 0.25,
        shift: float = 3.0,
    ):
        super().__init__()
        trunk = FeatureClassifier(event_shape=event_shape, channels=channels, width=width)
        self.event_shape, self.channels, self.width = trunk.event_shape, trunk.channels, trunk.width
        self.projection = check_count(projection, "projection")
        self.temperature = check_number(temperature, "temperature", above=0)
        self.turn, self.shift = check_number(turn, "turn", least=0), check_number(shift, "shift", least=0)
        self.stretch = check_number(stretch, "stretch", least=0)
        if self.stretch >= 1:
            raise ValueError(f"stretch is {stretch}; expected a share below 1, such as 0.25")
        self.to_features = trunk.to_features
        self.to_projection = nn.Linear(self.width, self.projection)

    def features(self, x: Tensor) -> Tensor:
        """Features (B, F) of images x (B, C, H, W), each at least 0."""
        return self.to_features(as_parameters(check_events(x, self.event_shape), self))

    def view(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """Each image turned, stretched and shifted at random, (B, C, H, W); what comes into view is 0."""
        H, W = self.event_shape[1:]
        turn, across, down, right, below = (2 * uniform((5, len(x)), x, generator).to(x) - 1).unbind()
        angle = turn * math.radians(self.turn)
        wide, high = 1 + self.stretch * across, 1 + self.stretch * down
        rows = [
            torch.stack([wide * angle.cos(), -wide * angle.sin(), 2 * self.shift * right / W], 1),
            torch.stack([high * angle.sin(), high * angle.cos(), 2 * self.shift * below / H], 1),
        ]
        grid = F.affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, align_corners=False)

    def loss(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The contrastive loss in nats per view, (), of images x (B, C, H, W), B at least 2 (Chen et al. 2020, eq. 1).

        Each of the 2 B views has to find the other view of its image among the 2 B - 1 others, by the cosine of projections.
        """
        x = as_parameters(check_events(x, self.event_shape), self)
        if len(x) < 2:
            raise ValueError(f"the batch has {len(x)} images; expected at least 2: an image alone has nothing to be told from")
        both = torch.cat([self.view(x, generator=generator), self.view(x, generator=generator)])
        return info_nce(self.to_projection(self.features(both)), self.temperature)


def info_nce(vectors: Tensor, temperature: float) -> Tensor:
    """The mean over 2 B vectors (2 B, P) of -log softmax of the own partner's similarity, (): rows i and i + B are partners."""
    directions = F.normalize(vectors.float(), dim=1)
    similar = directions @ directions.T / temperature  # (2 B, 2 B)
    similar = similar.masked_fill(torch.eye(len(vectors), dtype=torch.bool, device=vectors.device), -math.inf)
    partner = torch.arange(len(vectors), device=vectors.device).roll(len(vectors) // 2)
    return F.cross_entropy(similar, partner)
