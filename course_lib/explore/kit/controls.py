"""The controls of a panel: the name of each, its values, and the widget that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import ipywidgets
import traitlets

from course_lib.explore.kit.player import Player

WIDTH = "300px"  # of a control in the column beside the picture


class Control(Protocol):
    """What a panel needs of a control: a name (of render's argument), a label, a first value, and the whole range of values."""

    name: str
    label: str

    @property
    def first(self) -> Any:
        """The value at first."""

    def values(self) -> list[Any]:
        """The whole range: all values, or both ends and evenly spaced ones between."""

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """The widget whose `value` render gets, and all widgets to lay out for it."""


@dataclass(frozen=True)
class Slider:
    """A number from `low` to `high` in steps; whole numbers where low, high and step are whole.

    Args:
        name, label: the name of render's argument, and what the student reads (with units).
        value: at first; None takes the middle.
        step: the distance between two values.
        play: milliseconds per step of a play button beside the slider; None makes no button.
        live: False shows the result only when the slider is released, for a render that takes more than 100 ms.

    Raises ValueError when the range is empty, or when the value lies outside it.
    """

    name: str
    label: str
    low: float
    high: float
    value: float | None = None
    step: float = 1
    play: int | None = None
    live: bool = True

    def __post_init__(self):
        if not (self.high > self.low and self.step > 0):
            raise ValueError(f"slider {self.name!r} needs low < high and step > 0; got {self.low}, {self.high}, {self.step}")
        if not self.low <= self.first <= self.high:
            raise ValueError(f"slider {self.name!r} starts at {self.value}, outside [{self.low}, {self.high}]")

    @property
    def whole(self) -> bool:
        """Whether all values are integers."""
        return all(isinstance(number, int) for number in (self.low, self.high, self.step))

    def _at(self, index: int) -> float:
        return self.low + index * self.step if self.whole else round(self.low + index * self.step, 10)

    @property
    def first(self) -> float:
        """The value given, or else the one in the middle."""
        if self.value is not None:
            return self.value
        return self._at(int((self.high - self.low) / self.step) // 2)

    def values(self) -> list[float]:
        """All values, or 50 of them, evenly spaced, where there are more."""
        count = int((self.high - self.low) / self.step + 1e-9)  # steps from low to high
        chosen = range(count + 1) if count < 50 else sorted({round(index * count / 49) for index in range(50)})
        return [self._at(index) for index in chosen]

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """An integer or a float slider, with its play button where it has one."""
        kind = ipywidgets.IntSlider if self.whole else ipywidgets.FloatSlider
        slider = kind(
            value=self.first, min=self.low, max=self.high, step=self.step, continuous_update=self.live, description=self.label,
            layout={"width": WIDTH},
        )  # fmt: skip
        if self.play is None:
            return slider, [slider]
        return slider, [slider, Player(slider=slider, interval=self.play)]


@dataclass(frozen=True)
class Choice:
    """One of several: `options` are values, or a mapping from what the student reads to the value.

    Raises ValueError when `value` is not among them.
    """

    name: str
    label: str
    options: Sequence[Any] | Mapping[str, Any]
    value: Any = None

    def __post_init__(self):
        if not len(self.options) or self.first not in self.values():
            raise ValueError(f"choice {self.name!r}: the value {self.value!r} is not among {self.values()}")

    @property
    def first(self) -> Any:
        """The value given, or else the first option."""
        return self.values()[0] if self.value is None else self.value

    def values(self) -> list[Any]:
        """All options' values, in the order shown."""
        return list(self.options.values()) if isinstance(self.options, Mapping) else list(self.options)

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """A row of buttons where the options are few and short, otherwise a drop-down list."""
        pairs = (
            list(self.options.items()) if isinstance(self.options, Mapping) else [(str(value), value) for value in self.options]
        )
        short = len(pairs) <= 4 and sum(len(text) for text, _ in pairs) <= 44
        kind = ipywidgets.ToggleButtons if short else ipywidgets.Dropdown
        chooser = kind(options=pairs, value=self.first, description=self.label, layout={"width": WIDTH})
        if short:
            chooser.style.button_width = "auto"
        return chooser, [chooser]


@dataclass(frozen=True)
class Toggle:
    """Yes or no."""

    name: str
    label: str
    value: bool = False

    @property
    def first(self) -> bool:
        """The value at first."""
        return self.value

    def values(self) -> list[bool]:
        """No and yes."""
        return [False, True]

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """A checkbox."""
        box = ipywidgets.Checkbox(value=self.value, description=self.label, indent=False, layout={"width": WIDTH})
        return box, [box]


class _Counter(ipywidgets.Button):
    """A button whose `value` is the number of clicks."""

    def __init__(self, **given: Any):
        super().__init__(**given)
        self.add_traits(value=traitlets.CInt(0))
        self.on_click(self._count)

    def _count(self, _) -> None:
        self.value += 1


@dataclass(frozen=True)
class Button:
    """Something to do again. Its value is the number of clicks, from 0, which may serve as a seed."""

    name: str
    label: str

    @property
    def first(self) -> int:
        """No click yet."""
        return 0

    def values(self) -> list[int]:
        """The counts after no click, one, two and three clicks."""
        return [0, 1, 2, 3]

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """A button whose value is the number of clicks."""
        button = _Counter(description=self.label, layout={"width": "auto", "align_self": "flex-start"})
        return button, [button]


@dataclass(frozen=True)
class Text:
    """A line of text. `examples` are what a student may type, also the empty line and odd characters."""

    name: str
    label: str
    value: str = ""
    examples: Sequence[str] = ("", "é–\u03b8 123")

    @property
    def first(self) -> str:
        """The line that stands there at first."""
        return self.value

    def values(self) -> list[str]:
        """That line, and the examples."""
        return list(dict.fromkeys([self.value, *self.examples]))

    def build(self) -> tuple[ipywidgets.Widget, list[ipywidgets.Widget]]:
        """A field for one line of text."""
        field = ipywidgets.Text(value=self.value, description=self.label, layout={"width": WIDTH})
        return field, [field]
