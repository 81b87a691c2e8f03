"""Explorers of lesson 12: lay q over the true posterior and see the gap; compare the latent planes of several VAEs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots
from course_lib.distributions import DiagonalGaussian
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.controls import Choice, Slider, Toggle
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.plane import CELLS, SIDE, Plane, nearest
from course_lib.explore.kit.sheet import font
from course_lib.models.inputs import as_parameters, check_shape
from course_lib.models.latent import VAE

REACH = 4.5  # the coarse grid goes from -REACH to REACH in both latent variables
COARSE, FINE = 91, 64  # points of the two grids along each side
DEPTH = 14.0  # nats: the window leaves out what lies deeper than this below the peak
NODES = 16  # points of the quadrature of q along each side


@dataclass(frozen=True)
class TruePosterior:
    """The posterior p(z | x) of one example on a grid over a window of the plane.

    low, high: (2,), the corners of the window. log_prob: (FINE, FINE), log p(z | x) in nats; the row counts z₂, the column z₁.
    log_evidence: log p(x) in nats.
    """

    low: Tensor
    high: Tensor
    log_prob: Tensor
    log_evidence: float

    @property
    def cell(self) -> float:
        """The area of one cell of the grid."""
        return ((self.high - self.low) / (FINE - 1)).prod().item()

    @property
    def window(self) -> Plane:
        """The window as a plane to click."""
        return Plane(self.low, self.high)

    def moments(self) -> DiagonalGaussian:
        """The Gaussian over (2,) that has the posterior's mean and its standard deviation in each coordinate."""
        z = lattice(self.low, self.high, FINE)  # (FINE, FINE, 2)
        p = (self.log_prob.exp() * self.cell)[..., None]  # (FINE, FINE, 1)
        mean = (p * z).sum((0, 1))
        return DiagonalGaussian(mean, (p * (z - mean).square()).sum((0, 1)).sqrt().log())


def lattice(low: Tensor, high: Tensor, points: int) -> Tensor:
    """Points (points, points, 2) of a grid; the row counts z₂, the column z₁."""
    across, up = (torch.linspace(low[i].item(), high[i].item(), points) for i in (0, 1))
    return torch.stack(torch.meshgrid(across, up, indexing="xy"), -1)


@torch.no_grad()
def true_posteriors(model: VAE, x: Tensor) -> list[TruePosterior]:
    """The posteriors of binary examples x (N, *event_shape) by sums over a grid, for a VAE of two latent variables.

    A coarse grid, decoded once for all examples, finds where each posterior lies. The window of an example holds all places
    less than DEPTH nats below the peak of its posterior; a fine grid over the window gives the result.
    """
    end, prior = torch.tensor([REACH, REACH]), model.prior()
    z = lattice(-end, end, COARSE).reshape(-1, 2)
    decoded = model.decode(z)  # COARSE^2 distributions
    black, white = (decoded.log_prob(torch.full_like(decoded.logits, value)).flatten(1) for value in (0.0, 1.0))
    likelihood = x.flatten(1) @ (white - black).T + black.sum(1)  # log p(x | z) of all pairs: for x in {0, 1} linear in x
    found = []
    for example, values in zip(x.split(1), likelihood + prior.log_prob(z), strict=True):  # (COARSE^2,)
        inside = z[values > values.max() - DEPTH]  # (n, 2)
        step = 2 * REACH / (COARSE - 1)
        low, high = inside.amin(0) - 2 * step, inside.amax(0) + 2 * step
        values = model.log_joint(example, lattice(low, high, FINE).reshape(-1, 2)).view(FINE, FINE)
        log_cell = ((high - low) / (FINE - 1)).log().sum()
        log_evidence = torch.logsumexp(values.flatten(), 0) + log_cell
        found.append(TruePosterior(low, high, values - log_evidence, log_evidence.item()))
    return found


@torch.no_grad()
def elbo_by_quadrature(model: VAE, x: Tensor, q: DiagonalGaussian) -> tuple[float, float]:
    """E log p(x | z) and KL(q || prior) in nats for one Gaussian q over two latent variables, by quadrature: without samples."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    line = torch.tensor(nodes, dtype=torch.float32)
    noise = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).reshape(-1, 2)  # (NODES^2, 2)
    weights = torch.tensor(np.outer(weights, weights) / (2 * math.pi), dtype=torch.float32).flatten()
    likelihood = model.log_likelihood(x, q.mean + q.scale * noise)  # (NODES^2)
    return (weights * likelihood).sum().item(), q.kl(model.prior()).item()


@explorer
def drag_q(model: VAE, x: Tensor) -> Panel:
    """Drag a Gaussian q over the true posterior of a digit: the ELBO, and how far it stays below log p(x).

    Args:
        model: a VAE with two latent variables and a standard normal prior; ValueError for any other.
        x: (N, 1, H, W), digits to choose from.
    """
    prior, x = model.prior(), check_shape(as_parameters(x, model), model.event_shape)
    if model.latent != 2 or not isinstance(prior, DiagonalGaussian):
        kind = type(prior).__name__
        raise ValueError(
            f"the model has {model.latent} latent variables and a {kind} prior; "
            "expected 2 and a standard normal prior: train a VAE with latent=2"
        )

    posteriors = true_posteriors(model, x)
    with torch.no_grad():
        encoded = model.encode(x)
    heats = [_heat(posterior) for posterior in posteriors]

    def chosen(digit: int, place: tuple[int, int], across: float, up: float, by_encoder: bool) -> DiagonalGaussian:
        if by_encoder:
            return DiagonalGaussian(encoded.mean[digit], encoded.log_scale[digit])
        return DiagonalGaussian(posteriors[digit].window.at(place), torch.tensor([across, up]).log())

    def background(digit: int, place: tuple[int, int], across: float, up: float, encoder: bool) -> np.ndarray:
        picture = heats[digit].copy()
        _ellipses(picture, posteriors[digit].window, chosen(digit, place, across, up, encoder))
        return np.asarray(picture)

    def render(digit: int, place: tuple[int, int], across: float, up: float, encoder: bool) -> Image.Image:
        q, example = chosen(digit, place, across, up, encoder), x[digit : digit + 1]
        likelihood, kl = elbo_by_quadrature(model, example, q)
        with torch.no_grad():
            made = model.decode(q.mean).mean
        return _ledger(example[0], made, posteriors[digit].log_evidence, likelihood, kl)

    label = "drag q: across z₁, up z₂ (light: where the posterior is)"
    controls = [
        Pick("place", label, shape=(CELLS, CELLS), background=background, tint=plots.VERMILION, side=SIDE),
        Slider("across", "scale of q in z₁", 0.01, 1.0, value=0.2, step=0.01),
        Slider("up", "scale of q in z₂", 0.01, 1.0, value=0.2, step=0.01),
        Toggle("encoder", "let the encoder choose q", False),
        Slider("digit", "which digit", 0, len(x) - 1, value=0, step=1),
    ]
    alt = "A digit, what the decoder makes of q's mean, and bars: the ELBO of q, and from it the gap up to log p(x)."
    return Panel(render, controls, title="Lay q over the posterior", alt=alt)


def _heat(posterior: TruePosterior) -> Image.Image:
    """The density over its window: z₂ grows upwards, the peak is lightest."""
    shade = (posterior.log_prob - posterior.log_prob.max()).exp().flip(0).numpy()
    bytes_ = (255 * colormaps[plots.SEQUENTIAL](shade)[..., :3]).astype(np.uint8)
    return Image.fromarray(bytes_).resize((SIDE, SIDE))


def _ellipses(picture: Image.Image, window: Plane, q: DiagonalGaussian) -> None:
    """Draw one and two standard deviations of q, and its mean, over the window."""
    pen, size = ImageDraw.Draw(picture), window.high - window.low
    centre, scale = (q.mean - window.low) / size * SIDE, q.scale / size * SIDE
    x, y = centre[0].item(), SIDE - centre[1].item()
    for times in (1, 2):
        a, b = (times * scale).tolist()
        pen.ellipse((x - a, y - b, x + a, y + b), outline=plots.VERMILION, width=3 if times == 1 else 1)
    pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=plots.VERMILION)


def _ledger(example: Tensor, made: Tensor, log_evidence: float, likelihood: float, kl: float) -> Image.Image:
    """The digit, the decoded picture, and two bars that begin at the ELBO, on one axis of nats: further right is better."""
    sheet = Image.new("RGB", (420, SIDE), "white")
    pen, letters = ImageDraw.Draw(sheet), font(13)
    for left, image, words in ((8, example, "the digit x"), (164, made, "decoded: q's mean")):
        sheet.paste(plots.to_image(image, 140 // image.shape[-1]), (left, 24))
        pen.text((left, 4), words, fill="black", font=letters)
    elbo = min(likelihood - kl, log_evidence)
    low, high = log_evidence - 45, log_evidence + 15

    def across(nats: float) -> float:
        return 12 + 396 * (min(max(nats, low), high) - low) / (high - low)

    rows = (
        (f"log p(x) {log_evidence:,.1f} = ELBO {elbo:,.1f} + gap {log_evidence - elbo:,.1f}", log_evidence, plots.VERMILION),
        (f"E log p(x | z) {likelihood:,.1f} = ELBO {elbo:,.1f} + KL(q || prior) {kl:,.1f}", likelihood, plots.PURPLE),
    )
    for row, (words, end, colour) in enumerate(rows):
        top = 184 + 56 * row
        pen.text((8, top), words, fill="black", font=letters)
        pen.rectangle((12, top + 22, across(elbo), top + 34), fill=plots.SKY)
        pen.rectangle((across(elbo), top + 22, max(across(end), across(elbo) + 1), top + 34), fill=colour)
        pen.line((across(log_evidence), top + 18, across(log_evidence), top + 40), fill="black", width=2)  # below the words
    pen.text((8, 302), "blue: up to the ELBO; black line: log p(x), which no ELBO passes", fill="black", font=font(12))
    return sheet


@explorer
@torch.no_grad()
def planes(models: Mapping[str, VAE], x: Tensor, labels: Tensor, *, shown: int = 800) -> Panel:
    """The latent planes of several models: the codes of examples, and what the decoder makes of the place one clicks.

    Args:
        models: name -> a VAE with two latent variables.
        x: (N, 1, H, W) with labels (N,), the examples. The code of an example is the mean of q(z | x).
        shown: how many codes are drawn, the first ones. The distance is to the nearest of all codes.
    """
    codes = {name: model.encode(x).mean for name, model in models.items()}
    windows = {name: Plane.around(torch.cat([code, _CIRCLE])) for name, code in codes.items()}
    drawn = {name: _with_prior(windows[name], codes[name][:shown], labels[:shown]) for name in models}

    def background(model: str, place: tuple[int, int]) -> np.ndarray:
        return drawn[model]

    @torch.no_grad()
    def render(model: str, place: tuple[int, int]) -> Image.Image:
        low, high, z = windows[model].low, windows[model].high, windows[model].at(place)
        made = models[model].decode(z).mean
        words = [f"z = ({z[0]:.2f}, {z[1]:.2f})", nearest(codes[model], z)]
        words += [f"the plane shown: {low[0]:.1f} to {high[0]:.1f} across,", f"{low[1]:.1f} to {high[1]:.1f} up"]
        sheet = Image.new("RGB", (268, SIDE), "white")
        sheet.paste(plots.to_image(made, 252 // made.shape[-1]), (8, 0))
        ImageDraw.Draw(sheet).text((8, 258), "\n".join(words), fill="black", font=font(13))
        return sheet

    controls = [
        Choice("model", "model", list(models)),
        Pick(
            "place",
            "click or drag; the circle holds 86 % of the prior's mass",
            shape=(CELLS, CELLS),
            background=background,
            side=SIDE,
        ),
    ]
    alt = "What the decoder makes of a place on the latent plane; beside it, the plane with the codes of digits and the prior."
    return Panel(render, controls, title="The latent plane with the KL on, off and too strong", alt=alt)


_CIRCLE = 2 * torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])  # 1 - exp(-2) = 86 % of N(0, 1) lie inside


def _with_prior(window: Plane, codes: Tensor, labels: Tensor) -> np.ndarray:
    """The codes as digits, and a circle of two standard deviations of the prior: bytes (SIDE, SIDE, 3)."""
    picture = Image.fromarray(window.picture(codes, labels))
    corners = window.pixels(torch.tensor([[-2.0, 2.0], [2.0, -2.0]]))  # upper left, lower right
    ImageDraw.Draw(picture).ellipse(corners, outline="black", width=2)
    return np.asarray(picture)
