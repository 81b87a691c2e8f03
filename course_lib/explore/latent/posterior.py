"""Explorers of lesson 12: lay q over the true posterior and see the gap; the latent plane under three weights of the KL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib import colormaps
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn import functional as F

from course_lib import plots
from course_lib.distributions import DiagonalGaussian
from course_lib.explore.autoregressive.pixels import font
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.controls import Choice, Slider, Toggle
from course_lib.explore.kit.panel import Panel
from course_lib.explore.latent.codes import CELLS, SIDE, latent_spans, scatter
from course_lib.models.latent import VAE

REACH = 4.5  # the coarse grid goes from -REACH to REACH in both latent variables
COARSE, FINE = 91, 64  # points of the grids along each side
DEPTH = 14.0  # nats below the peak: what lies deeper is left out of the window
NODES = 16  # of the quadrature of q, along each side


@dataclass(frozen=True)
class TruePosterior:
    """p(z | x) of one example on a grid over its window: low, high (2,), log density (FINE, FINE), rows are z₂; and log p(x)."""

    low: Tensor
    high: Tensor
    log_prob: Tensor
    log_evidence: float

    @property
    def cell(self) -> float:
        """The area of one cell of the grid."""
        return ((self.high - self.low) / (FINE - 1)).prod().item()


def lattice(low: Tensor, high: Tensor, points: int) -> Tensor:
    """Points (points, points, 2) of a grid; the row counts z₂, the column z₁."""
    across, up = (torch.linspace(low[i].item(), high[i].item(), points) for i in (0, 1))
    return torch.stack(torch.meshgrid(across, up, indexing="xy"), -1)


@torch.no_grad()
def true_posteriors(model: VAE, x: Tensor) -> list[TruePosterior]:
    """By brute force, for a VAE of two latent variables and binary examples x (N, *event_shape): sums over a fine grid.

    A coarse grid, decoded once for all, finds where each posterior lies; the window holds all places less than DEPTH nats
    below its peak.
    """
    end, prior = torch.tensor([REACH, REACH]), model.prior()
    z = lattice(-end, end, COARSE).reshape(-1, 2)
    logits = model.decode(z).logits.flatten(1)  # (COARSE^2, D)
    likelihood = x.flatten(1) @ logits.T - F.softplus(logits).sum(1)  # (N, COARSE^2): Bernoulli's log p(x | z), all pairs
    found = []
    for example, values in zip(x.split(1), likelihood + prior.log_prob(z), strict=True):
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
    """E log p(x | z) and KL(q || prior) in nats for one Gaussian q over two latent variables: no noise, no samples."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    line = torch.tensor(nodes, dtype=torch.float32)
    noise = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).reshape(-1, 2)  # (NODES^2, 2)
    weights = torch.tensor(np.outer(weights, weights) / (2 * math.pi), dtype=torch.float32).flatten()
    likelihood = model.log_likelihood(x, q.mean + q.scale * noise)  # (NODES^2)
    return (weights * likelihood).sum().item(), q.kl(model.prior()).item()


def drag_q(model: VAE, x: Tensor) -> Panel:
    """Drag a Gaussian q over the true posterior of a digit: the ELBO, and how far it stays below log p(x).

    Args:
        model: a VAE of two latent variables and a standard normal prior. x: (N, 1, H, W), digits to choose from.
    """
    if model.latent != 2 or model.prior_kind != "standard":
        raise ValueError(f"the model has {model.latent} latent variables and a {model.prior_kind} prior; expected 2, standard")

    posteriors = true_posteriors(model, x)
    with torch.no_grad():
        encoded = model.encode(x)
    heats = [_heat(posterior) for posterior in posteriors]

    def chosen(digit: int, place: tuple[int, int], across: float, up: float, turned: bool) -> DiagonalGaussian:
        posterior = posteriors[digit]
        if turned:
            return DiagonalGaussian(encoded.mean[digit], encoded.log_scale[digit])
        share = torch.tensor([place[1] + 0.5, CELLS - place[0] - 0.5]) / CELLS
        mean = posterior.low + share * (posterior.high - posterior.low)
        return DiagonalGaussian(mean, torch.tensor([across, up]).log())

    def background(digit: int, place: tuple[int, int], across: float, up: float, encoder: bool) -> np.ndarray:
        picture = heats[digit].copy()
        _ellipses(picture, posteriors[digit], chosen(digit, place, across, up, encoder))
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
    alt = "A digit, the decoder's answer to q's mean, and bars: log p(x), the ELBO of q below it, and the gap between them."
    return Panel(render, controls, title="Lay q over the posterior", alt=alt)


def _heat(posterior: TruePosterior) -> Image.Image:
    """The density over its window, z₂ upwards, the peak lightest."""
    shade = (posterior.log_prob - posterior.log_prob.max()).exp().flip(0).numpy()
    bytes_ = (255 * colormaps[plots.SEQUENTIAL](shade)[..., :3]).astype(np.uint8)
    return Image.fromarray(bytes_).resize((SIDE, SIDE))


def _ellipses(picture: Image.Image, posterior: TruePosterior, q: DiagonalGaussian) -> None:
    """One and two standard deviations of q, and its mean, over the window."""
    pen, size = ImageDraw.Draw(picture), posterior.high - posterior.low
    centre, scale = (q.mean - posterior.low) / size * SIDE, q.scale / size * SIDE
    x, y = centre[0].item(), SIDE - centre[1].item()
    for times in (1, 2):
        a, b = (times * scale).tolist()
        pen.ellipse((x - a, y - b, x + a, y + b), outline=plots.VERMILION, width=3 if times == 1 else 1)
    pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=plots.VERMILION)


def _ledger(example: Tensor, made: Tensor, log_evidence: float, likelihood: float, kl: float) -> Image.Image:
    """The digit, the decoder's answer, and what the bound consists of, with bars: longer is worse."""
    sheet = Image.new("RGB", (420, SIDE), "white")
    pen, letters = ImageDraw.Draw(sheet), font(13)
    for left, image, words in ((8, example, "the digit x"), (164, made, "decoded: q's mean")):
        sheet.paste(plots.to_image(image, 140 // image.shape[-1]), (left, 24))
        pen.text((left, 4), words, fill="black", font=letters)
    elbo = likelihood - kl
    gap = max(log_evidence - elbo, 0.0)
    lines = [
        ("log p(x)", log_evidence, plots.BLUE),
        ("ELBO of this q", elbo, plots.ORANGE),
        ("the gap = KL(q || posterior)", -gap, plots.VERMILION),
        ("E log p(x | z)", likelihood, plots.GREEN),
        ("KL(q || prior)", -kl, plots.PURPLE),
    ]
    for row, (words, nats, colour) in enumerate(lines):
        top = 178 + 31 * row
        pen.text((8, top), words, fill="black", font=letters)
        shown = f"{nats if row in (0, 1, 3) else -nats:,.1f} nats"
        pen.text((412, top), shown, fill="black", font=letters, anchor="ra")
        pen.rectangle((8, top + 17, 8 + min(-nats, 400) + 1, top + 23), fill=colour)
    return sheet


@torch.no_grad()
def planes(models: Mapping[str, VAE], x: Tensor, labels: Tensor, *, shown: int = 800) -> Panel:
    """The latent plane of several models: codes drawn from q(z | x), and what the decoder makes of the place one clicks.

    Args:
        models: name -> a VAE of two latent variables. x: (N, 1, H, W) with labels (N,): the examples whose codes are drawn.
    """
    codes = {name: model.encode(x).mean for name, model in models.items()}
    spans = {name: latent_spans(torch.cat([code, _CIRCLE])) for name, code in codes.items()}
    drawn = {name: _with_prior(codes[name][:shown], labels[:shown], *spans[name]) for name in models}

    def background(model: str, place: tuple[int, int]) -> np.ndarray:
        return drawn[model]

    @torch.no_grad()
    def render(model: str, place: tuple[int, int]) -> Image.Image:
        low, high = spans[model]
        z = low + torch.tensor([place[1] + 0.5, CELLS - place[0] - 0.5]) / CELLS * (high - low)
        made = models[model].decode(z).mean
        nearest = (codes[model] - z).square().sum(1).min().sqrt()
        words = [f"z = ({z[0]:.2f}, {z[1]:.2f})", f"nearest of {len(x):,} codes: {nearest:.2f} away"]
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


def _with_prior(codes: Tensor, labels: Tensor, low: Tensor, high: Tensor) -> np.ndarray:
    """Codes as glyphs, and two standard deviations of the prior as a circle."""
    picture = Image.fromarray(scatter((codes - low) / (high - low), labels))
    ends: Sequence[float] = ((torch.tensor([[-2.0, 2.0], [2.0, -2.0]]) - low) / (high - low)).flatten().tolist()
    left, top, right, bottom = ends[0], 1 - ends[1], ends[2], 1 - ends[3]
    ImageDraw.Draw(picture).ellipse(tuple(SIDE * end for end in (left, top, right, bottom)), outline="black", width=2)
    return np.asarray(picture)
