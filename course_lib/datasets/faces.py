"""Faces drawn from known factors: six numbers decide everything that is seen in an image of many pixels.

Every shape is a signed distance (negative inside), turned into coverage by a smooth step one and a half pixels wide: edges
are anti-aliased, and the picture is a differentiable function of its factors. All is computed with tensors, on their device.

Coordinates run from -1 to 1, x to the right and y down; those of the head are shifted and turned with it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets.data import PARTS, check_split

RANGES: dict[str, tuple[float, float]] = {
    "tilt": (-0.4, 0.4),  # radians, clockwise
    "smile": (-1.0, 1.0),  # from a frown to a laugh
    "eye_opening": (0.0, 1.0),
    "skin_tone": (0.0, 1.0),  # along the ramp, light to dark
    "x": (-0.25, 0.25),  # to the right; the picture is 2 wide
    "y": (-0.15, 0.15),  # down
}
FACTORS = tuple(RANGES)
INDEX = {name: place for place, name in enumerate(FACTORS)}
SIZES = (16, 32, 64)
WHOLE = (slice(None), slice(None))  # all rows and all columns

_ZOOM = 1.2
_BLOCK = 2**16  # pixels drawn at a time: what fits in a processor's cache is drawn several times faster

_SKIN = ((0.99, 0.87, 0.78), (0.95, 0.78, 0.64), (0.86, 0.65, 0.48), (0.72, 0.50, 0.35), (0.55, 0.36, 0.25), (0.40, 0.25, 0.18))
_SKY, _GROUND = (0.98, 0.93, 0.82), (0.99, 0.80, 0.66)
_HAIR, _SHINE = (0.17, 0.11, 0.12), (0.36, 0.25, 0.25)
_SHIRT, _COLLAR = (0.13, 0.47, 0.53), (0.10, 0.38, 0.44)
_WHITE, _IRIS, _PUPIL = (0.99, 0.98, 0.96), (0.35, 0.22, 0.12), (0.06, 0.04, 0.05)
_SHADE, _BLUSH = (0.88, 0.80, 0.76), (1.0, 0.76, 0.74)  # what skin is multiplied by
_LIP, _INSIDE, _TONGUE = (0.70, 0.20, 0.22), (0.38, 0.07, 0.10), (0.86, 0.40, 0.42)


def given(**values: float) -> Tensor:
    """One row of factors, (1, F): those named, and the rest in the middle of their range. `given(smile=1.0)`."""
    unknown = set(values) - set(FACTORS)
    if unknown:
        hint = runtime.did_you_mean(min(unknown), FACTORS)
        raise ValueError(f"faces have no factor {sorted(unknown)}; expected some of {FACTORS}{hint}")
    return torch.tensor([[values.get(name, (low + high) / 2) for name, (low, high) in RANGES.items()]])


def sample_factors(n: int, generator: torch.Generator | None = None) -> Tensor:
    """n rows of factors, (n, F), on the generator's device: independent and uniform, each over its range."""
    n = runtime.check_index(n, least=1)
    low, high = torch.tensor(list(RANGES.values()), device=generator.device if generator is not None else "cpu").unbind(1)
    return low + (high - low) * runtime.uniform((n, len(FACTORS)), low, generator)


def draw(factors: Tensor, size: int = 32, *, window: tuple[slice, slice] = WHOLE) -> Tensor:
    """The faces of these factors, (B, F), as RGB images (B, 3, size, size) in [0, 1], on the factors' device.

    Differentiable in the factors. size is 16, 32 or 64. window: the rows and the columns to draw, all of them by default.
    Raises ValueError for another size, another shape, values that are not finite floats or lie outside RANGES.
    """
    if size not in SIZES:
        raise ValueError(f"size is {size!r}; expected one of {SIZES}")
    _check(factors)
    rows, columns = (len(range(size)[side]) for side in window)
    blocks = factors.split(max(1, _BLOCK // max(1, rows * columns)))
    return torch.cat([_paint(block, size, window) for block in blocks])  # (B, 3, rows, columns)


def _check(factors: Tensor) -> None:
    if not isinstance(factors, Tensor) or not factors.is_floating_point():
        came = factors.dtype if isinstance(factors, Tensor) else type(factors).__name__
        raise ValueError(f"factors are {came}; expected a float tensor (B, {len(FACTORS)}): torch.tensor(…).float()")
    if factors.ndim != 2 or factors.shape[1] != len(FACTORS) or not len(factors):
        fix = "; add the batch axis: factors[None]" if factors.shape == (len(FACTORS),) else ""
        raise ValueError(f"factors have shape {tuple(factors.shape)}; expected (B, {len(FACTORS)}) in the order {FACTORS}{fix}")
    low, high = factors.new_tensor(list(RANGES.values())).unbind(1)
    outside = ~((factors >= low - 1e-6) & (factors <= high + 1e-6))  # NaN is outside too
    if outside.any():
        row, column = outside.nonzero()[0].tolist()
        name = FACTORS[column]
        raise ValueError(f"{name} of face {row} is {factors[row, column]:.4g}; expected it in {RANGES[name]}: clamp it")


class _Brush:
    """What all shapes need: the pixels' coordinates, and how a distance becomes coverage."""

    def __init__(self, size: int, window: tuple[slice, slice], like: Tensor):
        self.soft = 1.5 * 2 / size / _ZOOM  # width of an edge: one and a half pixels
        centres = (torch.arange(size, device=like.device, dtype=like.dtype) + 0.5) * 2 / size - 1
        rows, columns = window
        self.x, self.y = centres[None, None, None, columns], centres[None, None, rows, None]  # (1, 1, 1, W), (1, 1, H, 1)

    def fill(self, distance: Tensor) -> Tensor:
        """Coverage in [0, 1] of the inside."""
        t = (0.5 - distance / self.soft).clamp(0, 1)
        return t * t * (3 - 2 * t)

    def between(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Coverage of what lies past one edge (`upper` > 0) and before the next (`lower` < 0), correct however thin it is."""
        return (self.fill(lower) - self.fill(upper)).clamp(min=0)

    def stroke(self, distance: Tensor, half_width: float | Tensor) -> Tensor:
        """Coverage of a line along distance = 0."""
        return self.between(distance + half_width, distance - half_width)


def _ellipse(x: Tensor, y: Tensor, width: float | Tensor, height: float | Tensor) -> Tensor:
    """Nearly the signed distance to an ellipse with these half axes: exact to first order at its edge."""
    level = ((x / width) ** 2 + (y / height) ** 2 + 1e-12).sqrt()
    steepness = ((x / width**2) ** 2 + (y / height**2) ** 2 + 1e-12).sqrt()
    return level * (level - 1) / steepness


def _colour(rgb: tuple[float, float, float], like: Tensor) -> Tensor:
    return like.new_tensor(rgb)[None, :, None, None]  # (1, 3, 1, 1)


def _skin(tone: Tensor) -> Tensor:
    """Colours (B, 3, 1, 1) along the ramp; tone (B, 1, 1, 1) in [0, 1]."""
    ramp = tone.new_tensor(_SKIN)
    steps = torch.arange(len(ramp), device=tone.device, dtype=tone.dtype)
    weights = (1 - (tone[:, 0, 0] * (len(ramp) - 1) - steps).abs()).clamp(min=0)  # (B, K), two of them not 0
    return (weights @ ramp)[:, :, None, None]


def _paint(factors: Tensor, size: int, window: tuple[slice, slice]) -> Tensor:
    tilt, smile, opening, tone, shift_x, shift_y = factors[:, :, None, None, None].unbind(1)  # each (B, 1, 1, 1)
    brush = _Brush(size, window, factors)
    x, y = (brush.x - shift_x) / _ZOOM, (brush.y - shift_y) / _ZOOM - 0.02
    head_x = tilt.cos() * x + tilt.sin() * y  # (B, 1, H, W)
    head_y = tilt.cos() * y - tilt.sin() * x
    skin = _skin(tone)  # (B, 3, 1, 1)
    image = torch.lerp(_colour(_SKY, x), _colour(_GROUND, x), (brush.y + 1) / 2)  # (1, 3, H, 1)
    image = image.expand(len(factors), 3, brush.y.shape[2], brush.x.shape[3])
    image = _back_hair(image, brush, head_x, head_y)
    image = _body(image, brush, x, y, skin)
    image = _head(image, brush, head_x, head_y, skin)
    for side in (-1, 1):
        image = _eye(image, brush, head_x - 0.2 * side, head_y - 0.02, opening, skin, side)
    image = _mouth(image, brush, head_x, head_y - 0.31, smile)
    return _front_hair(image, brush, head_x, head_y)


def _back_hair(image: Tensor, brush: _Brush, x: Tensor, y: Tensor) -> Tensor:
    crown = _ellipse(x, y + 0.12, 0.6, 0.6)
    sides = _ellipse(x, y - 0.12, 0.56, 0.5)
    return torch.lerp(image, _colour(_HAIR, x), brush.fill(torch.minimum(crown, sides)))


def _body(image: Tensor, brush: _Brush, x: Tensor, y: Tensor, skin: Tensor) -> Tensor:
    image = torch.lerp(image, _colour(_SHIRT, x), brush.fill(_ellipse(x, y - 1.2, 0.8, 0.58)))
    image = torch.lerp(image, _colour(_COLLAR, x), brush.fill(_ellipse(x, y - 0.7, 0.25, 0.15)))
    return torch.lerp(image, skin * _colour(_SHADE, x), brush.fill(_ellipse(x, y - 0.6, 0.18, 0.28)))


def _head(image: Tensor, brush: _Brush, x: Tensor, y: Tensor, skin: Tensor) -> Tensor:
    """Ears, the face, its blush, brows and nose."""
    shade = skin * _colour(_SHADE, x)
    ears = _ellipse(x.abs() - 0.485, y - 0.08, 0.075, 0.11)
    image = torch.lerp(image, shade, brush.fill(ears))
    face = _ellipse(x / (1 - 0.17 * y.clamp(-1, 1)), y, 0.47, 0.58)  # narrower towards the chin
    image = torch.lerp(image, skin, brush.fill(face))
    blush = torch.exp(-(((x.abs() - 0.28) / 0.11) ** 2 + ((y - 0.2) / 0.08) ** 2))
    image = torch.lerp(image, skin * _colour(_BLUSH, x), 0.8 * blush)
    arch = y + 0.19 - 0.6 * (x.abs() - 0.2) ** 2
    brow = brush.stroke(arch, 0.022) * brush.fill((x.abs() - 0.2).abs() - 0.11)
    image = torch.lerp(image, _colour(_HAIR, x), 0.85 * brow)
    nose = brush.stroke(y - 0.17 + 5 * x**2, 0.017) * brush.fill(x.abs() - 0.065)
    return torch.lerp(image, skin * _colour(_SHADE, x) ** 2, nose)


def _eye(image: Tensor, brush: _Brush, x: Tensor, y: Tensor, opening: Tensor, skin: Tensor, side: int) -> Tensor:
    """Lids are parabolas that meet at the corners; shut, both hang at the lower lid."""
    opening = opening * (2 - opening)  # half open looks awake
    bulge = (1 - (x / 0.135) ** 2).clamp(min=0)
    lower = y - 0.05 * bulge
    upper = y - (0.05 - 0.17 * opening) * bulge
    widest = y + 0.12 * bulge
    image = torch.lerp(image, skin * _colour(_SHADE, x), brush.between(widest, upper))  # the eyelid
    visible = brush.between(upper, lower)
    image = torch.lerp(image, _colour(_WHITE, x), visible)
    ball = (x**2 + (y + 0.03) ** 2 + 1e-12).sqrt()
    image = torch.lerp(image, _colour(_IRIS, x), visible * brush.fill(ball - 0.08))
    image = torch.lerp(image, _colour(_PUPIL, x), visible * brush.fill(ball - 0.045))
    glint = ((x + 0.03) ** 2 + (y + 0.06) ** 2 + 1e-12).sqrt()
    image = torch.lerp(image, _colour(_WHITE, x), visible * brush.fill(glint - 0.022))
    lash = brush.stroke(upper, 0.02) * brush.fill((x - 0.012 * side).abs() - 0.145)
    return torch.lerp(image, _colour(_PUPIL, x), lash)


def _mouth(image: Tensor, brush: _Brush, x: Tensor, y: Tensor, smile: Tensor) -> Tensor:
    """Two parabolas with common corners: a smile lifts the corners, a broad one parts the lips."""
    half = 0.175 + 0.025 * smile
    bow = 1 - (x / half) ** 2
    inside = bow.clamp(min=0)
    parted = 0.15 * smile.clamp(min=0) ** 2
    bend = 0.075 * smile + 0.015 * smile**2
    top = y - bend * (bow - 0.6)
    bottom = top - parted * inside
    steep = (1 + (2 * bend * x / half**2) ** 2).sqrt()
    opened = brush.between(top / steep, bottom / steep)
    image = torch.lerp(image, _colour(_INSIDE, x), opened)
    tongue = _ellipse(x, bottom + 0.005, 0.09, 0.05)
    image = torch.lerp(image, _colour(_TONGUE, x), opened * brush.fill(tongue))
    teeth = brush.between(top / steep, (top - 0.36 * parted * inside) / steep)
    image = torch.lerp(image, _colour(_WHITE, x), teeth)
    ends = brush.fill(x.abs() - half)
    lips = torch.maximum(brush.stroke(top / steep, 0.017), brush.stroke(bottom / steep, 0.021))
    return torch.lerp(image, _colour(_LIP, x), lips * ends)


def _front_hair(image: Tensor, brush: _Brush, x: Tensor, y: Tensor) -> Tensor:
    """A fringe swept to one side: the head's outline less a large ellipse."""
    outline = _ellipse(x, y + 0.12, 0.6, 0.6)
    brow = _ellipse(x - 0.1, y - 0.32, 0.55, 0.68)
    image = torch.lerp(image, _colour(_HAIR, x), brush.fill(torch.maximum(outline, -brow)))
    ring = _ellipse(x, y + 0.06, 0.47, 0.56)
    lit = brush.stroke(ring, 0.02) * torch.exp(-(((x + 0.16) / 0.16) ** 2)) * (y < 0)
    return torch.lerp(image, _colour(_SHINE, x), 0.8 * lit)


def split(name: str, size: int = 32) -> tuple[Tensor, Tensor]:
    """8,000 faces for training, or 1,000 for validation or test, and their factors (N, F); always the same."""
    seed = PARTS.index(check_split(name, PARTS, "faces"))
    factors = sample_factors(8_000 if name == "train" else 1_000, runtime.generator(seed))
    return draw(factors, size), factors
