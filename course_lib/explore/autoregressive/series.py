"""Explorer of forecasts: how far ahead a linear model can see, from any year and with any number of lags."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from course_lib import plots
from course_lib.explore.kit.entry import explorer
from course_lib.explore.kit.panel import Panel, Slider, Toggle
from course_lib.models.autoregressive import LinearAutoregression

WIDTH = 1.645  # standard deviations on either side that hold 90 % of a Gaussian


@explorer
def forecaster(
    series: Tensor, years: Tensor, *, learned: int, lags: int = 9, most: int = 20, ahead: int = 40, seen: int = 60, unit: str = ""
) -> Panel:
    """Forecasts of a series with their 90 % bands, from the last known year on.

    Args:
        series, years: (T,) each. The series must not be negative, because the model may be one of its square root.
        learned: the models are fitted to this many values, the first ones.
        lags, most: the number N of lags at first, and the largest one offered.
        ahead, seen: how many years are drawn after and before the last known one.
        unit: of the series, for the axis.
    """
    count, first = len(series), int(years[0])
    values = series.numpy()
    fitted = {
        (N, root): LinearAutoregression(event_shape=(count,), lags=N).estimate(
            series[:learned].sqrt() if root else series[:learned]
        )
        for N in range(1, most + 1)
        for root in (False, True)
    }
    made = plots.figure(
        "Forecasts, and where 90 % of the values should fall", xlabel="year", ylabel=unit, size=(7.4, 3.6), alt="See the panel."
    )
    axes = made.axes[0]
    axes.set(xlim=(-seen, ahead), ylim=(-0.45 * values.max(), 1.35 * values.max()))
    axes.axhline(0, color="0.6", linewidth=1)
    axes.axvline(0, color="0.6", linewidth=1, linestyle=":")
    axes.set_xlabel("years from the last known one")
    band = axes.fill_between([0, 1], 0, 1, color=plots.SKY, alpha=0.4, linewidth=0, label="90 % of the forecast")
    (known,) = axes.plot([], [], color=plots.BLACK, linewidth=1.5, label="known")
    (truth,) = axes.plot([], [], "o", color=plots.VERMILION, markersize=4, label="what came")
    (middle,) = axes.plot([], [], color=plots.BLUE, label="middle of the forecast")
    words = axes.text(0.01, 0.03, "", transform=axes.transAxes)
    axes.legend(loc="upper left", ncols=4, fontsize=9)
    made.hold_still(band, known, truth, middle, words)

    def render(year: int, lags: int, root: bool):
        now = year - first  # index of the last known value
        history = series[: now + 1]
        given = fitted[lags, root].forecast(history.sqrt() if root else history, ahead)
        mean, spread = given.loc.numpy(), WIDTH * given.scale.numpy()
        low, high = mean - spread, mean + spread
        if root:  # a quantile of the root, squared, is a quantile of the series; a negative root counts as 0
            mean, low, high = (np.maximum(each, 0) ** 2 for each in (mean, low, high))
        steps = np.arange(1, ahead + 1)
        here = np.concatenate([[0], steps])
        start = values[now]
        up, down = np.concatenate([[start], high]), np.concatenate([[start], low])
        band.set_verts([np.column_stack([np.concatenate([here, here[::-1]]), np.concatenate([up, down[::-1]])])])
        middle.set_data(here, np.concatenate([[start], mean]))
        past = values[max(0, now - seen) : now + 1]
        known.set_data(np.arange(-len(past) + 1, 1), past)
        came = values[now + 1 : now + 1 + ahead]
        truth.set_data(steps[: len(came)], came)
        inside = int(((came >= low[: len(came)]) & (came <= high[: len(came)])).sum())
        words.set_text(
            f"known to {year}   ·   {inside} of {len(came)} years fell into the band   ·   lowest end of the band {low.min():.0f}"
        )
        return made

    begin = first + max(learned - 1, most)
    controls = [
        Slider("year", "last known year", first + most, int(years[-1]) - 1, value=begin, step=1),
        Slider("lags", "N, lags", 1, most, value=lags, step=1),
        Toggle("root", "model the square root instead", False),
    ]
    return Panel(
        render,
        controls,
        title="How far ahead can it see?",
        alt="The known years as a line, the forecast's middle, its 90 % band, and dots for what really came: the band "
        "widens within a few years and the middle flattens out.",
    )
