"""The networks of generative adversarial networks: for points, and for small images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from course_lib.nn.dense import ACTIVATIONS, dense

NORMALISATIONS = ("none", "batch")
SLOPE = 0.2  # of the leaky ReLU below 0


class PointNetwork(nn.Module):
    """A dense network (B, inputs) -> (B, outputs), or -> (B,) where outputs is None: one logit per example.

    Args:
        inputs: size of the input.
        hidden: units of each hidden layer.
        outputs: size of the output; None for a discriminator.
        activation: of the hidden layers: "relu", "tanh" or "silu".
    """

    def __init__(self, *, inputs: int, hidden: Sequence[int] = (128, 128, 128), outputs: int | None = None, activation="relu"):
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation is {activation!r}; expected one of {tuple(ACTIVATIONS)}")
        self.inputs, self.hidden, self.outputs, self.activation = inputs, list(hidden), outputs, activation
        self.layers = dense([inputs, *hidden, 1 if outputs is None else outputs], activation)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, outputs) or (B,)."""
        y = self.layers(x)
        return y.squeeze(-1) if self.outputs is None else y


class ImageGenerator(nn.Module):
    """Noise (B, noise) -> images (B, C, H, W) in [0, 1]: a dense layer, then twice a convolution that doubles both sides.

    A sub-pixel convolution makes four channels for every channel of the larger picture and sets them side by side as 2 x 2
    pixels (Shi et al. 2016, section 2.2): each output pixel is made by equally many products, so that no checkerboard is
    built in. Batch normalisation and ReLU follow every layer but the last, as in DCGAN (Radford et al. 2016, section 3).
    With the default sizes it has 288,356 parameters and a quarter of the final height and width inside.

    Args:
        noise: length of the noise vector.
        event_shape: (C, H, W), both sides multiples of 4.
        channels: of the smallest picture, and of the picture of twice its sides.
    """

    def __init__(self, *, noise: int = 64, event_shape: Sequence[int] = (1, 28, 28), channels: Sequence[int] = (64, 32)):
        super().__init__()
        self.noise, self.event_shape, self.channels = noise, list(event_shape), list(channels)
        C, H, W = _quartered(event_shape)
        first, second = channels
        self.layers = nn.Sequential(
            nn.Linear(noise, first * H * W),
            nn.Unflatten(1, (first, H, W)),  # (B, first, H/4, W/4)
            nn.BatchNorm2d(first),
            nn.ReLU(),
            nn.Conv2d(first, 4 * second, 3, padding=1),
            nn.PixelShuffle(2),  # (B, second, H/2, W/2)
            nn.BatchNorm2d(second),
            nn.ReLU(),
            nn.Conv2d(second, second, 3, padding=1),
            nn.BatchNorm2d(second),
            nn.ReLU(),
            nn.Conv2d(second, 4 * C, 3, padding=1),
            nn.PixelShuffle(2),  # (B, C, H, W)
            nn.Sigmoid(),
        )

    def forward(self, z: Tensor) -> Tensor:
        """(B, noise) -> (B, C, H, W)."""
        return self.layers(z)


class ImageDiscriminator(nn.Module):
    """Images (B, C, H, W) -> one logit per image, (B,): two convolutions of stride 2, then a linear layer.

    Args:
        event_shape: (C, H, W), both sides multiples of 4.
        channels: of the two convolutions.
        normalisation: "none", or "batch" after the second convolution.
        dropout: share of the features that are set to 0 at random in training, in [0, 1).
        spectral: divide each layer's weights by their largest singular value (Miyato et al. 2018), estimated by one step of
            power iteration per forward pass.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int] = (1, 28, 28),
        channels: Sequence[int] = (32, 64),
        normalisation: str = "none",
        dropout: float = 0.0,
        spectral: bool = False,
    ):
        super().__init__()
        if normalisation not in NORMALISATIONS:
            raise ValueError(f"normalisation is {normalisation!r}; expected one of {NORMALISATIONS}")
        self.event_shape, self.channels = list(event_shape), list(channels)
        self.normalisation, self.dropout, self.spectral = normalisation, dropout, spectral
        C, H, W = _quartered(event_shape)
        first, second = channels
        bound = spectral_norm if spectral else nn.Identity()
        self.to_features = nn.Sequential(
            bound(nn.Conv2d(C, first, 5, stride=2, padding=2)),  # (B, first, H/2, W/2)
            nn.LeakyReLU(SLOPE),
            nn.Dropout(dropout),
            bound(nn.Conv2d(first, second, 5, stride=2, padding=2)),  # (B, second, H/4, W/4)
            nn.BatchNorm2d(second) if normalisation == "batch" else nn.Identity(),
            nn.LeakyReLU(SLOPE),
            nn.Dropout(dropout),
            nn.Flatten(),
        )
        self.to_logit = bound(nn.Linear(second * H * W, 1))

    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, F)."""
        return self.to_features(x)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B,)."""
        return self.to_logit(self.features(x)).squeeze(-1)


def _quartered(event_shape: Sequence[int]) -> tuple[int, int, int]:
    """(C, H/4, W/4); ValueError where the sides are no multiples of 4."""
    if len(event_shape) != 3 or event_shape[1] % 4 or event_shape[2] % 4:
        raise ValueError(f"event_shape is {tuple(event_shape)}; expected (C, H, W), both sides multiples of 4: (1, 28, 28)")
    return event_shape[0], event_shape[1] // 4, event_shape[2] // 4
