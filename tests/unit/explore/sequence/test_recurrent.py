"""The gate watcher: what it keeps between two texts changes nothing."""

import numpy as np

from course_lib import runtime
from course_lib.explore.sequence.recurrent import COLUMN, LEFT, ROTATION, ROW, TOP, TORCHS, gate_watcher, gradient_reach
from course_lib.models.sequence import CharacterModel


def watcher():
    runtime.seed(0)
    model = CharacterModel(symbols=4, length=9, hidden=6).eval().requires_grad_(False)
    return gate_watcher(model, " abc", {"all": range(6)}, text="ab", wide=12)


def test_typing_on_shows_what_reading_anew_shows():
    panel = watcher()
    for text in ("a", "ab", "abc", "abc cab", "abb", "b", "", "ca" * 20):
        fresh = watcher()
        for watched in ("memory", "forget"):
            one, other = (np.asarray(p.render(text=text, watched=watched, chosen="all")) for p in (panel, fresh))
            assert np.array_equal(one, other)


def test_unknown_characters_are_left_out():
    panel = watcher()
    heat = [np.asarray(panel.render(text=text, watched="output", chosen="all"))[:-30] for text in ("abc", "aθbéc")]
    assert np.array_equal(*heat)


def test_the_gradients_curves_start_at_1_and_follow_the_sliders():
    panel = gradient_reach(lags=20, hidden=8)
    figure = panel.render(bias=-2.0, start=ROTATION, gain=0.5)
    left = {line.get_label(): line.get_ydata()[-1] for line in figure.axes[0].lines}
    figure = panel.render(bias=6.0, start=ROTATION, gain=3.0)
    right = {line.get_label(): line.get_ydata()[-1] for line in figure.axes[0].lines}
    for name in ("tanh RNN", "LSTM", "GRU", "σ(bias)^k"):
        assert left[name] < 1e-3
        assert right[name] > 0.01
    assert right["tanh RNN"] > 10


def test_small_inputs_and_a_rotation_carry_the_gradient_further_than_torchs_start():
    panel = gradient_reach(lags=20, hidden=32)
    ends = {start: panel.render(bias=0.0, start=start, gain=1.0).axes[0].lines[0].get_ydata()[-1] for start in (ROTATION, TORCHS)}
    assert ends[ROTATION] > 1e3 * ends[TORCHS]


def test_the_slider_reads_as_far_as_a_shorter_text_and_keeps_the_characters_in_their_places():
    panel, chosen = watcher(), {"watched": "memory", "chosen": "all"}
    for text, place, read in (("abc cab", -3, "abc "), ("abc cab", 0, "abc cab"), ("ab", -1, "a"), ("ab", -12, ""), ("", -5, "")):
        assert panel.render(text=text, place=place, **chosen) == panel.render(text=read, place=0, **chosen)
    longer = "abc cab " * 3  # 24 characters, of which 12 are shown
    some, all_of_it = (np.asarray(panel.render(text=longer, place=place, **chosen)) for place in (-4, 0))
    maps = slice(TOP, TOP + 6 * ROW), slice(LEFT, LEFT + 8 * COLUMN)
    assert np.array_equal(some[maps], all_of_it[maps])
    assert (some[maps[0], LEFT + 8 * COLUMN + 1 :] == 255).all()
    none = np.asarray(panel.render(text=longer, place=-12, **chosen))  # what is shown has not been read yet
    assert (none[maps] == 255).all()
