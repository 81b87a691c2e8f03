"""The forecaster draws what the model forecasts and what really came."""

import numpy as np
import pytest

from course_lib.datasets import load
from course_lib.explore.autoregressive.series import WIDTH, forecaster
from course_lib.models.autoregressive import LinearAutoregression

SERIES, YEARS = load("sunspots")


def lines(figure):
    return {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}


@pytest.mark.parametrize("root", [False, True])
def test_the_drawn_forecast_is_the_models(root):
    panel = forecaster(SERIES, YEARS, learned=200, lags=2, most=3, ahead=5, seen=10)
    figure = panel.render(year=1950, lags=2, root=root)
    values = SERIES.sqrt() if root else SERIES
    model = LinearAutoregression(event_shape=(309,), lags=2).estimate(values[:200])
    given = model.forecast(values[:251], 5)  # 1950 is the 251st year
    mean, ends = given.loc.numpy(), [given.loc.numpy() + sign * WIDTH * given.scale.numpy() for sign in (-1, 1)]
    if root:
        mean, *ends = (np.maximum(each, 0) ** 2 for each in (mean, *ends))
    drawn = lines(figure)
    np.testing.assert_allclose(drawn["middle of the forecast"][:, 1], [SERIES[250], *mean], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(drawn["what came"], np.stack([np.arange(1, 6), SERIES[251:256].numpy()], 1))
    np.testing.assert_allclose(drawn["known"][:, 1], SERIES[240:251])
    came = SERIES[251:256].numpy()
    inside = ((came >= ends[0]) & (came <= ends[1])).sum()
    assert f"{inside} of 5 years" in figure.axes[0].texts[0].get_text()


def test_near_the_end_only_the_years_that_came_are_counted():
    figure = forecaster(SERIES, YEARS, learned=200, lags=2, most=3, ahead=5).render(year=2006, lags=3, root=False)
    assert len(lines(figure)["what came"]) == 2
    assert "of 2 years" in figure.axes[0].texts[0].get_text()
