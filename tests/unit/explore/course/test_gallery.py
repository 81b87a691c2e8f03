"""The gallery grows with the checkpoints at hand, and the map with the notebooks."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from course_lib.explore.course import course_map, gallery
from course_lib.models.autoregressive import NADE
from course_lib.training import checkpoints
from course_lib.training.recipes import RECIPES


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(checkpoints, "shipped_dir", lambda: tmp_path / "shipped")
    return tmp_path


def nade():
    return NADE(event_shape=(1, 28, 28), hidden=4)


def picture(panel, **values):
    return np.asarray(panel.render(**{"seed": 0, "again": 0, **values}))


def test_the_recipes_say_which_shipped_and_own_models_are_shown(home, monkeypatch):
    assert gallery.trained() == {}
    shown, hidden = (replace(RECIPES["nade-mnist"], gallery=says) for says in (True, False))
    monkeypatch.setattr(gallery, "RECIPES", {"a-nade": shown, "b-nade": shown, "a-nade-sideways": hidden, "nowhere": shown})
    checkpoints.save("b-nade", nade(), {"about": "shipped"}, folder=home / "shipped")
    checkpoints.save("a-nade", nade(), {"about": "mine"})
    checkpoints.save("b-nade", nade(), {"about": "mine, not shown"})
    checkpoints.save("a-nade-sideways", nade(), {"about": "not in the gallery"})
    checkpoints.save("of-no-recipe", nade(), {})
    found = gallery.trained()
    assert {name: words for name, (words, _) in found.items()} == {"b-nade": "shipped", "a-nade": "mine"}


def test_a_student_without_a_folder_sees_the_shipped_models(home, monkeypatch):
    def nowhere():
        raise FileNotFoundError("no home")

    monkeypatch.setattr(checkpoints, "own_dir", nowhere)
    checkpoints.save("nade-mnist", nade(), {"about": "shipped"}, folder=home / "shipped")
    assert list(gallery.trained()) == ["nade-mnist"]


class Counting:
    """Draws white images and counts how often it was asked to."""

    event_shape = (1, 4, 4)

    def __init__(self):
        self.calls = 0

    def sample(self, n, *, generator):
        self.calls += 1
        return torch.rand(n, 1, 4, 4, generator=generator)


def test_a_page_draws_its_own_models_alone_and_nothing_is_drawn_twice():
    models = {f"m{place}": Counting() for place in range(7)}
    panel = gallery.gallery({name: ("", model) for name, model in models.items()})
    assert [model.calls for model in models.values()] == [1] * 7
    assert panel.controls[-1].values() == ["all", "1–5", "6–7"]
    first = picture(panel, seed=3, page="1–5")
    assert [model.calls for model in models.values()] == [2] * 5 + [1] * 2
    picture(panel, seed=3, page="6–7")
    whole = picture(panel, seed=3, page="all")
    assert [model.calls for model in models.values()] == [2] * 7
    assert np.array_equal(whole[: first.shape[0] - 12], first[:-12])  # the last 12 rows are the margin below
    assert np.array_equal(picture(panel, seed=3, page="1–5"), first)


def test_each_model_adds_a_sheet_and_seed_and_button_draw_anew():
    alone = picture(gallery.gallery({}))
    one = gallery.gallery({"nade": ("words", nade())})
    three = gallery.gallery({name: ("", nade()) for name in "abc"})
    assert one.alt == "Sheets of 16 images each: real digits, nade."
    assert picture(one).shape == alone.shape
    assert not np.array_equal(picture(one), alone)
    assert picture(three).shape[0] == pytest.approx(2 * alone.shape[0], abs=30)
    assert np.array_equal(picture(one), picture(one))
    assert not np.array_equal(picture(one), picture(one, seed=1))
    assert not np.array_equal(picture(one), picture(one, again=1))


def test_pixels_outside_0_and_1_are_cut_to_black_and_white():
    class Beyond(Counting):
        def sample(self, n, *, generator):
            return torch.where(torch.arange(16).view(4, 4) < 8, -3.0, 7.0).expand(n, 1, 4, 4)

    sheet = picture(gallery.gallery({"beyond": ("", Beyond())}))[52:286, 258:492, 0]
    assert set(np.unique(sheet)) == {0, 96, 255}  # black, the grey between tiles, white


def test_with_no_model_the_gallery_says_what_to_do():
    assert "course train" in gallery.NOTHING_YET
    empty = picture(gallery.gallery({}))
    words = empty[:, empty.shape[1] // 2 + 20 :]
    assert (words < 100).sum() > 500  # something is written beside the real digits


def test_the_map_links_what_is_there_and_names_what_is_to_come(tmp_path):
    (tmp_path / "07_nade.ipynb").write_text("{}")
    drawn = course_map.course_map(tmp_path, lambda lesson: "1 of 4" if lesson == "07" else "0 of 0")
    shown = drawn._repr_html_()
    assert '<a href="07_nade.ipynb">07 nade</a>' in shown
    assert "1 of 4 solved" in shown
    assert shown.count("to come") == 26
    assert shown.count("<a ") == 1
    assert "08_recurrent_networks  to come" in str(drawn)
    numbers = [lesson[:2] for lessons in course_map.PARTS.values() for lesson in lessons]
    assert numbers == [f"{n:02d}" for n in range(27)]


def test_the_next_step_is_the_first_lesson_not_yet_solved(tmp_path):
    for name in ("00_start_here", "03_chain_rule", "07_nade"):
        (tmp_path / f"{name}.ipynb").write_text("{}")
    done = {"03": "4 of 4", "07": "1 of 5"}
    assert "(03_chain_rule.ipynb)" in course_map.course_map(tmp_path).next_step().data
    assert "(07_nade.ipynb)" in course_map.course_map(tmp_path, done.get).next_step().data
    assert "(03_chain_rule.ipynb)" in course_map.course_map(tmp_path, lambda lesson: "0 of 4").next_step().data
    assert "Every exercise" in course_map.course_map(tmp_path, lambda lesson: "4 of 4").next_step().data
