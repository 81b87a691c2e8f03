"""The common part of all models that read an image pixel by pixel, row by row, and within a pixel channel by channel."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.distributions import Bernoulli, DiscretisedLogisticMixture, GreyLevels
from course_lib.distributions.precision import without_autocast
from course_lib.models.inputs import (
    as_parameters,
    check_binary,
    check_count,
    check_event_shape,
    check_events,
    check_moments,
    values_are_trusted,
)
from course_lib.models.protocols import AutoregressiveModel
from course_lib.nn.masked import MaskedConv2d, MaskedLinear, channel_groups, channel_mask, check_kernel

OUTPUTS = ("bernoulli", "categorical", "logistic")
Conv = Callable[[MaskedConv2d, Tensor], Tensor]  # how a convolution is done: on whole maps, or at one pixel


def whole(layer: nn.Module, maps: Tensor) -> Tensor:
    """The plain way: a convolution of whole maps."""
    return layer(maps)


class ConvCache:
    """One masked convolution for n images, one pixel after the other. It keeps its inputs, so no pixel is computed twice."""

    def __init__(self, layer: MaskedConv2d, n: int, height: int, width: int):
        self.above, self.reach, self.kernel = layer.above, layer.reach, layer.kernel
        self.matrix, self.bias = layer.as_matrix(), layer.bias
        size = (n, height + self.above, width + 2 * self.reach, layer.mask.shape[1])
        self.maps = self.matrix.new_zeros(size) if self.kernel > 1 else None

    def put(self, value: Tensor, i: int, j: int) -> None:
        """Remember the features (n, in) of pixel (i, j)."""
        self.maps[:, i + self.above, j + self.reach] = value

    def at(self, i: int, j: int) -> Tensor:
        """The convolution at pixel (i, j), (n, out), of what was put."""
        window = self.maps[:, i : i + self.above + 1, j : j + self.kernel]
        return torch.addmm(self.bias, window.flatten(1), self.matrix)

    def __call__(self, value: Tensor, i: int, j: int) -> Tensor:
        """Put (n, in), then the convolution there, (n, out)."""
        if self.maps is None:
            return torch.addmm(self.bias, value, self.matrix)
        self.put(value, i, j)
        return self.at(i, j)


class PixelModel(AutoregressiveModel):
    """Raster order over the pixels of an image (C, H, W), and within each pixel over its C channels.

    A subclass defines the residual blocks twice: `_all_parameters` computes all pixels of whole images, `_stepper(n)` the
    same numbers one pixel after the other for n images. One 7 x 7 convolution with mask A comes before the blocks, and two
    1 x 1 convolutions with mask B come after them (van den Oord et al. 2016, table 1). The first convolution and the last two
    run in float32 under autocast too: bfloat16 has too few digits for 256 grey values and for sharp logistics.

    Args:
        event_shape: (C, H, W).
        features: width of the residual stream; a multiple of 2 C.
        layers: residual blocks.
        kernel: width of the blocks' kernels, odd; a Row LSTM's over the row above. A Diagonal BiLSTM has none to choose.
        output: "bernoulli" for pixels in {0, 1}; "categorical" (a softmax over `levels` grey values, van den Oord et
            al. 2016, section 2.2) or "logistic" (a mixture of discretised logistics, Salimans et al. 2017, section 2.1)
            for channels in {0, 1 / (levels - 1), …, 1}.
        levels: how many grey values a channel has, at least 2. components: logistics in a mixture.
        mean, spread: mean and standard deviation of the data's values, by which the network's inputs are standardised. Pixels
            outside the image count as the mean.
        positions: learn a position embedding, F parameters per pixel (H W F in all), added to the first maps. A convolution
            treats every place alike and cannot tell where it is on a blank border; the embedding tells it.
    """

    def __init__(
        self,
        *,
        event_shape: Sequence[int],
        features: int,
        layers: int,
        kernel: int = 3,
        output: str = "bernoulli",
        levels: int = 256,
        components: int = 5,
        mean: float = 0.0,
        spread: float = 1.0,
        positions: bool = False,
    ):
        super().__init__()
        self.event_shape = check_event_shape(event_shape)
        if len(self.event_shape) != 3:
            raise ValueError(f"event_shape is {event_shape!r}; expected an image (C, H, W), such as (1, 28, 28)")
        if output not in OUTPUTS:
            raise ValueError(f"output is {output!r}; expected one of {OUTPUTS}")
        self.features, self.layers = check_count(features, "features"), check_count(layers, "layers")
        self.kernel = check_kernel(kernel)
        self.output, self.levels = output, check_count(levels, "levels")
        if self.levels < 2:
            raise ValueError(f"levels is {levels!r}; expected at least 2 grey values, such as 256")
        self.components = check_count(components, "components")
        (self.mean, self.spread), self.positions = check_moments(mean, spread), bool(positions)
        C, H, W = self.event_shape
        if features % (2 * C):
            raise ValueError(
                f"features is {features}; expected a multiple of {2 * C}, so that each of {C} channels has its share"
            )
        self.order = [c * H * W + place for place in range(H * W) for c in range(C)]
        self.noise_size = 2 if output == "logistic" else 1
        channels, stream = torch.arange(C), channel_groups(self.features, C)
        self.per_channel = {"bernoulli": 1, "categorical": self.levels, "logistic": 3 * self.components}[output]
        self.first = self._first(channels, stream)
        self.place = nn.Parameter(torch.zeros(features, H, W)) if positions else None
        self.blocks = nn.ModuleList(self._block(channel_groups(features // 2, C), stream) for _ in range(layers))
        final = channel_groups(C * self.per_channel, C)
        self.head = MaskedLinear(features, features, channel_mask(stream, stream, "B"))
        self.last = MaskedLinear(features, C * self.per_channel, channel_mask(stream, final, "B"))
        with torch.no_grad():
            self.last.weight.mul_(0.1)  # start out near even odds

    def check(self, x: Tensor) -> Tensor:
        """x if it is images (B, C, H, W) of the values that `output` describes; otherwise ValueError with the likely fix."""
        if self.output == "bernoulli":
            return as_parameters(check_binary(x, self.event_shape), self)
        x = as_parameters(check_events(x, self.event_shape), self)
        if values_are_trusted():
            return x
        steps = x * (self.levels - 1)
        if ((steps - steps.round()).abs() > 0.01).any() or (x < 0).any() or (x > 1).any():
            low, high = x.min().item(), x.max().item()
            mend = "divide by 255" if high > 1 else f"(x * {self.levels - 1}).round() / {self.levels - 1}"
            raise ValueError(
                f"x has values in [{low:.4g}, {high:.4g}] off the {self.levels} grey values k / {self.levels - 1}; {mend}"
            )
        return x

    def _first(self, channels: Tensor, stream: Tensor) -> MaskedConv2d:
        """The first layer, the only one with mask A."""
        return MaskedConv2d(channels, stream, kernel=7, kind="A")

    @abstractmethod
    def _block(self, hidden: Tensor, stream: Tensor) -> nn.Module:
        """One residual block, given the channel of each hidden feature (F / 2,) and of each feature of the stream (F,)."""

    @abstractmethod
    def _all_parameters(self, maps: Tensor, x: Tensor) -> Tensor:
        """Blocks and readout on the first convolution's maps (B, F, H, W) of standardised images x -> (B, H, W, C P)."""

    @abstractmethod
    def _stepper(self, n: int, drawn: Tensor) -> Callable[[Tensor, int, int], Tensor]:
        """The blocks for n images, one pixel after the other: (features (n, F) of pixel (i, j), i, j) -> (n, F), in raster order.

        drawn: the images (n, C, H, W) as far as they are known; the caller fills in each new pixel.
        """

    def receptive_field(self, i: int, j: int, *, layers: int | None = None) -> Tensor:
        """Which pixels the conditional of pixel (i, j) can see, by the layers' geometry: booleans (H, W).

        layers: how many of the residual blocks to use, from the first; None uses all of them.
        """
        field = torch.zeros(self.event_shape[1:], dtype=torch.bool)
        field[i, j] = True
        return self._field(field, self.blocks[:layers])

    @abstractmethod
    def _field(self, field: Tensor, blocks: nn.ModuleList) -> Tensor:
        """The pixels (H, W) that the conditionals of the pixels in `field` (H, W) can see through these blocks."""

    def _standard(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.spread

    def placed(self, maps: Tensor, i: int | slice = slice(None), j: int | slice = slice(None)) -> Tensor:
        """First maps (B, F, …) of all pixels, of row i or of pixel (i, j), with the position embedding added, if there is one."""
        return maps if self.place is None else maps + self.place[:, i, j].to(maps.dtype)

    @without_autocast
    def _readout(self, maps: Tensor) -> Tensor:
        """Features (…, F) of pixels -> the parameters of their channels, (…, C P)."""
        maps = maps.to(self.head.weight.dtype)  # half precision ends here
        return self.last(torch.relu(self.head(torch.relu(maps))))

    @without_autocast
    def _first_maps(self, layer: MaskedConv2d, inputs: Tensor) -> Tensor:
        """Standardised images (B, C, H, W) through a first convolution, plus the position embedding: (B, F, H, W)."""
        return self.placed(layer(inputs))

    def _distribution(self, parameters: Tensor):
        """Parameters (…, P) of one channel -> its distribution, batch shape (…)."""
        if self.output == "bernoulli":
            return Bernoulli(parameters[..., 0])
        if self.output == "categorical":
            return GreyLevels(parameters)
        return DiscretisedLogisticMixture(*parameters.chunk(3, -1), levels=self.levels)

    def conditionals(self, x: Tensor):
        """p(x_d | those before d in the order) for every d: a distribution of batch shape (B, C, H, W)."""
        x = self.check(x)
        C, H, W = self.event_shape
        inputs = self._standard(x).contiguous(memory_format=torch.channels_last)
        parameters = self._all_parameters(self._first_maps(self.first, inputs), inputs)  # (B, H, W, C P)
        return self._distribution(parameters.reshape(len(x), H, W, C, self.per_channel).movedim(3, 1))

    def sample_from_noise(self, noise: Tensor, x: Tensor | None = None, kept: Tensor | None = None) -> Tensor:
        """Ancestral sampling in about the operations of one forward pass per channel: every layer keeps what it computed.

        noise (n, D, noise_size) -> (n, D). Row b keeps its first kept[b] variables from x (n, D).
        """
        n, (C, H, W) = len(noise), self.event_shape
        drawn = self.first.weight.new_zeros(n, C, H, W)
        noise = noise.reshape(n, C, H, W, -1)
        known = None if x is None else x.reshape(n, C, H, W).to(drawn)
        first, step = ConvCache(self.first, n, H, W), self._stepper(n, drawn)
        for i in range(H):
            for j in range(W):
                for c in range(C):  # a later channel sees the earlier ones of its own pixel
                    parameters = self._readout(step(self.placed(first.at(i, j), i, j), i, j))  # (n, C P)
                    own = self._distribution(parameters.reshape(n, C, -1)[:, c])
                    value = own.from_noise(noise[:, c, i, j]).to(drawn.dtype)
                    if known is not None:
                        value = torch.where((i * W + j) * C + c < kept, known[:, c, i, j], value)
                    drawn[:, c, i, j] = value
                    first.put(self._standard(drawn[:, :, i, j]), i, j)
        return drawn.flatten(1)


def read_by(field: Tensor, taps: Sequence[tuple[int, int]]) -> Tensor:
    """The pixels that a layer with these taps (row, column) reads to make the pixels of `field`: booleans (H, W)."""
    if not taps:
        return torch.zeros_like(field)
    down, right = torch.tensor(taps).unbind(1)
    reach = (int(down.abs().max()), int(right.abs().max()))
    kernel = torch.zeros(2 * reach[0] + 1, 2 * reach[1] + 1)
    kernel[reach[0] - down, reach[1] - right] = 1
    return F.conv2d(field[None, None].float(), kernel[None, None], padding=reach)[0, 0] > 0.5


def conv_taps(layer: MaskedConv2d) -> list[tuple[int, int]]:
    """The (row, column) offsets that a masked convolution reads in any channel."""
    rows, columns = torch.nonzero(layer.mask.amax((0, 1)), as_tuple=True)
    return list(zip((rows - layer.above).tolist(), (columns - layer.reach).tolist(), strict=True))
