"""The gallery grows with the checkpoints at hand, and the map with the notebooks."""

import numpy as np
import pytest

from course_lib.explore.course import course_map, gallery
from course_lib.models.autoregressive import NADE
from course_lib.models.latent import VAE
from course_lib.models.probability.tables import IndependentTable
from course_lib.training import checkpoints


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    monkeypatch.setattr(checkpoints, "shipped_dir", lambda: tmp_path / "shipped")
    return tmp_path


def nade():
    return NADE(event_shape=(1, 28, 28), hidden=4)


def picture(panel, **values):
    return np.asarray(panel.render(**{"seed": 0, "again": 0, **values}))


def test_shipped_models_and_the_students_own_are_found_and_those_of_no_images_left_out(home):
    assert gallery.trained() == {}
    checkpoints.save("b-nade", nade(), {"about": "shipped"}, folder=home / "shipped")
    checkpoints.save("a-nade", nade(), {"about": "mine"})
    checkpoints.save("b-nade", nade(), {"about": "mine, not shown"})
    checkpoints.save("a-nade-sideways", nade(), {"about": "a variant"})
    checkpoints.save("patches", IndependentTable(event_shape=(9,)), {})
    found = gallery.trained()
    assert {name: words for name, (words, _) in found.items()} == {"b-nade": "shipped", "a-nade": "mine"}


def test_each_model_adds_a_sheet_and_seed_and_button_draw_anew():
    alone = picture(gallery.gallery({}))
    one = gallery.gallery({"nade": ("words", nade())})
    three = gallery.gallery({name: ("", nade()) for name in "abc"})
    assert one.alt.endswith("real digits, nade.")
    assert picture(one).shape == alone.shape
    assert not np.array_equal(picture(one), alone)
    assert picture(three).shape[0] == pytest.approx(2 * alone.shape[0], abs=30)
    assert np.array_equal(picture(one), picture(one))
    assert not np.array_equal(picture(one), picture(one, seed=1))
    assert not np.array_equal(picture(one), picture(one, again=1))


def test_pixels_outside_0_and_1_are_drawn():
    picture(gallery.gallery({"vae": ("", VAE(event_shape=(3, 8, 8), latent=2, hidden=(4,), output="gaussian"))}))


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
