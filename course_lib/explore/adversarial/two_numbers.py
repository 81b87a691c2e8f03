"""The smallest game: a generator of one number against a discriminator of one number (the Dirac-GAN of Mescheder et al. 2018).

All real points lie at 0, all fake ones at θ, and the discriminator's logit at x is ψ x. The only equilibrium is θ = ψ = 0.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from course_lib import plots
from course_lib.explore.kit.canvas import Pick
from course_lib.explore.kit.controls import Choice, Slider
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel
from course_lib.explore.kit.plane import CELLS, SIDE
from course_lib.explore.kit.sheet import font

STEPS = 200
REACH = 2.0  # the plane shown goes from -REACH to REACH in both numbers
Slope = Callable[[float], float]


def _sigmoid(t: float) -> float:
    return 1 / (1 + math.exp(-t)) if t > -700 else 0.0


@dataclass(frozen=True)
class Rule:
    """How both players of the two-number game move.

    loss: "minimax", "non-saturating" or "wasserstein". rate: the step size h. alternate: whether the generator answers the
    discriminator's new number rather than its old one. rounds: moves of the discriminator before each one of the generator.
    penalty: γ of R1, which adds γ ψ² / 2 to the discriminator's loss.
    """

    loss: str = "minimax"
    rate: float = 0.2
    alternate: bool = False
    rounds: int = 1
    penalty: float = 0.0

    @property
    def slope(self) -> float:
        """f'(0): how strongly each player feels the other near the equilibrium."""
        return 1.0 if self.loss == "wasserstein" else 0.5

    def push_generator(self, theta: float, psi: float) -> float:
        """Minus the slope of the generator's loss in θ."""
        if self.loss == "wasserstein":
            return psi
        return psi * _sigmoid(theta * psi if self.loss == "minimax" else -theta * psi)

    def push_discriminator(self, theta: float, psi: float) -> float:
        """Minus the slope of the discriminator's loss in ψ."""
        pull = -theta if self.loss == "wasserstein" else -theta * _sigmoid(theta * psi)
        return pull - self.penalty * psi

    def move(self, theta: float, psi: float) -> tuple[float, float]:
        """One round of the game."""
        new = psi
        for _ in range(self.rounds):
            new += self.rate * self.push_discriminator(theta, new)
        return theta + self.rate * self.push_generator(theta, new if self.alternate else psi), new

    def path(self, theta: float, psi: float, steps: int = STEPS) -> np.ndarray:
        """The two numbers at the start and after each of `steps` rounds, (steps + 1, 2), cut at ±1e6."""
        places = [(theta, psi)]
        for _ in range(steps):
            places.append(tuple(max(-1e6, min(1e6, number)) for number in self.move(*places[-1])))
        return np.array(places)

    def matrix(self) -> np.ndarray:
        """The round near the equilibrium as a matrix (2, 2) that multiplies (θ, ψ): exact to first order."""
        h, f = self.rate, self.slope
        once = np.array([[1.0, 0.0], [-h * f, 1 - h * self.penalty]])
        discriminator = np.linalg.matrix_power(once, self.rounds)
        seen = discriminator[1] if self.alternate else np.array([0.0, 1.0])
        return np.array([np.array([1.0, 0.0]) + h * f * seen, discriminator[1]])

    def eigenvalues(self) -> tuple[complex, complex]:
        """Of the matrix of one round: the growth per round is the larger modulus."""
        (a, b), (c, d) = self.matrix().tolist()
        root = cmath.sqrt((a - d) ** 2 / 4 + b * c)
        return (a + d) / 2 + root, (a + d) / 2 - root

    def flow_eigenvalues(self) -> tuple[complex, complex]:
        """Of the field of arrows at the equilibrium: -γ/2 ± √(γ²/4 - f'²) (Mescheder et al. 2018, section 4)."""
        root = cmath.sqrt(self.penalty**2 / 4 - self.slope**2)
        return -self.penalty / 2 + root, -self.penalty / 2 - root


def start_of(place: tuple[int, int]) -> tuple[float, float]:
    """(θ, ψ) in the middle of the cell (row from the top, column) of the plane."""
    row, column = place
    return -REACH + 2 * REACH * (column + 0.5) / CELLS, REACH - 2 * REACH * (row + 0.5) / CELLS


def _pixels(places: np.ndarray) -> list[tuple[float, float]]:
    across = (places[:, 0].clip(-4, 4) + REACH) / (2 * REACH) * SIDE
    down = (REACH - places[:, 1].clip(-4, 4)) / (2 * REACH) * SIDE
    return list(zip(across.tolist(), down.tolist(), strict=True))


def _field(rule: Rule) -> Image.Image:
    """The plane with an arrow of the joint push at places of a grid, all of one length; the equilibrium as a cross."""
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    pen, middle = ImageDraw.Draw(picture), SIDE / 2
    pen.line([(0, middle), (SIDE, middle)], fill="#dddddd")
    pen.line([(middle, 0), (middle, SIDE)], fill="#dddddd")
    for theta in np.linspace(-1.8, 1.8, 13).tolist():
        for psi in np.linspace(-1.8, 1.8, 13).tolist():
            right, up = rule.push_generator(theta, psi), rule.push_discriminator(theta, psi)
            size = math.hypot(right, up)
            if size > 1e-9:
                ((x, y),) = _pixels(np.array([[theta, psi]]))
                dx, dy = 10 * right / size, -10 * up / size
                pen.line([(x - dx, y - dy), (x + dx, y + dy)], fill="#777777")
                pen.ellipse((x + dx - 2, y + dy - 2, x + dx + 2, y + dy + 2), fill="#777777")
    pen.text((middle + 5, 2), "ψ", fill="black", font=font(12, "DejaVu Sans"))
    pen.text((SIDE - 4, middle - 4), "θ", fill="black", font=font(12, "DejaVu Sans"), anchor="rb")
    return picture


@explorer
def two_numbers() -> Panel:
    """The plane of θ and ψ: click a start, and see the path of both numbers over STEPS rounds."""
    kept: dict[Rule, Image.Image] = {}

    def rule_of(loss: str, order: str, rate: float, rounds: int, penalty: float) -> Rule:
        return Rule(loss, rate, order == "alternate", rounds, penalty)

    def background(place: tuple[int, int], **given) -> np.ndarray:
        rule = rule_of(**given)
        look = Rule(rule.loss, penalty=rule.penalty)  # the arrows do not depend on the rest
        if look not in kept:
            kept.clear()
            kept[look] = _field(look)
        picture = kept[look].copy()
        pen, dots = ImageDraw.Draw(picture), _pixels(rule.path(*start_of(place)))
        pen.line(dots, fill=plots.BLUE, width=2)
        (x, y), (u, v) = dots[0], dots[-1]
        pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill=plots.VERMILION)
        pen.rectangle((u - 5, v - 5, u + 5, v + 5), fill=plots.BLUE)
        return np.asarray(picture)

    def render(place: tuple[int, int], **given) -> Image.Image:
        rule = rule_of(**given)
        return _ledger(rule, start_of(place))

    label = "click a start: θ across, ψ up; orange square to blue square"
    controls = [
        Pick("place", label, shape=(CELLS, CELLS), value=(42, 53), background=background, tint=plots.VERMILION, side=SIDE),
        Choice("loss", "loss", ["minimax", "non-saturating", "wasserstein"]),
        Choice("order", "moves", ["simultaneous", "alternate"]),
        Slider("rate", "step size h", 0.05, 1.0, value=0.2, step=0.05),
        Slider("rounds", "discriminator moves per round", 1, 5, value=1, step=1),
        Slider("penalty", "R1 strength γ", 0.0, 1.5, value=0.0, step=0.05),
    ]
    alt = "A plane of two numbers with arrows that turn around the middle, and a path; beside it, the distance over the rounds."
    return Panel(render, controls, title="Two numbers instead of two networks", alt=alt)


def _ledger(rule: Rule, start: tuple[float, float]) -> Image.Image:
    """The distance from the equilibrium over the rounds, and the numbers that explain it."""
    distance = np.hypot(*rule.path(*start).T)
    wide, high, left, top = 330, 150, 44, 26
    sheet = Image.new("RGB", (wide + left + 16, SIDE), "white")
    pen, letters = ImageDraw.Draw(sheet), font(13, "DejaVu Sans")
    pen.text((left, 4), "distance from the equilibrium (0 to 3) by round", fill="black", font=letters)
    pen.line([(left, top), (left, top + high), (left + wide, top + high)], fill="black")
    shown = distance.clip(0, 3)
    across = left + np.arange(len(shown)) * wide / STEPS
    pen.line(list(zip(across.tolist(), (top + high - shown * high / 3).tolist(), strict=True)), fill=plots.BLUE, width=2)
    for number, height in ((3, top), (0, top + high)):
        pen.text((left - 6, height), str(number), fill="black", font=letters, anchor="rm")
    pen.text((left + wide, top + high + 4), f"{STEPS} rounds", fill="black", font=letters, anchor="ra")
    growth = max(map(abs, rule.eigenvalues()))
    linear = np.linalg.norm(np.linalg.matrix_power(rule.matrix(), STEPS) @ np.array(start))
    lines = [
        f"Jacobian of the field: {_pair(rule.flow_eigenvalues())}",
        f"one round: {_pair(rule.eigenvalues())}",
        f"largest modulus per round: {growth:.5f}",
        f"distance at the start: {distance[0]:.3f}",
        f"after {STEPS} rounds: {_short(distance[-1])}",
        f"by the matrix power, exact near 0: {_short(linear)}",
    ]
    for row, words in enumerate(lines):
        pen.text((left - 30, top + high + 28 + 21 * row), words, fill="black", font=letters)
    return sheet


def _pair(values: tuple[complex, complex]) -> str:
    """Two eigenvalues in few letters."""
    first, second = values
    if abs(first.imag) > 1e-12:
        return f"{first.real:.4g} ± {abs(first.imag):.4g} i"
    return f"{first.real:.4g} and {second.real:.4g}"


def _short(distance: float) -> str:
    return f"{distance:.4g}" if distance < 1e5 else "beyond 100,000"
