"""The gallery grows with the checkpoints at hand, and the map with the notebooks."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from course_lib.explore.course import course_map, gallery
from course_lib.explore.course.gallery import Exhibit
from course_lib.models.autoregressive import NADE
from course_lib.models.latent import VAE
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
    return np.asarray(panel.render(**{"seed": 0, "again": 0, **({"page": "p"} if len(panel.controls) > 2 else {}), **values}))


def test_shipped_and_own_models_stand_on_the_page_of_their_family_in_the_order_of_the_course(home, monkeypatch):
    assert gallery.trained() == {}
    digits, clothes = RECIPES["nade-mnist"], replace(RECIPES["dcgan-fashion"], data="fashion")
    made = {
        "b-nade": digits,
        "one-of-many": replace(digits, weights=False),
        "a-nade": digits,
        "clothes": clothes,
        "nowhere": digits,
    }
    monkeypatch.setattr(gallery, "RECIPES", made)
    checkpoints.save("b-nade", nade(), {}, folder=home / "shipped")
    for name in ("a-nade", "b-nade", "one-of-many", "clothes", "of-no-recipe"):
        checkpoints.save(name, nade(), {})
    found = gallery.trained()
    assert {page: list(sheets) for page, sheets in found.items()} == {
        "autoregressive": ["real, binary", "b-nade", "a-nade"],
        "fashion": ["real, fashion", "clothes"],
    }
    for sheets in found.values():
        for exhibit in sheets.values():
            assert exhibit.draw(3, torch.Generator().manual_seed(0)).shape == (3, 1, 28, 28)


def test_the_first_page_mixes_the_families_and_no_digit_is_on_two_real_sheets(home, monkeypatch):
    grey = replace(RECIPES["dcgan-mnist"])
    monkeypatch.setattr(gallery, "RECIPES", {"one": RECIPES["nade-mnist"], "two": RECIPES["nade-mnist"], "game": grey})
    for name in ("one", "two"):
        checkpoints.save(name, nade(), {}, folder=home / "shipped")
    checkpoints.save("game", grey.build(), {}, folder=home / "shipped")
    pages = gallery.trained()
    assert list(pages) == [gallery.MIXED, "autoregressive", "adversarial"]
    mixed = pages[gallery.MIXED]
    assert list(mixed) == ["real, binary", "two", "real, grey", "game"]
    sheets = [mixed[f"real, {pixels}"].draw(16, torch.Generator().manual_seed(0)) > 0.5 for pixels in ("binary", "grey")]
    assert not any((one == other).float().mean() > 0.97 for one in sheets[0] for other in sheets[1])


def test_close_ups_come_in_the_size_of_their_model_which_shows_its_means_without_noise(home, monkeypatch):
    large = RECIPES["beta-vae-4-close-ups"]
    small = replace(large, build=partial(VAE, event_shape=(3, 16, 16), latent=2, hidden=(8,), output="gaussian"), source=None)
    monkeypatch.setattr(gallery, "RECIPES", {"small": small, "large": large})
    for name, recipe in gallery.RECIPES.items():
        model = recipe.build()
        model.log_scale.requires_grad_(False).fill_(3.0)  # noise that would cover every face
        checkpoints.save(name, model, {}, folder=home / "shipped")
    page = gallery.trained()["close-ups"]
    assert list(page) == ["real, close-ups, 16 × 16", "small", "real, close-ups, 32 × 32", "large"]
    drawn = [exhibit.draw(4, torch.Generator().manual_seed(0)) for exhibit in page.values()]
    assert [x.shape[-1] for x in drawn] == [16, 16, 32, 32]
    assert max(x.std() for x in drawn) < 1


def test_a_student_without_a_folder_sees_the_shipped_models(home, monkeypatch):
    def nowhere():
        raise FileNotFoundError("no home")

    monkeypatch.setattr(checkpoints, "own_dir", nowhere)
    checkpoints.save("nade-mnist", nade(), {}, folder=home / "shipped")
    assert list(gallery.trained()["autoregressive"]) == ["real, binary", "nade-mnist"]


class Counting:
    """Draws noise and counts how often it was asked to."""

    def __init__(self):
        self.calls = 0

    def __call__(self, n, generator):
        self.calls += 1
        return torch.rand(n, 1, 4, 4, generator=generator)


def pages_of(**draws):
    return {"p": {name: Exhibit(f"about {name}", draw) for name, draw in draws.items()}}


def test_a_page_draws_its_own_models_alone_and_nothing_is_drawn_twice():
    first, second = Counting(), Counting()
    panel = gallery.gallery({"p": {"one": Exhibit("", first)}, "q": {"two": Exhibit("", second)}})
    assert (first.calls, second.calls) == (1, 0)
    picture(panel, seed=3)
    picture(panel, seed=3, reveal=True)
    assert (first.calls, second.calls) == (2, 0)
    picture(panel, seed=3, page="q")
    assert (first.calls, second.calls) == (2, 1)


def test_names_are_behind_reveal_and_the_order_changes_with_the_draw():
    draws = {f"m{shade}": lambda n, made, shade=shade: torch.full((n, 1, 4, 4), shade / 10) for shade in range(6)}
    panel = gallery.gallery(pages_of(**draws))

    def order(seed, reveal=False):
        sheet = picture(panel, seed=seed, reveal=reveal)[..., 0]
        return [int(sheet[75 + 252 * row, 35 + 212 * column]) for row, column in ((0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1))]

    assert len(set(order(0))) == 6
    assert order(0) == order(0, reveal=True)  # a sheet stays where it is, so that a guess can be compared
    assert any(order(seed) != order(0) for seed in (1, 2, 3))
    hidden, told = picture(panel, seed=0), picture(panel, seed=0, reveal=True)
    assert not np.array_equal(hidden[:40], told[:40])


def test_sheets_come_one_after_another():
    panel = gallery.gallery(pages_of(one=Counting(), two=Counting(), three=Counting()))
    pictures = list(panel.stages(seed=5, again=0, page="p", reveal=False))
    assert len(pictures) == 3
    assert len({picture.size for picture in pictures}) == 1
    assert np.array_equal(np.asarray(pictures[-1]), picture(panel, seed=5))


def test_pixels_outside_0_and_1_are_cut_to_black_and_white():
    def beyond(n, generator):
        return torch.where(torch.arange(16).view(4, 4) < 8, -3.0, 7.0).expand(n, 1, 4, 4)

    sheet = picture(gallery.gallery(pages_of(beyond=beyond)))[50:252, 10:212, 0]
    assert set(np.unique(sheet)) == {0, 96, 255}  # black, the grey between tiles, white


def test_with_no_model_the_gallery_says_what_to_do():
    assert "course train" in gallery.NOTHING_YET
    empty = picture(gallery.gallery({}))
    assert (empty < 100).sum() > 500  # something is written


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


def test_no_name_and_no_word_about_a_shipped_model_is_cut():
    for name in (name for name, recipe in RECIPES.items() if recipe.weights):
        lines = gallery._broken(RECIPES[name].about)
        assert " ".join(lines) == RECIPES[name].about.replace("×", "x")
        assert gallery.font(15).getlength(name) <= gallery._SHEET, name
        assert all(gallery.font(11).getlength(line) <= gallery._SHEET for line in lines), name
        assert len(lines) <= 3, name
