"""A row of buttons that remembers the order in which they were clicked: for games with a tally."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import ipywidgets
import traitlets

from course_lib.explore.kit.controls import WIDTH


class _Row(ipywidgets.HBox):
    """Buttons side by side, whose `value` holds all clicks so far."""

    value = traitlets.Tuple(())

    def click(self, option: str, _: Any = None) -> None:
        """Add one click to the value."""
        self.value = (*self.value, option)


@dataclass(frozen=True)
class Clicks:
    """Buttons side by side: render gets the tuple of the options clicked so far, in their order.

    A game needs no other memory: its round and its tally follow from the clicks, so that `render` stays pure.
    """

    name: str
    label: str
    options: Sequence[str]

    @property
    def first(self) -> tuple[str, ...]:
        """No click yet."""
        return ()

    def values(self) -> list[tuple[str, ...]]:
        """No click, each option once, and all of them one after another, several times."""
        return [(), *[(option,) for option in self.options], tuple(self.options) * 3]

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """A row of buttons under its label."""
        row = _Row(layout={"width": WIDTH})
        buttons = [ipywidgets.Button(description=option, layout={"width": "auto"}) for option in self.options]
        for option, button in zip(self.options, buttons, strict=True):
            button.on_click(partial(row.click, option))
        row.children = buttons
        return row, [ipywidgets.Label(self.label), row]


def rounds(clicks: Sequence[str], onwards: str) -> list[str | None]:
    """The first answer of each round of a game, or None: `onwards` is the option that begins the next round."""
    answers: list[str | None] = [None]
    for click in clicks:
        if click == onwards:
            answers.append(None)
        elif answers[-1] is None:
            answers[-1] = click
    return answers
