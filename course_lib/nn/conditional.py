"""Networks that are told a condition: a class, which enters beside the noise or by a projection, or an image."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator
from course_lib.nn.patches import PatchDiscriminator


class LabelledGenerator(nn.Module):
    """Noise z (B, noise) and classes y (B,) -> images (B, C, H, W): each class has a learned vector, set beside the noise.

    Args:
        generator: from noise of length `noise` + `embedding` to images.
        classes: K. embedding: length of the vector of a class.
    """

    def __init__(self, *, generator: ImageGenerator, classes: int = 10, embedding: int = 32):
        super().__init__()
        self.classes, self.embedding = classes, embedding
        self.generator, self.vectors = generator, nn.Embedding(classes, embedding)

    def forward(self, z: Tensor, y: Tensor) -> Tensor:
        """(B, noise), (B,) -> (B, C, H, W)."""
        return self.from_vectors(z, self.vectors(y))

    def from_vectors(self, z: Tensor, vectors: Tensor) -> Tensor:
        """The images of noise z (B, noise) under vectors (B, embedding), such as a mixture of two classes' vectors."""
        return self.generator(torch.cat([z, vectors], 1))


class ProjectionDiscriminator(nn.Module):
    """Images x and classes y -> logits (B,): w·h(x) + v_y·h(x) of the features h(x), with one vector v_y per class.

    Miyato & Koyama (2018), eq. 5. The first term judges whether x is real at all, the second whether x is of class y.

    Args:
        discriminator: the network h and the linear layer w.
        classes: K.
    """

    def __init__(self, *, discriminator: ImageDiscriminator, classes: int = 10):
        super().__init__()
        self.classes, self.discriminator = classes, discriminator
        self.vectors = nn.Embedding(classes, discriminator.to_logit.in_features)
        nn.init.normal_(self.vectors.weight, std=discriminator.to_logit.in_features**-0.5)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """(B, C, H, W), (B,) -> (B,)."""
        h = self.discriminator.features(x)  # (B, F)
        return self.discriminator.to_logit(h).squeeze(-1) + (self.vectors(y) * h).sum(1)


class PairDiscriminator(PatchDiscriminator):
    """An input image and its output -> one logit for each patch of the pair, (B, H/4, W/4): is this patch of a real pair?

    Each logit sees 18 x 18 pixels of both images and nothing else: there is no normalisation, which would let it see the rest.
    With one channel each and the default sizes it has 34,465 parameters.

    Args:
        inputs: channels of the input image and of the output image together.
        channels: of the first two convolutions.
    """

    def __init__(self, *, inputs: int = 2, channels: Sequence[int] = (32, 64)):
        super().__init__(channels_in=inputs, channels=channels, instance_norm=False)
        self.inputs = inputs

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        """Outputs y (B, C, H, W) and their inputs x (B, C', H, W) -> (B, H/4, W/4)."""
        return super().forward(torch.cat([x, y], 1))
