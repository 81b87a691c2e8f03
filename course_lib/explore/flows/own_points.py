"""Draw a cloud of points: a flow is computed for it at once, and its density and samples are shown."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from course_lib import plots, runtime
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Canvas, Panel, Slider
from course_lib.explore.kit.sheet import enlarged, font, shades
from course_lib.models.flows import GaussianisationFlow

CELLS = 28  # of the canvas, along a side
COUNT = 400  # points drawn from the painted cells
SIDE, PLACES = 336, 28  # of the picture in screen pixels, and of the density's grid


def points_of(cells: np.ndarray) -> Tensor:
    """COUNT points (COUNT, 2) in (-1, 1)², uniform over the painted cells (CELLS, CELLS); always the same for the same cells."""
    generator = runtime.generator(0)
    rows, columns = np.nonzero(cells)
    chosen = torch.randint(len(rows), (COUNT,), generator=generator)
    corner = torch.tensor(np.stack([columns, CELLS - 1 - rows], 1), dtype=torch.float32)[chosen]
    return 2 * (corner + torch.rand(COUNT, 2, generator=generator)) / CELLS - 1


def two_strokes() -> np.ndarray:
    """Two painted arcs, (CELLS, CELLS)."""
    rows, columns = np.indices((CELLS, CELLS))
    upper = np.abs(np.hypot(rows - 14, columns - 10) - 7) < 1.2
    lower = np.abs(np.hypot(rows - 12, columns - 18) - 7) < 1.2
    return (upper & (rows < 14)) | (lower & (rows > 12))


@explorer
def own_points() -> Panel:
    """Paint where points shall lie: Gaussianisation bends the plane for them, one layer after another, without training."""
    side = (torch.arange(PLACES) + 0.5) / PLACES * 2.4 - 1.2
    places = torch.stack(torch.meshgrid(side.flip(0), side, indexing="ij"), -1).flip(-1).reshape(-1, 2)  # (PLACES², 2)

    @torch.no_grad()
    def render(cells: np.ndarray, layers: int, width: float) -> Image.Image:
        sheet = Image.new("RGB", (2 * SIDE + 12, SIDE + 48), "white")
        pen = ImageDraw.Draw(sheet)
        if cells.sum() < 4:
            pen.text((8, 8), "paint at least four cells", fill="black", font=font(15))
            return sheet
        x = points_of(cells)
        flow = GaussianisationFlow(event_shape=(2,), layers=layers, kernels=16, width=width).fit(x)
        every, log_abs_det = flow.to_latent(torch.cat([x, places]))
        log_prob, z = flow.base().log_prob(every) + log_abs_det, every[:COUNT]
        log_density = log_prob[COUNT:].reshape(PLACES, PLACES)
        share = (log_density - log_density.flatten().quantile(0.97)).exp().clamp(max=1).numpy()
        sheet.paste(enlarged(shades(share), SIDE // PLACES), (0, 24))
        frame = Image.new("RGB", (SIDE, SIDE), "white")
        dots = ImageDraw.Draw(frame)
        for across, up in (z / 4).clamp(-1, 1).tolist():
            a, b = (across + 1) * SIDE / 2, (1 - up) * SIDE / 2
            dots.ellipse((a - 2, b - 2, a + 2, b + 2), fill=plots.BLUE)
        for radius in (1, 2, 3):
            reach = radius * SIDE / 8
            dots.ellipse((SIDE / 2 - reach, SIDE / 2 - reach, SIDE / 2 + reach, SIDE / 2 + reach), outline="#999999")
        sheet.paste(frame, (SIDE + 12, 24))
        pen.text((0, 4), "density of the data (lighter is more)", fill="black", font=font(13))
        pen.text((SIDE + 12, 4), "your points as noise; rings at 1, 2, 3", fill="black", font=font(13))
        nats = -log_prob[:COUNT].mean()
        spread = torch.linalg.eigvalsh(z.T.cov()).sqrt().tolist()
        words = f"{nats:.3f} nats per point (on these points)   spread of the noise {spread[0]:.2f} and {spread[1]:.2f}"
        pen.text((0, SIDE + 28), words, fill="black", font=font(13))
        return sheet

    controls = [
        Canvas("cells", "paint where the data lie", (CELLS, CELLS), value=two_strokes(), brush=2),
        Slider("layers", "layers", 1, 10, value=8, step=1),
        Slider("width", "smoothness of each axis, in standard deviations", 0.05, 0.5, value=0.2, step=0.05),
    ]
    alt = "A painted cloud; beside it, the density that the flow gives to the plane, and the cloud as noise with rings."
    return Panel(render, controls, title="Bend the plane for your own points", alt=alt)
