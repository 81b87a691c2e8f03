"""LSTM layers that run over an image. No pixel sees a pixel after it in raster order.

Maps have the shape (H, W, B, features), so that a row or a diagonal of all images is one piece of memory. Each layer computes
the same in two ways: `forward` over whole maps, and `stepper` one pixel after the other, in raster order, for n images.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_lib.nn.masked import MaskedLinear, channel_mask, check_kernel
from course_lib.nn.recurrent import lstm_step


def lstm_update(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """Pre-activations (…, 4 h) of the gates o, f, i, g and the cell (…, h) -> hidden, cell (van den Oord et al. 2016, eq. 3)."""
    o, f, i, g = gates.chunk(4, -1)
    hidden, cell, _ = lstm_step(i, f, g, o, cell)
    return hidden, cell


class RowLayer(nn.Module):
    """Down the image, row after row, all pixels of a row at once (van den Oord et al. 2016, section 3.1).

    Input to state is a masked convolution over the row, 3 pixels wide. State to state is one over the row above, `kernel` pixels
    wide. So a pixel sees a triangle above it.

    Args:
        stream, hidden: the channel of each incoming feature (F,) and of each unit (h,).
        kernel: odd; the paper takes 3 or more. The triangle grows to each side by kernel // 2 columns per row.
    """

    def __init__(self, stream: Tensor, hidden: Tensor, kernel: int = 3):
        super().__init__()
        self.hidden, self.kernel = len(hidden), check_kernel(kernel)
        own = channel_mask(stream, hidden.repeat(4), "B")
        self.input = MaskedLinear(2 * len(stream), 4 * self.hidden, torch.cat([torch.ones_like(own), own], 1))
        self.state = nn.Linear(kernel * self.hidden, 4 * self.hidden, bias=False)
        with torch.no_grad():
            self.input.bias.zero_()[self.hidden : 2 * self.hidden] = 1.0  # the forget gates begin mostly open

    def forward(self, maps: Tensor) -> Tensor:
        """(H, W, B, F) -> (H, W, B, h)."""
        left = F.pad(maps, (0, 0, 0, 0, 1, 0))[:, :-1]  # (H, W, B, F): the pixel to the left
        pre = self.input(torch.cat([left, maps], -1))  # (H, W, B, 4 h)
        rows, cell = [], pre.new_zeros(*pre.shape[1:3], self.hidden)
        for row in pre:
            hidden, cell = lstm_update(row + self.from_above(rows[-1]) if rows else row, cell)
            rows.append(hidden)
        return torch.stack(rows)

    def from_above(self, hidden: Tensor) -> Tensor:
        """What the row above adds to the pre-activations: (W, B, h) -> (W, B, 4 h)."""
        reach, width = self.kernel // 2, len(hidden)
        wide = F.pad(hidden, (0, 0, 0, 0, reach, reach))
        return self.state(torch.cat([wide[k : k + width] for k in range(self.kernel)], -1))

    def stepper(self, n: int, width: int) -> RowStepper:
        """The layer one pixel after the other: (features (n, F) of pixel (i, j), i, j) -> (n, h)."""
        return RowStepper(self, n, width)


class RowStepper:
    """A RowLayer, one pixel after the other. What the row above adds is computed once per row."""

    def __init__(self, layer: RowLayer, n: int, width: int):
        self.layer, self.weight = layer, (layer.input.weight * layer.input.mask).T.contiguous()
        blank = self.weight.new_zeros(n, layer.hidden)
        self.above: list[Tensor] | list[float] = [0.0] * width  # what the row above adds in each column
        self.old_cells, self.hidden, self.cells = [blank] * width, [blank] * width, [blank] * width
        self.values = [self.weight.new_zeros(n, len(self.weight) // 2)] * (width + 1)  # column j's lies at j + 1
        self.row = 0

    def __call__(self, value: Tensor, i: int, j: int) -> Tensor:
        if i != self.row:
            self.row, self.old_cells, self.cells = i, self.cells, list(self.cells)
            self.above = self.layer.from_above(torch.stack(self.hidden)).unbind(0)
        self.values[j + 1] = value
        pre = torch.addmm(self.layer.input.bias, torch.cat([self.values[j], value], 1), self.weight) + self.above[j]
        self.hidden[j], self.cells[j] = lstm_update(pre, self.old_cells[j])
        return self.hidden[j]


class DiagonalLayer(nn.Module):
    """Across the image along its diagonals, from both upper corners, in H + W - 1 steps (section 3.2).

    A step works on all pixels of one diagonal at once. A pixel's state reads the states of its left and of its upper neighbour,
    both on the diagonal before. The pass from the right does the same on the mirrored image. Its result is moved down by a row,
    so that no pixel sees a later one, and the two results are added. The paper skews the map so that diagonals become columns;
    here the pixels are stored diagonal after diagonal, which gives the same numbers without padding.
    """

    def __init__(self, stream: Tensor, hidden: Tensor):
        super().__init__()
        F_in, h = len(stream), len(hidden)
        self.hidden = h
        self.register_buffer("mask", channel_mask(stream, hidden.repeat(4), "B").float().T.contiguous(), persistent=False)
        self.input = nn.Parameter(torch.randn(2 * F_in, 4 * h) / F_in**0.5)  # from the left, below it from the right
        self.state = nn.Parameter(torch.randn(4 * h, 4 * h) / (2 * h) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(2, 1, 4 * h))
        with torch.no_grad():
            self.bias[..., h : 2 * h] = 1.0  # the forget gates begin mostly open
        self.laid_out: tuple[int, int] | None = None  # the height and width of the last images

    def forward(self, maps: Tensor) -> Tensor:
        """(H, W, B, F) -> (H, W, B, h)."""
        H, W, B, width = maps.shape
        sizes = self._lay_out(H, W, maps.device)
        inputs = Reordered.apply(maps.flatten(0, 1).repeat(2, 1, 1), self.both, self.back).view(2, H * W * B, width)
        from_input, from_state = self.matrices()
        pre = torch.baddbmm(self.bias, inputs, from_input).view(2, H * W, B, 4 * self.hidden)  # (2, H W, B, 4 h)
        made, hidden, cell = [], None, None
        for number, gates in enumerate(pre.split(sizes, 1)):  # gates (2, R, B, 4 h)
            if number:
                left, up = neighbours(hidden, number, H, W)
                gates = gates + (torch.cat([left, up], -1).flatten(1, 2) @ from_state).view(gates.shape)
                cell = neighbours(cell, number, H, W)[0]
            else:
                cell = gates.new_zeros(2, 1, B, self.hidden)
            hidden, cell = lstm_update(gates, cell)
            made.append(hidden)
        done = Reordered.apply(torch.cat(made, 1).flatten(0, 1), self.back, self.both).view(2, H, W, B, self.hidden)
        return done[0] + F.pad(done[1, :-1], (0, 0, 0, 0, 0, 0, 1, 0))

    def _lay_out(self, height: int, width: int, device: torch.device) -> list[int]:
        """How many pixels each diagonal has. Their order and its inverse stay in the buffers `both`, `back` for the next call."""
        if self.laid_out != (height, width) or self.both.device != device:
            order, self.sizes = diagonals(height, width)
            mirror = torch.arange(height * width).view(height, width).flip(1).flatten()[order]
            both = torch.cat([order, mirror + height * width])  # (2 H W,): from the left, from the right
            self.register_buffer("both", both.to(device), persistent=False)
            self.register_buffer("back", both.argsort().to(device), persistent=False)
            self.laid_out = (height, width)
        return self.sizes

    def matrices(self) -> tuple[Tensor, Tensor]:
        """Input to state, masked, and state to state; from the left and from the right: (2, F, 4 h) and (2, 2 h, 4 h)."""
        return self.input.view(2, *self.mask.shape) * self.mask, self.state.view(2, -1, 4 * self.hidden)

    def stepper(self, n: int, width: int) -> DiagonalStepper:
        """The layer one pixel after the other: (features (n, F) of pixel (i, j), i, j) -> (n, h)."""
        return DiagonalStepper(self, n, width)


class Reordered(torch.autograd.Function):
    """x (N, …) with its rows in another order, each taken once. The gradient only puts them back, without adding any up."""

    @staticmethod
    def forward(ctx, x: Tensor, order: Tensor, back: Tensor) -> Tensor:
        """x[order], (N, …), of rows x (N, …), a permutation `order` (N,) and its inverse `back`."""
        ctx.save_for_backward(back)
        return x.index_select(0, order)

    @staticmethod
    def backward(ctx, gradient: Tensor):
        """The gradient (N, …) with its rows back in their old places."""
        return gradient.index_select(0, ctx.saved_tensors[0]), None, None


def diagonals(height: int, width: int) -> tuple[Tensor, list[int]]:
    """Flat places (H W,) ordered diagonal by diagonal (i + j rising, then i), and how many lie on each diagonal."""
    rows, columns = torch.arange(height)[:, None].expand(height, width), torch.arange(width).expand(height, width)
    order = torch.argsort(((rows + columns) * height + rows).flatten())
    return order, torch.bincount((rows + columns).flatten()).tolist()


def neighbours(before: Tensor, number: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Of the pixels on diagonal `number`, what the left and the upper neighbour hold; 0 outside the image.

    before: (…, R', B, h), the values on the diagonal before. Returns two tensors (…, R, B, h).
    """
    low, high = max(0, number - width + 1), min(height - 1, number)
    old_low, old_high = max(0, number - width), min(height - 1, number - 1)
    left = F.pad(before[..., low - old_low :, :, :], (0, 0, 0, 0, 0, high - old_high))
    up = F.pad(before[..., : high - old_low, :, :], (0, 0, 0, 0, int(low == old_low), 0))
    return left, up


class DiagonalStepper:
    """A DiagonalLayer, one pixel after the other. The pass from the right runs over a row as soon as that row is complete."""

    def __init__(self, layer: DiagonalLayer, n: int, width: int):
        self.layer, self.width = layer, width
        self.blank = layer.bias.new_zeros(n, layer.hidden)
        self.weights = torch.cat(layer.matrices(), 1)  # (2, F + 2 h, 4 h)
        self.values: list[Tensor] = [self.blank] * width  # this row's inputs
        self.hidden, self.cells = [self.blank] * (width + 1), [self.blank] * (width + 1)  # column j's lie at j + 1
        self.above, self.mirrored = list(self.hidden), [self.blank] * (width + 1)  # mirrored: column j's lies at j
        self.row = 0

    def _update(self, side: int, value: Tensor, beside: Tensor, above: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        pre = torch.addmm(self.layer.bias[side], torch.cat([value, beside, above], 1), self.weights[side])
        return lstm_update(pre, cell)

    def __call__(self, value: Tensor, i: int, j: int) -> Tensor:
        if i != self.row:
            self.row, self.above = i, list(self.hidden)
            cell = self.blank
            for k in reversed(range(self.width)):  # the mirrored pass over the row above
                self.mirrored[k], cell = self._update(1, self.values[k], self.mirrored[k + 1], self.mirrored[k], cell)
        self.values[j] = value
        self.hidden[j + 1], self.cells[j + 1] = self._update(0, value, self.hidden[j], self.above[j + 1], self.cells[j])
        return self.hidden[j + 1] + self.mirrored[j]
