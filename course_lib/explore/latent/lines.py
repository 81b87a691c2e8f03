"""Points of a plane through one number and back: turn the line on which they are laid, and see what is lost."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel, Slider, Toggle
from course_lib.models.latent.pca import PCA


def lost_by_direction(x: Tensor, degrees: Tensor) -> Tensor:
    """Mean squared error of the centred points x (N, 2) laid on lines through 0, for each direction (A,): (A,)."""
    angles = torch.deg2rad(degrees)
    across = torch.stack([-angles.sin(), angles.cos()])  # (2, A): at right angles to each line
    return (x @ across).square().mean(0)


@explorer
def through_a_line(x: Tensor, *, names: tuple[str, str]) -> Panel:
    """Turn a line through centred points x (N, 2): where each point comes back, and the mean squared error of all directions.

    names: of the two coordinates. Raises ValueError unless x has the shape (N, 2) and the mean 0.
    """
    if x.ndim != 2 or x.shape[1] != 2 or not x.float().mean(0).abs().max() < 1e-3:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (N, 2) with the mean 0, such as x - x.mean(0)")
    x = x.float()
    turns = torch.arange(180.0)
    lost = lost_by_direction(x, turns)
    best = PCA(event_shape=(2,), latent=1).estimate(x).axes[:, 0]
    at_best = math.degrees(math.atan2(best[1], best[0])) % 180
    reach = 1.1 * x.norm(dim=1).max().item()

    made = plots.figure("", columns=2, size=(9.2, 4.2))
    left, right = made.axes
    left.plot(*x.T.numpy(), "o", color=plots.BLUE, markersize=3)
    left.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xlabel=names[0], ylabel=names[1])
    left.set_title("blue: data, orange: what comes back")
    (line,) = left.plot([0, 1], [0, 1], color=plots.VERMILION, linewidth=2)
    (errors,) = left.plot([0, 1], [0, 1], color="0.6", linewidth=0.7)
    (back,) = left.plot([0], [0], "o", color=plots.ORANGE, markersize=3)
    right.plot(turns.numpy(), lost.numpy(), color=plots.BLUE)
    right.set(xlabel="direction of the line (degrees)", ylabel="mean squared error", ylim=(0, 1.1 * lost.max().item()))
    (here,) = right.plot([0], [0], "o", color=plots.VERMILION, markersize=10)
    made.hold_still(errors, line, back, here, right.set_title(""))

    def render(angle: float, closed_form: bool):
        degrees = torch.tensor(at_best if closed_form else angle)
        u = torch.stack([torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()])
        z = x @ u  # (N,): the code
        on_line = z[:, None] * u
        both = torch.stack([x, on_line, torch.full_like(x, math.nan)], 1).flatten(0, 1)  # a gap after each residual
        errors.set_data(*both.T.numpy())
        back.set_data(*on_line.T.numpy())
        line.set_data(*(reach * torch.stack([-u, u]).T).numpy())
        error = lost_by_direction(x, degrees[None])[0].item()
        here.set_data([degrees.item()], [error])
        right.set_title(f"at {degrees:.0f}°, {error:.3f} is lost")
        made.alt = f"Points joined to a line at {degrees:.0f} degrees by grey residuals; the mean squared error is {error:.3f}."
        return made

    controls = [
        Slider("angle", "direction, degrees", 0.0, 179.0, value=100.0, step=1.0),
        Toggle("closed_form", "PCA's direction", False),
    ]
    alt = "Left, points, a line through their mean and grey residuals; right, the error of every direction with the present one."
    return Panel(render, controls, title="Through one number and back", alt=alt)
