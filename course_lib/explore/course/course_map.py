"""The map of the course: six parts, their lessons in order, a link to each that is there."""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from IPython.display import Markdown

PARTS: dict[str, tuple[str, ...]] = {
    "Begin": ("00_start_here",),
    "I · Probability and structure": (
        "01_generative_models", "02_distributions", "03_chain_rule", "04_gaussian_mixtures", "05_hidden_markov_models",
    ),
    "II · Autoregressive models": (
        "06_autoregressive", "07_nade", "08_recurrent_networks", "09_pixelrnn", "10_hierarchical_sequences",
    ),
    "III · Latent variables": (
        "11_autoencoders", "12_variational_autoencoders", "13_latent_space", "14_hierarchical_models",
    ),
    "IV · Adversarial models": ("15_gans", "16_image_gans", "17_wasserstein_gans", "18_conditional_gans", "19_cyclegan"),
    "V · Other roads": ("20_energy_models", "21_normalizing_flows", "22_score_models", "23_diffusion"),
    "VI · Judge and use": ("24_evaluation", "25_applications", "26_scoreboard"),
}  # fmt: skip
_COLOURS = ("#000000", "#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#56B4E9")  # beside each part's name


@dataclass(frozen=True, repr=False)
class CourseMap:
    """All lessons in order; `present` are those whose notebook is there, `solved` says "2 of 4" for a lesson's number."""

    present: frozenset[str]
    solved: Callable[[str], str]

    def _note(self, lesson: str) -> str:
        if lesson not in self.present:
            return "to come"
        done = self.solved(lesson[:2])
        return "" if done.endswith(" of 0") or not done else f"{done} solved"

    def __str__(self) -> str:
        lines = []
        for part, lessons in PARTS.items():
            lines += [part, *(f"    {lesson}  {self._note(lesson)}".rstrip() for lesson in lessons)]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(self._row(part, colour) for part, colour in zip(PARTS, _COLOURS, strict=True))
        return f'<table aria-label="Map of the course">{rows}</table>'

    def next_step(self) -> Markdown:
        """A link to the first lesson after this one whose exercises are not all solved."""
        ahead = [lesson for lessons in list(PARTS.values())[1:] for lesson in lessons if lesson in self.present]
        for lesson in ahead:
            done, _, declared = self.solved(lesson[:2]).partition(" of ")
            if done != declared or done in ("", "0"):
                return Markdown(
                    f"**Your next step: open [{lesson.replace('_', ' ')}]({lesson}.ipynb)** and make its first prediction."
                )
        return Markdown(
            "**Every exercise of every lesson here is solved.** Choose your own next step: a digit no model here can draw?"
        )

    def _row(self, part: str, colour: str) -> str:
        boxes = " → ".join(self._box(lesson) for lesson in PARTS[part])
        style = f"border-left: 6px solid {colour}; text-align: left; white-space: nowrap"
        return f'<tr><th style="{style}">{html.escape(part)}</th><td style="text-align: left">{boxes}</td></tr>'

    def _box(self, lesson: str) -> str:
        name = lesson.replace("_", " ")
        note = f" <small>({self._note(lesson)})</small>" if self._note(lesson) else ""
        if lesson in self.present:
            return f'<b><a href="{lesson}.ipynb">{name}</a></b>{note}'
        return f"<span>{name}{note}</span>"


def course_map(folder: Path | str = ".", solved: Callable[[str], str] = lambda lesson: "") -> CourseMap:
    """The map, with links to the notebooks found in `folder`; solved: lesson number -> "2 of 4", as progress().line gives."""
    return CourseMap(frozenset(path.stem for path in Path(folder).glob("[0-9][0-9]_*.ipynb")), solved)
